"""The store that everything is called over: a shop with nothing in it, and the demo shop."""

import asyncio

import psycopg

from tests.commerce.contracts.shops import EMPTY, FULL, NOW
from tradepost.commerce.demo import load
from tradepost.commerce.store.models import StoreSettings
from tradepost.database import migrate
from tradepost.database.engine import Database


def filled(url: str) -> None:
    """Migrate an empty database and fill it."""
    migrate.upgrade(url, "store")
    asyncio.run(_load(url))
    if url.startswith("postgresql"):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ANALYZE")  # a server that is up for a minute has done so by itself


async def _load(url: str) -> None:
    database = Database(url)
    await load(database, FULL, now=NOW, orders=120, hold_clock=True)
    async with database.transaction(EMPTY, write=True) as session:
        session.add(StoreSettings(id="settings", name="Empty shop", currency="EUR", fixed_now=NOW))
    await database.close()
