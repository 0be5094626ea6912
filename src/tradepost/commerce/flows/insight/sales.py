"""The sales report: what was sold in a period, and to whom, where and of what most."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import Field

from tradepost.commerce.flows.insight import sales_facts
from tradepost.commerce.flows.insight.sales_facts import SalesGroup
from tradepost.commerce.flows.insight.sales_scope import SalesScope
from tradepost.commerce.flows.insight.sales_views import SalesReport, SalesRow, SalesTotals
from tradepost.commerce.flows.local_days import day_bounds, local_day, store_zone
from tradepost.commerce.flows.names import find_called
from tradepost.commerce.inventory.models import Location
from tradepost.commerce.serving.declare import Answer, read_tool
from tradepost.commerce.store.listing import Cursor, Detail, Fields, Limit, TimeFilter, keep_fields
from tradepost.commerce.store.periods import require_period
from tradepost.commerce.store.store import Store
from tradepost.database.summing import prepare_summing
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.money import exponent, money
from tradepost.foundation.outsiders import clean_name, delivered_person
from tradepost.foundation.pagination import decode_offset, encode_cursor

DEFAULT_DAYS = 30
LONGEST_DAYS = 3 * 366
TOP = 5
SAID = 6
IN_SHORT = ("key", "orders", "sales")

Currency = Annotated[
    str | None, Field(pattern="^[A-Z]{3}$", description="One currency; left out: the shop's.", examples=["EUR"])
]
Where = Annotated[str | None, Field(max_length=200, description="Warehouse id, code or name.", examples=["WH-1"])]
ChannelFilter = Annotated[str | None, Field(max_length=60, description="Sales channel.", examples=["web"])]
By = Annotated[SalesGroup, Field(description="One row per what; days are the shop's own.", examples=["day"])]


@read_tool(title="Get sales report", scope="read:analytics")
async def get_sales_report(
    store: Store,
    date_from: TimeFilter = None,
    date_to: TimeFilter = None,
    group_by: By = "none",
    currency: Currency = None,
    warehouse_id: Where = None,
    channel: ChannelFilter = None,
    limit: Limit = 20,
    cursor: Cursor = None,
    detail: Detail = "standard",
    fields: Fields = None,
) -> Answer[SalesReport]:
    """Sum up sales for a period (default: the last 30 days): revenue, orders, units, average order value, refunds, top
    products; with group_by per day, channel, warehouse, customer, category or sku. Use for revenue questions and
    comparisons. Not for lateness or return rates (get_ops_kpis) or single orders (search_orders). Reads only. Counts
    orders placed in the period, without canceled ones, in one currency; orders in others are named. Days come newest
    first, other rows by sales."""
    end = date_to or store.now
    start = date_from or end - timedelta(days=DEFAULT_DAYS)
    require_period(start, end, "date")
    if end - start > timedelta(days=LONGEST_DAYS):
        raise InvalidArgument(
            f"The period has {(end - start).days} days; a report covers at most {LONGEST_DAYS}.",
            hint="Ask for several shorter periods.",
            field="date_from",
        )
    code = currency or store.currency
    exponent(code)  # an unknown code is refused
    place = None if warehouse_id is None else await find_called(store, Location, warehouse_id, field="warehouse_id")
    scope = SalesScope(store.caller.workspace_id, start, end, code, None if place is None else place.id, channel)
    page = _page_of(store, group_by, limit, cursor)
    await prepare_summing(store.session)
    top, sold, items, groups = await _skus(store, scope, page)
    if group_by != "sku":
        items, groups = await _items(store, scope, page)
    seen = page.offset + len(items)
    next_cursor = encode_cursor(page.kind, [seen]) if seen < groups else None
    report: SalesReport = {
        "date_from": to_rfc3339(start),
        "date_to": to_rfc3339(end),
        "currency": code,
        "group_by": group_by,
        "totals": await _totals(store, scope, sold),
        "top_products": top,
        "other_currencies": [
            {"currency": row.currency, "orders": row.orders}
            for row in await store.session.execute(sales_facts.other_currencies(scope))
        ],
        "items": items,
        "next_cursor": next_cursor,
        "has_more": next_cursor is not None,
        "total_estimate": groups,
        "truncated": False,
    }
    text = _text(report)
    if detail == "summary":
        report["items"] = keep_fields(report["items"], IN_SHORT)
    report["items"] = keep_fields(report["items"], fields)
    return Answer(report, text)


@dataclass(frozen=True, slots=True)
class _Page:
    """Which rows are shown of which groups. `kind` is the list's name in its cursors."""

    group: SalesGroup
    kind: str
    offset: int
    limit: int


def _page_of(store: Store, group: SalesGroup, limit: int, cursor: str | None) -> _Page:
    if group == "none" and cursor is not None:
        raise InvalidArgument("Without group_by there are no pages.", hint="Leave cursor out.", field="cursor")
    kind = store.list_kind(f"sales by {group}")
    return _Page(group, kind, decode_offset(kind, cursor), limit)


