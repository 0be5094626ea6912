"""`tradepost demo load`: a history for a demo shop, said in one sentence, and refused where it cannot be."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

from tests.processes import Place
from tradepost.commerce.demo import load
from tradepost.database.engine import Database


def test_what_cannot_be_loaded_is_said(place: Place) -> None:
    assert "0 orders cannot be loaded" in place.run("demo", "load", "--orders", "0").refusal()
    assert "more than a demo holds" in place.run("demo", "load", "--orders", "10000001").refusal()
    assert "There is no demo shop" in place.run("demo", "load", "--orders", "1000").refusal()
    assert "nowhere" in place.run("demo", "load", "--orders", "1000", "--workspace", "nowhere").refusal()


def fill(place: Place) -> None:
    """A demo shop with a hundred orders."""
    (workspace,) = place.ask("workspace", "list")

    async def work() -> None:
        database = Database(f"sqlite:///{place.data / 'store.db'}")
        await load(database, workspace["id"], now=datetime.now(UTC), orders=100)
        await database.close()

    asyncio.run(work())


def test_a_shop_is_brought_to_a_number_of_orders_once(place: Place) -> None:
    fill(place)
    told = place.ask("demo", "load", "--orders", "600")
    assert told["orders"] == 600
    assert told["rows"]["orders"] == 500
    said = place.run("demo", "load", "--orders", "600").good().out
    assert "acme has 600 orders already: nothing was loaded." in said


def test_a_load_that_is_broken_off_goes_on_where_it_was(place: Place) -> None:
    fill(place)

    def orders() -> int:
        with closing(sqlite3.connect(place.data / "store.db", timeout=15)) as connection:
            return int(connection.execute("SELECT count(*) FROM orders").fetchone()[0])

    running = place.start("demo", "load", "--orders", "2000")
    running.wait_until(lambda: orders() > 100)
    assert running.stop(signal.SIGINT) == 130
    assert "Broken off. The weeks that are loaded stay; the same command goes on from there." in running.said()
    assert "Traceback" not in running.said()
    before = orders()
    assert 100 < before < 2000
    told = place.ask("demo", "load", "--orders", "2000")
    assert (told["orders"], told["rows"]["orders"], orders()) == (2000, 2000 - before, 2000)


def test_no_history_is_loaded_into_closed_books(place: Place) -> None:
    fill(place)
    place.run("store", "books", "--close-through", "2026-01-31").good()
    refusal = place.run("demo", "load", "--orders", "200").refusal()
    assert "the books are closed through 2026-01-31" in refusal
    assert "--reopen-from" in refusal
