"""What every test may use: its own pair of databases on both engines, and no way out to the network."""

from __future__ import annotations

import gc
import ipaddress
import os
import shutil
import sys
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from httpx2 import create_ssl_context
from sqlalchemy import URL, Connection, Dialect
from sqlalchemy.engine import Engine
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from tests.engines import (
    RESTRICT,
    DatabaseUrls,
    PostgresCluster,
    SqliteFiles,
    Template,
    chosen_engines,
    running_postgres,
)
from tests.run import Run, scratch

_RUN = pytest.StashKey[Run]()
_DIRECTORY = "run_directory"
_LOOKUPS = ("socket.getaddrinfo", "socket.gethostbyname")


class OutsideNetworkBlocked(RuntimeError):
    """A test tried to reach something that is not on this machine."""


def _is_here(host: object) -> bool:
    """Loopback, in any of the spellings that Python's socket module accepts."""
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host).partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _is_literal(host: object) -> bool:
    try:
        ipaddress.ip_address(str(host).partition("%")[0])
    except ValueError:
        return False
    return True


def _refuse_outside(event: str, arguments: tuple[Any, ...]) -> None:
    # An audit hook sees every Python socket, whichever library opened it. Child processes have their own.
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        if isinstance(address, tuple) and not _is_here(address[0]):
            raise OutsideNetworkBlocked(f"tests stay on this machine, but something connects to {address!r}")
    # Resolving a literal address sends nothing, so a guard under test may still look at one.
    elif event in _LOOKUPS and not _is_here(arguments[0]) and not _is_literal(arguments[0]):
        raise OutsideNetworkBlocked(f"tests stay on this machine, but something looks up {arguments[0]!r}")


def pytest_configure(config: pytest.Config) -> None:
    sys.addaudithook(_refuse_outside)
    given = _given_by_controller(config)
    config.stash[_RUN] = Run(Path(given[_DIRECTORY]) if given is not None else scratch("tp-run-"))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """The process that hands out the tests tells those that run them where they all work."""
    node.workerinput[_DIRECTORY] = str(node.config.stash[_RUN].directory)


def pytest_unconfigure(config: pytest.Config) -> None:
    if _given_by_controller(config) is None:
        shutil.rmtree(config.stash[_RUN].directory, ignore_errors=True)


def _given_by_controller(config: pytest.Config) -> dict[str, str] | None:
    """What a process that runs tests for another one was told by it."""
    return getattr(config, "workerinput", None)


def pytest_collection_finish() -> None:
    """What is imported by now lives as long as the run does: looking through it again and again for garbage, as the
    collector otherwise does, took a sixth of the suite's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _initialize_once(shared: Dialect, connection: Connection) -> None:
    """Find out what the database is, unless an engine has asked it already."""
    if shared.server_version_info is None:
        shared.initialize(connection)


@pytest.fixture(scope="session", autouse=True)
def statements_compiled_once() -> Iterator[None]:
    """Every test has engines of its own. SQLAlchemy would compile all statements anew for each of them, a quarter of
    the suite's time, so those of one driver share a dialect, what it knows of the database and what was compiled."""
    first_of: dict[str, Engine] = {}

    def create_sharing(url: URL, **options: Any) -> AsyncEngine:
        engine = create_async_engine(url, query_cache_size=4_000, **options)
        first = first_of.setdefault(url.drivername, engine.sync_engine)
        if first is not engine.sync_engine:
            engine.sync_engine.dialect.initialize = partial(_initialize_once, first.dialect)  # type: ignore[method-assign]
        engine.sync_engine.dialect = first.dialect
        engine.sync_engine._compiled_cache = first._compiled_cache
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tradepost.database.engine.create_async_engine", create_sharing)
        yield


@pytest.fixture(scope="session", autouse=True)
def authorities_loaded_once() -> Iterator[None]:
    """Every client that a test makes would load the certificates of all authorities, a tenth of the suite's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("httpx2._transports.default.create_ssl_context", cache(create_ssl_context))
        yield


def pytest_report_header(config: pytest.Config) -> str:
    reason = f"because {RESTRICT}={os.environ[RESTRICT]}" if os.environ.get(RESTRICT) else "(all)"
    return f"database engines: {', '.join(chosen_engines())} {reason}"


@pytest.fixture(scope="session", params=chosen_engines())
def engine_name(request: pytest.FixtureRequest) -> str:
    """Every test that needs a database, directly or through a fixture, runs once per engine.

    A test of one engine alone says so: `@pytest.mark.parametrize("engine_name", ["postgres"])`.
    """
    return str(request.param)


@pytest.fixture(scope="session")
def run(request: pytest.FixtureRequest) -> Run:
    """What the processes of this run share."""
    return request.config.stash[_RUN]


@pytest.fixture(scope="session")
def postgres_cluster(run: Run) -> Iterator[PostgresCluster]:
    """One PostgreSQL server per run, started when the first test needs it."""
    with running_postgres(run) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def sqlite_files(run: Run) -> SqliteFiles:
    return SqliteFiles(run)


@pytest.fixture
def database_template() -> Template | None:
    """Override in a folder's conftest to start every test there from a prepared pair instead of an empty one."""
    return None


@pytest.fixture
def database_urls(
    engine_name: str, database_template: Template | None, request: pytest.FixtureRequest
) -> Iterator[DatabaseUrls]:
    """A fresh hub database and a fresh store database, dropped after the test."""
    databases = request.getfixturevalue("sqlite_files" if engine_name == "sqlite" else "postgres_cluster")
    urls = DatabaseUrls(engine_name, databases, database_template)
    yield urls
    urls.drop()
