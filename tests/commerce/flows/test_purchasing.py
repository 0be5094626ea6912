"""Suggesting, reading and placing purchase orders."""

import json
from typing import Any

from sqlalchemy import select

from tests.commerce.conftest import WORKSPACE, Shop
from tests.commerce.flows.supply import days, goods, level, location, offer, purchase, purchase_line, supplier
from tradepost.commerce.flows.supply import create_reorder, purchase_orders, suggest_reorders
from tradepost.commerce.inventory.models import StockLevel
from tradepost.commerce.purchasing.models import PurchaseOrder


async def seed(shop: Shop) -> None:
    shop.offer([*suggest_reorders.TOOLS, *purchase_orders.TOOLS, *create_reorder.TOOLS], purchase_orders.RESOURCES)
    await shop.add(
        location("WHA", "Alpha"),
        location("WHB", "Beta"),
        *goods("X-1"),
        *goods("X-2"),
        *goods("X-3", status="recalled"),
        level("X-1", "WHA", 5, safety_stock=20, daily_demand_milli=4000, lead_time_days=7, reorder_point=48),
        level("X-1", "WHB", 500, daily_demand_milli=1000, reorder_point=10),
        level("X-2", "WHA", 2, daily_demand_milli=1000, lead_time_days=5, reorder_point=5, incoming=40),
        level("X-3", "WHA", 0, daily_demand_milli=9000, reorder_point=50),
        supplier("S-1", "Works", lead_time_days=9),
        supplier("S-2", "Other Works"),
        offer("S-1", "X-1", 250, moq=24, pack_size=12, preferred=True),
        offer("S-2", "X-1", 100),
        offer("S-1", "X-2", 1000),
        purchase("PO-1", "S-1", "WHA", "confirmed", days(-3)),
        purchase_line("PO-1", "X-2", 40),
        purchase("PO-2", "S-2", "WHA", "partially_received", days(-4)),
        purchase_line("PO-2", "X-3", 100, received=80, rejected=8),
        purchase("PO-3", "S-2", "WHB", "closed", days(-9)),
        purchase_line("PO-3", "X-1", 10, received=10),
    )


def order(**changes: Any) -> dict[str, Any]:
    wanted = {"supplier": "S-1", "warehouse_id": "WHA", "sku": "X-1", "quantity": 96, "reason": "Below reorder point"}
    return {**wanted, **changes}


async def test_suggestions_give_quantity_supplier_cost_and_the_sum_behind_them(shop: Shop) -> None:
    await seed(shop)
    found = await shop.call("suggest_reorders", horizon_days=7)
    covered, wanted = found["items"]
    assert (wanted["sku"], wanted["warehouse"], wanted["quantity"]) == ("X-1", "WHA", 72)
    assert wanted["supplier_number"] == "S-1"
    assert wanted["cost"] == {"amount_minor": 18_000, "currency": "EUR", "display": "€180.00"}
    assert wanted["reason"] == (
        "demand 4 a day x (7 lead + 7 horizon days) + 20 safety stock - 5 available - 0 incoming = 71;"
        " 72 by minimum order and pack size"
    )
    assert (covered["sku"], covered["quantity"], covered["already_ordered"]) == ("X-2", 0, True)
    assert "already ordered: PO-1 (confirmed) brings 40" in covered["note"]
    only = await shop.result("suggest_reorders", supplier="Other Works", detail="full")
    assert [item["unit_cost"]["amount_minor"] for item in (only.structured or {})["items"]] == [100]
    assert "order 71 from S-2 Other Works for €71.00" in only.content[0]["text"]
    assert (await shop.call("suggest_reorders", warehouse_id="WHB"))["items"] == []


async def test_a_preview_tells_the_rules_what_was_suggested(shop: Shop) -> None:
    await seed(shop)
    for wanted, suggested in (({}, 72), ({"warehouse_id": "WHB"}, 0)):
        found = await shop.result("create_reorder", mode="preview", **order(**wanted))
        assert (found.meta or {})["effect"]["suggested"] == [{"quantity": 96, "suggested": suggested}]


