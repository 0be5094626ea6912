"""Whether orders keep their promise, and the chain of causes down to its root."""

from typing import Any

import pytest
from sqlalchemy import event

from tests.commerce.books import days, line, order, warehouse
from tests.commerce.conftest import WORKSPACE, Shop
from tests.commerce.flows.lateness_rows import driver, ground, purchase, route, shipment, sick, stock, stop
from tradepost.commerce.flows.orders.at_risk import TOOLS as AT_RISK
from tradepost.commerce.flows.orders.lateness import assess
from tradepost.commerce.flows.orders.order_detail import TOOLS as DETAIL
from tradepost.commerce.store.store import Store


async def lateness(shop: Shop, *rows: Any, number: str = "1") -> dict[str, Any]:
    shop.offer([*DETAIL])
    await shop.add(*ground(), *rows)
    found: dict[str, Any] = (await shop.call("get_order", order_id=number))["lateness"]
    return found


@pytest.mark.behaviour("S1.6")
async def test_sick_driver_is_named_as_the_cause(shop: Shop) -> None:
    late = order("1", promised_to=days(-2))
    found = await lateness(shop, late, shipment(late), sick(), stop(late, driver_id="drv_Kim", shipment_id="shp_1_1"))
    assert (found["late"], found["days_late"]) == (True, 2)
    assert found["sentence"] == (
        "Order 1 is 2 days late because its assigned driver Kim is unavailable: sick (since 2026-02-27)."
    )
    assert found["causes"][0]["chain"] == ["order 1", "delivery D-1", "driver DRV-Kim"]
    assert found["causes"][0]["since"] == "2026-02-27T09:00:00Z"


async def test_driver_of_the_route_counts_where_the_stop_names_none(shop: Shop) -> None:
    late = order("1", promised_to=days(-1))
    found = await lateness(shop, late, sick(), route(driver_id="drv_Kim"), stop(late, route_id="rte_1"))
    assert found["causes"][0]["kind"] == "driver"
    assert found["sentence"].startswith("Order 1 is 1 day late because its assigned driver Kim")


async def test_sickness_that_ends_before_the_stop_is_no_risk(shop: Shop) -> None:
    fine = order("1", promised_to=days(4))
    window = {"window_from": days(3), "window_to": days(3.2)}
    found = await lateness(shop, fine, sick(unavailable_until=days(1)), stop(fine, driver_id="drv_Kim", **window))
    assert (found["late"], found["at_risk"], found["causes"]) == (False, False, [])


async def test_sickness_that_outlasts_the_stop_puts_the_order_at_risk(shop: Shop) -> None:
    risky = order("1", promised_to=days(4))
    window = {"window_from": days(3), "window_to": days(3.2)}
    found = await lateness(shop, risky, sick(unavailable_until=days(6)), stop(risky, driver_id="drv_Kim", **window))
    assert (found["late"], found["at_risk"], found["days_late"]) == (False, True, 0)
    assert "may miss its promise of 2026-03-06 because its assigned driver Kim" in found["sentence"]


async def test_eta_after_the_promise_is_late_already(shop: Shop) -> None:
    late = order("1", promised_to=days(1), fulfillment_status="fulfilled")
    found = await lateness(shop, late, shipment(late, status="delayed", eta=days(3), delay_reason="storm"))
    assert (found["late"], found["days_late"], found["expected_at"]) == (True, 2, "2026-03-05T09:00:00Z")
    assert found["sentence"] == (
        "Order 1 (promised by 2026-03-03) will be 2 days late because shipment SH-1-1 is delayed at FastShip: storm"
        " (now expected 2026-03-05)."
    )


async def test_eta_of_the_last_mile_stop_beats_the_carriers(shop: Shop) -> None:
    fine = order("1", promised_to=days(1))
    rows = [
        shipment(fine, eta=days(3)),
        driver(),
        stop(fine, shipment_id="shp_1_1", driver_id="drv_Kim", eta=days(0.5)),
    ]
    found = await lateness(shop, fine, *rows)
    assert found["late"] is False
    assert found["expected_at"] == "2026-03-02T21:00:00Z"


