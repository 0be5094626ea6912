"""Closing a database closes every connection to it, also those that somebody still holds."""

import asyncio
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tests.engines import DatabaseUrls, Template
from tradepost.database.engine import Database
from tradepost.database.migrate import upgrade


def _migrate_store(url: str) -> None:
    upgrade(url, "store")


def _leave_empty(_url: str) -> None:
    """The tests here need no hub."""


@pytest.fixture
def database_template() -> Template:
    return Template("closing", _leave_empty, _migrate_store)


async def driver_of(session: AsyncSession) -> Any:
    return (await (await session.connection()).get_raw_connection()).driver_connection


async def is_closed(driver: Any) -> bool:
    try:
        await driver.execute("SELECT 1")
    except (ValueError, psycopg.OperationalError) as error:  # what aiosqlite raises, and psycopg
        return "no active connection" in str(error) or "the connection is closed" in str(error)
    return False


@pytest.mark.parametrize("write", [True, False], ids=["writing", "reading"])
async def test_one_in_a_transaction_is_closed_as_that_ends(database_urls: DatabaseUrls, *, write: bool) -> None:
    database = Database(database_urls.store)
    async with database.transaction("one", write=write) as session:
        driver = await driver_of(session)
        await database.close()
        assert (await session.execute(text("SELECT 41 + 1"))).scalar_one() == 42
        assert not await is_closed(driver)
    assert await is_closed(driver)


async def test_one_whose_user_was_broken_off_is_closed(database_urls: DatabaseUrls) -> None:
    database = Database(database_urls.store)
    held: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def hold() -> None:
        async with database.transaction("one", write=True) as session:
            held.set_result(await driver_of(session))
            await asyncio.Event().wait()

    holding = asyncio.create_task(hold())
    driver = await held
    holding.cancel()
    await database.close()
    with pytest.raises(asyncio.CancelledError):
        await holding
    assert await is_closed(driver)


async def test_closing_twice_changes_nothing(database_urls: DatabaseUrls) -> None:
    database = Database(database_urls.store)
    async with database.transaction("one", write=True) as session:
        driver = await driver_of(session)
        await database.close()
        await database.close()
    assert await is_closed(driver)
