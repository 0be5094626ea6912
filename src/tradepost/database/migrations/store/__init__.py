"""Revisions of the store database."""
