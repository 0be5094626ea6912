"""Stores to call everything over. Each holds a shop with nothing in it and the demo shop, migrated and filled once."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from tests.commerce.contracts.shops import EMPTY, FULL, NOW
from tests.engines import DatabaseUrls, PostgresCluster, SqliteFiles, Template
from tradepost.commerce.demo import load
from tradepost.commerce.store.models import StoreSettings
from tradepost.database import migrate
from tradepost.database.engine import Database


async def _load(url: str) -> None:
    database = Database(url)
    await load(database, FULL, now=NOW, orders=120, hold_clock=True)
    async with database.transaction(EMPTY, write=True) as session:
        session.add(StoreSettings(id="settings", name="Empty shop", currency="EUR", fixed_now=NOW))
    await database.close()


def _prepare(url: str) -> None:
    migrate.upgrade(url, "store")
    asyncio.run(_load(url))
    if url.startswith("postgresql"):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ANALYZE")  # a server that is up for a minute has done so by itself


@pytest.fixture
def database_template() -> Template:
    return Template("contracts", hub=lambda _url: None, store=_prepare)


@pytest.fixture
async def store(database_urls: DatabaseUrls) -> AsyncIterator[Database]:
    """A store of one's own, to change."""
    database = Database(database_urls.store)
    yield database
    await database.close()


@pytest.fixture(scope="session")
def shared_url(engine_name: str, request: pytest.FixtureRequest) -> Iterator[str]:
    databases: SqliteFiles | PostgresCluster
    databases = request.getfixturevalue("sqlite_files" if engine_name == "sqlite" else "postgres_cluster")
    url = databases.create("store", "contracts", _prepare)
    yield url
    databases.drop(url)


@pytest.fixture
async def unchanging_store(shared_url: str) -> AsyncIterator[Database]:
    """One store for all tests that only read."""
    database = Database(shared_url)
    yield database
    await database.close()
