"""Which orders fit the filters of a search, and the quickest way to find, order and count them.

Nearly all orders of a long history are completed, paid and fulfilled. So one filter finds, by an index in the order of
the list that holds the other states too; which one, is decided here, for no planner knows how rare a state is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, select, union_all

from tradepost.commerce.customers.models import Customer
from tradepost.commerce.flows.names import buyers_called
from tradepost.commerce.flows.orders.lateness import IN_FLIGHT
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.store.columns import aside
from tradepost.commerce.store.listing import count_by, is_rare
from tradepost.commerce.store.periods import require_period, within
from tradepost.commerce.store.spans import Span, in_span
from tradepost.commerce.store.store import Store

NEWEST = (Order.placed_at, Order.id)
_USUAL = ("completed", "paid", "fulfilled")  # what nearly all orders of a long history are
_SHORT_PERIOD = 50_000  # orders: to look at so many takes no longer than at the lines of a SKU sold often
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
    few = wanted.customer_id is not None or wanted.q is not None
    if few:
        statement = statement.where(*(aside(column) == value for column, value in wanted.held.items()))
    else:
        statement, few = _holding(statement, wanted.held)
    statement = within(statement, Order.placed_at, *wanted.placed, "placed")
    counted = None
    if wanted.sku is not None:
        if not few:
            counted = await _count_by_lines(store, statement, wanted.sku, wanted)
        statement = statement.where(await _having(store, wanted.sku))
    if few:
        return Span(within(statement, aside(Order.promised_to), *wanted.promised, "promised")), counted
    if wanted.promised == (None, None):
        return Span(statement), counted
    early = Order.promised_to < Order.placed_at
    return await in_span(store, statement, NEWEST, Order.promised_to, *wanted.promised, early=early), None


def _holding(statement: Select[Order], held: Mapping[Any, str]) -> tuple[Select[Order], bool]:
    """The select of orders with these values, which the index of one of them finds; told as well: whether that is one
    that few orders have."""
    states = [column for column in held if column is not Order.warehouse_id]
    rare = [column for column in states if held[column] in IN_FLIGHT]
    rare += [column for column in states if held[column] not in _USUAL]
    finding = [*rare, *(held.keys() - states), *states][:1]
    others = held.keys() - finding
    statement = statement.where(*(column == held[column] for column in finding))
    statement = statement.where(*(aside(column) == held[column] for column in sorted(others, key=str)))
    return statement, bool(rare)


def _lines_of(sku: str) -> Select[Any]:
    return select(OrderLine.order_id).where(OrderLine.sku == sku, OrderLine.status != "removed")


async def _having(store: Store, sku: str) -> ColumnElement[bool]:
    """Orders with a line of the sku. Of what is sold rarely the lines are found first; of what is sold often, soon
    enough one of the newest orders has it."""
    lines = _lines_of(sku)
    if await is_rare(store, lines):
        return Order.id.in_(lines)
    return lines.where(OrderLine.workspace_id == Order.workspace_id, OrderLine.order_id == Order.id).exists()


async def _count_by_lines(store: Store, statement: Select[Order], sku: str, wanted: Wanted) -> Select[Any] | None:
    """What to count of orders with a line of the sku: the lines, where they are fewer than the orders to look at."""
    lines = _lines_of(sku)
    if not wanted.held and wanted.placed == (None, None):
        return lines.distinct()
    if wanted.placed[0] is not None and await is_rare(store, count_by(statement, Order.id), _SHORT_PERIOD):
        return None
    holding = [aside(column) == value for column, value in wanted.held.items()]
    orders = select(Order.id).where(Order.id.in_(lines), *holding)
    return within(orders, aside(Order.placed_at), *wanted.placed, "placed")


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
