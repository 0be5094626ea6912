"""Parcels: units leave the shelf once, never more than was sold or is there, and the promise is told."""

import asyncio
from typing import Any

import pytest

from tests.commerce.conftest import Shop
from tests.commerce.flows.order_rows import ago, one, open_shop, order, rows
from tradepost.commerce.flows.delivery import create_shipment
from tradepost.commerce.inventory.models import Location, StockLevel, StockMovement
from tradepost.commerce.logistics.models import Carrier, FulfillmentLine, Shipment
from tradepost.commerce.orders.models import Order, OrderLine

SERVICES = [{"code": "ground", "transit_days": 3}, {"code": "air", "transit_days": 1, "rate_minor": 1250}]


@pytest.fixture
async def dock(shop: Shop) -> Shop:
    """Order 1: two shirts (committed) and a mug, promised in two days; 2 unpaid, 3 held, 4 recalled, 5 on account."""
    shop.offer(create_shipment.TOOLS)
    await open_shop(
        shop,
        order("1", ("SHIRT-S", 2), ("MUG-R", 1), promised_to=ago(-2)),
        order("2", ("MUG-R", 1), method=None),
        order("3", ("MUG-R", 1), status="on_hold", hold_reason="Check the address"),
        order("5", ("SHIRT-M", 4), method=None, po_number="4500-1"),
    )
    await shop.add(
        Carrier(id="car_1", code="ups", name="UPS", services=SERVICES),
        Location(id="loc_2", code="WH-2", name="Second house", address={}),
    )
    return shop


async def shirts(shop: Shop, sku: str = "SHIRT-S") -> StockLevel:
    return next(row for row in await rows(shop, StockLevel) if row.sku == sku)


async def test_an_order_leaves_in_two_parcels(dock: Shop) -> None:
    first = await dock.call("create_shipment", order_id="1", carrier="UPS", lines=[{"line": 1}], service="air")
    assert (first["number"], first["shipment_status"], first["service"]) == ("SHP-1001", "confirmed", "air")
    assert (first["fulfillment_status"], first["keeps_promise"]) == ("partially_fulfilled", True)
    assert first["cost"]["display"] == "€12.50"
    assert first["lines"] == [{"line": 1, "sku": "SHIRT-S", "quantity": 1, "left_to_ship": 1}]
    rest = await dock.call("create_shipment", order_id="1", carrier="ups", buy_label=True)
    assert (rest["shipment_status"], rest["fulfillment_status"]) == ("label_purchased", "fulfilled")
    assert (rest["keeps_promise"], rest["service"], rest["cost"]) == (False, "ground", None)
    level = await shirts(dock)
    assert (level.available, level.committed, level.on_hand) == (10, 0, 10)
    assert [row.position for row in await rows(dock, Shipment)] == [1, 2] or len(await rows(dock, Shipment)) == 2
    assert sum(row.quantity for row in await rows(dock, FulfillmentLine)) == 3
    line = await one(dock, OrderLine, "oln_1_1")
    assert (line.shipped, line.fulfilled, line.status) == (2, 2, "fulfilled")
    assert (await one(dock, Order, "ord_1")).picked_at is not None
    gone = await dock.refused("create_shipment", order_id="1", carrier="ups")
    assert "has been shipped" in gone["message"]


async def test_an_order_on_account_ships_what_the_shelf_has(dock: Shop) -> None:
    short = await dock.refused("create_shipment", order_id="5", carrier="ups")
    assert (short["code"], short["details"]["held"], short["details"]["wanted"]) == ("state_conflict", 3, 4)
    done = await dock.call("create_shipment", order_id="5", carrier="ups", lines=[{"line": 1, "quantity": 3}])
    assert done["lines"][0]["left_to_ship"] == 1
    level = await shirts(dock, "SHIRT-M")
    assert (level.available, level.committed, level.on_hand) == (0, 0, 0)


NOT_LEAVING: list[tuple[dict[str, Any], str, str]] = [
    ({"order_id": "2"}, "state_conflict", "not paid: its payment is pending"),
    ({"order_id": "3"}, "state_conflict", "on_hold (Check the address) and is not shipped. Allowed next: open"),
    ({"service": "rocket"}, "not_found", "no service 'rocket'"),
    ({"carrier": "nobody"}, "not_found", "nobody"),
    ({"lines": [{"line": 1, "quantity": 3}]}, "state_conflict", "Only 2 of 3 units"),
    ({"lines": [{"line": 1, "quantity": 0}]}, "invalid_argument", "minimum"),
    ({"warehouse_id": "WH-2"}, "state_conflict", "has 0 units of SHIRT-S to ship"),
    ({"buy_label": True, "tracking_number": "1Z"}, "invalid_argument", "a label already"),
]


async def test_what_cannot_leave_is_refused_and_nothing_moves(dock: Shop, subtests: pytest.Subtests) -> None:
    for call, code, said in NOT_LEAVING:
        with subtests.test(call=call):
            refused = await dock.refused("create_shipment", **{"order_id": "1", "carrier": "ups", **call})
            assert refused["code"] == code
            assert said in refused["message"]
            assert (await rows(dock, Shipment), await rows(dock, StockMovement)) == ([], [])


async def test_two_who_pack_at_once_send_the_units_once(dock: Shop) -> None:
    both = await asyncio.gather(*(dock.result("create_shipment", order_id="1", carrier="ups") for _ in range(3)))
    assert sorted(result.is_error for result in both) == [False, True, True]
    assert (await shirts(dock)).on_hand == 10
