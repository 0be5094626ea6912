"""Revisions of the hub database."""
