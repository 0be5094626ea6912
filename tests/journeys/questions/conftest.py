"""The demo shop with its clock held still: one copy per engine for questions, a fresh one for each test that writes.

With TRADEPOST_TEST_ORDERS=1000000 the same questions are asked of a shop with so many orders.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from tests.engines import DatabaseUrls, PostgresCluster, SqliteFiles, Template
from tests.journeys.questions.asking import NOW, SHOP, Asker
from tradepost.commerce.demo import load
from tradepost.commerce.demo.volume import bring_to
from tradepost.database import migrate
from tradepost.database.engine import Database

NAME = "journeys"


async def _load(url: str) -> None:
    database = Database(url)
    await load(database, SHOP, now=NOW, hold_clock=True)
    orders = int(os.environ.get("TRADEPOST_TEST_ORDERS", "0"))
    if orders:
        await bring_to(database, SHOP, orders, now=NOW)
    await database.close()


def _prepare(url: str) -> None:
    migrate.upgrade(url, "store")
    asyncio.run(_load(url))


@pytest.fixture
def database_template() -> Template:
    return Template(NAME, hub=lambda _url: None, store=_prepare)


@pytest.fixture(scope="session")
def shared_url(engine_name: str, request: pytest.FixtureRequest) -> Iterator[str]:
    databases: SqliteFiles | PostgresCluster
    databases = request.getfixturevalue("sqlite_files" if engine_name == "sqlite" else "postgres_cluster")
    url = databases.create("store", NAME, _prepare)
    yield url
    databases.drop(url)


@pytest.fixture
async def shop(shared_url: str) -> AsyncIterator[Database]:
    """The demo shop, to be read only."""
    database = Database(shared_url)
    yield database
    await database.close()


@pytest.fixture
async def own_shop(database_urls: DatabaseUrls) -> AsyncIterator[Database]:
    """A copy of the demo shop that a test may change."""
    database = Database(database_urls.store)
    yield database
    await database.close()


@pytest.fixture
async def facts(shop: Database) -> AsyncIterator[AsyncSession]:
    """The rows behind the answers."""
    async with shop.transaction(SHOP, write=False) as session:
        yield session


@pytest.fixture
def manager(shop: Database) -> Asker:
    """The supply-chain manager's agent."""
    return Asker(shop, "supply_chain_manager")


@pytest.fixture
def specialist(shop: Database) -> Asker:
    """The returns specialist's agent."""
    return Asker(shop, "returns_specialist")


@pytest.fixture
def operator(shop: Database) -> Asker:
    """Somebody with every tool."""
    return Asker(shop, None)