async def test_an_ordered_suggestion_is_not_suggested_again(shop: Shop) -> None:
    await seed(shop)
    done = await shop.call("create_reorder", **order())
    assert (done["number"], done["total"]["display"], done["purchase_order_status"]) == (
        "PO-1001",
        "€240.00",
        "ordered",
    )
    assert done["eta"] == "2026-03-11T09:00:00Z"
    (again,) = (await shop.call("suggest_reorders", sku="X-1"))["items"]
    assert (again["quantity"], again["already_ordered"]) == (0, True)
    assert "PO-1001" in again["note"]
    async with shop.database.transaction(WORKSPACE, write=False) as session:
        raised = (await session.scalars(select(StockLevel).where(StockLevel.id == "stk_X-1_WHA"))).one()
        assert (raised.incoming, raised.available) == (96, 5)


async def test_the_same_need_is_not_ordered_twice_unless_meant(shop: Shop) -> None:
    await seed(shop)
    await shop.call("create_reorder", **order())
    error = await shop.refused("create_reorder", **order())
    assert (error["code"], error["field"]) == ("state_conflict", "allow_duplicate")
    assert "already ordered: PO-1001 (ordered) brings 96" in error["message"]
    meant = await shop.call("create_reorder", **order(allow_duplicate=True))
    assert "PO-1001" in meant["warnings"][0]
    more = await shop.call("create_reorder", **order(quantity=480))
    assert more["warnings"]


async def test_terms_of_the_supplier_are_kept_with_numbers(shop: Shop) -> None:
    await seed(shop)
    low = await shop.refused("create_reorder", **order(quantity=12))
    assert "minimum order of 24" in low["message"]
    odd = await shop.refused("create_reorder", **order(quantity=50))
    assert odd["hint"] == "Order 48 or 60."
    assert (await shop.refused("create_reorder", **order(sku="X-2", supplier="S-2")))["field"] == "supplier"
    assert (await shop.refused("create_reorder", **order(sku="X-3")))["code"] == "state_conflict"
    unclear = await shop.refused("create_reorder", **order(supplier="work"))
    assert "S-1 (Works), S-2 (Other Works)" in unclear["message"]
    async with shop.database.transaction(WORKSPACE, write=False) as session:
        assert len((await session.scalars(select(PurchaseOrder))).all()) == 3


async def test_without_a_supplier_the_usual_one_is_asked_and_a_preview_names_the_money(shop: Shop) -> None:
    await seed(shop)
    wanted = order()
    del wanted["supplier"]
    shown = await shop.call("create_reorder", dry_run=True, **wanted)
    assert "€240.00 are owed to S-1 (Works)" in shown["preview"]["side_effects"][0]
    done = await shop.call("create_reorder", **wanted)
    assert done["supplier"] == "S-1 (Works)"


async def test_orders_are_found_by_lateness_sku_and_supplier(shop: Shop) -> None:
    await seed(shop)
    late = await shop.call("list_purchase_orders", overdue_only=True)
    assert {(item["number"], item["days_overdue"]) for item in late["items"]} == {("PO-1", 3), ("PO-2", 4)}
    assert {tuple(item["outstanding_skus"]) for item in late["items"]} == {("X-2",), ("X-3",)}
    by_sku = await shop.call("list_purchase_orders", sku="X-2", supplier="S-1")
    assert [item["number"] for item in by_sku["items"]] == ["PO-1"]
    window = await shop.call("list_purchase_orders", eta_from="2026-02-26T00:00:00Z", eta_to="2026-02-27T00:00:00Z")
    assert [item["number"] for item in window["items"]] == ["PO-2"]
    assert (await shop.call("list_purchase_orders", status="draft"))["items"] == []


async def test_one_order_shows_what_came_short(shop: Shop) -> None:
    await seed(shop)
    found = await shop.result("list_purchase_orders", po_id="PO-2")
    (line,) = (found.structured or {})["items"][0]["lines"]
    assert (line["ordered"], line["received"], line["rejected"], line["short"]) == (100, 80, 8, 12)
    assert "short 12" in found.content[0]["text"]
    resource = await shop.servers[0].read(shop.caller(), "po://PO-2")
    assert json.loads(resource["contents"][0]["text"]) == (found.structured or {})["items"][0]
    assert (await shop.refused("list_purchase_orders", po_id="PO-2", status="draft"))["field"] == "po_id"
