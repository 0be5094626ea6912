"""Bringing a database to this release's schema, all or nothing, and saying plainly what state it is in."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError

from tradepost.database.base import HubBase, StoreBase
from tradepost.database.engine import ANALYSIS_LIMIT, BUSY_TIMEOUT_MS
from tradepost.database.urls import parse_url
from tradepost.database.wal import use_wal
from tradepost.foundation.errors import SetupError

Which = Literal["hub", "store"]
State = Literal["empty", "current", "behind", "ahead", "half"]

# Of the tables that this process has loaded; a command that needs only one database loads only its tables.
_METADATA: dict[Which, MetaData] = {"hub": HubBase.metadata, "store": StoreBase.metadata}
_FOLDER = Path(__file__).parent / "migrations"


@dataclass(frozen=True, slots=True)
class SchemaState:
    """Where a database stands: its state, its revision, the one this release wants, and tables that should be there."""

    state: State
    revision: str | None
    wanted: str
    missing: tuple[str, ...] = ()


def _config(which: Which) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER / which))
    return config


def _sync_engine(url: str) -> Engine:
    parsed = parse_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed)
    engine = create_engine(parsed.set(drivername="sqlite"))

    @event.listens_for(engine, "connect")
    def _on_connect(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        use_wal(connection.execute)

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _version_table(which: Which) -> str:
    return f"tradepost_{which}_revision"


def _state(connection: Connection, which: Which) -> SchemaState:
    scripts = ScriptDirectory.from_config(_config(which))
    wanted = scripts.get_current_head() or ""
    context = MigrationContext.configure(connection, opts={"version_table": _version_table(which)})
    revision = context.get_current_revision()
    if revision == wanted:
        missing = sorted(_METADATA[which].tables.keys() - set(inspect(connection).get_table_names()))
        return SchemaState("half" if missing else "current", revision, wanted, tuple(missing))
    if revision is None:
        marker = "workspaces" if which == "hub" else "orders"
        return SchemaState("half" if inspect(connection).has_table(marker) else "empty", None, wanted)
    known = {script.revision for script in scripts.walk_revisions()}
    return SchemaState("behind" if revision in known else "ahead", revision, wanted)


def schema_state(url: str, which: Which) -> SchemaState:
    """Where the database behind `url` stands. Raises SetupError when it cannot be reached."""
    with _reached(url) as engine, engine.begin() as connection:
        return _state(connection, which)


def require_current(url: str, which: Which) -> None:
    """Raise SetupError, with the command that helps, unless the database has this release's schema."""
    found = schema_state(url, which)
    if found.state == "current":
        return
    if found.state in ("empty", "behind"):
        what = (
            "is empty"
            if found.state == "empty"
            else f"is at revision {found.revision}, this release needs {found.wanted}"
        )
        raise SetupError(f"The {which} database {what}.", hint="Run `tradepost db upgrade`.")
    raise _not_ours(found, which)


def trouble(found: SchemaState, which: Which) -> SetupError | None:
    """What is wrong with a database that cannot be used, and what to do. None where it can be, or upgrading helps."""
    return _not_ours(found, which) if found.state in ("half", "ahead") else None


def upgrade(url: str, which: Which) -> SchemaState:
    """Bring the database to this release's schema in one transaction. Returns the state before."""
    with _reached(url) as engine, engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(7105402)"))  # two starting replicas: one migrates
        before = _state(connection, which)
        if before.state in ("ahead", "half"):
            raise _not_ours(before, which)
        if before.state != "current":
            config = _config(which)
            config.attributes.update(connection=connection, version_table=_version_table(which))
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
    with _reached(url) as engine, engine.begin() as connection:
        config = _config(which)
        config.attributes.update(connection=connection, version_table=_version_table(which), metadata=metadata)
        command.revision(config, message, autogenerate=True, rev_id=revision)


def _not_ours(found: SchemaState, which: Which) -> SetupError:
    if found.state == "ahead":
        return SetupError(
            f"The {which} database is at revision {found.revision}, which this release does not know.",
            hint="It was made by a newer Tradepost: install that release, or restore a backup from before the upgrade.",
        )
    if found.missing:
        return SetupError(
            f"The {which} database lacks tables of its revision {found.revision}: {', '.join(found.missing[:5])}.",
            hint="Restore a backup, or point the URL at an empty database. Nothing was changed.",
        )
    return SetupError(
        f"The {which} database has tables but no revision: an earlier set-up did not finish, or it is not ours.",
        hint="Point the URL at an empty database, or restore a backup. Nothing was changed.",
    )


class _reached:
    """The sync engine for a block; connection failures become one clear sentence."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._engine = _sync_engine(url)

    def __enter__(self) -> Engine:
        return self._engine

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._engine.dispose()
        if isinstance(error, DBAPIError | sqlite3.Error):
            cause = str(getattr(error, "orig", error)).strip().splitlines()[0]
            shown = parse_url(self._url).render_as_string(hide_password=True)
            raise SetupError(
                f"The database {shown} cannot be used: {cause}.",
                hint="Check the URL, that the server runs, and that the folder exists and can be written.",
            ) from error
