"""Alembic revisions of the two databases, installed with the package."""
