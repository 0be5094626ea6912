"""Alembic's entry for the store database."""

from tradepost.database.migrations.environment import run

run()
