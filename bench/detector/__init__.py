"""What the detector of injected instructions finds and what it takes for one wrongly: corpora, and measures on them."""
