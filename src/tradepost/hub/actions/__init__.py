"""One record per write: dedupe, frozen arguments, approval, lease, outcome."""
