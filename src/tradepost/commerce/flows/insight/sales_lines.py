"""What the lines of a period's orders add up to, per sku or per category.

Nearly all orders of a period count, unless only some are asked for. So all its lines are summed up by themselves, and
what the lines of the other orders say is taken off: looking up the order of each line takes several times as long.

Each line counts as an order, and those that repeat what they are summed up by in their order are taken off again: few
orders have several lines, and telling all orders apart takes longer than everything else.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    Subquery,
    and_,
    case,
    func,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import aliased

from tradepost.commerce.analytics.beside import beside
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


def summed_by_sku(scope: SalesScope) -> Subquery:
    """Per sku: key, orders, units, sales (what was charged for the goods) and refunds."""
    again = _lines_of(and_(scope.counts(), Order.repeats_sku, has_earlier_of_sku()))
    parts = [_part(sign, lines, OrderLine.sku) for sign, lines in _counted(scope)]
    return _summed([*parts, _part(-1, again, OrderLine.sku, only_orders=True)], _key_itself)


def summed_by_category(scope: SalesScope, *, looks_up: bool) -> Subquery:
    """Per category of a product, 'none' among them: the columns of `summed_by_sku`. Where lines of a whole period
    repeat a category of their order is found by looking at the order's other lines, which is quick on SQLite, or by
    sorting the lines, which is on PostgreSQL."""
    parts: list[Select[Any]] = []
    for sign, lines in _counted(scope):
        if looks_up and not scope.is_of_some and sign == 1:
            again = lines.where(OrderLine.position > 1, _has_earlier_of_category())
            parts.append(_part(1, lines, OrderLine.product_id))
            parts.append(_part(-1, again, OrderLine.product_id, only_orders=True))
        else:
            parts.append(_numbered_part(sign, lines))
    return _summed(parts, _category_of)


def _counted(scope: SalesScope) -> list[tuple[int, Select[Any]]]:
    """Lines that are added (1) and taken off (-1), which leaves those of the orders that count."""
    if scope.is_of_some:
        return [(1, _lines_in(scope))]
    left_out = and_(scope.placed(), or_(Order.status == "canceled", Order.currency != scope.currency))
    return [(1, _lines(scope)), (-1, _lines_of(left_out))]


def _part(sign: int, lines: Select[Any], key: Any, *, only_orders: bool = False) -> Select[Any]:
    """The sums of some lines per key, to be added or taken off. Each line counts as an order."""
    nothing: ColumnElement[Any] = literal_column("0")
    amounts = {name: nothing if only_orders else sign * total(value) for name, value in _AMOUNTS.items()}
    columns = (column.label(name) for name, column in {"key": key, "orders": sign * func.count(), **amounts}.items())
    return lines.with_only_columns(*columns, maintain_column_froms=True).group_by(key)


def _numbered_part(sign: int, lines: Select[Any]) -> Select[Any]:
    """The same per product, where only an order's first line of a category counts as one. An index has the lines order
    by order, so that each is sorted by itself."""
    columns = (column.label(name) for name, column in _AMOUNTS.items())
    apart = (OrderLine.placed_at, OrderLine.order_id, _named(Product.category))
    number = func.row_number().over(partition_by=apart, order_by=OrderLine.position)
    product = and_(Product.workspace_id == OrderLine.workspace_id, Product.id == OrderLine.product_id)
    numbered = lines.with_only_columns(
        OrderLine.product_id.label("key"), number.label("number"), *columns, maintain_column_froms=True
    )
    each = numbered.join(Product, product).subquery()
    amounts = (sign * total(each.c[name]) for name in _AMOUNTS)
    orders = sign * func.count(case((each.c.number == 1, 1)))
    named = zip(("key", "orders", *_AMOUNTS), (each.c.key, orders, *amounts), strict=True)
    return select(*(column.label(name) for name, column in named)).group_by(each.c.key)


def _summed(parts: list[Select[Any]], keyed: Callable[[Subquery], tuple[Any, Any]]) -> Subquery:
    part = union_all(*parts).subquery("part")
    key, source = keyed(part)
    sums = select(key.label("key"), *(total(part.c[name]).label(name) for name in ("orders", *_AMOUNTS)))
    return sums.select_from(source).group_by(key).having(func.sum(part.c.orders) > 0).subquery("sums")


def _key_itself(part: Subquery) -> tuple[Any, Any]:
    return part.c.key, part


def _category_of(part: Subquery) -> tuple[Any, Any]:
    """Asked for each product once, not for each line."""
    return _named(Product.category), part.join(Product, Product.id == part.c.key)


def _named(category: Any) -> Any:
    return func.coalesce(category, literal_column("'none'"))


def _has_earlier_of_category() -> ColumnElement[bool]:
    """Whether the order has an earlier line whose product is of the same category."""
    other, its, this = aliased(OrderLine), aliased(Product), aliased(Product)
    before = select(other.position).where(
        other.workspace_id == OrderLine.workspace_id,
        beside(other.placed_at, OrderLine.placed_at),
        other.order_id == OrderLine.order_id,
        other.position < OrderLine.position,
        other.status != "removed",
        this.workspace_id == OrderLine.workspace_id,
        this.id == OrderLine.product_id,
        its.workspace_id == other.workspace_id,
        its.id == other.product_id,
        _named(its.category) == _named(this.category),
    )
    return before.correlate(OrderLine).exists()


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