@pytest.mark.parametrize(
    ("eta", "ending"),
    [
        (-1.0, "purchase order PO-1 is overdue since 2026-03-01"),
        (9.0, "purchase order PO-1 comes on 2026-03-11, after the promise"),
        (None, "purchase order PO-1 has no date"),
    ],
)
async def test_missing_stock_leads_to_its_purchase_order(shop: Shop, eta: float | None, ending: str) -> None:
    risky = order("1", promised_to=days(4), warehouse_id="loc_W1")
    found = await lateness(shop, risky, line(risky, 1, "A", 5), stock(0, committed=2), *purchase("PO-1", eta))
    assert found["at_risk"] is True
    (cause,) = found["causes"]
    assert cause["kind"] == "purchase_order"
    assert cause["sentence"] == f"Only 2 of 5 units of SKU A are there for it at W1 and {ending}."
    assert cause["chain"] == ["order 1", "stock A at W1", "purchase order PO-1"]


async def test_stock_that_comes_in_time_is_no_risk(shop: Shop) -> None:
    fine = order("1", promised_to=days(4), warehouse_id="loc_W1")
    found = await lateness(shop, fine, line(fine, 1, "A", 5), stock(0), *purchase("PO-1", 2))
    assert found["at_risk"] is False


async def test_purchase_order_for_another_warehouse_does_not_help(shop: Shop) -> None:
    risky = order("1", promised_to=days(4), warehouse_id="loc_W1")
    elsewhere = purchase("PO-1", 2, location_id="loc_W2")
    found = await lateness(shop, warehouse("W2"), risky, line(risky, 1, "A", 5), stock(0), *elsewhere)
    assert found["causes"][0]["sentence"].endswith("at W1 and no purchase order brings more.")


async def test_first_placed_is_first_served(shop: Shop) -> None:
    shop.offer([*AT_RISK])
    first = order("1", promised_to=days(4), warehouse_id="loc_W1", placed_at=days(-6))
    second = order("2", promised_to=days(4), warehouse_id="loc_W1", placed_at=days(-5))
    lines = [line(first, 1, "A", 3), line(second, 1, "A", 3)]
    await shop.add(*ground(), first, second, *lines, stock(0, committed=4))
    found = await shop.call("list_at_risk_orders", horizon_days=7)
    assert [item["number"] for item in found["items"]] == ["2"]
    assert "only 1 of 3 units" in found["items"][0]["sentence"]


async def test_two_lines_of_a_sku_want_it_together_and_no_warehouse_means_any(shop: Shop) -> None:
    shop.offer([*AT_RISK])
    twice = order("1", promised_to=days(4), warehouse_id="loc_W1")
    anywhere = order("2", promised_to=days(4), placed_at=days(-6))
    lines = [line(twice, 1, "A", 3), line(twice, 2, "A", 3), line(anywhere, 1, "A", 5)]
    shelves = [stock(4), stock(3, code="W2")]
    await shop.add(*ground(), warehouse("W2"), twice, anywhere, *lines, *shelves)
    found = await shop.call("list_at_risk_orders", horizon_days=7)
    assert [item["number"] for item in found["items"]] == ["1"]


async def test_goods_whose_stock_is_not_counted_are_never_short(shop: Shop) -> None:
    fine = order("1", promised_to=days(4), warehouse_id="loc_W1")
    shop.offer([*DETAIL])
    rows = [row for row in ground() if getattr(row, "sku", None) != "A"]
    await shop.add(*rows)
    uncounted = next(row for row in ground() if getattr(row, "sku", None) == "A")
    uncounted.tracks_stock = False
    await shop.add(uncounted, fine, line(fine, 1, "A", 5))
    assert (await shop.call("get_order", order_id="1"))["lateness"]["at_risk"] is False


