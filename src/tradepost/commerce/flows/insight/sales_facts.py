"""The figures behind the sales report, summed up in SQL: orders placed in a period, without canceled ones, in one
currency, per day, channel, warehouse, customer, category or sku."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import CTE, BigInteger, ColumnElement, Select, and_, cast, func, literal_column, or_, select
from sqlalchemy.orm import aliased

from tradepost.commerce.catalog.models import Product
from tradepost.commerce.customers.models import Customer
from tradepost.commerce.flows.insight.kpi_facts import units_of
from tradepost.commerce.flows.insight.sku_facts import first_of_sku, sold_in
from tradepost.commerce.inventory.models import Location
from tradepost.commerce.orders.models import Order, OrderLine

SalesGroup = Literal["none", "day", "channel", "warehouse", "customer", "category", "sku"]
OF_LINES = ("category", "sku")


@dataclass(frozen=True, slots=True)
class SalesScope:
    """Which orders count."""

    workspace_id: str
    start: datetime
    end: datetime
    currency: str
    warehouse_id: str | None
    channel: str | None

    def counts(self, *, any_currency: bool = False) -> ColumnElement[bool]:
        """The condition on orders."""
        parts = [
            Order.workspace_id == self.workspace_id,
            Order.placed_at >= self.start,
            Order.placed_at < self.end,
            Order.status != "canceled",
        ]
        if not any_currency:
            parts.append(Order.currency == self.currency)
        if self.warehouse_id is not None:
            parts.append(Order.warehouse_id == self.warehouse_id)
        if self.channel is not None:
            parts.append(Order.channel == self.channel)
        return and_(*parts)


def totals(scope: SalesScope) -> Select[Any]:
    """One row: orders, customers and the sums of their money."""
    buyers = select(Order.customer_id).where(scope.counts()).distinct().subquery()
    return select(
        func.count().label("orders"),
        select(func.count()).select_from(buyers).scalar_subquery().label("customers"),
        *(_sum(column).label(name) for name, column in _MONEY.items()),
    ).where(scope.counts())


def other_currencies(scope: SalesScope) -> Select[Any]:
    """Currency and number of the orders that are left out because they are in another one."""
    columns: tuple[Any, ...] = (Order.currency, func.count().label("orders"))
    return (
        select(*columns)
        .where(scope.counts(any_currency=True), Order.currency != scope.currency)
        .group_by(Order.currency)
        .order_by(Order.currency)
    )


def of_a_day(scope: SalesScope) -> Select[Any]:
    """One row: orders, sales and refunds."""
    return select(
        func.count().label("orders"),
        _sum(Order.total_minor).label("sales"),
        _sum(Order.refunded_minor).label("refunds"),
    ).where(scope.counts())


def by_order(scope: SalesScope, group: SalesGroup, limit: int, offset: int) -> Select[Any]:
    """A page of channels, warehouses or customers with their names: orders, sales (whole orders) and refunds, the most
    sales first; `groups` counts all of them."""
    of: Any = {"warehouse": Order.warehouse_id, "customer": Order.customer_id}.get(group, Order.channel)
    sales = _sum(Order.total_minor)
    # Names are looked up for the page alone: there may be as many customers as orders.
    page = (
        select(
            of.label("of"),
            func.count().label("orders"),
            sales.label("sales"),
            _sum(Order.refunded_minor).label("refunds"),
            func.count().over().label("groups"),
        )
        .where(scope.counts(), of.is_not(None))
        .group_by(of)
        .order_by(sales.desc(), of)
        .limit(limit)
        .offset(offset)
        .subquery()
    )
    key, name, joined = _named(group, page)
    columns: tuple[Any, ...] = (
        key.label("key"),
        name.label("name"),
        page.c.orders,
        page.c.sales,
        page.c.refunds,
        page.c.groups,
    )
    statement: Select[Any] = select(*columns).select_from(page if joined is None else page.join(*joined))
    return statement.order_by(page.c.sales.desc(), page.c.of)


def by_sku(scope: SalesScope, top: int, limit: int, offset: int) -> Select[Any]:
    """The `top` skus and a page of them, each once, in their `place` from 1 on, with the name on the newest line:
    orders, units, sales (what was charged for the goods) and refunds, the most sales first. `groups` counts all skus,
    `sold` their units; a measured line (by weight, by length) counts as one."""
    orders = _orders(scope)
    sales = _sum(OrderLine.total_minor)
    grouped = (
        select(
            OrderLine.sku.label("key"),
            _sum(first_of_sku(orders.c.repeats_sku)).label("orders"),
            _sum(_UNITS).label("units"),
            sales.label("sales"),
            _sum(OrderLine.refunded_minor).label("refunds"),
            func.row_number().over(order_by=(sales.desc(), OrderLine.sku)).label("place"),
            func.count().over().label("groups"),
            cast(func.sum(_sum(_UNITS)).over(), BigInteger).label("sold"),
        )
        .select_from(orders)
        .join(OrderLine, sold_in(orders.c.id, orders.c.placed_at, scope))
        .group_by(OrderLine.sku)
        .subquery()
    )
    line = aliased(OrderLine)
    name = select(line.name).where(line.sku == grouped.c.key).order_by(line.order_id.desc(), line.position).limit(1)
    on_page = and_(grouped.c.place > offset, grouped.c.place <= offset + limit)
    shown = or_(grouped.c.place <= top, on_page)
    return select(grouped, name.scalar_subquery().label("name")).where(shown).order_by(grouped.c.place)


def by_category(scope: SalesScope, limit: int, offset: int) -> Select[Any]:
    """A page of categories, with the columns of `by_sku`."""
    orders = _orders(scope)
    category = func.coalesce(Product.category, literal_column("'none'"))
    per_order = (
        select(
            category.label("key"),
            _sum(_UNITS).label("units"),
            _sum(OrderLine.total_minor).label("sales"),
            _sum(OrderLine.refunded_minor).label("refunds"),
        )
        .select_from(orders)
        .join(OrderLine, sold_in(orders.c.id, orders.c.placed_at, scope))
        .join(Product, and_(Product.workspace_id == OrderLine.workspace_id, Product.id == OrderLine.product_id))
        .group_by(category, OrderLine.order_id)
        .subquery()
    )
    sales = _sum(per_order.c.sales)
    return (
        select(
            per_order.c.key,
            per_order.c.key.label("name"),
            func.count().label("orders"),
            _sum(per_order.c.units).label("units"),
            sales.label("sales"),
            _sum(per_order.c.refunds).label("refunds"),
            func.count().over().label("groups"),
        )
        .group_by(per_order.c.key)
        .order_by(sales.desc(), per_order.c.key)
        .limit(limit)
        .offset(offset)
    )


def _orders(scope: SalesScope) -> CTE:
    """The orders whose lines count: read first, and only then their lines."""
    orders = select(Order.id, Order.placed_at, Order.repeats_sku).where(scope.counts())
    return orders.cte("placed").prefix_with("MATERIALIZED")


def _named(group: SalesGroup, page: Any) -> tuple[ColumnElement[Any], ColumnElement[Any], Any]:
    """What people call a group by, its name, and where both come from."""
    if group == "warehouse":
        return Location.code.expression, Location.name.expression, (Location, Location.id == page.c.of)
    if group == "customer":
        name = func.coalesce(Customer.company, Customer.first_name + " " + Customer.last_name)
        return Customer.number.expression, name, (Customer, Customer.id == page.c.of)
    return page.c.of, page.c.of, None


def _sum(value: Any) -> ColumnElement[Any]:
    return cast(func.coalesce(func.sum(value), 0), BigInteger)


_UNITS = units_of(OrderLine, OrderLine.quantity)
_MONEY: dict[str, Any] = {
    "goods": Order.subtotal_minor,
    "discounts": Order.discount_minor,
    "shipping": Order.shipping_minor,
    "tax": Order.tax_minor,
    "total": Order.total_minor,
    "refunds": Order.refunded_minor,
}
