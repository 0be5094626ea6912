"""What a refund looks like in the result of the write that made it."""

from typing_extensions import TypedDict

from tradepost.commerce.flows.settling.settlement import Settlement, method_words
from tradepost.commerce.payments.models import Refund
from tradepost.foundation.money import MoneyView, money


class PaidBack(TypedDict):
    """A refund that was just made: out of which payment, to which method."""

    refund_id: str
    number: str
    status: str
    amount: MoneyView
    payment_id: str
    method_id: str | None
    method: str


def paid_back(refund: Refund, settlement: Settlement) -> PaidBack:
    """The refund with its destination in words."""
    return {
        "refund_id": refund.id,
        "number": refund.number,
        "status": refund.status,
        "amount": money(refund.amount_minor, refund.currency),
        "payment_id": refund.payment_id,
        "method_id": refund.method_id,
        "method": method_words(settlement.known(refund.method_id)),
    }