async def _totals(store: Store, scope: SalesScope, sold: int) -> SalesTotals:
    row = (await store.session.execute(sales_facts.totals(scope))).one()
    code = scope.currency
    return {
        "orders": row.orders,
        "customers": row.customers,
        "units": sold,
        "goods": money(row.goods, code),
        "discounts": money(row.discounts, code),
        "shipping": money(row.shipping, code),
        "tax": money(row.tax, code),
        "total": money(row.total, code),
        "refunds": money(row.refunds, code),
        "net": money(row.total - row.refunds, code),
        "average_order": money(round(row.total / row.orders), code) if row.orders else None,
    }


async def _skus(store: Store, scope: SalesScope, page: _Page) -> tuple[list[SalesRow], int, list[SalesRow], int]:
    """The top products, the units sold of all, the page of skus where skus are asked for, and how many skus there are:
    all of it from one pass over the lines."""
    limit = page.limit if page.group == "sku" else 0
    found = (await store.session.execute(sales_facts.by_sku(scope, TOP, limit, page.offset))).all()
    rows = {row.place: _row(row, scope, is_of_lines=True) for row in found}
    top = [row for place, row in rows.items() if place <= TOP]
    items = [row for place, row in rows.items() if page.offset < place <= page.offset + limit]
    return top, found[0].sold if found else 0, items, found[0].groups if found else 0


async def _items(store: Store, scope: SalesScope, page: _Page) -> tuple[list[SalesRow], int]:
    """A page of any groups but skus, and how many there are."""
    if page.group == "none":
        return [], 0
    if page.group == "day":
        return await _days(store, scope, page)
    by_category = page.group == "category"
    is_sqlite = store.session.get_bind().dialect.name == "sqlite"
    statement = (
        sales_facts.by_category(scope, page.limit, page.offset, looks_up=is_sqlite)
        if by_category
        else sales_facts.by_order(scope, page.group, page.limit, page.offset)
    )
    found = (await store.session.execute(statement)).all()
    items = [_row(row, scope, is_of_lines=by_category) for row in found]
    if page.group == "customer":
        for item in items:
            delivered_person(item["name"])
    return items, found[0].groups if found else 0


def _row(row: Any, scope: SalesScope, *, is_of_lines: bool) -> SalesRow:
    item: SalesRow = {
        "key": row.key,
        "name": clean_name(row.name, 80, "a name"),
        "orders": row.orders,
        "sales": money(row.sales, scope.currency),
        "refunds": money(row.refunds, scope.currency),
    }
    if is_of_lines:
        item["units"] = row.units
    return item


async def _days(store: Store, scope: SalesScope, page: _Page) -> tuple[list[SalesRow], int]:
    """The shop's own days, the newest first, also those on which nothing was sold."""
    zone = await store_zone(store)
    last = local_day(scope.end - timedelta(microseconds=1), zone)
    days = (last - local_day(scope.start, zone)).days + 1
    items = []
    for back in range(page.offset, min(page.offset + page.limit, days)):
        items.append(await _day(store, scope, last - timedelta(days=back), zone))
    return items, days


async def _day(store: Store, scope: SalesScope, day: date, zone: str) -> SalesRow:
    start, end = day_bounds(zone, day)
    part = replace(scope, start=max(start, scope.start), end=min(end, scope.end))
    row = (await store.session.execute(sales_facts.of_a_day(part))).one()
    return {
        "key": day.isoformat(),
        "name": f"{day:%A}",
        "orders": row.orders,
        "sales": money(row.sales, scope.currency),
        "refunds": money(row.refunds, scope.currency),
    }


def _text(report: SalesReport) -> str:
    sums = report["totals"]
    average = f", {sums['average_order']['display']} per order" if sums["average_order"] else ""
    text = (
        f"{report['date_from'][:10]} to {report['date_to'][:10]}: {sums['orders']} orders, {sums['units']} units, "
        f"{sums['total']['display']} sold{average}, {sums['refunds']['display']} refunded, "
        f"net {sums['net']['display']}."
    )
    if report["items"]:
        rows = [f"{row['key']} {row['sales']['display']} ({row['orders']})" for row in report["items"][:SAID]]
        text += f" By {report['group_by']}, {len(report['items'])} of {report['total_estimate']}: {', '.join(rows)}."
    elif report["top_products"]:
        rows = [f"{row['key']} {row['sales']['display']}" for row in report["top_products"]]
        text += f" Most sold: {', '.join(rows)}."
    if report["other_currencies"]:
        others = ", ".join(f"{row['orders']} in {row['currency']}" for row in report["other_currencies"])
        text += f" Not counted: {others}."
    return text


TOOLS = (get_sales_report,)
