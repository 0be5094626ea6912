"""Doors for who somebody is, and for how others check what we say about it."""
