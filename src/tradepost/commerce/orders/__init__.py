"""Orders: what was sold to whom, on which promise."""
