"""Operational KPIs, counted by hand for a small shop."""

from typing import Any

import pytest

from tests.commerce import books
from tests.commerce.conftest import Shop
from tradepost.commerce.claims.models import Claim
from tradepost.commerce.flows.insight.kpis import TOOLS
from tradepost.commerce.logistics.models import Carrier, Shipment


async def fill(shop: Shop) -> None:
    shop.offer(TOOLS)
    await shop.add(books.customer(), books.warehouse("W1"), books.warehouse("W2"), books.product())
    await shop.add(books.variant("A"), books.variant("B"), books.variant("KG", unit="KGM", quantity_scale=3))
    orders = {
        # on time and in full, on time but short, late, not yet due, canceled, out of the period
        "1": {"promised_to": books.days(-2), "delivered_at": books.days(-3), "picked_at": books.days(-4.5)},
        "2": {"promised_to": books.days(-2), "delivered_at": books.days(-3), "picked_at": books.days(-4.25)},
        "3": {"promised_to": books.days(-2), "warehouse_id": "loc_W2"},
        "4": {"promised_to": books.days(3), "warehouse_id": "loc_W2", "currency": "JPY", "total_minor": 500},
        "5": {"promised_to": books.days(-2), "status": "canceled"},
        "6": {"promised_to": books.days(-80), "placed_at": books.days(-90)},
    }
    rows = {number: books.order(number, **{"warehouse_id": "loc_W1", **fields}) for number, fields in orders.items()}
    await shop.add(*rows.values())
    lines = [
        books.line(rows["1"], 1, "A", 4, delivered=4),
        books.line(rows["2"], 1, "A", 2, delivered=1),
        books.line(rows["3"], 1, "B", 4),
        books.line(rows["4"], 1, "KG", 2500, quantity_scale=3, unit="KGM"),
        books.line(rows["5"], 1, "B", 9),
        books.line(rows["6"], 1, "B", 9, delivered=9),
    ]
    await shop.add(*lines)
    await shop.add(*books.rma(rows["1"], [(lines[0], 2, "size_too_small"), (lines[0], 1, "defective")]))
    await shop.add(*books.rma(rows["3"], [(lines[2], 4, "unwanted")], status="declined"))
    await shop.add(*books.rma(rows["6"], [(lines[5], 9, "unwanted")]))
    await shop.add(books.stock("A", "W1", 0), books.stock("B", "W1", 5), books.stock("B", "W2", 0))
    await shop.add(Carrier(id="car_1", code="ups", name="UPS", services=[]))
    for number, position in (("1", 1), ("1", 2), ("3", 1)):
        await shop.add(
            Shipment(
                id=f"shp_{number}{position}",
                number=f"S{number}{position}",
                order_id=f"ord_{number}",
                carrier_id="car_1",
            )
        )
    await shop.add(
        Claim(
            id="clm_1",
            number="CLM-1",
            type="damage",
            side="customer_claim",
            currency="EUR",
            order_id="ord_1",
            opened_at=books.days(-1),
            lines=[],
        )
    )
    foreign = books.order("1", promised_to=books.days(-2))
    await shop.add(books.customer(), foreign, workspace="wsp_other")


async def test_overall_figures_are_those_counted_by_hand(shop: Shop) -> None:
    await fill(shop)
    result = await shop.result("get_ops_kpis")
    assert result.structured is not None
    overall = result.structured["overall"]
    assert overall["orders"] == 4
    assert [amount["display"] for amount in overall["revenue"]] == ["€30.00", "¥500"]
    assert (overall["due_orders"], overall["otif_rate"]) == (3, round(1 / 3, 4))
    assert (overall["late_orders"], overall["late_rate"]) == (1, round(1 / 3, 4))
    assert overall["average_pick_hours"] == pytest.approx(15.0)
    assert (overall["sold_units"], overall["returned_units"], overall["return_rate"]) == (11, 3, round(3 / 11, 4))
    assert overall["return_reasons"] == [
        {"reason": "size_too_small", "units": 2},
        {"reason": "defective", "units": 1},
    ]
    assert (overall["claim_rate"], overall["stockouts"]) == (0.25, 2)
    text = result.content[0]["text"]
    assert "4 orders" in text
    assert "OTIF 33.3 %" in text
    assert len(text) <= 800


async def test_groups_by_warehouse_carrier_and_the_warehouse_filter(shop: Shop) -> None:
    await fill(shop)
    by_place = {item["key"]: item for item in (await shop.call("get_ops_kpis", group_by="warehouse"))["items"]}
    assert {key: item["orders"] for key, item in by_place.items()} == {"W1": 2, "W2": 2}
    assert by_place["W2"]["late_rate"] == 1.0
    assert by_place["W2"]["stockouts"] == 1
    (carrier,) = (await shop.call("get_ops_kpis", group_by="carrier"))["items"]
    assert (carrier["key"], carrier["orders"], carrier["due_orders"], carrier["late_orders"]) == ("ups", 2, 2, 1)
    assert (carrier["sold_units"], carrier["stockouts"]) == (8, None)
    filtered = await shop.call("get_ops_kpis", warehouse_id="Place W1")
    assert (filtered["warehouse"], filtered["overall"]["orders"]) == ("W1", 2)
    assert (await shop.refused("get_ops_kpis", warehouse_id="W9"))["code"] == "not_found"


async def test_skus_with_a_high_return_rate_come_with_their_reasons(shop: Shop) -> None:
    await fill(shop)
    result = await shop.result("get_ops_kpis", group_by="sku", min_return_rate=0.15)
    assert result.structured is not None
    (item,) = result.structured["items"]
    assert (item["key"], item["return_rate"], item["return_reasons"][0]["reason"]) == ("A", 0.5, "size_too_small")
    assert "size_too_small 2" in result.content[0]["text"]
    everything = await shop.call("get_ops_kpis", group_by="sku")
    assert [(row["key"], row["returned_units"]) for row in everything["items"]] == [("A", 3), ("B", 0), ("KG", 0)]
    at_the_edge = await shop.call("get_ops_kpis", group_by="sku", min_return_rate=0.5)
    assert [row["key"] for row in at_the_edge["items"]] == ["A"]
    assert (await shop.call("get_ops_kpis", group_by="sku", min_return_rate=0.51))["items"] == []
    assert (await shop.refused("get_ops_kpis", min_return_rate=0.1))["field"] == "min_return_rate"


async def test_groups_are_paged_once_each(shop: Shop) -> None:
    await fill(shop)
    seen: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        found = await shop.call("get_ops_kpis", group_by="sku", limit=2, **cursor)
        assert found["total_estimate"] == 3
        seen += [item["key"] for item in found["items"]]
        if not found["has_more"]:
            break
        cursor = {"cursor": found["next_cursor"]}
    assert seen == ["A", "B", "KG"]


async def test_empty_period_and_other_workspace_have_nothing_to_divide(shop: Shop) -> None:
    await fill(shop)
    nothing = (await shop.call("get_ops_kpis", date_from="2020-01-01T00:00:00Z", date_to="2020-02-01T00:00:00Z"))[
        "overall"
    ]
    assert (nothing["orders"], nothing["otif_rate"], nothing["return_rate"], nothing["revenue"]) == (0, None, None, [])
    other = (await shop.call("get_ops_kpis", workspace="wsp_other"))["overall"]
    assert (other["orders"], other["due_orders"], other["stockouts"], other["sold_units"]) == (1, 1, 0, 0)
    refused = await shop.refused("get_ops_kpis", date_from="2026-03-01T00:00:00Z", date_to="2026-03-01T00:00:00Z")
    assert refused["field"] == "date_from"
