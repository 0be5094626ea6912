"""Operational KPIs: on time in full, lateness, picking, returns with their reasons, stockouts, claims, revenue."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Annotated, Any, cast

from pydantic import Field
from typing_extensions import TypedDict

from tradepost.commerce.flows.insight import kpi_facts
from tradepost.commerce.flows.insight.kpi_facts import GroupBy, Scope, by_key, rate
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
from tradepost.foundation.pagination import decode_cursor, encode_cursor

DEFAULT_DAYS = 30
TOP_REASONS = 3
CODED: Mapping[str, Any] = {"warehouse": Location, "carrier": Carrier}  # groups that people call by a code

_NOTHING_DUE = SimpleNamespace(due=0, on_time_in_full=0, late=0)

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
    overall = await overall_kpis(store, scope)
    items: list[KpiView] = []
    next_cursor, groups = None, 0
    if group_by != "none":
        grouped = replace(scope, group_by=group_by)
        items, next_cursor, groups = await _groups(store, grouped, min_return_rate, limit, cursor)
    elif cursor is not None:
        raise InvalidArgument("Without group_by there are no pages.", hint="Leave cursor out.", field="cursor")
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
    return Scope(store.caller.workspace_id, start, end, store.now, warehouse_id, "none")


async def overall_kpis(store: Store, scope: Scope) -> KpiView:
    """The figures over all."""
    over_all = replace(scope, group_by="none", keys=("all",))
    (view,) = await _views(store, over_all, await _placed(store, over_all), await _units(store, over_all))
    return view


async def _groups(
    store: Store, scope: Scope, min_return_rate: float | None, limit: int, cursor: str | None
) -> tuple[list[KpiView], str | None, int]:
    kind = store.list_kind(f"kpis by {scope.group_by}")
    after = decode_cursor(kind, cursor, 1)
    offset = after.values[0] if after is not None else 0
    if not isinstance(offset, int) or not 0 <= offset < 1_000_000:
        raise InvalidArgument("The cursor is not one that this list gave.", field="cursor")
    if scope.group_by == "sku":
        ranked = kpi_facts.unit_figures(scope, min_return_rate).limit(limit).offset(offset)
        units = by_key((await store.session.execute(ranked)).all())
        keys, groups = tuple(units), next((row.groups for row in units.values()), 0)
        placed = {} if not keys else await _placed(store, replace(scope, keys=keys))
    else:  # places and carriers are few: what was summed up to rank them is what is shown
        placed = await _placed(store, scope)
        groups = len(placed)
        keys = tuple(sorted(placed, key=lambda key: (-placed[key].orders, key)))[offset : offset + limit]
        units = {} if not keys else await _units(store, replace(scope, keys=keys))
    if not keys:
        return [], None, 0
    views = await _views(store, replace(scope, keys=keys), placed, units)
    end = offset + len(keys)
    return views, encode_cursor(kind, [end]) if end < groups else None, groups


@dataclass
class _Placed:
    """The orders of a group that were placed in the period."""

    orders: int = 0
    claimed: int = 0
    pick_hours: float = 0.0
    picked: int = 0
    revenue: dict[str, int] = field(default_factory=dict)  # by currency


async def _placed(store: Store, scope: Scope) -> dict[str, _Placed]:
    """The figures of orders placed by key. A group that has only orders due is among them, with none placed."""
    found: dict[str, _Placed] = defaultdict(_Placed)
    for row in await store.session.execute(kpi_facts.placed_figures(scope)):
        group = found[row.key]
        group.orders += row.orders
        group.claimed += row.claimed
        group.pick_hours += float(row.pick_hours)
        group.picked += row.picked
        group.revenue[row.currency] = row.total
    return found


async def _units(store: Store, scope: Scope) -> dict[str, Any]:
    return by_key((await store.session.execute(kpi_facts.unit_figures(scope))).all())


async def _views(
    store: Store, scope: Scope, placed: Mapping[str, _Placed], units: Mapping[str, Any]
) -> list[KpiView]:
    """The figures of the scope's keys, in their order: one query per question that is not answered yet."""
    execute = store.session.execute
    due = by_key((await execute(kpi_facts.due_figures(scope))).all())
    reasons: dict[str, list[ReasonView]] = defaultdict(list)
    for row in await execute(kpi_facts.return_reasons(scope)):
        if len(reasons[row.key]) < TOP_REASONS:
            reasons[row.key].append({"reason": row.reason, "units": row.units})
    sums: dict[str, dict[str, int]] = defaultdict(dict)
    if scope.group_by == "sku":
        for row in await execute(kpi_facts.revenue_of_lines(scope)):
            sums[row.key][row.currency] = row.total
    else:
        sums.update((key, group.revenue) for key, group in placed.items())
    empty = kpi_facts.stockouts(scope)
    out = None if empty is None else {row.key: row.stockouts for row in await execute(empty)}
    coded = CODED.get(scope.group_by)
    codes = {} if coded is None else await numbers_of(store, coded, scope.keys, by="code")
    views = [
        {
            "key": codes.get(key, key),
            "id": key if coded is not None else None,
            "revenue": [money(total, currency) for currency, total in sorted(sums[key].items())],
            **_order_part(placed.get(key) or _Placed(), due.get(key) or _NOTHING_DUE),
            **_unit_part(units.get(key)),
            "return_reasons": reasons[key],
            "stockouts": None if out is None else out.get(key, 0),
        }
        for key in scope.keys
    ]
    return cast(list[KpiView], views)


def _order_part(placed: _Placed, due: Any) -> dict[str, Any]:
    return {
        "orders": placed.orders,
        "due_orders": due.due,
        "otif_rate": rate(due.on_time_in_full, due.due),
        "late_orders": due.late,
        "late_rate": rate(due.late, due.due),
        "average_pick_hours": round(placed.pick_hours / placed.picked, 2) if placed.picked else None,
        "claim_rate": rate(placed.claimed, placed.orders),
    }


def _unit_part(row: Any) -> dict[str, Any]:
    """What unit_figures says."""
    sold, returned = (row.sold, row.returned) if row is not None else (0, 0)
    return {"sold_units": sold, "returned_units": returned, "return_rate": rate(returned, sold)}


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
