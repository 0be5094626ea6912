"""Which orders fit the filters of a search, and the quickest way to find, order and count them.

Nearly all orders of a long history are completed, paid and fulfilled. So one filter finds, by an index in the order of
the list that holds the other states too; which one, is decided here, for no planner knows how rare a state is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select, union_all

from tradepost.commerce.customers.models import Customer
from tradepost.commerce.flows.names import buyers_called
from tradepost.commerce.flows.orders.lateness import IN_FLIGHT
from tradepost.commerce.orders.models import USUAL, Order, OrderLine
from tradepost.commerce.store import spans
from tradepost.commerce.store.columns import aside, spelled_out
from tradepost.commerce.store.listing import estimate
from tradepost.commerce.store.periods import require_period, within
from tradepost.commerce.store.store import Store

NEWEST = (Order.placed_at, Order.id)
# Where a line repeats what its order is asked for.
_ON_LINES: Mapping[Any, Any] = {
    Order.status: OrderLine.order_status,
    Order.payment_status: OrderLine.payment_status,
    Order.fulfillment_status: OrderLine.fulfillment_status,
    Order.warehouse_id: OrderLine.warehouse_id,
}
_USUAL: Mapping[Any, str] = {column: USUAL[column.key] for column in _ON_LINES if column.key in USUAL}
_UNUSUAL = or_(*(_ON_LINES[column] != spelled_out(usual) for column, usual in _USUAL.items()))
_EARLY = Order.promised_to < Order.placed_at
_MOST_BUYERS = 500  # customers of one name that are handed on one by one
_HISTORY = timedelta(days=3650)  # where a period has no start, longer than one that has
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


async def matching_orders(store: Store, wanted: Wanted) -> tuple[spans.Span, Select[Any] | None]:
    """The orders that fit, for `page`, and what to count of them. Raises InvalidArgument for no period."""
    require_period(*wanted.promised, "promised")
    statement = select(Order)
    if wanted.customer_id is not None:
        statement = statement.where(Order.customer_id == wanted.customer_id)
    if wanted.q is not None:
        statement = await _matching(store, statement, wanted.q)
    if wanted.customer_id is not None or wanted.q is not None:
        return spans.Span(_of_few(statement, wanted)), None
    if wanted.sku is not None:
        return await _of_sku(store, wanted.sku, wanted)
    statement = _holding(statement, wanted)
    if wanted.promised == (None, None) or not _is_by_promise(wanted, store.now):
        return spans.Span(_in_periods(statement, wanted, Order.placed_at, aside(Order.promised_to))), None
    statement = within(statement, aside(Order.placed_at), *wanted.placed, "placed")
    return await spans.in_span(store, statement, NEWEST, Order.promised_to, *wanted.promised, early=_EARLY), None


def _of_few(statement: Select[Order], wanted: Wanted) -> Select[Order]:
    """Of the orders of the statement, which are few, those that fit the other filters too."""
    statement = statement.where(*(aside(column) == value for column, value in wanted.held.items()))
    statement = _in_periods(statement, wanted, Order.placed_at, aside(Order.promised_to))
    if wanted.sku is not None:
        line = select(OrderLine.id).where(
            OrderLine.workspace_id == Order.workspace_id,
            OrderLine.order_id == Order.id,
            aside(OrderLine.sku) == wanted.sku,
            OrderLine.status != "removed",
        )
        statement = statement.where(line.exists())
    return statement


def _holding(statement: Select[Order], wanted: Wanted) -> Select[Order]:
    """The select of orders with these values, which the index of one of them finds; of a state that is rare also with a
    warehouse, or with the promise that is asked for beside it."""
    held = wanted.held
    states = [column for column in held if column is not Order.warehouse_id]
    rare = [column for column in states if held[column] in IN_FLIGHT]
    rare += [column for column in states if held[column] != _USUAL[column]]
    finding = [*rare, *(held.keys() - states), *states][:1]
    if rare and wanted.promised != (None, None):
        statement = statement.where(_is_unusual(rare[0]))
    elif rare and Order.warehouse_id in held:
        statement = statement.where(_is_unusual(rare[0]))
        finding.append(Order.warehouse_id)
    others = held.keys() - finding
    statement = statement.where(*(column == held[column] for column in finding))
    return statement.where(*(aside(column) == held[column] for column in sorted(others, key=str)))


def _is_unusual(column: Any) -> ColumnElement[bool]:
    """As an index of those that are says it."""
    is_unusual: ColumnElement[bool] = column != spelled_out(_USUAL[column])
    return is_unusual


def _is_by_promise(wanted: Wanted, now: datetime) -> bool:
    """Whether fewer orders were promised in their period than placed in theirs."""
    return _length(wanted.promised, now) < _length(wanted.placed, now)


def _length(period: Period, now: datetime) -> timedelta:
    """How much of a shop's history lies in a period."""
    start, end = period
    if start is None and end is None:
        return timedelta.max
    return (end or now) - (start or now - _HISTORY)


async def _of_sku(store: Store, sku: str, wanted: Wanted) -> tuple[spans.Span, Select[Any] | None]:
    """The orders with a line of a sku, from an index of the lines that has all that is asked of them: in the order of
    the list, or by when they are promised, where that is the narrower period and few are."""
    lines = _lines_of(sku, wanted)
    if not _is_by_promise(wanted, store.now):
        lines = _in_periods(lines, wanted, OrderLine.placed_at, aside(OrderLine.promised_to))
        return spans.Span(select(Order), (lines,)), lines
    found = _in_periods(lines, wanted, aside(OrderLine.placed_at), OrderLine.promised_to)
    # All lines of an order have one promise: so told apart they come in the order of the index, and none is kept aside.
    total = await estimate(store, found.add_columns(OrderLine.promised_to))
    if isinstance(total, int) and total <= spans.FEW:
        return spans.Span(select(Order), (found,), total), None
    met = _in_periods(lines, wanted, OrderLine.placed_at, aside(OrderLine.promised_to))
    end = wanted.promised[1]
    if end is None:
        return spans.Span(select(Order), (met,), total), None
    beyond = _in_periods(select(Order.id), wanted, aside(Order.placed_at), aside(Order.promised_to))
    beyond = beyond.where(_EARLY, Order.placed_at >= end)
    early = OrderLine.promised_to < OrderLine.placed_at
    line = (OrderLine.placed_at, end, OrderLine.order_id, early)
    return spans.Span(select(Order), await spans.walked(store, met, *line, beyond), total), None


def _in_periods(rows: Select[Any], wanted: Wanted, placed: Any, promised: Any) -> Select[Any]:
    return within(within(rows, placed, *wanted.placed, "placed"), promised, *wanted.promised, "promised")


def _lines_of(sku: str, wanted: Wanted) -> Select[Any]:
    """When the orders of a sku were placed that fit, whatever the period, and their ids."""
    order: tuple[Any, ...] = (OrderLine.placed_at.label("placed_at"), OrderLine.order_id.label("id"))
    lines = select(*order).distinct().where(OrderLine.sku == sku)
    lines = lines.where(*(_ON_LINES[column] == value for column, value in wanted.held.items()))
    if any(wanted.held.get(column, usual) != usual for column, usual in _USUAL.items()):
        lines = lines.where(_UNUSUAL)  # as the index says it that has only those
    return lines.where(OrderLine.status != "removed")  # last, as it leaves out next to none


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
