"""Which servers exist, their tools, pins, assignments and the catalogs compiled from them."""
