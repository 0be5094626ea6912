"""Which orders fit the filters of a search, and the quickest way to find, order and count them.

Nearly all orders of a long history are completed, paid and fulfilled. So one filter finds, by an index in the order of
the list that holds the other states too; which one, is decided here, for no planner knows how rare a state is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, literal_column, or_, select, union_all

from tradepost.commerce.customers.models import Customer
from tradepost.commerce.flows.names import buyers_called
from tradepost.commerce.flows.orders.lateness import IN_FLIGHT
from tradepost.commerce.orders.models import USUAL, Order, OrderLine
from tradepost.commerce.store.columns import aside
from tradepost.commerce.store.periods import require_period, within
from tradepost.commerce.store.spans import Span, in_span
from tradepost.commerce.store.store import Store

NEWEST = (Order.placed_at, Order.id)
# Where a line repeats what its order is asked for.
_ON_LINES: Mapping[Any, Any] = {
    Order.status: OrderLine.order_status,
    Order.payment_status: OrderLine.payment_status,
    Order.fulfillment_status: OrderLine.fulfillment_status,
    Order.warehouse_id: OrderLine.warehouse_id,
}
_USUAL: Mapping[Any, str] = {one: USUAL[line.key] for one, line in _ON_LINES.items() if line.key in USUAL}
_UNUSUAL = or_(*(_ON_LINES[column] != literal_column(f"'{usual}'") for column, usual in _USUAL.items()))
_MOST_BUYERS = 500  # customers of one name that are handed on one by one
Period = tuple[datetime | None, datetime | None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The filters of a search: values of columns (states, warehouse), the customer's id, words, a SKU, and when orders
    were placed and promised."""

    held: Mapping[Any, str]
    customer_id: str | None
    q: str | None
    sku: str | None
    placed: Period
    promised: Period


async def matching_orders(store: Store, wanted: Wanted) -> tuple[Span, Select[Any] | None]:
    """The orders that fit, for `page`, and what to count of them. Raises InvalidArgument for no period."""
    require_period(*wanted.promised, "promised")
    statement = select(Order)
    if wanted.customer_id is not None:
        statement = statement.where(Order.customer_id == wanted.customer_id)
    if wanted.q is not None:
        statement = await _matching(store, statement, wanted.q)
    if wanted.customer_id is not None or wanted.q is not None:
        return Span(_of_few(statement, wanted)), None
    if wanted.sku is not None:
        lines = _lines_of(wanted.sku, wanted)
        return Span(select(Order), (lines,)), lines
    statement = within(_holding(statement, wanted.held), Order.placed_at, *wanted.placed, "placed")
    if wanted.promised == (None, None):
        return Span(statement), None
    if any(value in IN_FLIGHT for value in wanted.held.values()):  # few: what is late is found among them
        return Span(within(statement, aside(Order.promised_to), *wanted.promised, "promised")), None
    early = Order.promised_to < Order.placed_at
    return await in_span(store, statement, NEWEST, Order.promised_to, *wanted.promised, early=early), None


def _of_few(statement: Select[Order], wanted: Wanted) -> Select[Order]:
    """Of the orders of the statement, which are few, those that fit the other filters too."""
    statement = statement.where(*(aside(column) == value for column, value in wanted.held.items()))
    statement = within(statement, Order.placed_at, *wanted.placed, "placed")
    if wanted.sku is not None:
        line = select(OrderLine.id).where(
            OrderLine.workspace_id == Order.workspace_id,
            OrderLine.order_id == Order.id,
            aside(OrderLine.sku) == wanted.sku,
            OrderLine.status != "removed",
        )
        statement = statement.where(line.exists())
    return within(statement, aside(Order.promised_to), *wanted.promised, "promised")


def _holding(statement: Select[Order], held: Mapping[Any, str]) -> Select[Order]:
    """The select of orders with these values, which the index of one of them finds."""
    states = [column for column in held if column is not Order.warehouse_id]
    rare = [column for column in states if held[column] in IN_FLIGHT]
    rare += [column for column in states if held[column] != _USUAL[column]]
    finding = [*rare, *(held.keys() - states), *states][:1]
    others = held.keys() - finding
    statement = statement.where(*(column == held[column] for column in finding))
    return statement.where(*(aside(column) == held[column] for column in sorted(others, key=str)))


def _lines_of(sku: str, wanted: Wanted) -> Select[Any]:
    """When the orders were placed that fit, and their ids: an index of the lines has all that is asked of them."""
    order: tuple[Any, ...] = (OrderLine.placed_at.label("placed_at"), OrderLine.order_id.label("id"))
    lines = select(*order).distinct().where(OrderLine.sku == sku, OrderLine.status != "removed")
    lines = lines.where(*(_ON_LINES[column] == value for column, value in wanted.held.items()))
    if any(wanted.held.get(column, usual) != usual for column, usual in _USUAL.items()):
        lines = lines.where(_UNUSUAL)  # as the index says it that has only those
    lines = within(lines, OrderLine.placed_at, *wanted.placed, "placed")
    return within(lines, OrderLine.promised_to, *wanted.promised, "promised")


async def _matching(store: Store, statement: Select[Order], q: str) -> Select[Order]:
    """Exact matches only: someone who may read orders cannot feel their way through the customers with it. One look-up
    each: an OR over columns of different indexes would read every order."""
    wanted = " ".join(q.split())
    bare = wanted.removeprefix("#")
    customers = select(Customer.id)
    buyers = union_all(
        *await buyers_called(store, wanted),
        customers.where(Customer.number == bare),
        customers.where(Customer.external_id == wanted),
    )
    # Named one by one: given a select of them, SQLite reads every order, however few they are.
    some = select(Customer.id).where(Customer.id.in_(buyers)).order_by(Customer.id).limit(_MOST_BUYERS + 1)
    known = (await store.session.scalars(some)).all()
    ids = select(Order.id)
    ways = [
        ids.where(Order.number.in_({bare, wanted})),
        ids.where(Order.external_id == wanted),
        ids.where(Order.id == wanted),
        ids.where(Order.po_number == wanted),
    ]
    if known:
        ways.append(ids.where(Order.customer_id.in_(known if len(known) <= _MOST_BUYERS else buyers)))
    return statement.where(Order.id.in_(union_all(*ways)))
