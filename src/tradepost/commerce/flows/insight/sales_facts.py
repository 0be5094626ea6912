"""The figures behind the sales report, summed up in SQL: orders placed in a period, without canceled ones, in one
currency, per day, channel, warehouse, customer, category or sku."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import BigInteger, ColumnElement, Select, and_, case, cast, func, select

from tradepost.commerce.catalog.models import Product
from tradepost.commerce.customers.models import Customer
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
    """One row: orders, customers and the sums of their money."""
    return select(
        func.count().label("orders"),
        func.count(Order.customer_id.distinct()).label("customers"),
        *(_sum(column).label(name) for name, column in _MONEY.items()),
    ).where(scope.counts())


def units(scope: SalesScope) -> Select[Any]:
    """One row: units sold. A measured line (by weight, by length) counts as one."""
    return _of_lines(scope, _UNITS.label("units"))


def other_currencies(scope: SalesScope) -> Select[Any]:
    """Currency and number of the orders that are left out because they are in another one."""
    columns: tuple[Any, ...] = (Order.currency, func.count().label("orders"))
    return (
        select(*columns)
        .where(scope.counts(any_currency=True), Order.currency != scope.currency)
        .group_by(Order.currency)
        .order_by(Order.currency)
    )


def ranked(scope: SalesScope, group: SalesGroup) -> Select[Any]:
    """Per key with its name: orders, units, sales (what was charged for the goods, or the whole orders) and refunds,
    the most sales first; `groups` counts the keys."""
    return _by_line(scope, group) if group in OF_LINES else _by_order(scope, group)


def _by_order(scope: SalesScope, group: SalesGroup) -> Select[Any]:
    key: Any
    name: Any
    statement: Select[Any]
    if group == "warehouse":
        key, name = Location.code, func.min(Location.name)
        joined = and_(Location.workspace_id == Order.workspace_id, Location.id == Order.warehouse_id)
        statement = select(*_order_columns(key, name)).select_from(Order).join(Location, joined)
    elif group == "customer":
        key, name = Customer.number, func.min(func.coalesce(Customer.company, _FULL_NAME))
        joined = and_(Customer.workspace_id == Order.workspace_id, Customer.id == Order.customer_id)
        statement = select(*_order_columns(key, name)).select_from(Order).join(Customer, joined)
    else:
        key, name = Order.channel, func.min(Order.channel)
        statement = select(*_order_columns(key, name)).select_from(Order)
    return statement.where(scope.counts()).group_by(key).order_by(_sum(Order.total_minor).desc(), key)


def _by_line(scope: SalesScope, group: SalesGroup) -> Select[Any]:
    sales = _sum(OrderLine.total_minor)
    key: Any = OrderLine.sku if group == "sku" else func.coalesce(Product.category, "none")
    name = func.min(OrderLine.name) if group == "sku" else func.min(key)
    statement = _of_lines(
        scope,
        key.label("key"),
        name.label("name"),
        func.count(Order.id.distinct()).label("orders"),
        _UNITS.label("units"),
        sales.label("sales"),
        _sum(OrderLine.refunded_minor).label("refunds"),
        func.count().over().label("groups"),
    )
    if group == "category":
        joined = and_(Product.workspace_id == OrderLine.workspace_id, Product.id == OrderLine.product_id)
        statement = statement.join(Product, joined)
    return statement.group_by(key).order_by(sales.desc(), key)


def _order_columns(key: Any, name: Any) -> tuple[Any, ...]:
    return (
        key.label("key"),
        name.label("name"),
        func.count().label("orders"),
        _sum(Order.total_minor).label("sales"),
        _sum(Order.refunded_minor).label("refunds"),
        func.count().over().label("groups"),
    )


def _of_lines(scope: SalesScope, *columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(OrderLine)
        .join(Order, and_(Order.workspace_id == OrderLine.workspace_id, Order.id == OrderLine.order_id))
        .where(scope.counts(), OrderLine.status != "removed")
    )


def _sum(value: Any) -> ColumnElement[Any]:
    return cast(func.coalesce(func.sum(value), 0), BigInteger)


_FULL_NAME: ColumnElement[Any] = Customer.first_name + " " + Customer.last_name
_UNITS = _sum(case((OrderLine.quantity_scale == 0, OrderLine.quantity), else_=1))
_MONEY: dict[str, Any] = {
    "goods": Order.subtotal_minor,
    "discounts": Order.discount_minor,
    "shipping": Order.shipping_minor,
    "tax": Order.tax_minor,
    "total": Order.total_minor,
    "refunds": Order.refunded_minor,
}