async def test_hold_payment_and_standstill_count_when_the_promise_is_near(shop: Shop) -> None:
    shop.offer([*AT_RISK])
    held = order("1", status="on_hold", hold_reason="fraud check", promised_to=days(1), payment_status="paid")
    unpaid = order("2", payment_status="pending", promised_to=days(1.5))
    idle = order("3", payment_status="paid", promised_to=days(0.5), warehouse_id="loc_W1")
    far = order("4", payment_status="pending", promised_to=days(10))
    await shop.add(*ground(), held, unpaid, idle, far, line(idle, 1, "A"), stock(9))
    found = await shop.call("list_at_risk_orders", horizon_days=30)
    counted = {one["kind"]: one["orders"] for one in found["by_cause"]}
    kinds = [{cause["kind"] for cause in item["causes"]} for item in found["items"]]
    assert counted == {kind: sum(kind in one for one in kinds) for kind in set().union(*kinds)}
    assert [one["orders"] for one in found["by_cause"]] == sorted(counted.values(), reverse=True)
    assert {item["number"]: item["causes"][0]["kind"] for item in found["items"]} == {
        "3": "not_shipped",
        "1": "hold",
        "2": "payment",
    }


async def test_delivered_orders_are_judged_by_their_delivery(shop: Shop) -> None:
    shop.offer([*DETAIL])
    late = order("1", status="completed", promised_to=days(-5), delivered_at=days(-2))
    fine = order("2", status="completed", promised_to=days(-5), delivered_at=days(-6))
    canceled = order("3", status="canceled", promised_to=days(-5))
    await shop.add(*ground(), late, fine, canceled)
    one = (await shop.call("get_order", order_id="1"))["lateness"]
    assert (one["late"], one["days_late"]) == (True, 3)
    assert one["sentence"] == "Order 1 was delivered 3 days late on 2026-02-28."
    for number in ("2", "3"):
        assert (await shop.call("get_order", order_id=number))["lateness"]["late"] is False


async def test_many_orders_cost_a_handful_of_queries(shop: Shop) -> None:
    orders = [order(str(n), promised_to=days(n % 5 - 2), warehouse_id="loc_W1") for n in range(30)]
    rows = [line(of, 1, "A", 2) for of in orders]
    parcels = [shipment(of, eta=days(2)) for of in orders[::2]]
    await shop.add(*ground(), *orders, *rows, *parcels, stock(0, committed=20), *purchase("PO-1", 3))
    async with shop.database.transaction(WORKSPACE, write=False) as session:
        count = 0

        def counted(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            nonlocal count
            count += statement.startswith("SELECT")

        store = Store(session, shop.caller(), days(0), "EUR")
        engine = session.get_bind()
        event.listen(engine, "before_cursor_execute", counted)
        try:
            found = await assess(store, orders)
        finally:
            event.remove(engine, "before_cursor_execute", counted)
    assert len(found) == 30
    assert count <= 5


async def test_at_risk_list_pages_filters_and_says_none(shop: Shop) -> None:
    shop.offer([*AT_RISK])
    orders = [order(str(n), promised_to=days(-n), warehouse_id="loc_W1" if n % 2 else "loc_W2") for n in range(1, 8)]
    await shop.add(*ground(), warehouse("W2"), *orders)
    seen: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        found = await shop.call("list_at_risk_orders", limit=3, detail="summary", **cursor)
        seen += [item["number"] for item in found["items"]]
        assert found["total_estimate"] == 7
        if not found["has_more"]:
            break
        cursor = {"cursor": found["next_cursor"]}
    assert seen == ["7", "6", "5", "4", "3", "2", "1"]
    west = await shop.call("list_at_risk_orders", warehouse_id="W1", fields=["number"])
    assert [item["number"] for item in west["items"]] == ["7", "5", "3", "1"]
    assert (await shop.refused("list_at_risk_orders", warehouse_id="nowhere"))["code"] == "not_found"
    assert (await shop.refused("list_at_risk_orders", cursor="bad"))["field"] == "cursor"
    nothing = await shop.result("list_at_risk_orders", workspace="wsp_other")
    assert nothing.content[0]["text"] == "No open order due within 3 days is late or at risk."
