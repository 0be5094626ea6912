"""Every write says which records' views it changed: the ones that subscribers are told of."""

from typing import Any

import pytest
from sqlalchemy import select

from tests.commerce.conftest import WORKSPACE, Shop
from tests.commerce.flows.last_mile import tour
from tests.commerce.flows.order_rows import ago, open_shop, order
from tests.commerce.flows.supply import goods, level, location
from tradepost.commerce.flows.delivery import assign, create_shipment, shipments
from tradepost.commerce.flows.orders import order_detail, timeline
from tradepost.commerce.flows.stock import adjust_stock, set_reorder_policy, stock_lists, transfer_stock
from tradepost.commerce.logistics.models import Carrier
from tradepost.commerce.store.models import StoreEvent
from tradepost.foundation.errors import ForbiddenScope, NotFound


async def touched(shop: Shop) -> set[str]:
    """What the events so far say, and forget them."""
    async with shop.database.transaction(WORKSPACE, write=True) as session:
        events = (await session.scalars(select(StoreEvent))).all()
        for event in events:
            await session.delete(event)
        return {record for event in events for record in event.payload.get("touched", [])}


@pytest.fixture
async def floor(shop: Shop) -> Shop:
    for module in (adjust_stock, set_reorder_policy, transfer_stock):
        shop.offer(module.TOOLS)
    shop.offer(stock_lists.TOOLS, stock_lists.RESOURCES)
    await shop.add(
        location("WHA", "Alpha"), location("WHB", "Beta"), *goods("X-1"), level("X-1", "WHA", 9), level("X-1", "WHB", 1)
    )
    return shop


async def test_stock_that_changes_touches_its_warehouse(floor: Shop) -> None:
    await floor.call("adjust_stock", sku="X-1", warehouse_id="WHA", delta=3)
    assert await touched(floor) == {"loc_WHA"}
    await floor.call("transfer_stock", from_warehouse_id="WHA", to_warehouse_id="WHB", sku="X-1", quantity=2)
    assert await touched(floor) == {"loc_WHA", "loc_WHB"}
    await floor.call("set_reorder_policy", sku="X-1", warehouse_id="WHB", reorder_point=4, reorder_quantity=10)
    assert await touched(floor) == {"loc_WHB"}


async def test_what_is_only_shown_or_done_already_touches_nothing(floor: Shop) -> None:
    await floor.call("adjust_stock", sku="X-1", warehouse_id="WHA", delta=3, dry_run=True)
    await floor.result("adjust_stock", sku="X-1", warehouse_id="WHA", delta=3, mode="preview")
    assert await touched(floor) == set()
    await floor.call("adjust_stock", key="same", sku="X-1", warehouse_id="WHA", delta=3)
    assert await touched(floor) == {"loc_WHA"}
    await floor.call("adjust_stock", key="same", sku="X-1", warehouse_id="WHA", delta=3)
    assert await touched(floor) == set()


async def test_an_order_its_parcel_its_return_and_its_stock(shop: Shop) -> None:
    shop.offer(create_shipment.TOOLS)
    await open_shop(
        shop, order("1", ("SHIRT-S", 1)), order("2", ("MUG-R", 1), delivered_at=ago(3)), order("3", ("SHIRT-S", 1))
    )
    await shop.add(Carrier(id="car_1", code="ups", name="UPS", services=[]))
    writes: tuple[tuple[str, dict[str, Any], set[str]], ...] = (
        ("add_order_note", {"order_id": "1", "note": "Seen."}, {"ord_1"}),
        ("set_order_hold", {"order_id": "1", "hold": True, "reason": "Check."}, {"ord_1"}),
        ("set_order_hold", {"order_id": "1", "hold": False}, {"ord_1"}),
        ("create_shipment", {"order_id": "1", "carrier": "ups"}, {"ord_1", "shp", "loc_1"}),
        ("cancel_order", {"order_id": "3", "reason": "customer_request"}, {"ord_3", "loc_1"}),
        ("submit_return", {"order_id": "2", "refund_to": "card"}, {"ord_2", "rma"}),
        ("approve_return", {"rma": "RMA-1001"}, {"ord_2", "rma"}),
        ("receive_return", {"rma": "RMA-1001"}, {"ord_2", "rma"}),
    )
    for tool, arguments, expected in writes:
        await shop.call(tool, **arguments)
        found = {record.partition("_")[0] if len(record) > 20 else record for record in await touched(shop)}
        assert expected <= found, (tool, found)


async def test_stops_that_move_touch_the_parcels_and_orders_behind_them(shop: Shop) -> None:
    shop.offer([*assign.TOOLS])
    await shop.add(*tour())
    await shop.call("assign_driver", delivery_ids=["D-3"], driver_id="Bob", reason="Ann is late")
    assert {"shp_3", "ord_3"} <= await touched(shop)


async def test_a_resource_is_watched_by_any_of_its_names_and_only_by_who_may_read_it(floor: Shop) -> None:
    server = floor.offer(order_detail.TOOLS, [*order_detail.RESOURCES, *timeline.RESOURCES, *shipments.RESOURCES])
    await open_shop(floor, order("7", ("MUG-R", 1), external_id="gid://x/7"))
    stock = next(one for one in floor.servers if one.resources and one is not server)
    for name in ("7", "ord_7", "%237", "gid:%2F%2Fx%2F7"):
        assert await server.watched(floor.caller(), f"order://{name}") == "ord_7"
    for name in ("WHA", "Alpha", "loc_WHA"):
        assert await stock.watched(floor.caller(), f"warehouse://{name}/stock") == "loc_WHA"
    assert await server.watched(floor.caller(), "order://7/timeline") is None
    with pytest.raises(NotFound):
        await server.watched(floor.caller("wsp_other"), "order://7")
    with pytest.raises(NotFound):
        await server.watched(floor.caller(), "shipment://7")
    floor.scopes.remove("read:orders")
    with pytest.raises(ForbiddenScope):
        await server.watched(floor.caller(), "order://7")
