"""Doors through which people and their programs prove who they are."""
