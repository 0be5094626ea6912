"""Stores to call every tool over: one with nothing in it, and the demo shop. Both are migrated and filled once."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.commerce.contracts.shops import EMPTY, FULL, NOW
from tests.engines import DatabaseUrls, Template
from tradepost.commerce.demo import load
from tradepost.commerce.store.models import StoreSettings
from tradepost.database import migrate
from tradepost.database.engine import Database


async def _load(url: str) -> None:
    database = Database(url)
    await load(database, FULL, now=NOW, orders=150, hold_clock=True)
    async with database.transaction(EMPTY, write=True) as session:
        session.add(StoreSettings(id="settings", name="Empty shop", currency="EUR", fixed_now=NOW))
    await database.close()


def _prepare(url: str) -> None:
    migrate.upgrade(url, "store")
    asyncio.run(_load(url))


@pytest.fixture
def database_template() -> Template:
    return Template("contracts", hub=lambda url: migrate.upgrade(url, "hub"), store=_prepare)


@pytest.fixture
async def store(database_urls: DatabaseUrls) -> AsyncIterator[Database]:
    database = Database(database_urls.store)
    yield database
    await database.close()
