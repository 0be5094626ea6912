"""The KPIs by sku, from the lines of a period's orders: each order once per sku.

Nearly all orders of a period are alike: they count, are in the shop's currency, were due and delivered on time in full.
So all lines of the period are summed up by themselves, as if theirs were such orders, and set right where they are not:
looking up the order of each line takes several times as long. Orders of one warehouse are looked up.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import aliased

from tradepost.commerce.analytics.beside import beside
from tradepost.commerce.analytics.durations import hours_between
from tradepost.commerce.flows.insight.kpi_facts import (
    Scope,
    flag,
    hours_to_pick,
    kept,
    late,
    placed_and_claimed,
    total,
    units_of,
)
from tradepost.commerce.orders.models import Order, OrderLine

_UNITS = units_of(OrderLine, OrderLine.quantity)


def lines_by_sku(scope: Scope) -> Select[Any]:
    """Per sku: how many lines of the period there are, and what they add up to."""
    return (
        select(OrderLine.sku.label("key"), *_sums_of_lines())
        .where(
            OrderLine.workspace_id == scope.workspace_id,
            OrderLine.placed_at >= scope.start,
            OrderLine.placed_at < scope.end,
            OrderLine.status != "removed",
        )
        .group_by(OrderLine.sku)
    )


def unlike_by_sku(scope: Scope) -> Select[Any]:
    """Per sku and currency, of orders placed that are not like most: what `lines_by_sku` says of their lines, and what
    is true of them."""
    unlike = or_(
        Order.status == "canceled",
        Order.currency != scope.currency,
        Order.repeats_sku,
        Order.promised_to.is_(None),
        Order.promised_to < scope.start,
        Order.promised_to >= min(scope.end, scope.now),
        Order.delivered_at.is_(None),
        Order.delivered_at > Order.promised_to,
        Order.undelivered,
    )
    return _looked_up(scope, and_(Order.workspace_id == scope.workspace_id, unlike))


def counted_by_sku(scope: Scope) -> Select[Any]:
    """The same of all orders placed that count."""
    return _looked_up(scope, scope.counts())


def _looked_up(scope: Scope, which: ColumnElement[bool]) -> Select[Any]:
    due = scope.due()
    orders = (
        select(
            Order.id,
            Order.placed_at,
            Order.currency,
            Order.repeats_sku,
            hours_to_pick().label("hours"),
            flag(Order.status != "canceled").label("counts"),
            flag(due).label("due"),
            case((due, kept()), else_=0).label("kept"),
            case((due, late()), else_=0).label("late"),
        )
        .where(which, scope.placed())
        .cte("placed")
        # Worked out once per order: folded into the sums, it would be once per line, and sorted along with them.
        .prefix_with("MATERIALIZED")
    )
    mine = orders.c.counts * _first_of_sku(orders.c.repeats_sku)
    return (
        select(
            OrderLine.sku.label("key"),
            orders.c.currency.label("of_currency"),
            *_sums_of_lines(),
            total(orders.c.counts).label("lines_that_count"),
            total(mine).label("orders"),
            func.sum(orders.c.hours * mine).label("pick_hours"),
            func.count(case((mine == 1, orders.c.hours))).label("picked"),
            total(orders.c.counts * OrderLine.total_minor).label("total"),
            total(orders.c.counts * _UNITS).label("units"),
            total(orders.c.due * mine).label("due"),
            total(orders.c.kept * mine).label("on_time_in_full"),
            total(orders.c.late * mine).label("late"),
        )
        .select_from(orders)
        .join(OrderLine, sold_in(orders.c.id, orders.c.placed_at, scope))
        .group_by(OrderLine.sku, orders.c.currency)
    )


def only_due_by_sku(scope: Scope) -> Select[Any]:
    """Per sku, of orders due but not placed in the period: how many, delivered on time in full, late."""
    mine = _first_of_sku(Order.repeats_sku)
    return _of_skus(
        ("due", total(mine)), ("on_time_in_full", total(mine * kept())), ("late", total(mine * late()))
    ).where(scope.counts(), scope.due(), or_(Order.placed_at < scope.start, Order.placed_at >= scope.end))


def claimed_by_sku(scope: Scope) -> Select[Any]:
    """Per sku, of orders placed: how many with a claim."""
    orders = func.count(Order.id.distinct())
    return _of_skus(("claimed", orders)).where(scope.counts(), placed_and_claimed(scope))


def _first_of_sku(repeats_sku: Any) -> ColumnElement[Any]:
    """1 for the first line of a sku in its order, 0 for any other. Looked for only where an order has such lines."""
    return case((~repeats_sku, 1), (has_earlier_of_sku(), 0), else_=1)


def sold_in(order_id: Any, placed_at: Any, scope: Any) -> ColumnElement[bool]:
    """The lines of an order placed in the period. The period is said again for the lines: so they can be read by it."""
    return and_(
        OrderLine.workspace_id == scope.workspace_id,
        beside(OrderLine.placed_at, placed_at),
        OrderLine.order_id == order_id,
        OrderLine.placed_at >= scope.start,
        OrderLine.placed_at < scope.end,
        OrderLine.status != "removed",
    )


def _sums_of_lines() -> tuple[Any, ...]:
    return (
        func.count().label("all_lines"),
        total(OrderLine.total_minor).label("all_total"),
        total(_UNITS).label("all_units"),
        func.sum(hours_between(OrderLine.placed_at, OrderLine.picked_at)).label("all_hours"),
        func.count(OrderLine.picked_at).label("all_picked"),
    )


def _of_skus(*columns: tuple[str, Any]) -> Select[Any]:
    return (
        select(OrderLine.sku.label("key"), *(column.label(name) for name, column in columns))
        .select_from(Order)
        .join(OrderLine, and_(OrderLine.workspace_id == Order.workspace_id, OrderLine.order_id == Order.id))
        .where(OrderLine.status != "removed")
        .group_by(OrderLine.sku)
    )


def has_earlier_of_sku() -> ColumnElement[bool]:
    """Whether the order has an earlier line of the same sku."""
    other = aliased(OrderLine)
    before = select(other.position).where(
        other.workspace_id == OrderLine.workspace_id,
        other.order_id == OrderLine.order_id,
        other.position < OrderLine.position,
        other.sku == OrderLine.sku,
        other.status != "removed",
    )
    return before.correlate(OrderLine).exists()
