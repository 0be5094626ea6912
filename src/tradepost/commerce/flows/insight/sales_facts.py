"""The figures behind the sales report, summed up in SQL: orders placed in a period, without canceled ones, in one
currency, per day, channel, warehouse, customer, category or sku."""

from typing import Any, Literal

from sqlalchemy import BigInteger, ColumnElement, Select, and_, cast, func, or_, select
from sqlalchemy.orm import aliased

from tradepost.commerce.customers.models import Customer
from tradepost.commerce.flows.insight.kpi_facts import total
from tradepost.commerce.flows.insight.sales_lines import summed_by_category, summed_by_sku
from tradepost.commerce.flows.insight.sales_scope import SalesScope
from tradepost.commerce.inventory.models import Location
from tradepost.commerce.orders.models import Order, OrderLine

SalesGroup = Literal["none", "day", "channel", "warehouse", "customer", "category", "sku"]
OF_LINES = ("category", "sku")


def totals(scope: SalesScope) -> Select[Any]:
    """One row: orders, customers and the sums of their money."""
    return select(
        func.count().label("orders"),
        func.count(Order.customer_id.distinct()).label("customers"),
        *(total(column).label(name) for name, column in _MONEY.items()),
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
        total(Order.total_minor).label("sales"),
        total(Order.refunded_minor).label("refunds"),
    ).where(scope.counts())


def by_order(scope: SalesScope, group: SalesGroup, limit: int, offset: int) -> Select[Any]:
    """A page of channels, warehouses or customers with their names: orders, sales (whole orders) and refunds, the most
    sales first; `groups` counts all of them."""
    of: Any = {"warehouse": Order.warehouse_id, "customer": Order.customer_id}.get(group, Order.channel)
    sales = total(Order.total_minor)
    # Names are looked up for the page alone: there may be as many customers as orders.
    page = (
        select(
            of.label("of"),
            func.count().label("orders"),
            sales.label("sales"),
            total(Order.refunded_minor).label("refunds"),
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
    sums = summed_by_sku(scope)
    ranked = select(
        sums,
        func.row_number().over(order_by=(sums.c.sales.desc(), sums.c.key)).label("place"),
        func.count().over().label("groups"),
        cast(func.sum(sums.c.units).over(), BigInteger).label("sold"),
    ).subquery("ranked")
    line = aliased(OrderLine)
    name = select(line.name).where(line.sku == ranked.c.key).order_by(line.order_id.desc(), line.position).limit(1)
    on_page = and_(ranked.c.place > offset, ranked.c.place <= offset + limit)
    shown = or_(ranked.c.place <= top, on_page)
    return select(ranked, name.scalar_subquery().label("name")).where(shown).order_by(ranked.c.place)


def by_category(scope: SalesScope, limit: int, offset: int, *, looks_up: bool) -> Select[Any]:
    """A page of categories, with the columns of `by_sku`. For `looks_up` see `summed_by_category`."""
    sums = summed_by_category(scope, looks_up=looks_up)
    columns: tuple[Any, ...] = (sums, sums.c.key.label("name"), func.count().over().label("groups"))
    return select(*columns).order_by(sums.c.sales.desc(), sums.c.key).limit(limit).offset(offset)


def _named(group: SalesGroup, page: Any) -> tuple[ColumnElement[Any], ColumnElement[Any], Any]:
    """What people call a group by, its name, and where both come from."""
    if group == "warehouse":
        return Location.code.expression, Location.name.expression, (Location, Location.id == page.c.of)
    if group == "customer":
        name = func.coalesce(Customer.company, Customer.first_name + " " + Customer.last_name)
        return Customer.number.expression, name, (Customer, Customer.id == page.c.of)
    return page.c.of, page.c.of, None


_MONEY: dict[str, Any] = {
    "goods": Order.subtotal_minor,
    "discounts": Order.discount_minor,
    "shipping": Order.shipping_minor,
    "tax": Order.tax_minor,
    "total": Order.total_minor,
    "refunds": Order.refunded_minor,
}
