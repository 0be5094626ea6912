"""Operational KPIs: on time in full, lateness, picking, returns with their reasons, stockouts, claims, revenue."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from tradepost.commerce.flows.insight.kpi_facts import GroupBy, Scope, rate
from tradepost.commerce.flows.insight.kpi_groups import Figures, figures_of
from tradepost.commerce.flows.names import find_called
from tradepost.commerce.flows.numbers import numbers_of
from tradepost.commerce.inventory.models import Location
from tradepost.commerce.logistics.models import Carrier
from tradepost.commerce.serving.declare import Answer, read_tool
from tradepost.commerce.store.listing import Cursor, Detail, Fields, Limit, TimeFilter, keep_fields
from tradepost.commerce.store.periods import require_period
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.money import MoneyView, money
from tradepost.foundation.pagination import decode_offset, encode_cursor

DEFAULT_DAYS = 30
TOP_REASONS = 3
RATE_SCALE = 10_000
CODED: Mapping[str, Any] = {"warehouse": Location, "carrier": Carrier}  # groups that people call by a code


IN_SHORT = ("key", "orders", "otif_rate", "late_rate", "return_rate")


class ReasonView(TypedDict):
    """A reason of returns and the units returned for it."""

    reason: str
    units: int


class KpiView(TypedDict):
    """The figures of one group. Rates are 0 to 1, null where there is nothing to divide by."""

    key: str
    id: str | None
    orders: int
    revenue: list[MoneyView]
    due_orders: int
    otif_rate: float | None
    late_orders: int
    late_rate: float | None
    average_pick_hours: float | None
    sold_units: int
    returned_units: int
    return_rate: float | None
    return_reasons: list[ReasonView]
    claim_rate: float | None
    stockouts: int | None


class KpiReport(TypedDict):
    """The figures over all, and per group."""

    date_from: str
    date_to: str
    warehouse: str | None
    group_by: str
    overall: KpiView
    items: list[KpiView]
    next_cursor: str | None
    has_more: bool
    total_estimate: int
    truncated: bool


@read_tool(title="Get operations KPIs", scope="read:analytics")
async def get_ops_kpis(
    store: Store,
    date_from: TimeFilter = None,
    date_to: TimeFilter = None,
    warehouse_id: Annotated[
        str | None, Field(max_length=200, description="Warehouse id, code or name.", examples=["WH-1"])
    ] = None,
    group_by: Annotated[GroupBy, Field(description="One row per what.", examples=["warehouse"])] = "none",
    min_return_rate: Annotated[
        float | None,
        Field(ge=0, le=1, description="With group_by=sku: only skus from this return rate on.", examples=[0.15]),
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
    detail: Detail = "standard",
    fields: Fields = None,
) -> Answer[KpiReport]:
    """Sum up operations for a period (default: the last 30 days): orders, revenue, on time in full (OTIF), late rate,
    hours to pick, return rate with top reasons, claim rate, stockouts now. Use for briefings and comparisons; with
    group_by=sku and min_return_rate to find what comes back and why. Not for single orders (search_orders,
    list_at_risk_orders). Reads only. OTIF and late count orders whose promise ended in the period; all else counts
    orders placed in it, without canceled ones. Skus come by return rate, other groups by orders."""
    if min_return_rate is not None and group_by != "sku":
        raise InvalidArgument(
            "min_return_rate filters skus and needs group_by=sku.",
            hint="Add group_by=sku, or leave min_return_rate out.",
            field="min_return_rate",
        )
    end = date_to or store.now
    start = date_from or end - timedelta(days=DEFAULT_DAYS)
    require_period(start, end, "date")
    place = None if warehouse_id is None else await find_called(store, Location, warehouse_id, field="warehouse_id")
    scope = scope_of(store, start, end, None if place is None else place.id)
    if group_by == "none" and cursor is not None:
        raise InvalidArgument("Without group_by there are no pages.", hint="Leave cursor out.", field="cursor")
    found = await figures_of(store, replace(scope, group_by=group_by))
    items: list[KpiView] = []
    next_cursor, groups = None, 0
    if group_by != "none":
        ranked = _ranked(found.groups, group_by, min_return_rate)
        groups = len(ranked)
        shown, next_cursor = _page_of(store, ranked, group_by, limit, cursor)
        items = await _views(store, shown, found.groups, group_by)
    overall = _view("all", None, found.overall)
    report: KpiReport = {
        "date_from": to_rfc3339(start),
        "date_to": to_rfc3339(end),
        "warehouse": None if place is None else place.code,
        "group_by": group_by,
        "overall": overall,
        "items": items,
        "next_cursor": next_cursor,
        "has_more": next_cursor is not None,
        "total_estimate": groups,
        "truncated": False,
    }
    text = _text(report)
    if detail == "summary":
        report["items"] = keep_fields(items, IN_SHORT)
    report["items"] = keep_fields(report["items"], fields)
    return Answer(report, text)


def scope_of(store: Store, start: datetime, end: datetime, warehouse_id: str | None) -> Scope:
    """The figures of a period over all, for the store of this call."""
    return Scope(store.caller.workspace_id, store.currency, start, end, store.now, warehouse_id, "none")


async def overall_kpis(store: Store, scope: Scope) -> KpiView:
    """The figures over all."""
    return _view("all", None, (await figures_of(store, scope)).overall)


def _ranked(groups: Mapping[str, Figures], group_by: GroupBy, min_return_rate: float | None) -> list[str]:
    """The keys as they are listed: skus that were sold by return rate, places and carriers by orders."""
    if group_by != "sku":
        return sorted(groups, key=lambda key: (-groups[key].orders, key))
    least = 0 if min_return_rate is None else round(min_return_rate * RATE_SCALE)
    sold = [
        key
        for key, figures in groups.items()
        if figures.sold > 0 and figures.returned * RATE_SCALE >= figures.sold * least
    ]
    return sorted(sold, key=lambda key: (-groups[key].returned / groups[key].sold, -groups[key].sold, key))


def _page_of(
    store: Store, ranked: Sequence[str], group_by: GroupBy, limit: int, cursor: str | None
) -> tuple[Sequence[str], str | None]:
    kind = store.list_kind(f"kpis by {group_by}")
    offset = decode_offset(kind, cursor)
    end = offset + limit
    return ranked[offset:end], encode_cursor(kind, [end]) if end < len(ranked) else None


async def _views(store: Store, keys: Sequence[str], groups: Mapping[str, Figures], group_by: GroupBy) -> list[KpiView]:
    coded = CODED.get(group_by)
    codes = {} if coded is None else await numbers_of(store, coded, keys, by="code")
    return [_view(codes.get(key, key), key if coded is not None else None, groups[key]) for key in keys]


def _view(key: str, row_id: str | None, figures: Figures) -> KpiView:
    top = sorted(figures.reasons.items(), key=lambda item: (-item[1], item[0]))[:TOP_REASONS]
    return {
        "key": key,
        "id": row_id,
        "orders": figures.orders,
        "revenue": [money(total, currency) for currency, total in sorted(figures.revenue.items())],
        "due_orders": figures.due,
        "otif_rate": rate(figures.on_time_in_full, figures.due),
        "late_orders": figures.late,
        "late_rate": rate(figures.late, figures.due),
        "average_pick_hours": round(figures.pick_hours / figures.picked, 2) if figures.picked else None,
        "sold_units": figures.sold,
        "returned_units": figures.returned,
        "return_rate": rate(figures.returned, figures.sold),
        "return_reasons": [{"reason": reason, "units": units} for reason, units in top],
        "claim_rate": rate(figures.claimed, figures.orders),
        "stockouts": figures.stockouts,
    }


def _text(report: KpiReport) -> str:
    place = f" at {report['warehouse']}" if report["warehouse"] else ""
    text = f"{report['date_from'][:10]} to {report['date_to'][:10]}{place}: {_said(report['overall'])}"
    if report["group_by"] != "none":
        if not report["items"]:
            return f"{text} No {report['group_by']} fits."
        text += f" {len(report['items'])} of {report['total_estimate']} by {report['group_by']}:"
    for item in report["items"][:8]:
        if report["group_by"] == "sku":
            why = ", ".join(f"{reason['reason']} {reason['units']}" for reason in item["return_reasons"])
            text += f" {item['key']} {_percent(item['return_rate'])} returned ({item['returned_units']}"
            text += f" of {item['sold_units']}{': ' + why if why else ''});"
        else:
            text += f" {item['key']}: {item['orders']} orders, OTIF {_percent(item['otif_rate'])}, "
            text += f"late {_percent(item['late_rate'])};"
    return text.rstrip(";") + "." if report["items"] else text


def _said(view: KpiView) -> str:
    revenue = ", ".join(amount["display"] for amount in view["revenue"]) or "no revenue"
    pick = view["average_pick_hours"]
    return (
        f"{view['orders']} orders, {revenue}, OTIF {_percent(view['otif_rate'])} and late "
        f"{_percent(view['late_rate'])} of {view['due_orders']} due, picked in "
        f"{'n/a' if pick is None else f'{pick} h'}, return rate {_percent(view['return_rate'])}, "
        f"claim rate {_percent(view['claim_rate'])}, {view['stockouts']} stockouts now."
    )


def _percent(share: float | None) -> str:
    return "n/a" if share is None else f"{share * 100:.1f} %"


TOOLS = (get_ops_kpis,)
