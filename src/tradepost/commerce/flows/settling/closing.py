"""When a return is over: its goods are decided on, and the customer has what they asked for."""

from sqlalchemy import select

from tradepost.commerce.payments.models import Refund
from tradepost.commerce.returns.models import ExchangeParcel, Return
from tradepost.commerce.returns.states import RETURN_TRANSITIONS
from tradepost.commerce.store.states import step
from tradepost.commerce.store.store import Store

PAID_BACK = ("refund", "store_credit")  # resolutions that end with money


async def close_if_settled(store: Store, row: Return) -> None:
    """Close an inspected return whose money went back, or whose exchange went out. Call it after either."""
    if row.status != "inspected":
        return
    if row.resolution == "exchange":
        if await store.one_or_none(select(ExchangeParcel).where(ExchangeParcel.return_id == row.id)) is not None:
            _close(store, row)
        return
    if row.resolution not in PAID_BACK:
        return
    paid = select(Refund).where(Refund.return_id == row.id, Refund.status.in_(("succeeded", "pending")))
    if await store.one_or_none(paid) is None:
        return
    _close(store, row)


def _close(store: Store, row: Return) -> None:
    step(row, "closed", RETURN_TRANSITIONS)
    row.closed_at = store.now
    store.emit("return:closed", row, order_id=row.order_id)
