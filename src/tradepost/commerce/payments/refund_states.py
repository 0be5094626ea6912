"""The states of a payment's refunds, on the payment itself: few are refunded, and they stand together in an index."""

from typing import Literal, get_args

from sqlalchemy import ColumnElement, case, exists, func, literal
from sqlalchemy.orm import Mapped

from tradepost.commerce.store.copied import Copied, Source, Tables, keep_copied

RefundState = Literal["pending", "succeeded", "failed", "canceled"]


class RefundStates:
    """The column. `refund_states`: each state that one of its refunds is in, between spaces; null without refunds."""

    refund_states: Mapped[str | None]


def _states(tables: Tables) -> dict[str, ColumnElement[str]]:
    payments, refunds = tables["payments"], tables["refunds"]
    its = (refunds.c.workspace_id == payments.c.workspace_id, refunds.c.payment_id == payments.c.id)
    words: ColumnElement[str] = literal("")
    for state in get_args(RefundState):
        some = exists().where(*its, refunds.c.status == state).correlate(payments)
        words = words.concat(case((some, f"{state} "), else_=""))
    return {"refund_states": func.nullif(func.trim(words), "")}


keep_copied(
    Copied(
        "payments",
        _states,
        {"refunds": Source(("status", "payment_id"), names="payment_id", when_new=True)},
    )
)
