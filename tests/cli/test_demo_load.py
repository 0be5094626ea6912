"""`tradepost demo load`: a history for a demo shop, said in one sentence, and refused where it cannot be."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from tests.processes import Place
from tradepost.commerce.demo import load
from tradepost.database.engine import Database


def test_what_cannot_be_loaded_is_said(place: Place) -> None:
    assert "0 orders cannot be loaded" in place.run("demo", "load", "--orders", "0").refusal()
    assert "more than a demo holds" in place.run("demo", "load", "--orders", "10000001").refusal()
    assert "There is no demo shop" in place.run("demo", "load", "--orders", "1000").refusal()
    assert "nowhere" in place.run("demo", "load", "--orders", "1000", "--workspace", "nowhere").refusal()


def test_a_shop_is_brought_to_a_number_of_orders_once(place: Place) -> None:
    (workspace,) = place.ask("workspace", "list")

    async def fill() -> None:
        database = Database(f"sqlite:///{place.data / 'store.db'}")
        await load(database, workspace["id"], now=datetime.now(UTC), orders=100)
        await database.close()

    asyncio.run(fill())
    told = place.ask("demo", "load", "--orders", "600")
    assert told["orders"] == 600
    assert told["rows"]["orders"] == 500
    said = place.run("demo", "load", "--orders", "600").good().out
    assert "acme has 600 orders already: nothing was loaded." in said
