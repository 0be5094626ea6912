"""The daily report and the prompts built on it: right counts, only what the caller may read, tools in order."""

import json
from typing import Any

import pytest

from tests.commerce import books
from tests.commerce.conftest import NOW, WORKSPACE, Shop
from tradepost.commerce.claims.models import Claim
from tradepost.commerce.flows.insight.briefing import PROMPTS
from tradepost.commerce.flows.insight.daily_ops import RESOURCES
from tradepost.commerce.logistics.models import Carrier, Delivery, Driver, Shipment
from tradepost.commerce.payments.models import Dispute
from tradepost.commerce.purchasing.models import PurchaseOrder, Supplier
from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.errors import InvalidArgument

SECTIONS = (
    "read:orders",
    "read:inventory",
    "read:logistics",
    "read:purchasing",
    "read:returns",
    "read:claims",
    "read:payments",
    "read:settlement",
)


async def fill(shop: Shop) -> None:
    shop.offer((), RESOURCES, PROMPTS)
    shop.scopes |= set(SECTIONS)
    await shop.add(books.customer(), books.warehouse("W1"), books.warehouse("W2"), books.product(), books.variant("A"))
    late = books.order("1", promised_to=books.days(-2), warehouse_id="loc_W1")
    today = books.order("2", placed_at=NOW, promised_to=books.days(5), warehouse_id="loc_W2")
    await shop.add(late, today, books.line(late, 1, "A"))
    await shop.add(books.stock("A", "W1", 0, reorder_point=5), books.stock("A", "W2", 50, reorder_point=5))
    await shop.add(Carrier(id="car_1", code="ups", name="UPS", services=[]))
    await shop.add(Shipment(id="shp_1", number="S-1", order_id="ord_1", carrier_id="car_1", status="delayed"))
    await shop.add(
        Driver(
            id="drv_1",
            number="DRV-1",
            name="Sam",
            location_id="loc_W1",
            status="unavailable",
            unavailable_reason="sick",
        )
    )
    window = {"window_from": NOW, "window_to": books.days(0.1), "address": books.ADDRESS}
    await shop.add(Delivery(id="dlv_1", number="D-1", order_id="ord_1", driver_id="drv_1", status="assigned", **window))
    await shop.add(*books.rma(today, [], status="requested", requested_at=books.days(-4)))
    claim: dict[str, Any] = {"type": "damage", "side": "carrier_claim", "currency": "EUR", "lines": []}
    await shop.add(
        Claim(id="clm_1", number="CLM-1", order_id="ord_1", opened_at=NOW, file_by=books.days(3), **claim),
        Claim(id="clm_2", number="CLM-2", opened_at=NOW, status="closed", file_by=books.days(3), **claim),
    )
    paid = books.payment(late, "psp-1", 1000)
    await shop.add(paid, *books.payout("OUT-1", [("charge", "psp-1", 900, 0)]))
    await shop.add(
        Dispute(
            id="dsp_1",
            number="DSP-1",
            payment_id=paid.id,
            order_id="ord_1",
            reason_code="fraud",
            currency="EUR",
            amount_minor=1000,
            opened_at=books.days(-1),
            evidence_due_by=books.days(3),
        )
    )
    supplier = Supplier(id="sup_1", number="SUP-1", name="Mill", currency="EUR")
    po = {"supplier_id": "sup_1", "location_id": "loc_W1", "currency": "EUR", "status": "ordered"}
    await shop.add(supplier, PurchaseOrder(id="po_1", number="PO-1", eta=books.days(-1), **po))


async def report(shop: Shop, caller: Caller | None = None, day: str = "2026-03-02") -> dict[str, Any]:
    shown = await shop.servers[0].read(caller or shop.caller(), f"report://daily-ops/{day}")
    value: dict[str, Any] = json.loads(shown["contents"][0]["text"])
    return value


