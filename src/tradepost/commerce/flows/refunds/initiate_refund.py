"""Paying money back. The checks run under the order's lock and the database repeats them: whatever comes at the same
time, no order, payment or line gives back more than it took."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from tradepost.commerce.flows.refunds.refund_quote import (
    Quote,
    quote_lines,
    require_left,
    require_not_awaited,
    require_refundable_return,
    require_within_return,
)
from tradepost.commerce.flows.settling.closing import close_if_settled
from tradepost.commerce.flows.settling.order_units import MAX_LINES, UnitsOf, order_lines
from tradepost.commerce.flows.settling.refund_views import PaidBack, paid_back
from tradepost.commerce.flows.settling.settlement import Settlement, method_words, open_settlement
from tradepost.commerce.flows.told import mail_goes_out
from tradepost.commerce.orders.changed import ChangedOrder, changed_order
from tradepost.commerce.orders.models import Order
from tradepost.commerce.orders.policy import load_rules
from tradepost.commerce.payments.ledger import left_in
from tradepost.commerce.payments.models import Payment, Refund, RefundLine
from tradepost.commerce.returns.models import Return
from tradepost.commerce.serving.declare import Answer, write_tool
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument, LimitExceeded
from tradepost.foundation.ids import new_id
from tradepost.foundation.money import MoneyView, display, money

RefundReason = Literal[
    "customer_request",
    "returned",
    "not_delivered",
    "damaged",
    "defective",
    "wrong_item",
    "price_adjustment",
    "duplicate",
    "fraud",
    "goodwill",
    "other",
]

PaymentOrNone = Annotated[
    str | None,
    Field(max_length=200, description="Payment id or number; or order_id.", examples=["PAY-1001"]),
]
OrderOrNone = Annotated[
    str | None,
    Field(max_length=200, description="Order id or number; or payment_id.", examples=["1001"]),
]
Amount = Annotated[
    int | None,
    Field(ge=1, le=10**11, description="Minor units: 2490 is 24.90; or lines.", examples=[2490]),
]
Lines = Annotated[
    list[UnitsOf] | None,
    Field(
        min_length=1,
        max_length=MAX_LINES,
        description="Units by line or variant; or amount.",
        examples=[[{"line": 1, "quantity": 1}]],
    ),
]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$", description="ISO 4217, the order's.", examples=["EUR"])]
Reason = Annotated[RefundReason, Field(description="Why.", examples=["returned"])]
RmaOrNone = Annotated[str | None, Field(max_length=200, description="Return it settles.", examples=["RMA-1"])]
IncludeShipping = Annotated[bool, Field(description="With lines: the shipping too.", examples=[False])]
Notify = Annotated[bool, Field(description="E-mail the customer.", examples=[False])]


class RefundResult(TypedDict):
    """Money that went back, one refund per payment it came from, and what can still be refunded."""

    order: ChangedOrder
    amount: MoneyView
    remaining: MoneyView
    restocking_fee: MoneyView
    rma: str | None
    refunds: list[PaidBack]


@write_tool(title="Initiate refund", scope="write:payments", destructive=True, money=True, open_world=True)
async def initiate_refund(
    store: Store,
    currency: Currency,
    reason: Reason,
    payment_id: PaymentOrNone = None,
    order_id: OrderOrNone = None,
    amount_minor: Amount = None,
    lines: Lines = None,
    rma: RmaOrNone = None,
    include_shipping: IncludeShipping = False,
    notify_customer: Notify = False,
) -> Answer[RefundResult]:
    """Refund captured money to the original payment method. Use after preview_refund, when the user asked to refund a
    given order, line or RMA. Not for store credit (apply_store_credit) or unpaid orders (cancel_order). Moves real
    money and cannot be undone; over the limit it returns approval_required instead of executing. Safe to retry with the
    same idempotency_key. Returns refund id, status, amount, remaining refundable."""
    _require_one_of_each(payment_id, order_id, amount_minor, lines, include_shipping)
    order, payment = await _locked(store, payment_id, order_id)
    if currency != order.currency:
        raise InvalidArgument(
            f"The order {order.number} is in {order.currency}, not {currency}.",
            hint=f"Give amounts in minor units of {order.currency}.",
            field="currency",
        )
    row = await store.lock(Return, rma, field="rma") if rma is not None else None
    settlement = await open_settlement(store, order)
    quote = await _checked_quote(store, settlement, row, lines, include_shipping=include_shipping)
    amount = quote.amount_minor if quote is not None else int(amount_minor or 0)
    _require_within(settlement, payment, amount)
    left_before = sum(left_in(one) for one in settlement.ledger.payments if payment is None or one.id == payment.id)
    if row is not None:
        shipping = quote.shipping_minor if quote is not None else 0
        sold = await order_lines(store, order)
        await require_within_return(store, order, sold, row, settlement.ledger, amount - shipping)

    pool = [one for one in settlement.ledger.payments if payment is None or one.id == payment.id]
    await settlement.lock_balances(*(one.method_id for one in pool))
    refunds = await settlement.refund(
        amount,
        reason,
        payments=pool,
        return_id=row.id if row is not None else None,
        lines_minor=quote.goods_minor if quote is not None else 0,
        shipping_minor=quote.shipping_minor if quote is not None else 0,
        restocking_fee_minor=quote.fee_minor if quote is not None else 0,
    )
    if quote is not None:
        await _add_lines(store, refunds[0], quote)
    if row is not None:
        await close_if_settled(store, row)
    store.emit("order:refunded", order, amount_minor=amount, reason=reason, notify_customer=notify_customer)
    if notify_customer:
        await mail_goes_out(store, order.customer_id, "the refund")
    data: RefundResult = {
        "order": await changed_order(store, order),
        "amount": money(amount, currency),
        "remaining": money(settlement.ledger.remaining_minor, currency),
        "restocking_fee": money(quote.fee_minor if quote is not None else 0, currency),
        "rma": row.number if row is not None else None,
        "refunds": [paid_back(one, settlement) for one in refunds],
    }
    targets = " and ".join(dict.fromkeys(method_words(settlement.known(one.method_id)) for one in refunds))
    mailed = " and e-mails the customer" if notify_customer else ""
    store.means(
        f"Refunds {display(amount, currency)} of {display(left_before, currency)} still refundable on "
        f"order #{order.number} to {targets}{mailed}."
    )
    numbers = ", ".join(one.number for one in refunds)
    left = data["remaining"]["display"]
    text = f"Refunded {display(amount, currency)} of order {order.number} ({numbers}). Left: {left}."
    return Answer(data, text, {"customer_id": order.customer_id})


def _require_one_of_each(
    payment_id: str | None,
    order_id: str | None,
    amount_minor: int | None,
    lines: list[UnitsOf] | None,
    include_shipping: bool,
) -> None:
    if (payment_id is None) == (order_id is None):
        raise InvalidArgument(
            "Give exactly one of payment_id and order_id.", hint="payment_id refunds from that payment alone."
        )
    if (amount_minor is None) == (lines is None):
        raise InvalidArgument(
            "Give exactly one of amount_minor and lines.", hint="preview_refund shows what lines come to."
        )
    if include_shipping and lines is None:
        raise InvalidArgument(
            "include_shipping goes with lines only.",
            hint="With amount_minor, count the shipping in yourself.",
            field="include_shipping",
        )


async def _locked(store: Store, payment_id: str | None, order_id: str | None) -> tuple[Order, Payment | None]:
    """The order, locked first as in every write on it, and the payment; the one that was named is the primary."""
    if order_id is not None:
        return await store.primary(Order, order_id, field="order_id"), None
    seen = await store.find(Payment, str(payment_id), field="payment_id")
    order = await store.lock(Order, seen.order_id)
    return order, await store.primary(Payment, seen.id, field="payment_id")


async def _checked_quote(
    store: Store,
    settlement: Settlement,
    row: Return | None,
    lines: list[UnitsOf] | None,
    *,
    include_shipping: bool,
) -> Quote | None:
    order, rules = settlement.order, await load_rules(store)
    require_left(order, settlement.ledger)
    if row is not None:
        if row.order_id != order.id:
            raise InvalidArgument(
                f"The return {row.number} belongs to another order than {order.number}.",
                hint="Use the rma of this order, or the order of this rma.",
                field="rma",
            )
        require_refundable_return(row, rules)
    if lines is None:
        return None
    all_lines = await order_lines(store, order, lock=True)
    quote = await quote_lines(
        store, order, all_lines, lines, settlement.ledger, include_shipping=include_shipping, row=row
    )
    if row is None:
        await require_not_awaited(store, order, quote, rules)
    return quote


def _require_within(settlement: Settlement, payment: Payment | None, amount: int) -> None:
    if amount <= 0:
        raise LimitExceeded("The lines come to nothing: discount and fee take all of it.", field="lines")
    settlement.ledger.share_out(amount, None if payment is None else [payment])


async def _add_lines(store: Store, refund: Refund, quote: Quote) -> None:
    for one in quote.lines:
        one.line.refunded_minor += one.amount_minor
        store.add(
            RefundLine(
                id=new_id(RefundLine.prefix),
                refund_id=refund.id,
                order_line_id=one.line.id,
                quantity=one.quantity,
                amount_minor=one.amount_minor,
            )
        )
    await store.session.flush()


TOOLS = (initiate_refund,)
