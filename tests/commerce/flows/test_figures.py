"""The figures of a period are those of its rows, however they were written and changed since."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from tests.commerce.flows.counted_by_hand import Rows, kpis, read_rows, sales
from tests.commerce.odd_orders import make_odd_orders
from tests.commerce.other_shop import NOW
from tests.commerce.other_workspaces import ASKED, other_shop_template
from tests.commerce.walking import Json, Walker
from tests.commerce.write_attempts import attempts
from tests.engines import DatabaseUrls, Template
from tradepost.commerce.orders.models import Order
from tradepost.database.engine import Database
from tradepost.foundation.clock import to_rfc3339

# Writes that change an order's state, lines, parcels, claims or returns.
CHANGING = (
    "edit_order_items",
    "cancel_order",
    "create_shipment",
    "submit_return",
    "create_exchange",
    "decline_return",
    "open_claim",
)
EACH = 3


@pytest.fixture
def database_template() -> Template:
    return other_shop_template()


@pytest.fixture
async def store(database_urls: DatabaseUrls) -> AsyncIterator[Database]:
    database = Database(database_urls.store)
    yield database
    await database.close()


async def work(walker: Walker) -> int:
    """Some of each write. Returns how many were carried out."""
    await walker.look_around()
    done = 0
    for tool in CHANGING:
        carried_out = 0
        for number, arguments in enumerate(attempts(walker, tool)):
            _, error = await walker.call(tool, **arguments, idempotency_key=f"{tool}-{number}")
            carried_out += not error
            if carried_out == EACH:
                break
        done += carried_out
    return done


async def every_item(walker: Walker, tool: str, **arguments: Any) -> tuple[Json, list[Json]]:
    """The last page with all items."""
    page = await walker.good(tool, **arguments, limit=50)
    items: list[Json] = page["items"]
    while page["next_cursor"] is not None:
        page = await walker.good(tool, **arguments, limit=50, cursor=page["next_cursor"])
        items = [*items, *page["items"]]
    assert page["total_estimate"] == len(items)
    return page, items


def shown(item: Json) -> Json:
    """An item of the KPIs as they are counted."""
    kept = {name: item[name] for name in item if name not in ("key", "id", "stockouts", "revenue", "return_reasons")}
    kept["revenue"] = [(money["currency"], money["amount_minor"]) for money in item["revenue"]]
    kept["return_reasons"] = [(reason["reason"], reason["units"]) for reason in item["return_reasons"]]
    return kept


async def check_kpis(walker: Walker, rows: Rows, days: int, place: str | None) -> None:
    start = NOW - timedelta(days=days)
    asked: Json = {"date_from": to_rfc3339(start)} | ({} if place is None else {"warehouse_id": place})
    for group in ("none", "warehouse", "carrier", "sku"):
        expected = kpis(rows, group, start, NOW, place)
        page, items = await every_item(walker, "get_ops_kpis", **asked, group_by=group)
        assert shown(page["overall"]) == expected.pop("all"), (group, days, place)
        found = {item["key"]: shown(item) for item in items}
        if group == "sku":
            expected = {key: item for key, item in expected.items() if item["sold_units"]}
        if group == "warehouse":  # those with stock that ran out are there even without orders
            found = {key: item for key, item in found.items() if item["orders"] or item["due_orders"]}
        assert found == expected, (group, days, place)


async def check_sales(walker: Walker, rows: Rows, days: int, place: str | None, currency: str) -> None:
    start = NOW - timedelta(days=days)
    asked: Json = {"date_from": to_rfc3339(start), "currency": currency}
    asked |= {} if place is None else {"warehouse_id": place}
    for group in ("none", "channel", "warehouse", "customer", "category", "sku"):
        expected = sales(rows, group, start, NOW, place, currency)
        page, items = await every_item(walker, "get_sales_report", **asked, group_by=group)
        whole, totals = expected.pop("all"), page["totals"]
        assert (totals["orders"], totals["customers"], totals["units"]) == (
            whole.get("orders", 0),
            whole["customers"],
            whole.get("units", 0),
        )
        named = ("goods", "subtotal"), ("discounts", "discount"), ("shipping", "shipping"), ("tax", "tax")
        for name, column in (*named, ("total", "total"), ("refunds", "refunded")):
            assert totals[name]["amount_minor"] == whole.get(column, 0), (name, days, place)
        found = {item["key"]: _sold(item) for item in items}
        assert found == expected, (group, days, place)
        assert [item["sales"]["amount_minor"] for item in items] == sorted(
            (item["sales"] for item in expected.values()), reverse=True
        )
    best = sorted(
        sales(rows, "sku", start, NOW, place, currency).items(), key=lambda it: (-it[1].get("sales", 0), it[0])
    )
    assert [row["key"] for row in page["top_products"]] == [key for key, _ in best if key != "all"][:5]


def _sold(item: Json) -> Json:
    kept = {
        "orders": item["orders"],
        "sales": item["sales"]["amount_minor"],
        "refunds": item["refunds"]["amount_minor"],
    }
    return kept | ({"units": item["units"]} if "units" in item else {})


async def test_figures_are_those_of_the_rows_before_and_after_a_days_work(store: Database) -> None:
    walker = Walker(store)
    order = await check(walker, store, 30)
    await make_odd_orders(store)
    assert await work(walker) > EACH * len(CHANGING) // 2
    await check(walker, store, 500)
    await check(walker, store, 500, order.warehouse_id)


async def check(walker: Walker, store: Database, days: int, place: str | None = None) -> Order:
    """The figures of the last days. Returns an order of a warehouse."""
    async with store.transaction(ASKED, write=False) as session:
        rows = await read_rows(session, NOW)
    order: Order = next(row for row in rows.of[Order] if row.warehouse_id is not None and row.status == "completed")
    await check_kpis(walker, rows, days, place)
    await check_sales(walker, rows, days, place, order.currency)
    return order
