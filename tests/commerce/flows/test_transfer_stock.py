"""Transfers: units leave at once, the answer says whether they arrive in time."""

import asyncio
from typing import Any

from sqlalchemy import select

from tests.commerce.conftest import WORKSPACE, Shop
from tests.commerce.flows.supply import days, goods, level, location
from tradepost.commerce.flows.stock import transfer_stock
from tradepost.commerce.inventory.models import StockLevel, StockMovement, Transfer, TransferLine


async def seed(shop: Shop) -> None:
    shop.offer(transfer_stock.TOOLS)
    await shop.add(
        location("WHA", "Alpha"),
        location("WHB", "Beta"),
        *goods("X-1"),
        *goods("X-2"),
        *goods("X-3", status="recalled"),
        level("X-1", "WHA", 8, daily_demand_milli=2000),
        level("X-1", "WHB", 40, daily_demand_milli=1000),
        level("X-2", "WHB", 5),
        level("X-3", "WHB", 5),
    )


async def levels(shop: Shop) -> dict[str, StockLevel]:
    async with shop.database.transaction(WORKSPACE, write=False) as session:
        return {row.id: row for row in (await session.scalars(select(StockLevel))).all()}


def call(**changes: Any) -> dict[str, Any]:
    return {"from_warehouse_id": "Beta", "to_warehouse_id": "WHA", "sku": "X-1", "quantity": 30, **changes}


async def test_preview_answers_whether_it_arrives_before_the_stockout_and_changes_nothing(shop: Shop) -> None:
    await seed(shop)
    result = await shop.result("transfer_stock", **call(dry_run=True))
    shown = result.structured or {}
    (sentence,) = shown["preview"]["side_effects"]
    assert "arrive at WHA on 2026-03-05T09:00:00Z, before the stockout" in sentence
    assert sentence in result.content[0]["text"]  # before the changes, which may be cut
    assert "8 available units last 4.0 days, until 2026-03-06T09:00:00Z" in sentence
    late = await shop.call("transfer_stock", **call(dry_run=True, arrives_at="2026-03-08T09:00:00Z"))
    assert "AFTER the stockout" in late["preview"]["side_effects"][0]
    changed = {(item["field"], item["before"], item["after"]) for item in shown["preview"]["changes"]}
    assert {
        ("available", "40 pcs", "10 pcs"),
        ("on hand", "40 pcs", "10 pcs"),
        ("incoming", "0 pcs", "30 pcs"),
    } <= changed
    assert (await levels(shop))["stk_X-1_WHB"].available == 40


async def test_units_leave_the_source_and_are_incoming_at_the_target_once(shop: Shop) -> None:
    await seed(shop)
    lines = [{"sku": "X-1", "quantity": 30}, {"sku": "X-2", "quantity": 5}]
    wanted = {"from_warehouse_id": "WHB", "to_warehouse_id": "WHA", "lines": lines}
    done = await shop.call("transfer_stock", key="once", **wanted)
    again = await shop.call("transfer_stock", key="once", **wanted)
    assert (done["number"], again["number"], again["replayed"]) == ("TRF-1001", "TRF-1001", True)
    assert [line["arrives_before_stockout"] for line in done["lines"]] == [True, None]
    after = await levels(shop)
    assert (after["stk_X-1_WHB"].available, after["stk_X-1_WHB"].on_hand) == (10, 10)
    assert (after["stk_X-1_WHA"].available, after["stk_X-1_WHA"].incoming) == (8, 30)
    opened = next(row for row in after.values() if row.sku == "X-2" and row.location_id == "loc_WHA")
    assert (opened.incoming, opened.on_hand) == (5, 0)
    async with shop.database.transaction(WORKSPACE, write=False) as session:
        moved = (await session.scalars(select(StockMovement))).all()
        assert len((await session.scalars(select(TransferLine))).all()) == 2
    assert {(row.cause, row.reference, row.on_hand_delta) for row in moved} == {
        ("transfer_out", "TRF-1001", -30),
        ("transfer_out", "TRF-1001", -5),
    }


async def test_transfers_at_the_same_moment_cannot_take_the_same_units(shop: Shop) -> None:
    await seed(shop)
    results = await asyncio.gather(*(shop.result("transfer_stock", key=f"k{n}", **call()) for n in range(3)))
    assert sorted(result.is_error for result in results) == [False, True, True]
    assert (await levels(shop))["stk_X-1_WHB"].available == 10


async def test_past_transfers_of_the_lane_give_the_estimate(shop: Shop) -> None:
    await seed(shop)
    for number, took in (("a", 1), ("b", 2), ("c", 9)):
        await shop.add(
            Transfer(
                id=f"trf_{number}",
                number=f"T-{number}",
                from_location_id="loc_WHB",
                to_location_id="loc_WHA",
                status="received",
                shipped_at=days(-20),
                received_at=days(-20 + took),
            )
        )
    done = await shop.call("transfer_stock", **call())
    assert done["eta"] == "2026-03-04T09:00:00Z"
    assert "median of the last 3" in done["eta_basis"]


async def test_impossible_transfers_are_refused_with_numbers(shop: Shop) -> None:
    await seed(shop)
    short = await shop.refused("transfer_stock", **call(quantity=41))
    assert short["code"] == "state_conflict"
    assert "has 40 units of X-1 available; 41 are wanted" in short["message"]
    assert (await shop.refused("transfer_stock", **call(to_warehouse_id="WHB")))["field"] == "to_warehouse_id"
    assert (await shop.refused("transfer_stock", **call(sku="X-3", quantity=1)))["code"] == "state_conflict"
    both = await shop.refused("transfer_stock", **call(lines=[{"sku": "X-1", "quantity": 1}]))
    assert (both["code"], both["field"]) == ("invalid_argument", "lines")
    twice = [{"sku": "X-1", "quantity": 1}, {"sku": "var_X-1", "quantity": 1}]
    wanted = {"from_warehouse_id": "WHB", "to_warehouse_id": "WHA"}
    assert (await shop.refused("transfer_stock", lines=twice, **wanted))["field"] == "lines"
    assert (await shop.refused("transfer_stock", **wanted))["field"] == "lines"
    assert (await shop.refused("transfer_stock", **call(expected_version=9)))["code"] == "version_conflict"
    past = await shop.refused("transfer_stock", **call(arrives_at="2026-03-01T09:00:00Z"))
    assert past["field"] == "arrives_at"


async def test_an_arrival_is_a_time_with_a_zone(shop: Shop) -> None:
    await seed(shop)
    for text in ("2026-03-05T09:00:00", "2026-03-05"):
        refused = await shop.refused("transfer_stock", **call(arrives_at=text))
        assert (refused["code"], refused["field"]) == ("invalid_argument", "arrives_at")
    done = await shop.call("transfer_stock", **call(arrives_at="2026-03-05T10:00:00+01:00"))
    assert done["eta"] == "2026-03-05T09:00:00Z"
