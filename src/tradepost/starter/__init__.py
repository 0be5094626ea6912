"""A first workspace: ready-made agents with their catalogs, and the demo around them."""
