"""Reading stock: one SKU, lists, low stock, movements."""

import json

from tests.commerce.conftest import Shop
from tests.commerce.flows.supply import days, goods, level, location, purchase, purchase_line, supplier
from tradepost.commerce.flows.stock import stock_detail, stock_lists, stock_movements
from tradepost.commerce.inventory.models import StockMovement, Transfer, TransferLine


async def seed(shop: Shop) -> None:
    shop.offer(
        [*stock_detail.TOOLS, *stock_lists.TOOLS, *stock_movements.TOOLS],
        [*stock_detail.RESOURCES, *stock_lists.RESOURCES],
    )
    await shop.add(
        location("WHA", "Alpha"),
        location("WHB", "Beta Nord"),
        *goods("X-1"),
        *goods("X-2", category="toys", status="recalled"),
        *goods("K-1", unit="KGM", quantity_scale=3),
        level("X-1", "WHA", 6, committed=2, safety_stock=4, daily_demand_milli=2000, reorder_point=10, incoming=50),
        level("X-1", "WHB", 40, daily_demand_milli=1000, reorder_point=10),
        level("X-2", "WHA", 3, damaged=1, reorder_point=10, daily_demand_milli=5000),
        level("K-1", "WHA", 5000, daily_demand_milli=2500, reorder_point=6000),
        supplier("S-1", "Works"),
        purchase("PO-1", "S-1", "WHA", "confirmed", days(-1)),
        purchase_line("PO-1", "X-1", 60, received=30, rejected=5),
        purchase("PO-2", "S-1", "WHA", "received", days(-5)),
        purchase_line("PO-2", "X-1", 10, received=8),
    )
    await shop.add(
        Transfer(
            id="trf_1",
            number="TRF-1",
            from_location_id="loc_WHB",
            to_location_id="loc_WHA",
            status="in_transit",
            eta=days(2),
        ),
        TransferLine(id="tfl_1", transfer_id="trf_1", position=1, variant_id="var_X-1", sku="X-1", quantity=25),
    )


async def test_check_inventory_tells_states_cover_and_what_is_on_its_way(shop: Shop) -> None:
    await seed(shop)
    found = await shop.call("check_inventory", sku="X-1")
    assert found["totals"]["available"] == 46
    assert found["days_of_cover"] == 15.3
    first = found["levels"][0]
    assert (first["warehouse"], first["on_hand"], first["days_of_cover"]) == ("WHA", 12, 3.0)
    assert first["stockout_at"] == "2026-03-05T09:00:00Z"
    assert [(item["number"], item["quantity"], item["overdue"]) for item in found["incoming"]] == [
        ("PO-1", 25, True),
        ("TRF-1", 25, False),
    ]
    result = await shop.result("check_inventory", sku="sku:X-1", warehouse_id="beta")
    assert [row["warehouse"] for row in (result.structured or {})["levels"]] == ["WHB"]
    assert "40 available" in result.content[0]["text"]
    resource = await shop.servers[0].read(shop.caller(), "stock://X-1")
    assert json.loads(resource["contents"][0]["text"]) == found


async def test_recall_and_measured_units_are_said(shop: Shop) -> None:
    await seed(shop)
    recalled = await shop.call("check_inventory", sku="X-2")
    assert (recalled["recalled"], recalled["availability"]) == (True, "out_of_stock")
    measured = await shop.result("check_inventory", sku="K-1")
    assert (measured.structured or {})["unit"] == "KGM"
    assert "5 KGM available" in measured.content[0]["text"]


async def test_goods_whose_stock_is_not_counted_say_whether_they_can_be_sold(shop: Shop) -> None:
    await seed(shop)
    await shop.add(*goods("N-1", tracks_stock=False), *goods("N-2", tracks_stock=False, sellable=False))
    found = await shop.result("check_inventory", sku="N-1")
    assert ((found.structured or {})["availability"], (found.structured or {})["stock_counted"]) == ("in_stock", False)
    assert found.content[0]["text"] == "N-1 can be sold now; its stock is not counted."
    assert (await shop.call("check_inventory", sku="N-2"))["availability"] == "out_of_stock"


async def test_levels_filter_by_place_category_and_state(shop: Shop) -> None:
    await seed(shop)
    by_place = await shop.call("list_stock_levels", warehouse_id="WHB")
    assert [row["sku"] for row in by_place["items"]] == ["X-1"]
    damaged = await shop.call("list_stock_levels", state="damaged", detail="full")
    assert [(row["sku"], row["category"]) for row in damaged["items"]] == [("X-2", "toys")]
    assert (await shop.call("list_stock_levels", state="recalled"))["total_estimate"] == 1
    assert (await shop.call("list_stock_levels", category="tools", limit=1))["has_more"]
    error = await shop.refused("list_stock_levels", warehouse_id="Gamma")
    assert error["code"] == "not_found"
    assert "WHA (Alpha)" in error["hint"]
    resource = await shop.servers[0].read(shop.caller(), "warehouse://WHA/stock")
    assert len(json.loads(resource["contents"][0]["text"])["items"]) == 3


async def test_low_stock_by_reorder_point_and_by_days(shop: Shop) -> None:
    await seed(shop)
    by_point = await shop.call("list_low_stock")
    assert [(row["sku"], row["warehouse"]) for row in by_point["items"]] == [("X-1", "WHA"), ("K-1", "WHA")]
    by_days = await shop.call("list_low_stock", below="days_of_cover", days=3)
    assert [row["sku"] for row in by_days["items"]] == ["K-1"]  # 2 days; X-1 has exactly 3
    error = await shop.refused("list_low_stock", days=3)
    assert (error["code"], error["field"]) == ("invalid_argument", "days")


async def test_movements_come_newest_first_with_cause(shop: Shop) -> None:
    await seed(shop)
    for position, cause in enumerate(("count", "shrinkage", "sale")):
        await shop.add(
            StockMovement(
                id=f"mov_{position}",
                sku="X-1",
                location_id="loc_WHA",
                state="available",
                delta=-position - 1,
                on_hand_delta=-position - 1,
                cause=cause,
                actor="user:a",
                occurred_at=days(position - 5),
            )
        )
    found = await shop.call("list_stock_movements", sku="X-1")
    assert [row["cause"] for row in found["items"]] == ["sale", "shrinkage", "count"]
    lost = await shop.call("list_stock_movements", cause="shrinkage", occurred_from="2026-02-01T00:00:00Z")
    assert [row["delta"] for row in lost["items"]] == [-2]
    assert (await shop.call("list_stock_movements", warehouse_id="WHB"))["items"] == []
    backwards = {"occurred_from": "2026-03-02T00:00:00Z", "occurred_to": "2026-03-01T00:00:00Z"}
    assert (await shop.refused("list_stock_movements", **backwards))["field"] == "occurred_from"


async def test_other_workspaces_see_nothing(shop: Shop) -> None:
    await seed(shop)
    assert (await shop.refused("check_inventory", sku="X-1", workspace="wsp_other"))["code"] == "not_found"
    assert (await shop.call("list_stock_levels", workspace="wsp_other"))["items"] == []
