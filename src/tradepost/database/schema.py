"""Where a database stands against this release's schema, said plainly. Every command looks; only one that has to
change something loads what changes it (migrate.py)."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Engine, MetaData, column, create_engine, event, inspect, select, table
from sqlalchemy.exc import DBAPIError, OperationalError

from tradepost.database.base import HubBase, StoreBase
from tradepost.database.engine import BUSY_TIMEOUT_MS
from tradepost.database.urls import parse_url
from tradepost.database.wal import use_wal
from tradepost.foundation.errors import SetupError

Which = Literal["hub", "store"]
State = Literal["empty", "current", "behind", "ahead", "half"]

# Of the tables that this process has loaded; a command that needs only one database loads only its tables.
_METADATA: dict[Which, MetaData] = {"hub": HubBase.metadata, "store": StoreBase.metadata}
FOLDER = Path(__file__).parent / "migrations"


@dataclass(frozen=True, slots=True)
class SchemaState:
    """Where a database stands: its state, its revision, the one this release wants, and tables that should be there."""

    state: State
    revision: str | None
    wanted: str
    missing: tuple[str, ...] = ()


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


def version_table(which: Which) -> str:
    """The table in which a database keeps its revision."""
    return f"tradepost_{which}_revision"


def revisions(which: Which) -> list[str]:
    """This release's revisions, the newest last: each is what its file's name begins with."""
    files = (FOLDER / which / "versions").glob("[0-9]*.py")
    return sorted(path.name.partition("_")[0] for path in files)


def state_of(connection: Connection, which: Which) -> SchemaState:
    """Where the database behind a connection stands."""
    known, tables = revisions(which), set(inspect(connection).get_table_names())
    wanted, revision = known[-1], _revision(connection, which, tables)
    if revision == wanted:
        missing = sorted(_METADATA[which].tables.keys() - tables)
        return SchemaState("half" if missing else "current", revision, wanted, tuple(missing))
    if revision is None:
        marker = "workspaces" if which == "hub" else "orders"
        return SchemaState("half" if marker in tables else "empty", None, wanted)
    return SchemaState("behind" if revision in known else "ahead", revision, wanted)


def _revision(connection: Connection, which: Which, tables: set[str]) -> str | None:
    name = version_table(which)
    if name not in tables:
        return None
    kept = table(name, column("version_num"))
    revision: str | None = connection.scalar(select(kept.c.version_num))
    return revision


def schema_state(url: str, which: Which) -> SchemaState:
    """Where the database behind `url` stands. Raises SetupError when it cannot be reached."""
    with reached(url) as engine, engine.begin() as connection:
        return state_of(connection, which)


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
    raise not_ours(found, which)


def trouble(found: SchemaState, which: Which) -> SetupError | None:
    """What is wrong with a database that cannot be used, and what to do. None where it can be, or upgrading helps."""
    return not_ours(found, which) if found.state in ("half", "ahead") else None


def not_ours(found: SchemaState, which: Which) -> SetupError:
    """Why a database that is ahead or half made is left alone."""
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


class Unreachable(SetupError):
    """A database server does not answer, or does not let us in."""


class reached:
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
            is_server = isinstance(error, OperationalError) and self._engine.dialect.name != "sqlite"
            raise (Unreachable if is_server else SetupError)(
                f"The database {shown} cannot be used: {cause}.",
                hint="Check the URL, that the server runs, and that the folder exists and can be written.",
            ) from error
