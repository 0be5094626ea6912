"""Both demo shops in one database, and one with a long history, loaded once per engine for tests that only read."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from tests.engines import DatabaseUrls, PostgresCluster, SqliteFiles
from tradepost.commerce.demo import load
from tradepost.commerce.demo.volume import bring_to
from tradepost.database import migrate
from tradepost.database.engine import Database

NOW = datetime(2026, 2, 24, 9, 0, tzinfo=UTC)
MAIN, SECOND, LONG = "wsp_main", "wsp_second", "wsp_long"
LONG_ORDERS = 2_000


async def _load(url: str) -> None:
    database = Database(url)
    await load(database, MAIN, now=NOW, hold_clock=True)
    await load(database, SECOND, now=NOW, orders=120, variant="second", hold_clock=True)
    await load(database, LONG, now=NOW, orders=150, hold_clock=True)
    await bring_to(database, LONG, LONG_ORDERS, now=NOW)
    await database.close()


def _prepare(url: str) -> None:
    migrate.upgrade(url, "store")
    asyncio.run(_load(url))


@pytest.fixture(scope="session")
def filled_url(engine_name: str, request: pytest.FixtureRequest) -> Iterator[str]:
    databases: SqliteFiles | PostgresCluster
    databases = request.getfixturevalue("sqlite_files" if engine_name == "sqlite" else "postgres_cluster")
    url = databases.create("store", "demo", _prepare)
    yield url
    databases.drop(url)


@pytest.fixture
async def filled(filled_url: str) -> AsyncIterator[Database]:
    database = Database(filled_url)
    yield database
    await database.close()


@pytest.fixture
async def empty(database_urls: DatabaseUrls) -> AsyncIterator[Database]:
    """A store without any shop, of this test alone."""
    database = Database(database_urls.store)
    yield database
    await database.close()


@pytest.fixture
async def session(filled: Database) -> AsyncIterator[AsyncSession]:
    """A reading session on the main shop."""
    async with filled.transaction(MAIN, write=False) as opened:
        yield opened


@pytest.fixture
async def second_session(filled: Database) -> AsyncIterator[AsyncSession]:
    """A reading session on the second shop."""
    async with filled.transaction(SECOND, write=False) as opened:
        yield opened


@pytest.fixture
async def long_session(filled: Database) -> AsyncIterator[AsyncSession]:
    """A reading session on the shop with a long history."""
    async with filled.transaction(LONG, write=False) as opened:
        yield opened
