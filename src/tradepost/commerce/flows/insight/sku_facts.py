"""The KPIs by sku: what the lines of a period's orders say, each order once per sku."""

from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, and_, case, func, literal_column, or_, select, union_all
from sqlalchemy.orm import aliased

from tradepost.commerce.flows.insight.kpi_facts import Scope, claimed, flag, hours_to_pick, kept, late, total, units_of
from tradepost.commerce.orders.models import Order, OrderLine


def sku_figures(scope: Scope) -> Select[Any]:
    """Per sku and currency, what the two above say of orders with the sku: each order once, though it may have several
    lines of it; `units` and `total` are those of the lines. One pass over the lines of all orders placed or due."""
    orders = _placed_or_due(scope)
    mine = first_of_sku(OrderLine, orders.c.repeats_sku)
    placed_mine = orders.c.placed * mine
    return (
        select(
            OrderLine.sku.label("key"),
            orders.c.currency.label("of_currency"),
            total(placed_mine).label("orders"),
            total(orders.c.claimed * mine).label("claimed"),
            func.sum(orders.c.hours * mine).label("pick_hours"),
            func.count(case((mine == 1, orders.c.hours))).label("picked"),
            total(orders.c.placed * OrderLine.total_minor).label("total"),
            total(orders.c.placed * units_of(OrderLine, OrderLine.quantity)).label("units"),
            total(orders.c.due * mine).label("due"),
            total(orders.c.kept * mine).label("on_time_in_full"),
            total(orders.c.late * mine).label("late"),
        )
        .select_from(orders)
        .join(OrderLine, and_(OrderLine.workspace_id == scope.workspace_id, OrderLine.order_id == orders.c.id))
        .where(OrderLine.status != "removed")
        .group_by(OrderLine.sku, orders.c.currency)
    )


def first_of_sku(line: Any, repeats_sku: Any) -> ColumnElement[Any]:
    """1 for the first line of a sku in its order, 0 for any other. Looked for only where an order has such lines."""
    other = aliased(OrderLine)
    before = select(other.position).where(
        other.workspace_id == line.workspace_id,
        other.order_id == line.order_id,
        other.sku == line.sku,
        other.status != "removed",
        other.position < line.position,
    )
    return case((~repeats_sku, 1), (before.correlate(line).exists(), 0), else_=1)


def _placed_or_due(scope: Scope) -> Subquery:
    """Orders placed in the period, and those that are only due in it, with what counts of each."""
    is_due = flag(scope.due())
    none = literal_column("0")

    def of(placed: Any, claimed: Any, hours: Any, *due: Any) -> Select[Any]:
        facts = {"placed": placed, "claimed": claimed, "hours": hours}
        facts |= dict(zip(("due", "kept", "late"), due, strict=True))
        named = (fact.label(name) for name, fact in facts.items())
        return select(Order.id, Order.currency, Order.repeats_sku, *named).where(scope.counts())

    placed = of(literal_column("1"), claimed(scope), hours_to_pick(), is_due, is_due * kept(), is_due * late())
    only_due = of(none, none, literal_column("NULL"), literal_column("1"), kept(), late())
    return union_all(
        placed.where(scope.placed()),
        only_due.where(scope.due(), or_(Order.placed_at < scope.start, Order.placed_at >= scope.end)),
    ).subquery("counted")
