"""Moving an order's payment to another method of the customer, before anything is packed."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from tradepost.commerce.customers.models import PaymentMethod
from tradepost.commerce.flows.settling.order_units import order_lines
from tradepost.commerce.flows.settling.refund_views import PaidBack, paid_back
from tradepost.commerce.flows.settling.settlement import (
    WITH_BALANCE,
    Settlement,
    method_words,
    open_settlement,
    require_balance,
)
from tradepost.commerce.orders.changed import ChangedOrder, OrderReference, changed_order
from tradepost.commerce.orders.models import Order
from tradepost.commerce.orders.policy import load_rules
from tradepost.commerce.orders.states import require_not_locked, require_not_packed
from tradepost.commerce.payments.ledger import left_in
from tradepost.commerce.payments.models import Payment
from tradepost.commerce.serving.declare import Answer, write_tool
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.foundation.money import MoneyView, display, money

NewMethod = Annotated[
    str | None,
    Field(
        max_length=200,
        description="Id of the customer's payment method to use instead; may be left out where there is one other.",
        examples=["pm_1001"],
    ),
]
ChangeReason = Annotated[
    str,
    Field(min_length=1, max_length=300, description="Why, for the record.", examples=["Wrong size"]),
]


class PaymentChange(TypedDict):
    """An order whose payment moved: the new payment, and what went back to the old method."""

    order: ChangedOrder
    payment_id: str
    payment_number: str
    payment_status: str
    amount: MoneyView
    method: str
    refunds: list[PaidBack]


@write_tool(title="Change order payment method", scope="write:orders", money=True, open_world=True)
async def update_order_payment_method(
    store: Store, order_id: OrderReference, reason: ChangeReason, payment_method_id: NewMethod = None
) -> Answer[PaymentChange]:
    """Charge an order to another payment method of its customer and refund the old one. Use before packing when the
    customer wants to pay differently. Not after items were edited, not for orders with several payments or refunds, and
    not to give money back (initiate_refund). Moves the full amount: the new method is charged first, then the old one
    refunded; gift card balances move at once. Returns the new payment and the refund."""
    order = await store.primary(Order, order_id, field="order_id")
    lines = await order_lines(store, order)
    require_not_packed(order, lines, "The payment method")
    require_not_locked(order, await load_rules(store))
    settlement = await open_settlement(store, order)
    old = _only_payment(settlement)
    method = settlement.method(payment_method_id) if payment_method_id else _only_other(settlement, old)
    if method.id == old.method_id:
        raise InvalidArgument(
            f"The order is paid by {method_words(method)} already.",
            hint="Choose a different payment method of the customer.",
            field="payment_method_id",
        )
    amount = left_in(old) if old.captured_minor else old.amount_minor
    await settlement.lock_balances(method.id, old.method_id)
    require_balance(method, amount, "payment_method_id", store.now)

    if old.captured_minor or method.type in WITH_BALANCE:
        payment = await settlement.charge(amount, method)
    else:
        payment = await settlement.ledger.add_payment(store, amount, method.id, status="authorized")
        store.side_effect(f"{display(amount, order.currency)} is authorized on {method_words(method)}.")
    refunds = []
    if old.captured_minor:
        refunds = await settlement.refund(amount, "payment_method_changed", payments=[old])
    else:
        settlement.void(old)
    order.updated_at = store.now  # a version of its own, also where the order's sums stay
    store.emit("order:payment_method_changed", order, payment_id=payment.id, reason=reason)
    store.means(
        f"Moves {display(amount, order.currency)} of order #{order.number} from "
        f"{method_words(settlement.known(old.method_id))} to {method_words(method)}."
    )
    data: PaymentChange = {
        "order": await changed_order(store, order),
        "payment_id": payment.id,
        "payment_number": payment.number,
        "payment_status": payment.status,
        "amount": money(amount, order.currency),
        "method": method_words(method),
        "refunds": [paid_back(row, settlement) for row in refunds],
    }
    old_words = method_words(settlement.known(old.method_id))
    text = f"Order {order.number} is now paid by {method_words(method)}: {display(amount, order.currency)}. "
    return Answer(data, text + (f"{old_words} was refunded." if refunds else f"{old_words} was released."))


def _only_other(settlement: Settlement, old: Payment) -> PaymentMethod:
    """The one method beside the present one. Raises InvalidArgument where there is none, or a choice."""
    currency = settlement.order.currency
    others = [one for one in settlement.methods if one.id != old.method_id and one.currency == currency]
    if len(others) != 1:
        names = ", ".join(f"{one.external_id or one.id} ({method_words(one)})" for one in others[:5])
        raise InvalidArgument(
            f"The customer has {len(others)} other payment methods: payment_method_id is missing.",
            hint=f"Ask which one: {names}." if others else "Add a payment method for the customer first.",
            field="payment_method_id",
        )
    return others[0]


def _only_payment(settlement: Settlement) -> Payment:
    """The one payment that may move. Raises StateConflict where there is none, or more has happened since."""
    order, ledger = settlement.order, settlement.ledger
    live = [row for row in ledger.payments if row.captured_minor or row in ledger.uncaptured]
    if len(live) != 1 or ledger.refunds:
        raise StateConflict(
            f"The payment of order {order.number} cannot move: it has {len(live)} payments and "
            f"{len(ledger.refunds)} refunds, and exactly one payment without refunds can.",
            hint="Settle the difference with edit_order_items or a refund instead.",
            details={"payments": len(live), "refunds": len(ledger.refunds)},
        )
    return live[0]


TOOLS = (update_order_payment_method,)
