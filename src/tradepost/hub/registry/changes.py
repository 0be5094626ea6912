"""Raising the registry version, for whoever works on this level; it lives with access, which changes it too."""

from tradepost.hub.access.changes import bump, note, record_change

__all__ = ["bump", "note", "record_change"]
