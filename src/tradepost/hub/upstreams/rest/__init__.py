"""Calling REST APIs: a tool's pinned definition says which request it stands for."""
