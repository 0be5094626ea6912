"""list_at_risk_orders: every open order that misses its promise or is likely to, with the chain of causes."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Required

from pydantic import Field
from sqlalchemy import select, union_all
from typing_extensions import TypedDict

from tradepost.commerce.flows.local_days import day_bounds, local_day, store_zone
from tradepost.commerce.flows.names import find_called
from tradepost.commerce.flows.orders.late_causes import CauseView
from tradepost.commerce.flows.orders.lateness import IN_FLIGHT, Lateness, assess
from tradepost.commerce.flows.orders.suspects import may_be_endangered
from tradepost.commerce.inventory.models import Location
from tradepost.commerce.orders.models import Order
from tradepost.commerce.serving.declare import Answer, read_tool
from tradepost.commerce.store.listing import Cursor, Detail, Fields, Limit, Page, keep_fields
from tradepost.commerce.store.store import Store
from tradepost.commerce.store.texts import as_many_as_fit
from tradepost.foundation.clock import from_rfc3339, to_rfc3339
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.money import MoneyView, money
from tradepost.foundation.pagination import decode_cursor, encode_cursor

MAX_JUDGED = 5_000

Horizon = Annotated[
    int,
    Field(
        ge=0, le=60, description="Promised within so many days (0 today, 1 tomorrow too), and overdue.", examples=[1]
    ),
]
WarehouseId = Annotated[str | None, Field(max_length=200, description="Warehouse id, code or name.", examples=["WH-1"])]
LateOnly = Annotated[bool, Field(description="Leave out those at risk.", examples=[False])]


# A late or endangered order. summary: up to sentence; standard: with causes; full: all.
class AtRiskRow(TypedDict, total=False):
    id: Required[str]  # the other keys may be left out by `fields`
    number: str
    promised_to: str
    late: bool
    at_risk: bool
    days_late: int
    sentence: str
    causes: list[CauseView]
    expected_at: str | None
    status: str
    customer_id: str
    warehouse_id: str | None
    version: int
    total: MoneyView
    payment_status: str
    fulfillment_status: str


class CauseCount(TypedDict):
    """How many of the orders have a cause of this kind; an order may have several."""

    kind: str
    orders: int


class AtRiskPage(Page[AtRiskRow]):
    """The page, and the causes of all of its list's orders, the most frequent first."""

    by_cause: list[CauseCount]


@read_tool(title="List at-risk orders", scope="read:orders")
async def list_at_risk_orders(
    store: Store,
    horizon_days: Horizon = 3,
    warehouse_id: WarehouseId = None,
    late_only: LateOnly = False,
    limit: Limit = 20,
    cursor: Cursor = None,
    detail: Detail = "standard",
    fields: Fields = None,
) -> Answer[AtRiskPage]:
    """List open orders that are late or likely to miss their promise, each with the reason down to its root: an
    unavailable driver, a delayed carrier, missing stock and its purchase order, a hold, an unpaid bill. Use for a
    briefing, or to see which orders promised for tomorrow will miss and why. Not for one order (get_order) or other
    filters (search_orders). Read-only. Returns a page, the oldest promise first, and by_cause, counting all of them;
    late means now or the ETA is past the promised end."""
    endangered = await endangered_orders(store, horizon_days=horizon_days, warehouse_id=warehouse_id)
    if late_only:
        endangered = [pair for pair in endangered if pair[1].late]
    kind = store.list_kind("at-risk orders")
    rest = _after(kind, endangered, cursor)
    result = _page(kind, endangered, rest, limit, detail, fields)
    late = sum(1 for _, finding in endangered if finding.late)
    if not endangered:
        return Answer(result, f"No open order due within {horizon_days} days is late or at risk.")
    head = f"Late: {late}. At risk: {len(endangered) - late}."
    if late_only:
        head = f"Late: {late}."
    head += f" Causes: {_causes_text(result)}."
    if result["has_more"]:
        head += f" More with cursor={result['next_cursor']}."
    return Answer(result, as_many_as_fit(head, [finding.sentence for _, finding in rest[:limit]]))


