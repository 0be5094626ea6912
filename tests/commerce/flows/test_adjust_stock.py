"""Corrections of stock and reorder policies: the states add up, and every unit that moved has its movement."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.commerce.conftest import NOW, WORKSPACE, Shop
from tests.commerce.flows.order_rows import ago, one, open_shop, order
from tests.commerce.flows.supply import goods, level, location
from tradepost.commerce.flows.stock import adjust_stock, reserve_stock, set_reorder_policy
from tradepost.commerce.inventory.models import StockLevel, StockMovement
from tradepost.commerce.orders.models import Order
from tradepost.foundation.clock import to_rfc3339


@pytest.fixture
async def floor(shop: Shop) -> Shop:
    """Ten of X-1 at WHA (four of them promised), more at WHB; X-2 at WHA alone; X-3 is not counted."""
    shop.offer([*adjust_stock.TOOLS, *set_reorder_policy.TOOLS])
    await shop.add(
        location("WHA", "Alpha"),
        location("WHB", "Beta"),
        *goods("X-1"),
        *goods("X-2"),
        *goods("X-3", tracks_stock=False),
        level("X-1", "WHA", 6, committed=4, daily_demand_milli=2000, lead_time_days=5),
        level("X-1", "WHB", 40),
        level("X-2", "WHA", 5, damaged=2),
    )
    return shop


async def held(shop: Shop, row_id: str = "stk_X-1_WHA") -> StockLevel:
    async with shop.database.transaction(WORKSPACE, write=False) as session:
        return (await session.scalars(select(StockLevel).where(StockLevel.id == row_id))).one()


async def movements(shop: Shop) -> list[tuple[Any, ...]]:
    async with shop.database.transaction(WORKSPACE, write=False) as session:
        rows = (await session.scalars(select(StockMovement))).all()
    return sorted((row.state, row.delta, row.on_hand_delta, row.cause, row.reason) for row in rows)


async def test_a_count_changes_what_is_there(floor: Shop) -> None:
    done = await floor.call("adjust_stock", sku="X-1", warehouse_id="Alpha", delta=3, note="Behind the rack")
    assert (done["before"], done["after"], done["on_hand_delta"]) == (6, 9, 3)
    assert (done["level"]["available"], done["level"]["on_hand"], done["level"]["committed"]) == (9, 13, 4)
    await floor.call("adjust_stock", sku="X-1", warehouse_id="WHA", delta=-1, reason="shrinkage")
    assert await movements(floor) == [
        ("available", -1, -1, "shrinkage", None),
        ("available", 3, 3, "count", "Behind the rack"),
    ]


async def test_damaged_units_stay_on_hand_until_they_are_written_off(floor: Shop) -> None:
    done = await floor.call("adjust_stock", sku="X-2", delta=-2, reason="damage")
    assert (done["level"]["available"], done["level"]["damaged"], done["level"]["on_hand"]) == (3, 4, 7)
    gone = await floor.call("adjust_stock", sku="X-2", delta=-4, state="damaged", reason="shrinkage")
    assert (gone["level"]["damaged"], gone["level"]["on_hand"]) == (0, 3)


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"delta": 0}, "invalid_argument", "changes nothing"),
    ({"delta": 2, "reason": "damage"}, "invalid_argument", "takes units away"),
    ({"delta": 2, "reason": "shrinkage"}, "invalid_argument", "takes units away"),
    ({"delta": -1, "reason": "damage", "state": "damaged"}, "invalid_argument", "cannot turn damaged"),
    ({"delta": -7}, "limit_exceeded", "has 6 units of X-1 available; 7"),
    ({"delta": 1, "warehouse_id": None}, "invalid_argument", "WHA (Alpha), WHB (Beta)"),
    ({"delta": 1, "sku": "X-2", "warehouse_id": "WHB"}, "not_found", "does not hold X-2"),
    ({"delta": 1, "sku": "X-3"}, "state_conflict", "does not count"),
    ({"delta": 1, "expected_version": 9}, "version_conflict", "at version 1, not 9"),
]


async def test_what_cannot_be_is_refused_with_the_numbers(floor: Shop, subtests: pytest.Subtests) -> None:
    for change, code, said in REFUSED:
        with subtests.test(change=change):
            refused = await floor.refused("adjust_stock", **{"sku": "X-1", "warehouse_id": "WHA", **change})
            assert refused["code"] == code
            assert said in refused["message"]
            assert await movements(floor) == []


async def test_corrections_at_the_same_moment_never_take_more_than_there_is(floor: Shop) -> None:
    takes = [
        floor.result("adjust_stock", sku="X-1", warehouse_id="WHA", delta=-2, reason="shrinkage") for _ in range(5)
    ]
    assert sorted(result.is_error for result in await asyncio.gather(*takes)) == [False] * 3 + [True] * 2
    assert ((await held(floor)).available, (await held(floor)).on_hand) == (0, 4)


async def test_a_policy_keeps_units_back_and_says_what_is_advised(floor: Shop) -> None:
    done = await floor.call(
        "set_reorder_policy", sku="X-1", warehouse_id="WHA", reorder_point=8, reorder_quantity=50, safety_stock=4
    )
    assert (done["level"]["available"], done["level"]["safety_stock"], done["level"]["on_hand"]) == (2, 4, 10)
    assert (done["advised_reorder_point"], done["cover_at_reorder_point_days"]) == (14, 4.0)
    assert done["level"]["below_reorder_point"] is True
    back = await floor.call("set_reorder_policy", sku="X-1", warehouse_id="WHA", safety_stock=1)
    assert (back["level"]["available"], back["reorder_point"], back["reorder_quantity"]) == (5, 8, 50)
    assert {entry[3] for entry in await movements(floor)} == {"reservation", "release"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "Nothing is set"),
        ({"safety_stock": 11}, "needs 11 more units; WHA has 6 of X-1 available"),
        ({"reorder_point": 5}, "by a quantity of 0"),
    ],
)
async def test_a_policy_that_makes_no_sense_is_refused(floor: Shop, change: dict[str, int], said: str) -> None:
    refused = await floor.refused("set_reorder_policy", sku="X-1", warehouse_id="WHA", **change)
    assert said in refused["message"]
    assert (await held(floor)).version == 1


async def test_a_recall_sets_units_aside_stops_the_sku_and_holds_orders(shop: Shop) -> None:
    waiting = order("1", ("SHIRT-S", 2), ("MUG-R", 1))
    await open_shop(shop, waiting, order("2", ("MUG-R", 1)), order("3", ("SHIRT-S", 1), delivered_at=ago(1)))
    shop.offer((*adjust_stock.TOOLS, *reserve_stock.TOOLS))
    await shop.call("set_order_hold", order_id="1", hold=True, reason="Check the address")
    await shop.call("set_order_hold", order_id="1", hold=False)
    done = await shop.call("adjust_stock", sku="SHIRT-S", delta=-10, reason="recall", note="Dye comes off")
    assert (done["held_orders"], done["on_hand_delta"]) == (["1"], 0)
    assert (done["level"]["available"], done["level"]["quality_control"], done["level"]["recalled"]) == (0, 10, True)
    held = await one(shop, Order, "ord_1")
    assert (held.status, held.hold_reason) == ("on_hold", "SHIRT-S is recalled")
    assert (await one(shop, Order, "ord_2")).status == "open"
    later = to_rfc3339(NOW + timedelta(days=1))
    error = await shop.refused("reserve_stock", sku="SHIRT-S", quantity=1, expires_at=later)
    assert "recalled" in error["message"]
    again = await shop.call("adjust_stock", sku="SHIRT-S", delta=0, reason="recall")
    assert again["held_orders"] == []
    assert (await shop.refused("adjust_stock", sku="SHIRT-S", delta=1, reason="recall"))["field"] == "delta"
