"""Stores to call everything over. Each holds a shop with nothing in it and the demo shop, migrated and filled once."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.commerce.contracts.filled import filled
from tests.engines import DatabaseUrls, PostgresCluster, SqliteFiles, Template
from tradepost.database.engine import Database


@pytest.fixture
def database_template() -> Template:
    return Template("contracts", hub=lambda _url: None, store=filled)


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
    url = databases.create("store", "contracts", filled)
    yield url
    databases.drop(url)


@pytest.fixture
async def unchanging_store(shared_url: str) -> AsyncIterator[Database]:
    """One store for all tests that only read."""
    database = Database(shared_url)
    yield database
    await database.close()
