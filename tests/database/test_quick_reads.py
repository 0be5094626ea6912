"""A quick read on SQLite: its look-ups and every other query of it see one state, and nothing of it stays behind."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import bindparam, func, select
from sqlalchemy.exc import OperationalError

from tests.database.test_scoping import customer
from tradepost.commerce.customers.models import Customer
from tradepost.database import migrate
from tradepost.database.engine import Database
from tradepost.database.lookups import Lookup

BY_NUMBER = Lookup(select(Customer.first_name).where(Customer.number == bindparam("number")))
ANY_OF = Lookup(select(Customer.number).where(Customer.number.in_(bindparam("numbers", expanding=True))))


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    migrate.upgrade(url, "store")
    database = Database(url)
    async with database.transaction("one", write=True) as session:
        session.add(customer("1"))
    yield database
    await database.close()


async def test_a_query_sees_what_the_look_up_before_it_saw(shop: Database) -> None:
    async with shop.transaction("one", write=False, quick=True) as reading:
        assert await BY_NUMBER.rows(reading, {"number": "2"}) == []
        async with shop.transaction("one", write=True) as writing:
            writing.add(customer("2"))
        assert (await reading.execute(select(func.count()).select_from(Customer))).scalar_one() == 1
        assert [number for (number,) in await ANY_OF.rows(reading, {"numbers": ["1", "2"]})] == ["1"]
        assert await BY_NUMBER.rows(reading, {"number": "2"}) == []
    async with shop.transaction("one", write=False, quick=True) as reading:
        assert len(await BY_NUMBER.rows(reading, {"number": "2"})) == 1


async def test_it_cannot_write(shop: Database) -> None:
    with pytest.raises(OperationalError, match="readonly"):
        async with shop.transaction("one", write=False, quick=True) as reading:
            reading.add(customer("3"))
            await reading.flush()


async def test_one_that_failed_leaves_no_transaction_open(shop: Database) -> None:
    for _ in range(30):
        with pytest.raises(ZeroDivisionError):
            async with shop.transaction("one", write=False, quick=True) as reading:
                await BY_NUMBER.rows(reading, {"number": "1"})
                await reading.scalars(select(Customer))
                raise ZeroDivisionError
    async with shop.transaction("one", write=True) as writing:
        writing.add(customer("2"))
    with sqlite3.connect(str(shop.path)) as beside:  # a reader left behind would keep the journal from being emptied
        assert beside.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    beside.close()


async def test_many_at_once(shop: Database) -> None:
    open_ones = [shop.transaction("one", write=False, quick=True) for _ in range(40)]
    sessions = [await one.__aenter__() for one in open_ones]
    for session in sessions:
        assert len(await BY_NUMBER.rows(session, {"number": "1"})) == 1
    for one in open_ones:
        await one.__aexit__(None, None, None)


async def test_nothing_of_one_read_is_left_for_the_next(shop: Database) -> None:
    for named in ("two", "o'neil"):  # whose id cannot stand in a statement
        async with shop.transaction(named, write=True) as writing:
            other = customer("1")
            other.first_name = f"Of {named}"
            writing.add(other)
    seen = []
    for workspace in ("one", "two", "one", "nobody", "two", "o'neil"):
        async with shop.transaction(workspace, write=False, quick=True) as reading:
            assert "left" not in reading.info
            assert not list(reading)
            rows = (await reading.scalars(select(Customer))).all()
            looked_up = await BY_NUMBER.rows(reading, {"number": "1"})
            assert [row.first_name for row in rows] == [name for (name,) in looked_up]
            seen.append([(row.workspace_id, row.first_name) for row in rows])
            reading.info["left"] = "over"
    assert [len(rows) for rows in seen] == [1, 1, 1, 0, 1, 1]
    assert seen[0] == seen[2] != seen[1] == seen[4] != seen[5]
    async with shop.system(write=False, quick=True) as reading:
        assert len(await BY_NUMBER.rows(reading, {"number": "1"})) == 3


async def test_a_broken_reader_is_not_lent_again(shop: Database) -> None:
    async with shop.transaction("one", write=False, quick=True) as reading:
        first = reading
        await BY_NUMBER.rows(reading, {"number": "1"})
    with pytest.raises(OperationalError, match="no such table"):
        async with shop.transaction("one", write=False, quick=True) as reading:
            assert reading is first  # kept, since nothing was wrong with it
            reading.info["driver_connection"].execute("SELECT * FROM nowhere")
    async with shop.transaction("one", write=False, quick=True) as reading:
        assert reading is not first
        assert len(await BY_NUMBER.rows(reading, {"number": "1"})) == 1


async def test_one_that_closing_came_upon_is_closed_as_it_ends(shop: Database) -> None:
    async with shop.transaction("one", write=False, quick=True) as reading:
        driver = (await (await reading.connection()).get_raw_connection()).driver_connection
        assert isinstance(driver, sqlite3.Connection)
        await shop.close()
        assert await BY_NUMBER.rows(reading, {"number": "2"}) == []
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        driver.execute("SELECT 1")
