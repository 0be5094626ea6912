"""Bringing a database to this release's schema, all or nothing."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData, inspect, text

from tradepost.database.engine import ANALYSIS_LIMIT
from tradepost.database.schema import (
    FOLDER,
    SchemaState,
    Which,
    not_ours,
    reached,
    require_current,
    schema_state,
    state_of,
    trouble,
    version_table,
)

__all__ = ["SchemaState", "Which", "require_current", "schema_state", "trouble", "upgrade", "write_revision"]


def _config(which: Which) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER / which))
    return config


def upgrade(url: str, which: Which) -> SchemaState:
    """Bring the database to this release's schema in one transaction. Returns the state before."""
    with reached(url) as engine, engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(7105402)"))  # two starting replicas: one migrates
        before = state_of(connection, which)
        if before.state in ("ahead", "half"):
            raise not_ours(before, which)
        if before.state != "current":
            config = _config(which)
            config.attributes.update(connection=connection, version_table=version_table(which))
            command.upgrade(config, "head")
        if before.state == "behind":
            _gather_statistics(connection)
        return before


def _gather_statistics(connection: Connection) -> None:
    """For new columns and indexes: a planner that has statistics of all others but not of these takes wrong ways.
    SQLite has none where nobody loaded much (Database.tidy), and does better without."""
    if connection.dialect.name == "sqlite":
        if not inspect(connection).has_table("sqlite_stat1"):
            return
        connection.execute(text(f"PRAGMA analysis_limit={ANALYSIS_LIMIT}"))
    connection.execute(text("ANALYZE"))


def write_revision(url: str, which: Which, metadata: MetaData, message: str, revision: str) -> None:
    """For developers: write the migration that leads from the database's schema to `metadata`."""
    with reached(url) as engine, engine.begin() as connection:
        config = _config(which)
        config.attributes.update(connection=connection, version_table=version_table(which), metadata=metadata)
        command.revision(config, message, autogenerate=True, rev_id=revision)
