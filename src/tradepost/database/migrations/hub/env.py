"""Alembic's entry for the hub database."""

from tradepost.database.migrations.environment import run

run()
