"""Databases by URL: SQLite (WAL) or PostgreSQL, the same sessions on both.

SQLite gets one writing connection, so that writers queue in the process instead of failing as busy, and reading
connections that cannot write. On PostgreSQL every transaction sets the workspace for row-level security and runs as
a role that owns nothing.
"""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from tradepost.database import inline_sqlite, threaded_sqlite, windows
from tradepost.database.again import committed
from tradepost.database.appending import Appending
from tradepost.database.bulk import BulkWriter, Row
from tradepost.database.lookups import prepare_first
from tradepost.database.quick_reads import QuickReads
from tradepost.database.scoping import EVERY_WORKSPACE, INLINE, ScopedSession
from tradepost.database.urls import parse_url
from tradepost.database.wal import use_wal
from tradepost.database.windows import Ask, Share
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import SetupError

APPLICATION_ROLE = "tradepost_app"
BUSY_TIMEOUT_MS = 15_000
POOL_SIZE = 10
ANALYSIS_LIMIT = 1_000  # index entries that SQLite looks at for its statistics: enough, and quick over millions
# Pages that a SQLite connection may keep: of a large shop's store, and of a hub, whose look-ups are few and small.
CACHE_KIB = 65_536
HUB_CACHE_KIB = 4_096

# SQLite while loading: a commit need not wait for the disk (after a power cut the last ones may be gone, never half of
# one), and looking up every reference of every row would take a quarter of the time.
_LIGHTER = ("PRAGMA synchronous=NORMAL", "PRAGMA foreign_keys=OFF")
_AS_USUAL = ("PRAGMA synchronous=FULL", "PRAGMA foreign_keys=ON")

# In one go: a process opens several connections as it starts. JIT: compiling a look-up takes longer than running it.
_ON_POSTGRES = {"role": APPLICATION_ROLE, "lock_timeout": "15s", "statement_timeout": "60s", "jit": "off"}
_SETTINGS = "SELECT " + ", ".join(f"set_config('{name}', '{value}', false)" for name, value in _ON_POSTGRES.items())
_BEGIN_SCOPED = text(
    "SELECT set_config('tradepost.workspace', :workspace, true), set_config('transaction_read_only', :read_only, true)"
)


def _dumps(value: Any) -> str:
    return orjson.dumps(value).decode()


def _loads(text: Any) -> Any:
    # SQLite keeps a bare JSON number as a number: a column declared JSON has numeric affinity.
    return text if isinstance(text, int | float) else orjson.loads(text)


def _lower(text: Any) -> Any:
    """SQLite's own knows the letters of ASCII alone."""
    return text.lower() if isinstance(text, str) else text


def _prepare_sqlite(engine: AsyncEngine, *, writing: bool, cache_kib: int) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.create_function("lower", 1, _lower, deterministic=True)
        connection.isolation_level = None  # we say BEGIN ourselves: pysqlite's own guess breaks DDL and read snapshots
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute(f"PRAGMA cache_size=-{cache_kib}")
        if writing:
            use_wal(cursor.execute)
        else:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _on_begin(connection: Connection) -> None:
        if not _has_begun(connection):
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _has_begun(connection: Connection) -> bool:
    """True for a quick reading connection whose transaction its look-ups opened already."""
    driver = connection.connection.driver_connection
    return isinstance(driver, sqlite3.Connection) and driver.in_transaction


def _prepare_postgres(engine: AsyncEngine) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(_SETTINGS)
        cursor.close()
        connection.commit()


def _close_given_back(_connection: object, record: ConnectionPoolEntry) -> None:
    record.invalidate()


def _milliseconds(now: Now) -> int:
    return int(now().timestamp() * 1_000)


