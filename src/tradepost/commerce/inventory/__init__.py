"""Inventory: where stock is, in which state, and how it moves."""
