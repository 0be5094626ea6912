"""Taking authorized money, all of it or a part."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from tradepost.commerce.flows.settling.settlement import (
    WITH_BALANCE,
    Settlement,
    method_words,
    open_settlement,
    require_balance,
)
from tradepost.commerce.orders.changed import ChangedOrder, changed_order
from tradepost.commerce.orders.models import Order
from tradepost.commerce.orders.states import ORDER_TRANSITIONS
from tradepost.commerce.payments.models import Payment
from tradepost.commerce.payments.states import PAYMENT_TRANSITIONS
from tradepost.commerce.serving.declare import Answer, write_tool
from tradepost.commerce.store.books import closed_books
from tradepost.commerce.store.states import not_in_this_state, require_step, step
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import InvalidArgument, LimitExceeded, StateConflict
from tradepost.foundation.money import MoneyView, display, money
from tradepost.foundation.untrusted import clean

PaymentRef = Annotated[
    str, Field(min_length=1, max_length=200, description="Payment id or number.", examples=["PAY-1001"])
]
Reason = Annotated[
    str, Field(min_length=1, max_length=200, description="Why now.", examples=["First parcel has shipped"])
]
Amount = Annotated[
    int | None,
    Field(ge=1, le=10**11, description="Minor units (2490 is 24.90); left out: all that is left.", examples=[2490]),
]
Currency = Annotated[
    str | None, Field(pattern="^[A-Z]{3}$", description="Needed with an amount: the payment's.", examples=["EUR"])
]


class CapturedPayment(TypedDict):
    """A payment after a capture; `left` is authorized and not taken yet."""

    order: ChangedOrder
    payment_id: str
    payment_number: str
    version: int
    payment_state: str
    amount: MoneyView
    captured: MoneyView
    left: MoneyView
    method: str


@write_tool(title="Capture payment", scope="write:payments", money=True, open_world=True)
async def capture_payment(
    store: Store,
    payment_id: PaymentRef,
    reason: Reason,
    amount_minor: Amount = None,
    currency: Currency = None,
) -> Answer[CapturedPayment]:
    """Take money that was authorized, in whole or in part. Use when goods leave, or before the authorization expires;
    search_payments shows what is authorized and until when. Not to give money back (initiate_refund) and not to charge
    another method (update_order_payment_method). More than is authorized, than the order still costs, or after expiry
    is refused. The payment provider is asked to transfer it. Returns the payment, the order and what is left."""
    seen = await store.find(Payment, payment_id, field="payment_id")
    order = await store.lock(Order, seen.order_id)
    payment = await store.primary(Payment, seen.id, field="payment_id")
    settlement = await open_settlement(store, order)
    _require_capturable(store, order, payment)
    payment = await _open_part(store, settlement, payment)
    amount = _amount(settlement, payment, amount_minor, currency)
    method = settlement.known(payment.method_id)
    if method is not None and method.type in WITH_BALANCE:
        await settlement.lock_balances(method.id)
        require_balance(method, amount, "payment_id", store.now)
        method.balance_minor = (method.balance_minor or 0) - amount
    else:
        store.side_effect(f"{display(amount, order.currency)} is captured from {method_words(method)}.")
    payment.captured_minor += amount
    whole = payment.captured_minor == payment.amount_minor
    if whole or payment.status != "partially_captured":
        step(payment, "captured" if whole else "partially_captured", PAYMENT_TRANSITIONS)
    payment.captured_at = store.now
    order.captured_minor += amount
    settlement.restate()
    await store.session.flush()
    store.emit("payment:capture_ordered", payment, amount_minor=amount, order_id=order.id, reason=clean(reason, 200))
    left = payment.amount_minor - payment.captured_minor
    data: CapturedPayment = {
        "order": await changed_order(store, order),
        "payment_id": payment.id,
        "payment_number": payment.number,
        "version": payment.version,
        "payment_state": payment.status,
        "amount": money(amount, order.currency),
        "captured": money(payment.captured_minor, order.currency),
        "left": money(left, order.currency),
        "method": method_words(method),
    }
    store.means(
        f"Takes {display(amount, order.currency)} from {method_words(method)} for order #{order.number}; "
        f"{display(left, order.currency)} of payment {payment.number} stays open."
    )
    text = f"Captured {display(amount, order.currency)} of {payment.number} for order {order.number}; "
    return Answer(data, f"{text}{display(left, order.currency)} is left. The order is {order.payment_status}.")


def _require_capturable(store: Store, order: Order, payment: Payment) -> None:
    if payment.status != "partially_captured":
        require_step(payment, "captured", PAYMENT_TRANSITIONS)
    if payment.status == "requires_action":
        raise not_in_this_state(
            payment,
            "and waits for the customer to confirm it",
            PAYMENT_TRANSITIONS,
            hint="It can be captured once it is authorized.",
        )
    if order.status == "canceled":
        raise not_in_this_state(order, "and nothing is owed for it", ORDER_TRANSITIONS, hint="Leave the payment.")
    ends = payment.auth_expires_at
    if ends is not None and ends <= store.now:
        raise StateConflict(
            f"The authorization of {payment.number} expired on {to_rfc3339(ends)}.",
            hint="Ask the customer to pay again (update_order_payment_method).",
            details={"auth_expires_at": to_rfc3339(ends)},
        )


async def _open_part(store: Store, settlement: Settlement, payment: Payment) -> Payment:
    """The payment to capture from: where a first part was taken in time that is closed, the rest is one of its own, so
    that what was booked then keeps its date and its sum."""
    closed = await closed_books(store.session)
    if closed is None or not closed.hold(payment.captured_at):
        return payment
    return await settlement.ledger.split_off_rest(store, payment)


def _amount(settlement: Settlement, payment: Payment, amount_minor: int | None, currency: str | None) -> int:
    order = settlement.order
    if amount_minor is not None and currency != order.currency:
        given = f"not {currency}" if currency else "and the amount names no currency"
        raise InvalidArgument(
            f"The payment {payment.number} is in {order.currency}, {given}.",
            hint=f"Give currency {order.currency} with amounts in its minor units.",
            field="currency",
        )
    authorized = payment.amount_minor - payment.captured_minor
    owed = order.total_minor - (order.captured_minor - order.refunded_minor)
    most = min(authorized, owed)
    amount = most if amount_minor is None else amount_minor
    if amount > most or amount <= 0:
        raise LimitExceeded(
            f"{display(max(amount, 0), order.currency)} cannot be captured: {display(authorized, order.currency)} of "
            f"{payment.number} is authorized and not taken, and order {order.number} still costs "
            f"{display(max(owed, 0), order.currency)}.",
            hint="Capture at most the smaller of the two.",
            field="amount_minor",
            details={"authorized_minor": authorized, "owed_minor": owed, "currency": order.currency},
        )
    return amount


TOOLS = (capture_payment,)
