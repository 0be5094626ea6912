"""The figures behind the sales report, summed up in SQL: orders placed in a period, without canceled ones, in one
currency, per day, channel, warehouse, customer, category or sku."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import BigInteger, ColumnElement, Select, and_, case, cast, func, or_, select
from sqlalchemy.orm import aliased

from tradepost.commerce.catalog.models import Product
from tradepost.commerce.customers.models import Customer
from tradepost.commerce.flows.insight.sku_facts import first_of_sku
from tradepost.commerce.inventory.models import Location
from tradepost.commerce.orders.models import Order, OrderLine

SalesGroup = Literal["none", "day", "channel", "warehouse", "customer", "category", "sku"]
OF_LINES = ("category", "sku")


@dataclass(frozen=True, slots=True)
class SalesScope:
    """Which orders count."""

    start: datetime
    end: datetime
    currency: str
    warehouse_id: str | None
    channel: str | None

    def counts(self, *, any_currency: bool = False) -> ColumnElement[bool]:
        """The condition on orders."""
        parts = [Order.placed_at >= self.start, Order.placed_at < self.end, Order.status != "canceled"]
        if not any_currency:
            parts.append(Order.currency == self.currency)
        if self.warehouse_id is not None:
            parts.append(Order.warehouse_id == self.warehouse_id)
        if self.channel is not None:
            parts.append(Order.channel == self.channel)
        return and_(*parts)


def totals(scope: SalesScope) -> Select[Any]:
    """One row per currency of the period's orders: orders, customers and the sums of their money."""
    buyers = (
        select(Order.currency, func.count().label("orders"), *_money_columns())
        .where(scope.counts(any_currency=True))
        .group_by(Order.currency, Order.customer_id)
        .subquery()
    )
    return (
        select(
            buyers.c.currency,
            _sum(buyers.c.orders).label("orders"),
            func.count().label("customers"),
            *(_sum(buyers.c[name]).label(name) for name in _MONEY),
        )
        .group_by(buyers.c.currency)
        .order_by(buyers.c.currency)
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
    key: Any = {"warehouse": Order.warehouse_id, "customer": Order.customer_id}.get(group, Order.channel)
    grouped = (
        select(
            key.label("of"),
            func.count().label("orders"),
            _sum(Order.total_minor).label("sales"),
            _sum(Order.refunded_minor).label("refunds"),
        )
        .where(scope.counts(), key.is_not(None))
        .group_by(key)
        .cte("grouped")
    )
    # Only those that may be on the page are looked up by name: there may be as many customers as orders.
    last = select(grouped.c.sales).order_by(grouped.c.sales.desc()).limit(1).offset(offset + limit - 1)
    may_be_shown = grouped.c.sales >= func.coalesce(last.scalar_subquery(), grouped.c.sales)
    label, name, joined = _named(group, grouped)
    columns: tuple[Any, ...] = (
        label.label("key"),
        name.label("name"),
        grouped.c.orders,
        grouped.c.sales,
        grouped.c.refunds,
        select(func.count()).select_from(grouped).scalar_subquery().label("groups"),
    )
    statement: Select[Any] = select(*columns).select_from(grouped if joined is None else grouped.join(*joined))
    return statement.where(may_be_shown).order_by(grouped.c.sales.desc(), label).limit(limit).offset(offset)


def by_sku(scope: SalesScope, top: int, limit: int, offset: int) -> Select[Any]:
    """The `top` skus and a page of them, each once, in their `place` from 1 on, with the name on the newest line:
    orders, units, sales (what was charged for the goods) and refunds, the most sales first. `groups` counts all skus,
    `sold` their units; a measured line (by weight, by length) counts as one."""
    sales = _sum(OrderLine.total_minor)
    grouped = (
        _of_lines(
            scope,
            OrderLine.sku.label("key"),
            _sum(first_of_sku(OrderLine, Order.repeats_sku)).label("orders"),
            _UNITS.label("units"),
            sales.label("sales"),
            _sum(OrderLine.refunded_minor).label("refunds"),
            func.row_number().over(order_by=(sales.desc(), OrderLine.sku)).label("place"),
            func.count().over().label("groups"),
            cast(func.sum(_UNITS).over(), BigInteger).label("sold"),
        )
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
    key: Any = func.coalesce(Product.category, "none")
    sales = _sum(OrderLine.total_minor)
    joined = and_(Product.workspace_id == OrderLine.workspace_id, Product.id == OrderLine.product_id)
    return (
        _of_lines(
            scope,
            key.label("key"),
            func.min(key).label("name"),
            func.count(OrderLine.order_id.distinct()).label("orders"),
            _UNITS.label("units"),
            sales.label("sales"),
            _sum(OrderLine.refunded_minor).label("refunds"),
            func.count().over().label("groups"),
        )
        .join(Product, joined)
        .group_by(key)
        .order_by(sales.desc(), key)
        .limit(limit)
        .offset(offset)
    )


def _named(group: SalesGroup, grouped: Any) -> tuple[ColumnElement[Any], ColumnElement[Any], Any]:
    """What people call a group by, its name, and where both come from."""
    if group == "warehouse":
        return Location.code.expression, Location.name.expression, (Location, Location.id == grouped.c.of)
    if group == "customer":
        name = func.coalesce(Customer.company, Customer.first_name + " " + Customer.last_name)
        return Customer.number.expression, name, (Customer, Customer.id == grouped.c.of)
    return grouped.c.of, grouped.c.of, None


def _of_lines(scope: SalesScope, *columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(Order)
        .join(OrderLine, and_(OrderLine.workspace_id == Order.workspace_id, OrderLine.order_id == Order.id))
        .where(scope.counts(), OrderLine.status != "removed")
    )


def _money_columns() -> Iterator[Any]:
    return (_sum(column).label(name) for name, column in _MONEY.items())


def _sum(value: Any) -> ColumnElement[Any]:
    return cast(func.coalesce(func.sum(value), 0), BigInteger)


_UNITS = _sum(case((OrderLine.quantity_scale == 0, OrderLine.quantity), else_=1))
_MONEY: dict[str, Any] = {
    "goods": Order.subtotal_minor,
    "discounts": Order.discount_minor,
    "shipping": Order.shipping_minor,
    "tax": Order.tax_minor,
    "total": Order.total_minor,
    "refunds": Order.refunded_minor,
}