class Database:
    """One database. `transaction` is the only way to a session."""

    def __init__(self, url: str, *, cache_kib: int = CACHE_KIB) -> None:
        self.url = parse_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._quick: QuickReads | None = None
        options: dict[str, Any] = {"json_serializer": _dumps, "json_deserializer": _loads}
        if self.is_sqlite:
            # Whatever begins a transaction here also ends it: one more rollback would only cost a change of threads.
            alone = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 60, "pool_reset_on_return": None}
            threaded = self.url.set(drivername=threaded_sqlite.NAME)
            self._writer = create_async_engine(threaded, **alone, **options)
            self._reader = create_async_engine(threaded, pool_size=POOL_SIZE, max_overflow=POOL_SIZE, **options)
            _prepare_sqlite(self._writer, writing=True, cache_kib=cache_kib)
            inline = self.url.set(drivername=inline_sqlite.NAME)
            in_place = create_async_engine(inline, pool_size=POOL_SIZE, max_overflow=-1, **options)  # never waits
            self._in_place, self._quick = in_place, QuickReads(in_place, POOL_SIZE)
            _prepare_sqlite(self._reader, writing=False, cache_kib=cache_kib)
            _prepare_sqlite(in_place, writing=False, cache_kib=cache_kib)
        else:
            options["use_native_hstore"] = False  # nothing here is one: SQLAlchemy need not look for the type
            self._writer = create_async_engine(self.url, pool_size=POOL_SIZE, max_overflow=POOL_SIZE, **options)
            self._reader = self._in_place = self._writer
            _prepare_postgres(self._writer)

    @property
    def path(self) -> Path | None:
        """The file of a SQLite database."""
        return Path(self.url.database) if self.is_sqlite and self.url.database else None

    def prepare(self) -> None:
        """Make ready what the first clients ask: see lookups. Look-ups of a server are compiled as they are asked."""
        if self.is_sqlite:
            prepare_first(self._in_place.dialect)

    def transaction(
        self, workspace_id: str, *, write: bool, quick: bool = False
    ) -> AbstractAsyncContextManager[AsyncSession]:
        """A session bound to one workspace; commits at the end of the block, rolls back on any exception.

        A reading one cannot write. `quick` is for reads that look up a bounded number of rows by key: on SQLite they
        run without a change of threads, so they must not scan. Hold none open while calling another system.
        """
        if quick and self._quick is not None:
            return self._quick.block(workspace_id)
        return self._transaction(workspace_id, write=write)

    @asynccontextmanager
    async def _transaction(self, workspace_id: str, *, write: bool) -> AsyncIterator[AsyncSession]:
        engine = self._writer if write else self._reader
        info = {"workspace_id": workspace_id, INLINE: self.is_sqlite}
        session = AsyncSession(engine, sync_session_class=ScopedSession, expire_on_commit=False, info=info)
        async with session:
            if not self.is_sqlite:
                await session.execute(_BEGIN_SCOPED, {"workspace": workspace_id, "read_only": "off" if write else "on"})
            yield session
            if write:
                await session.commit()
                committed()

    def system(self, *, write: bool, quick: bool = False) -> AbstractAsyncContextManager[AsyncSession]:
        """A session over all workspaces: for looking up a credential, the sweeper, the relay and the sealer only.
        `quick` as for `transaction`."""
        return self.transaction(EVERY_WORKSPACE, write=write, quick=quick)

    async def append_everywhere(self, appending: Appending, rows: Sequence[Row]) -> None:
        """Add rows of any workspaces, all or none; they are committed on return. Not more than `appending.most`."""
        async with self._writer.connect() as connection:
            if self.is_sqlite:
                await appending.on_sqlite(connection, rows)
                return
            async with connection.begin():
                await connection.execute(_BEGIN_SCOPED, {"workspace": EVERY_WORKSPACE, "read_only": "off"})
                await appending.on_postgres(connection, rows)

    async def take_shares(self, asks: Sequence[Ask], now: Now | None = None) -> dict[tuple[str, str], Share]:
        """Take shares of windows of any workspaces, by workspace and window; each window at most once. They are
        committed on return. A clock given by hand goes before the database's own."""
        async with self._writer.connect() as connection:
            if self.is_sqlite:
                return await windows.on_sqlite(connection, asks, _milliseconds(now or system_now))
            async with connection.begin():
                await connection.execute(_BEGIN_SCOPED, {"workspace": EVERY_WORKSPACE, "read_only": "off"})
                return await windows.on_postgres(connection, asks, None if now is None else _milliseconds(now))

    async def analyze(self) -> None:
        """After a load: tell PostgreSQL's planner how much there is now, which it would find out a minute later.
        SQLite plans by its indexes alone."""
        if self.is_sqlite:
            return
        async with self._writer.begin() as connection:
            await connection.execute(text("SET LOCAL ROLE NONE"))  # only a table's owner may
            await connection.execute(text("ANALYZE"))

    @asynccontextmanager
    async def bulk(self) -> AsyncIterator[BulkWriter]:
        """One transaction for loading very many rows: commits at the end of the block, rolls back on any exception.
        No workspace limits it: whoever writes names it in every row."""
        async with self._writer.connect() as connection:
            writer = BulkWriter(connection, is_sqlite=self.is_sqlite)
            driver: Any = (await connection.get_raw_connection()).driver_connection
            for step in _LIGHTER if self.is_sqlite else ():
                await driver.execute_fetchall(step)
            try:
                async with connection.begin():
                    if not self.is_sqlite:
                        await writer.prepare()
                    yield writer
            finally:
                # One that was broken off (Ctrl-C) is closed already, and nobody gets it again.
                for step in _AS_USUAL if self.is_sqlite and not connection.invalidated else ():
                    await driver.execute_fetchall(step)

    async def bulk_at_once(self) -> int:
        """How many transactions for loading are worth their while at a time. Where references are looked up, a row
        cannot refer to one that another of them is about to commit: so one alone."""
        if self.is_sqlite:
            return 1
        async with self._writer.connect() as connection:
            return 2 if await BulkWriter(connection, is_sqlite=False).may_leave_references() else 1

    async def tidy(self) -> None:
        """After a bulk load: gather statistics, without which neither engine plans well over millions of rows, and
        write back what only the journal holds."""
        if self.is_sqlite:
            async with self._writer.connect() as connection:
                driver: Any = (await connection.get_raw_connection()).driver_connection
                for step in (f"PRAGMA analysis_limit={ANALYSIS_LIMIT}", "ANALYZE", "PRAGMA wal_checkpoint(TRUNCATE)"):
                    await driver.execute_fetchall(step)
            return
        async with self._writer.connect() as plain:
            connection = await plain.execution_options(isolation_level="AUTOCOMMIT")
            for step in ("SET ROLE NONE", "SET statement_timeout = 0", "VACUUM (ANALYZE)"):
                await connection.execute(text(step))
            await connection.invalidate()  # it runs as the owner now: nobody else may get it

    def connections(self) -> int:
        """How many connections are in use."""
        engines = {id(engine): engine for engine in (self._writer, self._reader)}
        return sum(engine.pool.checkedout() for engine in engines.values())  # type: ignore[attr-defined]

    async def ping(self) -> None:
        """Reach the database or raise SetupError with what to do."""
        try:
            async with self._reader.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except (DBAPIError, sqlite3.Error, OSError) as error:
            cause = str(getattr(error, "orig", error)).strip().splitlines()[0]
            raise SetupError(
                f"The database {self.url.render_as_string(hide_password=True)} cannot be reached: {cause}.",
                hint="Check the URL, that the server runs, and that the folder exists and can be written.",
            ) from error

    async def close(self) -> None:
        """Close every connection: those that nobody uses now, and each other one as soon as it is given back (whoever
        was broken off gives back a moment later). A pool that was let go of would keep it open."""
        engines = list(dict.fromkeys((self._writer, self._reader, self._in_place)))
        for engine in engines:
            event.listen(engine.sync_engine.pool, "checkin", _close_given_back)
        if self._quick is not None:
            self._quick.close()
        for engine in engines:
            await engine.dispose()
