"""What could be refunded, and why not more: read before money moves."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from tradepost.commerce.flows.refunds.refund_quote import (
    Quote,
    quote_lines,
    require_left,
    require_not_awaited,
    require_refundable_return,
)
from tradepost.commerce.flows.settling.order_units import MAX_LINES, UnitsOf, order_lines
from tradepost.commerce.flows.settling.settlement import customer_methods, method_words
from tradepost.commerce.orders.models import Order
from tradepost.commerce.orders.policy import load_rules
from tradepost.commerce.payments.ledger import Ledger, left_in, load_ledger
from tradepost.commerce.returns.models import Return
from tradepost.commerce.serving.declare import Answer, read_tool
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.foundation.money import MoneyView, display, money

OrderOrNone = Annotated[
    str | None, Field(max_length=200, description="Order id or number; or rma.", examples=["ORD-1001"])
]
RmaOrNone = Annotated[
    str | None, Field(max_length=200, description="The return to pay back; or order_id.", examples=["RMA-1"])
]
Lines = Annotated[
    list[UnitsOf] | None,
    Field(
        min_length=1,
        max_length=MAX_LINES,
        description="Only these units, named by line position or variant; left out: all that is left.",
        examples=[[{"line": 1, "quantity": 1}]],
    ),
]
IncludeShipping = Annotated[bool, Field(description="Also what is left of the shipping.", examples=[False])]


class PreviewedLine(TypedDict):
    """Units of a line and what they would pay back."""

    line: int
    sku: str
    quantity: int
    amount: MoneyView
    line_total: MoneyView
    refunded_before: MoneyView


class RefundSource(TypedDict):
    """A payment that still holds money."""

    payment_id: str
    number: str
    method: str
    remaining: MoneyView


class RefundPreview(TypedDict):
    """A refund before it is made: amount = goods - discount + tax + shipping - restocking fee, at most `remaining`."""

    order_id: str
    order_number: str
    rma: str | None
    currency: str
    possible: bool
    why_not: str | None
    amount: MoneyView
    goods: MoneyView
    discount: MoneyView
    tax: MoneyView
    shipping: MoneyView
    restocking_fee: MoneyView
    captured: MoneyView
    refunded: MoneyView
    remaining: MoneyView
    lines: list[PreviewedLine]
    payments: list[RefundSource]


@read_tool(title="Preview refund", scope="read:payments")
async def preview_refund(
    store: Store,
    order_id: OrderOrNone = None,
    rma: RmaOrNone = None,
    lines: Lines = None,
    include_shipping: IncludeShipping = False,
) -> Answer[RefundPreview]:
    """Work out what can be refunded for an order, some of its lines, or a return: goods, tax, shipping, fee, and what
    is left of the captured money. Use before initiate_refund and to answer what a customer gets back. Not for past
    refunds (search_payments). Reads only, moves nothing. Returns the amount with its parts, per line, which payments it
    comes from, and why it is not possible yet where it is not."""
    if (order_id is None) == (rma is None):
        raise InvalidArgument("Give either order_id or rma.", hint="An rma knows its order.")
    row = await store.find(Return, rma, field="rma") if rma is not None else None
    order = await store.find(Order, row.order_id if row is not None else str(order_id), field="order_id")
    rules = await load_rules(store)
    ledger = await load_ledger(store, order.id, order.currency, lock=False)
    quote = await quote_lines(
        store, order, await order_lines(store, order), lines, ledger, include_shipping=include_shipping, row=row
    )
    why_not: str | None = None
    try:
        require_left(order, ledger)
        if row is not None:
            require_refundable_return(row, rules)
        elif lines is not None:
            await require_not_awaited(store, order, quote, rules)
    except StateConflict as refusal:
        why_not = refusal.message
    methods = {method.id: method for method in await customer_methods(store, order.customer_id)}
    names = {payment.id: method_words(methods.get(payment.method_id or "")) for payment in ledger.payments}
    data = _view(order, row, quote, ledger, names, why_not)
    return Answer(data, _sentence(data))


def _view(
    order: Order, row: Return | None, quote: Quote, ledger: Ledger, names: dict[str, str], why_not: str | None
) -> RefundPreview:
    def amount(minor: int) -> MoneyView:
        return money(minor, order.currency)

    return {
        "order_id": order.id,
        "order_number": order.number,
        "rma": row.number if row is not None else None,
        "currency": order.currency,
        "possible": why_not is None,
        "why_not": why_not,
        "amount": amount(min(quote.amount_minor, ledger.remaining_minor)),
        "goods": amount(quote.goods_minor),
        "discount": amount(quote.discount_minor),
        "tax": amount(quote.tax_minor),
        "shipping": amount(quote.shipping_minor),
        "restocking_fee": amount(quote.fee_minor),
        "captured": amount(order.captured_minor),
        "refunded": amount(order.refunded_minor),
        "remaining": amount(ledger.remaining_minor),
        "lines": [
            {
                "line": one.line.position,
                "sku": one.line.sku,
                "quantity": one.quantity,
                "amount": amount(one.amount_minor),
                "line_total": amount(one.line.total_minor),
                "refunded_before": amount(one.line.refunded_minor),
            }
            for one in quote.lines
        ],
        "payments": [
            {
                "payment_id": payment.id,
                "number": payment.number,
                "method": names[payment.id],
                "remaining": amount(left_in(payment)),
            }
            for payment in ledger.holding
        ],
    }


def _sentence(view: RefundPreview) -> str:
    currency = view["currency"]
    parts = [
        f"{word} {view[name]['display']}"  # type: ignore[literal-required]
        for name, word in (("discount", "less discount"), ("tax", "tax"), ("shipping", "shipping"))
        if view[name]["amount_minor"]  # type: ignore[literal-required]
    ]
    if view["restocking_fee"]["amount_minor"]:
        parts.append(f"less fee {view['restocking_fee']['display']}")
    made_of = f" (goods {view['goods']['display']}{', ' + ', '.join(parts) if parts else ''})"
    subject = f"return {view['rma']}" if view["rma"] else f"order {view['order_number']}"
    left = display(view["remaining"]["amount_minor"], currency)
    blocked = f" Not possible now: {view['why_not']}" if view["why_not"] else ""
    return (
        f"Refundable for {subject}: {view['amount']['display']}{made_of}. "
        f"Left of {view['captured']['display']} captured: {left}.{blocked}"
    )


TOOLS = (preview_refund,)