async def endangered_orders(
    store: Store, *, horizon_days: int, warehouse_id: str | None = None
) -> list[tuple[Order, Lateness]]:
    """The open orders due within the horizon that are late or at risk, the oldest promise first."""
    warehouse = None
    if warehouse_id is not None:
        warehouse = await find_called(store, Location, warehouse_id, field="warehouse_id")
    zone = await store_zone(store) if warehouse is None else warehouse.timezone
    # Whole days: who asks for tomorrow means until its evening.
    _, end = day_bounds(zone, local_day(store.now, zone) + timedelta(days=horizon_days))
    due = [
        select(Order.id).where(Order.status == status, Order.promised_to < end, may_be_endangered(store.now))
        for status in IN_FLIGHT
    ]
    if warehouse is not None:
        due = [ids.where(Order.warehouse_id.concat("") == warehouse.id) for ids in due]  # not by the warehouse's index
    # State by state: the index of what is due knows the few orders in flight, in that of promises lies all history.
    statement = select(Order).where(Order.id.in_(union_all(*due))).order_by(Order.promised_to, Order.id)
    orders = await store.all(statement.limit(MAX_JUDGED))
    findings = await assess(store, orders)
    pairs = [(order, findings[order.id]) for order in orders]
    return [(order, finding) for order, finding in pairs if finding.late or finding.at_risk]


def _page(
    kind: str,
    endangered: Sequence[tuple[Order, Lateness]],
    rest: Sequence[tuple[Order, Lateness]],
    limit: int,
    detail: str,
    fields: Sequence[str] | None,
) -> AtRiskPage:
    shown = rest[:limit]
    has_more = len(rest) > limit
    last = shown[-1][0] if shown else None
    return {
        "items": keep_fields([_row(order, finding, detail) for order, finding in shown], fields),
        "next_cursor": encode_cursor(kind, [_promise(last), last.id]) if has_more and last is not None else None,
        "has_more": has_more,
        "total_estimate": len(endangered),
        "truncated": False,
        "by_cause": _by_cause(endangered),
    }


def _causes_text(result: AtRiskPage) -> str:
    return ", ".join(f"{one['kind'].replace('_', ' ')} {one['orders']}" for one in result["by_cause"]) or "unknown"


def _by_cause(endangered: Sequence[tuple[Order, Lateness]]) -> list[CauseCount]:
    counts = Counter(kind for _, finding in endangered for kind in {cause.kind for cause in finding.causes})
    return [
        {"kind": kind, "orders": count} for kind, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    ]


def _after(kind: str, endangered: Sequence[tuple[Order, Lateness]], cursor: str | None) -> list[tuple[Order, Lateness]]:
    keyset = decode_cursor(kind, cursor, 2)
    if keyset is None:
        return list(endangered)
    try:
        place: tuple[datetime, str] = (from_rfc3339(str(keyset.values[0])), str(keyset.values[1]))
    except ValueError:
        raise InvalidArgument("The cursor is not one that this list gave.", field="cursor") from None
    return [pair for pair in endangered if pair[0].promised_to and (pair[0].promised_to, pair[0].id) > place]


def _promise(order: Order) -> str:
    return to_rfc3339(order.promised_to) if order.promised_to is not None else ""


def _row(order: Order, finding: Lateness, detail: str) -> AtRiskRow:
    row: AtRiskRow = {
        "id": order.id,
        "number": order.number,
        "promised_to": _promise(order),
        "late": finding.late,
        "at_risk": finding.at_risk,
        "days_late": finding.days_late,
        "sentence": finding.sentence,
    }
    if detail == "summary":
        return row
    view = finding.view()
    row["causes"], row["expected_at"] = view["causes"], view["expected_at"]
    row["status"], row["customer_id"], row["warehouse_id"] = order.status, order.customer_id, order.warehouse_id
    row["version"] = order.version
    if detail == "full":
        row["total"] = money(order.total_minor, order.currency)
        row["payment_status"], row["fulfillment_status"] = order.payment_status, order.fulfillment_status
    return row


TOOLS = (list_at_risk_orders,)
