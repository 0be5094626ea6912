"""Receipts: good units go into stock once, nothing more than ordered, what is missing is said in units and money."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from tests.commerce.conftest import WORKSPACE, Shop
from tests.commerce.flows.supply import days, goods, level, location, purchase, purchase_line, supplier
from tradepost.commerce.flows.supply import receive_purchase_order
from tradepost.commerce.inventory.models import StockLevel
from tradepost.commerce.purchasing.models import PurchaseOrder
from tradepost.commerce.store.models import StoreEvent


@pytest.fixture
async def dock(shop: Shop) -> Shop:
    """PO-1 brings 40 of X-1 and 10 of X-2 (recalled) to WHA; PO-2 is closed."""
    shop.offer(receive_purchase_order.TOOLS)
    second = purchase_line("1", "X-2", 10)
    second.position = 2
    await shop.add(
        location("WHA", "Alpha"),
        supplier("9", "Goods Inc"),
        *goods("X-1"),
        *goods("X-2", status="recalled"),
        level("X-1", "WHA", 6, incoming=40),
        purchase("1", "9", "WHA", "ordered", days(-1)),
        purchase_line("1", "X-1", 40),
        second,
        purchase("2", "9", "WHA", "closed", days(-9)),
        purchase_line("2", "X-1", 4, received=4),
    )
    return shop


async def levels(shop: Shop) -> dict[str, StockLevel]:
    async with shop.database.transaction(WORKSPACE, write=False) as session:
        return {row.sku: row for row in (await session.scalars(select(StockLevel))).all()}


async def order(shop: Shop) -> PurchaseOrder:
    async with shop.database.transaction(WORKSPACE, write=False) as session:
        return (await session.scalars(select(PurchaseOrder).where(PurchaseOrder.number == "1"))).one()


async def test_a_delivery_in_parts_goes_into_stock_and_the_rest_stays_short(dock: Shop) -> None:
    part = [{"sku": "X-1", "received": 20, "rejected": 2, "reason": "crushed"}]
    first = await dock.call("receive_purchase_order", po_id="1", lines=part)
    assert (first["purchase_order_status"], first["outstanding"], first["short"]) == ("partially_received", 28, 0)
    assert ((await levels(dock))["X-1"].available, (await levels(dock))["X-1"].incoming) == (26, 18)
    rest = [{"sku": "X-1", "received": 8}, {"sku": "sku:X-2", "received": 10}]
    last = await dock.call("receive_purchase_order", po_id="1", lines=rest, final=True)
    assert (last["purchase_order_status"], last["outstanding"], last["short"]) == ("received", 0, 10)
    assert last["short_value"]["amount_minor"] == 5_000
    assert "type shortage" in last["claim"]
    after = await levels(dock)
    assert (after["X-1"].available, after["X-1"].on_hand, after["X-1"].incoming) == (34, 34, 0)
    assert (after["X-2"].available, after["X-2"].quality_control) == (0, 10)
    assert (await order(dock)).received_at is not None
    async with dock.database.transaction(WORKSPACE, write=False) as session:
        told = {row.type: row.payload for row in (await session.scalars(select(StoreEvent))).all()}
    assert told["purchase_order:partially_received"]["rejections"] == [{"sku": "X-1", "units": 2, "reason": "crushed"}]
    assert told["purchase_order:received"]["short"] == 10


async def test_without_lines_everything_outstanding_came(dock: Shop) -> None:
    done = await dock.call("receive_purchase_order", po_id="1")
    assert (done["purchase_order_status"], done["received_now"], done["short"]) == ("received", 50, 0)
    assert "claim" not in done
    refused = await dock.refused("receive_purchase_order", po_id="1")
    assert "Allowed next: closed" in refused["message"]


NOT_ARRIVING: list[tuple[str, dict[str, Any], str, str]] = [
    ("1", {"sku": "X-1", "received": 39, "rejected": 2}, "limit_exceeded", "40 ordered, 0 came before, 40 outst"),
    ("1", {"sku": "X-1", "received": 0}, "invalid_argument", "No units"),
    ("1", {"sku": "Y-1", "received": 1}, "not_found", "no line for Y-1"),
    ("1", {"sku": "X-1", "received": 1, "reason": "wet"}, "invalid_argument", "none are"),
    ("1", {"sku": "X-1", "received": -1}, "invalid_argument", "minimum"),
    ("2", {"sku": "X-1", "received": 1}, "state_conflict", "it is final"),
]


async def test_what_cannot_arrive_is_refused_and_nothing_changes(dock: Shop, subtests: pytest.Subtests) -> None:
    for po, line, code, said in NOT_ARRIVING:
        with subtests.test(po=po, line=line):
            refused = await dock.refused(
                "receive_purchase_order", po_id=po, lines=[{"sku": "X-2", "received": 1}, line][-1:]
            )
            assert refused["code"] == code
            assert said in refused["message"]
            twice = await dock.refused("receive_purchase_order", po_id=po, lines=[{"sku": "X-2", "received": 1}, line])
            assert twice["code"] == code
            assert ((await levels(dock))["X-1"].available, (await order(dock)).status) == (6, "ordered")
            assert "X-2" not in await levels(dock)


async def test_the_same_delivery_booked_by_two_at_once_counts_once(dock: Shop) -> None:
    lines = [{"sku": "X-1", "received": 40}]
    both = await asyncio.gather(*(dock.result("receive_purchase_order", po_id="1", lines=lines) for _ in range(2)))
    assert sorted(result.is_error for result in both) == [False, True]
    assert (await levels(dock))["X-1"].available == 46
