"""Which payments fit the filters of a search, and the quickest way to find, order and count them."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, get_args

from sqlalchemy import Select, and_, or_, select, union_all

from tradepost.commerce.payments.models import TAKEN, Payment, PaymentState, Refund, RefundState
from tradepost.commerce.store.columns import aside, first_of
from tradepost.commerce.store.listing import is_rare
from tradepost.commerce.store.periods import require_period, within
from tradepost.commerce.store.spans import Span, in_span, inside
from tradepost.commerce.store.store import Store

NEWEST = (Payment.created_at, Payment.id)
_TAKEN = first_of(*(getattr(Payment, name) for name in TAKEN))


@dataclass(frozen=True, slots=True)
class WantedPayments:
    """The filters of a search: the order's id, the states of the payment and of a refund, a reference, and when money
    was taken (from, to)."""

    order_id: str | None
    status: str | None
    refund_status: RefundState | None
    psp_ref: str | None
    taken: tuple[datetime | None, datetime | None]


async def matching_payments(store: Store, wanted: WantedPayments) -> Span:
    """The payments that fit, for `page`. Raises InvalidArgument for no period."""
    require_period(*wanted.taken, "taken")
    statement = _few(wanted)
    if statement is not None:
        return _of_few(statement, wanted)
    if wanted.refund_status is not None:
        refunded = select(Refund.payment_id).where(Refund.status == wanted.refund_status)
        if await is_rare(store, refunded):
            return _of_few(select(Payment).where(Payment.id.in_(refunded)), replace(wanted, refund_status=None))
    if wanted.refund_status is not None:
        # Most payments were never refunded: indexes of the others have all that is asked for.
        said = Payment.refund_states.contains(wanted.refund_status)
        statement = select(Payment).where(Payment.refund_states.is_not(None), said)
        if wanted.status is not None:
            statement = statement.where(aside(Payment.status) == wanted.status)
    elif wanted.status is not None:
        statement = select(Payment).where(Payment.status == wanted.status)
    else:
        statement = select(Payment)
    if wanted.taken == (None, None):
        return Span(statement)
    way = inside(_TAKEN, *wanted.taken)
    if wanted.status is None and wanted.refund_status is None:
        way = and_(Payment.status.in_(get_args(PaymentState)), way)  # the index of the moment begins with the state
    early = or_(Payment.captured_at < Payment.created_at, Payment.authorized_at < Payment.created_at)
    return await in_span(store, statement, NEWEST, _TAKEN, *wanted.taken, early=early, ways=[way])


def _of_few(statement: Select[Any], wanted: WantedPayments) -> Span:
    """Of the payments of the statement, which are few, those that fit the other filters too."""
    if wanted.status is not None:
        statement = statement.where(aside(Payment.status) == wanted.status)
    if wanted.refund_status is not None:
        refund = select(Refund.id).where(
            Refund.workspace_id == Payment.workspace_id,
            Refund.payment_id == Payment.id,
            aside(Refund.status) == wanted.refund_status,
        )
        statement = statement.where(refund.exists())
    return Span(within(statement, aside(_TAKEN), *wanted.taken, "taken"))


def _few(wanted: WantedPayments) -> Select[Any] | None:
    """The payments of an order or a reference, where one is asked for."""
    if wanted.order_id is None and wanted.psp_ref is None:
        return None
    statement = select(Payment)
    if wanted.order_id is not None:
        statement = statement.where(Payment.order_id == wanted.order_id)
    if wanted.psp_ref is not None:
        own = select(Payment.id).where(Payment.psp_reference == wanted.psp_ref)
        refunds = select(Refund.payment_id).where(Refund.psp_reference == wanted.psp_ref)
        statement = statement.where(Payment.id.in_(union_all(own, refunds)))
    return statement
