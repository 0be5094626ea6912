"""What the lines of a period's orders add up to, per sku or per category.

Nearly all orders of a period count, unless only some are asked for. So all its lines are summed up by themselves, and
what the lines of the other orders say is taken off: looking up the order of each line takes several times as long.
"""

from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, Subquery, and_, func, literal_column, or_, select, union_all

from tradepost.commerce.catalog.models import Product
from tradepost.commerce.flows.insight.kpi_facts import total, units_of
from tradepost.commerce.flows.insight.sales_scope import SalesScope
from tradepost.commerce.flows.insight.sku_facts import has_earlier_of_sku, sold_in
from tradepost.commerce.orders.models import Order, OrderLine

_AMOUNTS: dict[str, Any] = {
    "units": units_of(OrderLine, OrderLine.quantity),
    "sales": OrderLine.total_minor,
    "refunds": OrderLine.refunded_minor,
}


def summed_lines(scope: SalesScope, key: Any, *, per_order: bool) -> Subquery:
    """Per key: orders, units, sales (what was charged for the goods) and refunds. With `per_order`, each order is
    counted once per key; without it the key is the sku, which seldom stands on two lines of an order."""
    if scope.warehouse_id is None and scope.channel is None:
        left_out = and_(scope.placed(), or_(Order.status == "canceled", Order.currency != scope.currency))
        parts = [
            _part(1, _lines(scope), key, per_order),
            _part(-1, _lines_of(left_out), key, per_order),
        ]
    else:
        parts = [_part(1, _lines_in(scope), key, per_order)]
    if not per_order:
        again = _lines_of(and_(scope.counts(), Order.repeats_sku, has_earlier_of_sku()))
        parts.append(_part(-1, again, key, per_order, only_orders=True))
    part = union_all(*parts).subquery("part")
    sums = select(part.c.key, *(total(part.c[name]).label(name) for name in ("orders", *_AMOUNTS)))
    return sums.group_by(part.c.key).having(func.sum(part.c.orders) > 0).subquery("sums")


def _part(sign: int, lines: Select[Any], key: Any, per_order: bool, *, only_orders: bool = False) -> Select[Any]:
    """The sums of some lines per key, to be added or taken off. They may be per key and order: they are added up."""
    nothing: ColumnElement[Any] = literal_column("0")
    amounts = {name: nothing if only_orders else sign * total(value) for name, value in _AMOUNTS.items()}
    orders = literal_column(str(sign)) if per_order else sign * func.count()
    columns = (column.label(name) for name, column in {"key": key, "orders": orders, **amounts}.items())
    statement = lines.with_only_columns(*columns, maintain_column_froms=True)
    if not per_order:
        return statement.group_by(key)
    product = and_(Product.workspace_id == OrderLine.workspace_id, Product.id == OrderLine.product_id)
    return statement.join(Product, product).group_by(key, OrderLine.order_id)


def _lines(scope: SalesScope) -> Select[Any]:
    """All lines of the period."""
    return select(OrderLine.order_id).where(
        OrderLine.workspace_id == scope.workspace_id,
        OrderLine.placed_at >= scope.start,
        OrderLine.placed_at < scope.end,
        OrderLine.status != "removed",
    )


def _lines_of(orders: ColumnElement[bool]) -> Select[Any]:
    """The lines of a few orders, looked up one by one."""
    joined = and_(Order.workspace_id == OrderLine.workspace_id, Order.id == OrderLine.order_id)
    return select(OrderLine.order_id).join(Order, joined).where(orders, OrderLine.status != "removed")


def _lines_in(scope: SalesScope) -> Select[Any]:
    """The lines of the orders that count."""
    orders: CTE = select(Order.id, Order.placed_at).where(scope.counts()).cte("placed").prefix_with("MATERIALIZED")
    return select(OrderLine.order_id).join(orders, sold_in(orders.c.id, orders.c.placed_at, scope))
