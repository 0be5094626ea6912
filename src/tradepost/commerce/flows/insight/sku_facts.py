"""The KPIs by sku, from the lines of a period's orders: each order once per sku.

A line says when its order was placed, so the lines of a period are read from one index beside its orders, and both are
joined as a whole. Orders that are only due in the period are few and are looked up one by one.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal_column, or_, select
from sqlalchemy.orm import aliased

from tradepost.commerce.analytics.beside import beside
from tradepost.commerce.flows.insight.kpi_facts import (
    Scope,
    flag,
    hours_to_pick,
    is_claimed,
    kept,
    late,
    total,
    units_of,
)
from tradepost.commerce.orders.models import Order, OrderLine

_DUE, _KEPT, _LATE = (literal_column(bit) for bit in ("1", "2", "4"))


def placed_by_sku(scope: Scope) -> Select[Any]:
    """Per sku and currency, of orders placed: how many lines, hours to pick and of how many, totals and units of the
    lines; how many were due, delivered on time in full, late. An order with several lines of the sku is counted for
    each: `repeated_by_sku` says what is to be taken off."""
    # What is due of an order as bits of one number: everything the lines are sorted with costs time.
    facts = case((scope.due(), _DUE + _KEPT * kept() + _LATE * late()), else_=0)
    orders = (
        select(Order.id, Order.placed_at, Order.currency, hours_to_pick().label("hours"), facts.label("facts"))
        .where(scope.counts(), scope.placed())
        .cte("placed")
        # Worked out once per order: folded into the sums, it would be once per line.
        .prefix_with("MATERIALIZED")
    )
    return (
        select(
            OrderLine.sku.label("key"),
            orders.c.currency.label("of_currency"),
            func.count().label("orders"),
            func.sum(orders.c.hours).label("pick_hours"),
            func.count(orders.c.hours).label("picked"),
            total(OrderLine.total_minor).label("total"),
            total(units_of(OrderLine, OrderLine.quantity)).label("units"),
            total(orders.c.facts.op("&")(_DUE)).label("due"),
            (total(orders.c.facts.op("&")(_KEPT)) // _KEPT).label("on_time_in_full"),
            (total(orders.c.facts.op("&")(_LATE)) // _LATE).label("late"),
        )
        .select_from(orders)
        .join(OrderLine, sold_in(orders.c.id, orders.c.placed_at, scope))
        .group_by(OrderLine.sku, orders.c.currency)
    )


def repeated_by_sku(scope: Scope) -> Select[Any]:
    """Per sku, of the lines whose order has an earlier line of the same sku: what they say of orders once too often."""
    due = scope.due()
    return _of_skus(
        ("orders", func.count()),
        ("pick_hours", func.sum(hours_to_pick())),
        ("picked", func.count(Order.picked_at)),
        ("due", total(flag(due))),
        ("on_time_in_full", total(case((due, kept()), else_=0))),
        ("late", total(case((due, late()), else_=0))),
    ).where(scope.counts(), scope.placed(), Order.repeats_sku, has_earlier_of_sku())


def only_due_by_sku(scope: Scope) -> Select[Any]:
    """Per sku, of orders due but not placed in the period: how many, delivered on time in full, late."""
    mine = _first_of_sku(Order.repeats_sku)
    return _of_skus(
        ("due", total(mine)), ("on_time_in_full", total(mine * kept())), ("late", total(mine * late()))
    ).where(scope.counts(), scope.due(), or_(Order.placed_at < scope.start, Order.placed_at >= scope.end))


def claimed_by_sku(scope: Scope) -> Select[Any]:
    """Per sku, of orders placed: how many with a claim."""
    orders = func.count(Order.id.distinct())
    return _of_skus(("claimed", orders)).where(scope.counts(), scope.placed(), is_claimed(scope))


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
