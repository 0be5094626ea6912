"""Reordering from suppliers."""