async def test_report_counts_and_names_what_needs_attention(shop: Shop) -> None:
    await fill(shop)
    value = await report(shop)
    found = value["sections"]
    assert value["left_out"] == []
    assert (found["orders"]["placed_today"], found["orders"]["late"]) == (1, 1)
    assert (found["orders"]["first"][0]["order"], found["orders"]["first"][0]["days_late"]) == ("1", 2)
    assert (found["stock"]["low"], found["stock"]["out"], found["stock"]["first"][0]["warehouse"]) == (1, 1, "W1")
    assert found["shipments"]["first"][0]["shipment"] == "S-1"
    assert found["deliveries"]["by_status"] == {"assigned": 1}
    driver = found["deliveries"]["unavailable_drivers"][0]
    assert (driver["driver"], driver["reason"], driver["open_stops"]) == ("DRV-1", "sick", 1)
    assert found["returns"]["by_status"] == {"requested": 1}
    assert found["returns"]["oldest"][0]["age_days"] == 4
    assert (found["claims"]["open"], found["claims"]["due_soon"][0]["number"]) == (1, "CLM-1")
    assert (found["disputes"]["need_response"], found["disputes"]["due_soon"][0]["days_left"]) == (1, 3)
    assert found["payouts"]["latest"][0]["variance"] == 1
    assert (found["purchasing"]["overdue"], found["purchasing"]["first"][0]["purchase_order"]) == (1, "PO-1")
    assert value["kpis_of_7_days"]["late_orders"] == 1
    assert value["kpis_of_the_day"]["orders"] == 1


async def test_sections_without_the_tools_scope_are_left_out_and_named(shop: Shop) -> None:
    await fill(shop)
    only_figures = Caller(WORKSPACE, Principal("operator", "test"), "req", scopes=frozenset({"read:analytics"}))
    value = await report(shop, only_figures, "today")
    assert value["sections"] == {}
    assert "payouts" in value["left_out"]
    assert value["date"] == "2026-03-02"


async def test_other_workspaces_report_is_empty_and_a_wrong_date_is_refused(shop: Shop) -> None:
    await fill(shop)
    value = await report(shop, shop.caller("wsp_other"))
    assert value["sections"]["orders"]["late"] == value["sections"]["stock"]["low"] == 0
    assert value["sections"]["payouts"]["latest"] == []
    with pytest.raises(InvalidArgument, match="not a date"):
        await report(shop, day="yesterday")


async def test_briefing_embeds_the_report_of_a_warehouse_and_names_the_tools_in_order(shop: Shop) -> None:
    await fill(shop)
    server = shop.servers[0]
    guide = await server.prompt(shop.caller(), "daily_supply_chain_briefing", {"date": "today", "warehouse": "W2"})
    text = guide["messages"][0]["content"]["text"]
    tools = ("get_ops_kpis", "list_at_risk_orders", "list_low_stock", "search_shipments", "list_payouts")
    places = [text.index(tool) for tool in tools]
    assert places == sorted(places)
    assert text.endswith("Propose; do not act without approval.")
    embedded = json.loads(guide["messages"][1]["content"]["resource"]["text"])
    assert (embedded["warehouse"], embedded["sections"]["orders"]["late"]) == ("W2", 0)
    everywhere = await server.prompt(shop.caller(), "daily_supply_chain_briefing", {"date": "today"})
    assert "all warehouses" in everywhere["messages"][0]["content"]["text"]


async def test_damage_claim_and_payout_prompts_embed_their_records(shop: Shop) -> None:
    await fill(shop)
    server = shop.servers[0]
    claim = await server.prompt(shop.caller(), "build_damage_claim", {"order": "#1"})
    uris = [message["content"]["resource"]["uri"] for message in claim["messages"][1:]]
    assert uris == ["order://1", "claim://CLM-1"]
    assert "CLM-1" in claim["messages"][0]["content"]["text"]
    narrow = Caller(WORKSPACE, Principal("operator", "test"), "req", scopes=frozenset({"read:claims"}))
    without_order = await server.prompt(narrow, "build_damage_claim", {"order": "1"})
    assert [message["content"]["resource"]["uri"] for message in without_order["messages"][1:]] == ["claim://CLM-1"]
    payout = await server.prompt(shop.caller(), "reconcile_payout", {"payout": "OUT-1"})
    assert "1 differ in amount" in payout["messages"][0]["content"]["text"]
    assert payout["messages"][0]["content"]["text"].endswith("Propose; do not act without approval.")
    assert json.loads(payout["messages"][2]["content"]["resource"]["text"])["variance"] == 1
