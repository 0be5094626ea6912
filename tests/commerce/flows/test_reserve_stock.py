"""Stock set aside: never more than there is or is needed, used by the order that ships, freed when its time is over."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.commerce.conftest import NOW, Shop
from tests.commerce.flows.order_rows import one, open_shop, order, rows
from tradepost.commerce.flows.delivery import create_shipment
from tradepost.commerce.flows.stock import reserve_stock
from tradepost.commerce.inventory.models import Reservation, StockLevel, StockMovement
from tradepost.commerce.logistics.models import Carrier
from tradepost.foundation.clock import to_rfc3339

LATER = to_rfc3339(NOW + timedelta(days=2))


@pytest.fixture
async def floor(shop: Shop) -> Shop:
    """Ten shirts in S are free, two more promised to order 1; three in M are wanted by order 2."""
    await open_shop(shop, order("1", ("SHIRT-S", 2)), order("2", ("SHIRT-M", 3)))
    shop.offer((*reserve_stock.TOOLS, *create_shipment.TOOLS))
    await shop.add(Carrier(id="car_1", code="dhl", name="DHL", services=[{"code": "std", "transit_days": 2}]))
    return shop


async def states(shop: Shop, sku: str) -> tuple[int, int, int, int]:
    level: StockLevel = await one(shop, StockLevel, f"stk_{sku}")
    return level.available, level.committed, level.reserved, level.on_hand


async def test_units_are_held_for_a_while_and_given_back(floor: Shop) -> None:
    done = await floor.call("reserve_stock", sku="SHIRT-S", quantity=4, expires_at=LATER, reason="Fair")
    assert (done["reservation"], done["ends_at"], done["level"]["reserved"]) == ("RSV-1001", LATER, 4)
    assert await states(floor, "SHIRT-S") == (6, 2, 4, 12)
    back = await floor.call("reserve_stock", sku="SHIRT-S", quantity=3, release=True)
    assert (back["released"], back["level"]["available"]) == (["RSV-1001"], 9)
    assert (await rows(floor, Reservation))[0].quantity == 1
    error = await floor.refused("reserve_stock", sku="SHIRT-S", quantity=2, release=True)
    assert (error["code"], error["details"]) == ("limit_exceeded", {"held": 1, "wanted": 2})


async def test_an_order_keeps_its_units_until_it_ships(floor: Shop) -> None:
    await floor.call("reserve_stock", sku="SHIRT-M", quantity=3, order_id="2")
    assert await states(floor, "SHIRT-M") == (0, 0, 3, 3)
    await floor.call("create_shipment", order_id="2", carrier="dhl")
    assert await states(floor, "SHIRT-M") == (0, 0, 0, 0)
    assert [(row.status, row.quantity) for row in await rows(floor, Reservation)] == [("used", 0)]
    assert sum(row.on_hand_delta for row in await rows(floor, StockMovement)) == -3


async def test_another_order_cannot_take_what_is_held(floor: Shop) -> None:
    await floor.call("reserve_stock", sku="SHIRT-S", quantity=10, expires_at=LATER)
    await floor.add(*order("3", ("SHIRT-S", 3)))
    error = await floor.refused("create_shipment", order_id="3", carrier="dhl")
    assert (error["code"], error["details"]["held"]) == ("state_conflict", 2)


async def test_a_canceled_order_frees_its_units(floor: Shop) -> None:
    await floor.call("reserve_stock", sku="SHIRT-M", quantity=2, order_id="2")
    await floor.call("cancel_order", order_id="2", reason="customer_request")
    level = await one(floor, StockLevel, "stk_SHIRT-M")
    assert (level.available, level.reserved, level.on_hand) == (3, 0, 3)
    assert [row.status for row in await rows(floor, Reservation)] == ["released"]


async def test_what_is_over_is_free_again(floor: Shop) -> None:
    await floor.add(
        Reservation(
            id="rsv_1",
            number="RSV-9",
            variant_id="var_SHIRT-S",
            sku="SHIRT-S",
            location_id="loc_1",
            status="held",
            quantity=2,
            expires_at=NOW - timedelta(minutes=1),
        )
    )
    async with floor.database.transaction("wsp_test", write=True) as session:
        level = await session.get(StockLevel, ("wsp_test", "stk_SHIRT-S"))
        assert level is not None
        level.available, level.reserved = 8, 2
    done = await floor.call("reserve_stock", sku="SHIRT-S", quantity=10, expires_at=LATER)
    assert (done["level"]["available"], done["level"]["reserved"]) == (0, 10)
    assert (await one(floor, Reservation, "rsv_1")).status == "expired"


NO_SENSE: list[tuple[dict[str, Any], str, str | None]] = [
    ({"quantity": 11, "expires_at": LATER}, "limit_exceeded", "quantity"),
    ({"quantity": 1}, "invalid_argument", None),
    ({"quantity": 1, "order_id": "1", "expires_at": LATER}, "invalid_argument", None),
    ({"quantity": 3, "order_id": "1"}, "limit_exceeded", "quantity"),
    ({"quantity": 1, "order_id": "2"}, "limit_exceeded", "quantity"),
    ({"quantity": 1, "expires_at": to_rfc3339(NOW)}, "invalid_argument", "expires_at"),
    ({"quantity": 1, "expires_at": to_rfc3339(NOW + timedelta(days=91))}, "invalid_argument", "expires_at"),
    ({"quantity": 0, "expires_at": LATER}, "invalid_argument", "quantity"),
    ({"quantity": 1, "order_id": "77"}, "not_found", "order_id"),
    ({"quantity": 1, "expires_at": LATER, "sku": "MUG-R"}, "state_conflict", None),
]


async def test_what_makes_no_sense_is_refused(floor: Shop, subtests: pytest.Subtests) -> None:
    for given, code, field in NO_SENSE:
        with subtests.test(given=given):
            error = await floor.refused("reserve_stock", **{"sku": "SHIRT-S", **given})
            assert (error["code"], error.get("field")) == (code, field)
            assert await states(floor, "SHIRT-S") == (10, 2, 0, 12)


async def test_fifty_at_once_never_hold_more_than_there_is(floor: Shop) -> None:
    calls = (floor.result("reserve_stock", sku="SHIRT-S", quantity=1, expires_at=LATER) for _ in range(50))
    answers = await asyncio.gather(*calls)
    assert sum(1 for answer in answers if not answer.is_error) == 10
    refused = {str((answer.structured or {}).get("code")) for answer in answers if answer.is_error}
    assert refused <= {"limit_exceeded", "busy"}
    assert await states(floor, "SHIRT-S") == (0, 2, 10, 12)
    assert sum(row.quantity for row in await rows(floor, Reservation)) == 10
