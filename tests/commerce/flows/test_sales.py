"""The sales report: sums of one currency, without canceled orders, by the shop's own days and by what sells most."""

from datetime import timedelta
from typing import Any

import pytest

from tests.commerce.conftest import NOW, Shop
from tests.commerce.flows.order_rows import ADDRESS, goods, order, people
from tradepost.commerce.flows.insight import sales
from tradepost.commerce.orders.models import Order


def placed(rows: list[Any], days: float, **more: Any) -> list[Any]:
    found: Order = rows[0]
    found.placed_at = NOW - timedelta(days=days)
    for name, value in more.items():
        setattr(found, name, value)
    return rows


@pytest.fixture
async def desk(shop: Shop) -> Shop:
    """Three orders in euros within 30 days, one of them on another channel; one older, one canceled, one in yen."""
    shop.offer(sales.TOOLS)
    await shop.add(
        *people(),
        *goods(),
        *placed(order("1", ("SHIRT-S", 2), shipping_minor=500, tax_minor=100), 1, refunded_minor=1000),
        *placed(order("2", ("MUG-R", 1), ("SHIRT-S", 1), discount_minor=200), 1, channel="app"),
        *placed(order("3", ("MUG-R", 3)), 10),
        *placed(order("4", ("MUG-R", 9)), 40),
        *placed(order("5", ("MUG-B", 9)), 2, status="canceled"),
    )
    await shop.add(
        Order(
            id="ord_yen",
            number="Y-1",
            customer_id="cus_bob",
            currency="JPY",
            total_minor=9000,
            subtotal_minor=9000,
            placed_at=NOW - timedelta(days=3),
            shipping_address=ADDRESS,
        )
    )
    return shop


async def test_the_sums_of_the_last_thirty_days(desk: Shop) -> None:
    report = await desk.call("get_sales_report")
    sums = {name: value["amount_minor"] for name, value in report["totals"].items() if isinstance(value, dict)}
    assert sums == {
        "goods": 5800,
        "discounts": 200,
        "shipping": 500,
        "tax": 100,
        "total": 6200,
        "refunds": 1000,
        "net": 5200,
        "average_order": 2067,
    }
    assert (report["totals"]["orders"], report["totals"]["units"], report["totals"]["customers"]) == (3, 7, 1)
    assert [(row["key"], row["units"], row["sales"]["amount_minor"]) for row in report["top_products"]] == [
        ("SHIRT-S", 3, 3000),
        ("MUG-R", 4, 2800),
    ]
    assert report["other_currencies"] == [{"currency": "JPY", "orders": 1}]
    yen = await desk.call("get_sales_report", currency="JPY")
    assert yen["totals"]["total"] == {"amount_minor": 9000, "currency": "JPY", "display": "¥9,000"}


GROUPED: list[tuple[str, list[tuple[str, int, int]]]] = [
    ("channel", [("web", 2, 4700), ("app", 1, 1500)]),
    ("warehouse", [("WH-1", 3, 6200)]),
    ("customer", [("CUST-ann", 3, 6200)]),
    ("sku", [("SHIRT-S", 2, 3000), ("MUG-R", 2, 2800)]),
    ("category", [("clothing", 2, 3000), ("kitchen", 2, 2800)]),
]


async def test_one_row_per_group_the_most_sales_first(desk: Shop, subtests: pytest.Subtests) -> None:
    for group, rows in GROUPED:
        with subtests.test(group=group):
            found: list[Any] = []
            cursor = None
            while True:
                page = await desk.call("get_sales_report", group_by=group, limit=1, cursor=cursor)
                assert page["total_estimate"] == len(rows)
                found += page["items"]
                cursor = page["next_cursor"]
                if cursor is None:
                    break
            assert [(row["key"], row["orders"], row["sales"]["amount_minor"]) for row in found] == rows


async def test_days_are_the_shops_own_and_quiet_ones_count(desk: Shop) -> None:
    report = await desk.call("get_sales_report", group_by="day", limit=3)
    assert [(row["key"], row["orders"]) for row in report["items"]] == [
        ("2026-03-02", 0),
        ("2026-03-01", 2),
        ("2026-02-28", 0),
    ]
    assert (report["total_estimate"], report["has_more"]) == (31, True)


async def test_filters_and_periods(desk: Shop) -> None:
    app = await desk.call("get_sales_report", channel="app", warehouse_id="WH-1")
    assert app["totals"]["total"]["amount_minor"] == 1500
    nothing = await desk.call("get_sales_report", channel="moon")
    assert (nothing["totals"]["orders"], nothing["totals"]["average_order"]) == (0, None)
    error = await desk.refused("get_sales_report", date_from="2026-03-02T00:00:00Z", date_to="2026-03-01T00:00:00Z")
    assert error["field"] == "date_from"
    error = await desk.refused("get_sales_report", date_from="2020-03-02T00:00:00Z")
    assert "1098" in error["message"]
    assert (await desk.refused("get_sales_report", currency="XXX"))["field"] == "currency"
    assert (await desk.refused("get_sales_report", cursor="x"))["field"] == "cursor"
