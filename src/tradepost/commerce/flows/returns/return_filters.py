"""Which returns fit the filters of a search, and the quickest way to find, order and count them.

Nearly all returns of a long history are closed and paid back. So one filter finds, by an index in the order of the list
that holds what else is asked for: of the returns themselves, or of their lines, which repeat what their return says.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, select
from sqlalchemy.orm import aliased

from tradepost.commerce.returns.models import Return, ReturnLine
from tradepost.commerce.store.columns import aside

_USUAL = ("closed", "refund")  # what nearly all returns of a long history are
_ON_LINES: Mapping[Any, Any] = {
    Return.status: ReturnLine.return_status,
    Return.resolution: ReturnLine.resolution,
    Return.location_id: ReturnLine.location_id,
}


@dataclass(frozen=True, slots=True)
class WantedReturns:
    """The filters of a search: values of columns (state, outcome, warehouse), ids, reason and SKU of a line, and when
    returns were asked for: after < requested_at <= until."""

    held: Mapping[Any, str]
    order_id: str | None
    customer_id: str | None
    reason: str | None
    sku: str | None
    after: datetime | None
    until: datetime | None


def matching_returns(wanted: WantedReturns) -> tuple[Select[Any], Select[Any] | None]:
    """The returns that fit, and, where their lines find them, the lines: when the returns were asked for and their ids,
    for `page` to put in order and to count."""
    if wanted.order_id is not None or wanted.customer_id is not None:
        return _of_few(wanted), None
    if wanted.reason is not None or wanted.sku is not None:
        return select(Return), _lines_of(wanted)
    finding = _finding(wanted.held)
    statement = select(Return).where(*(column == wanted.held[column] for column in finding))
    others = [column for column in wanted.held if column not in finding]
    statement = statement.where(*(aside(column) == wanted.held[column] for column in others))
    return _asked(statement, Return.requested_at, wanted), None


def _finding(held: Mapping[Any, str]) -> list[Any]:
    """The column whose index finds: a state or an outcome that few have, else the warehouse, else any."""
    usual = [column for column, value in held.items() if value in _USUAL]
    rare = [column for column in held if column is not Return.location_id and column not in usual]
    place = [column for column in held if column is Return.location_id]
    return [*rare, *place, *usual][:1]


def _of_few(wanted: WantedReturns) -> Select[Any]:
    """Of the returns of an order or a customer, those that fit the other filters too."""
    statement = select(Return).where(*(aside(column) == value for column, value in wanted.held.items()))
    if wanted.order_id is not None:
        statement = statement.where(Return.order_id == wanted.order_id)
    if wanted.customer_id is not None:
        by_customer = Return.customer_id if wanted.order_id is None else aside(Return.customer_id)
        statement = statement.where(by_customer == wanted.customer_id)
    for column, value in ((ReturnLine.reason, wanted.reason), (ReturnLine.sku, wanted.sku)):
        if value is not None:
            line = select(ReturnLine.id).where(
                ReturnLine.workspace_id == Return.workspace_id,
                ReturnLine.return_id == Return.id,
                aside(column) == value,
            )
            statement = statement.where(line.exists())
    return _asked(statement, aside(Return.requested_at), wanted)


def _lines_of(wanted: WantedReturns) -> Select[Any]:
    """The lines of the SKU, else those with the reason. The other of the two may stand on another line of a return."""
    order: tuple[Any, ...] = (ReturnLine.requested_at.label("requested_at"), ReturnLine.return_id.label("id"))
    lines = select(*order).distinct()
    if wanted.sku is None:
        lines = lines.where(ReturnLine.reason == wanted.reason)
    else:
        lines = lines.where(ReturnLine.sku == wanted.sku)
        if wanted.reason is not None:
            other = aliased(ReturnLine)
            lines = lines.join(
                other,
                and_(
                    other.workspace_id == ReturnLine.workspace_id,
                    other.return_id == ReturnLine.return_id,
                    other.requested_at == ReturnLine.requested_at,  # as in the index of reasons
                    other.reason == wanted.reason,
                ),
            )
    lines = lines.where(*(aside(_ON_LINES[column]) == value for column, value in wanted.held.items()))
    return _asked(lines, ReturnLine.requested_at, wanted)


def _asked(statement: Select[Any], moment: Any, wanted: WantedReturns) -> Select[Any]:
    """The select limited to what was asked for in the period."""
    if wanted.after is not None:
        statement = statement.where(moment > wanted.after)
    if wanted.until is not None:
        statement = statement.where(moment <= wanted.until)
    return statement
