"""Returned goods on the bench: nothing is counted twice, every unit ends somewhere, and the money follows the goods."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from tests.commerce.conftest import WORKSPACE, Shop
from tests.commerce.flows.order_rows import ago, one, open_shop, order, rows
from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.inventory.models import StockLevel, StockMovement
from tradepost.commerce.orders.models import OrderLine
from tradepost.commerce.returns.models import Return, ReturnLine

SOLD = (("SHIRT-S", 3), ("MUG-R", 1))


@pytest.fixture
async def bench(shop: Shop) -> Shop:
    """RMA-1001 is approved and holds three shirts and a mug."""
    await open_shop(shop, order("1", *SOLD, delivered_at=ago(3)))
    await shop.call("submit_return", order_id="1", refund_to="card")
    await shop.call("approve_return", rma="RMA-1001")
    return shop


async def level(shop: Shop, sku: str) -> StockLevel:
    return next(row for row in await rows(shop, StockLevel) if row.sku == sku)


def states(view: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [
        (line["sku"], line["quantity"], line["received"], line["condition"], line["disposition"])
        for line in view["lines"]
    ]


async def test_a_parcel_in_parts_and_conditions_is_told_apart(bench: Shop) -> None:
    before = await level(bench, "SHIRT-S")
    some = [{"line": 1, "quantity": 1, "condition": "used", "photos": ["med_1"]}]
    first = await bench.call("receive_return", rma="RMA-1001", lines=some)
    assert (first["return_status"], first["refundable"]) == ("partially_received", True)
    rest = [{"variant": "SHIRT-S", "quantity": 2, "condition": "new"}, {"line": 2}]
    last = await bench.call("receive_return", rma="RMA-1001", lines=rest)
    assert last["return_status"] == "received"
    assert sorted(states(last), key=str) == [
        ("MUG-R", 1, 1, None, None),
        ("SHIRT-S", 1, 1, "used", None),
        ("SHIRT-S", 2, 2, "new", None),
    ]
    after = await level(bench, "SHIRT-S")
    assert after.quality_control - before.quality_control == after.on_hand - before.on_hand == 3
    assert after.available == before.available
    assert (await one(bench, OrderLine, "oln_1_1")).return_received == 3
    assert sum(line.quantity for line in await rows(bench, ReturnLine)) == 4
    refused = await bench.refused("receive_return", rma="RMA-1001")
    assert "Allowed next: inspected" in refused["message"]


async def test_goods_go_where_they_are_sent_and_the_return_ends_with_the_money(bench: Shop) -> None:
    before = await level(bench, "SHIRT-S")
    arrived = [{"line": 1, "quantity": 3, "condition": "opened"}, {"line": 2, "condition": "damaged"}]
    await bench.call("receive_return", rma="RMA-1001", lines=arrived)
    decided = [
        {"line": 1, "quantity": 2, "disposition": "restock"},
        {"line": 1, "quantity": 1, "disposition": "refurbish"},
        {"line": 2, "disposition": "dispose"},
    ]
    done = await bench.call("record_return_disposition", rma="RMA-1001", lines=decided)
    assert done["return_status"] == "inspected"
    after = await level(bench, "SHIRT-S")
    assert (after.available - before.available, after.quality_control - before.quality_control) == (2, 1)
    again = await bench.call("record_return_disposition", rma="RMA-1001", disposition="restock")
    assert (await level(bench, "SHIRT-S")).available - before.available == 3
    assert all(line["disposition"] for line in again["lines"])
    async with bench.database.transaction(WORKSPACE, write=False) as session:
        moved = (await session.scalars(select(StockMovement).where(StockMovement.reference == "RMA-1001"))).all()
    assert sum(row.on_hand_delta for row in moved) == 3
    assert {row.cause for row in moved} == {"return"}
    paid = {"order_id": "1", "rma": "RMA-1001", "lines": [{"line": 1, "quantity": 3}, {"line": 2}]}
    await bench.call("initiate_refund", **paid, currency="EUR", reason="returned")
    row = await one(bench, Return, done["return_id"])
    assert row.status == "closed"
    assert row.closed_at is not None


async def test_units_that_never_came_are_given_up_and_not_paid_back(bench: Shop) -> None:
    await bench.call("receive_return", rma="RMA-1001", lines=[{"line": 1, "quantity": 2, "condition": "new"}])
    await bench.call("record_return_disposition", rma="RMA-1001", disposition="restock")
    done = await bench.call("record_return_disposition", rma="RMA-1001", disposition="missing")
    assert done["return_status"] == "inspected"
    assert [line["outstanding"] for line in done["lines"]] == [0, 0, 0]
    quote = await bench.call("preview_refund", rma="RMA-1001")
    shirts = [line for line in quote["lines"] if line["quantity"]]
    assert [(line["line"], line["quantity"]) for line in shirts] == [(1, 2)]


REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("receive_return", {"lines": [{"line": 1, "quantity": 4}]}, "limit_exceeded", "3 are outstanding"),
    ("receive_return", {"lines": [{"line": 1}, {"line": 3}]}, "not_found", "RMA-1001 has no line 3"),
    ("receive_return", {"lines": [{"line": 1, "variant": "SHIRT-S"}]}, "invalid_argument", "either a line or"),
    ("receive_return", {"lines": [{"line": 1, "quantity": 0}]}, "invalid_argument", "minimum"),
    ("receive_return", {"lines": [{"line": 1, "condition": "missing"}]}, "invalid_argument", "missing"),
    ("receive_return", {"warehouse_id": "NOWHERE"}, "not_found", "NOWHERE"),
    ("record_return_disposition", {"disposition": "restock"}, "state_conflict", "no goods to decide on"),
    ("record_return_disposition", {}, "state_conflict", "no goods"),
]


async def test_what_cannot_be_is_refused_and_nothing_moves(bench: Shop, subtests: pytest.Subtests) -> None:
    before = len(await rows(bench, StockMovement))
    for tool, call, code, said in REFUSED:
        with subtests.test(tool=tool, call=call):
            refused = await bench.refused(tool, rma="RMA-1001", **call)
            assert refused["code"] == code
            assert said in refused["message"]
            assert len(await rows(bench, StockMovement)) == before
            assert {line.received for line in await rows(bench, ReturnLine)} == {0}


async def test_what_is_not_fit_for_sale_is_not_restocked(bench: Shop) -> None:
    arrived = [{"line": 1, "quantity": 3, "condition": "defective"}, {"line": 2, "condition": "new"}]
    await bench.call("receive_return", rma="RMA-1001", lines=arrived)
    whole = await bench.refused("record_return_disposition", rma="RMA-1001", disposition="restock")
    assert "condition defective cannot be restocked" in whole["message"]
    async with bench.database.transaction(WORKSPACE, write=True) as session:
        (await session.scalars(select(Variant).where(Variant.sku == "MUG-R"))).one().status = "recalled"
    recalled = [{"line": 2, "disposition": "restock"}]
    refused = await bench.refused("record_return_disposition", rma="RMA-1001", lines=recalled)
    assert "recalled and cannot be restocked" in refused["message"]
    both = await bench.refused("record_return_disposition", rma="RMA-1001", lines=recalled, disposition="dispose")
    assert both["code"] == "invalid_argument"


async def test_a_requested_return_is_not_received_and_two_at_once_book_it_once(shop: Shop) -> None:
    await open_shop(shop, order("1", *SOLD, delivered_at=ago(3)))
    await shop.call("submit_return", order_id="1")
    refused = await shop.refused("receive_return", rma="RMA-1001")
    assert "Allowed next: approved, declined, canceled" in refused["message"]
    await shop.call("approve_return", rma="RMA-1001")
    both = await asyncio.gather(*(shop.result("receive_return", rma="RMA-1001") for _ in range(2)))
    assert sorted(result.is_error for result in both) == [False, True]
    assert (await one(shop, OrderLine, "oln_1_1")).return_received == 3
