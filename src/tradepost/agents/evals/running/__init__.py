"""Running cases: one attempt in a world of its own, and all attempts of a dataset."""
