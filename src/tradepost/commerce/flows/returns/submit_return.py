"""Asking for a return: checked against the shop's policy, recorded as an RMA, decided by a person later."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from tradepost.commerce.customers.models import PaymentMethod
from tradepost.commerce.flows.returns.return_request import MAX_NOTE, ReturnUnits, add_return, judge_wanted, units_words
from tradepost.commerce.flows.settling.order_units import MAX_LINES
from tradepost.commerce.flows.settling.settlement import customer_methods, method_words, pick_method
from tradepost.commerce.orders.changed import OrderReference
from tradepost.commerce.orders.models import Order
from tradepost.commerce.orders.policy import OrderRules, RefundDestination
from tradepost.commerce.payments.ledger import load_ledger
from tradepost.commerce.returns.models import Resolution
from tradepost.commerce.serving.declare import Answer, write_tool
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.foundation.money import MoneyView, money

ORIGINAL = "original"
_MONEY = ("refund", "store_credit")


Lines = Annotated[
    list[ReturnUnits] | None,
    Field(
        min_length=1,
        max_length=MAX_LINES,
        description="Units to send back, by line position or variant; left out: all that may come back.",
        examples=[[{"line": 1, "quantity": 1, "reason": "size_too_small"}]],
    ),
]
Wanted = Annotated[Resolution, Field(description="What the customer wants.", examples=["refund"])]
RefundTo = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        description="'original', or a payment method id of the customer that the policy allows.",
        examples=["original"],
    ),
]
CustomerNote = Annotated[
    str | None, Field(max_length=MAX_NOTE, description="The customer's words.", examples=["Too tight"])
]


class RequestedReturn(TypedDict):
    """A return that was asked for."""

    return_id: str
    rma: str
    version: int
    return_status: str
    resolution: str
    order_number: str
    lines: list[dict[str, str | int]]
    refund_to: str | None
    fee: MoneyView
    window_ends: str | None


@write_tool(title="Submit return", scope="write:returns")
async def submit_return(
    store: Store,
    order_id: OrderReference,
    lines: Lines = None,
    resolution: Wanted = "refund",
    refund_to: RefundTo = ORIGINAL,
    note: CustomerNote = None,
) -> Answer[RequestedReturn]:
    """Ask for the return of delivered items. Use once the customer has named items, reason and where the refund should
    go; name all items in one call, many shops allow one return per order. Not for undelivered orders (cancel_order) or
    to swap variants (create_exchange). Only records an RMA to be decided (approve_return, decline_return): no money and
    no stock move. Refused outside the shop's policy, with the clause. Returns the RMA number, fee and window."""
    order = await store.primary(Order, order_id, field="order_id")
    wanted = await judge_wanted(
        store, order, lines, lambda line, units: ReturnUnits(line=line.position, quantity=units)
    )
    method = await _destination(store, order, wanted.rules, resolution, refund_to)
    row, added = await add_return(
        store,
        order,
        wanted,
        resolution=resolution,
        refund_method_id=method.id if method is not None else None,
        customer_note=note,
    )
    goes_to = None if resolution not in _MONEY else method_words(method)
    data: RequestedReturn = {
        "return_id": row.id,
        "rma": row.number,
        "version": row.version,
        "return_status": row.status,
        "resolution": row.resolution,
        "order_number": order.number,
        "lines": [{"sku": line.sku, "quantity": line.quantity, "reason": line.reason} for line in added],
        "refund_to": goes_to,
        "fee": money(row.fee_minor, row.currency),
        "window_ends": to_rfc3339(row.window_ends_at) if row.window_ends_at else None,
    }
    fee = f" Fee {data['fee']['display']}." if row.fee_minor else ""
    text = f"{row.number} requested for order {order.number}: {units_words(wanted.taken)}, {resolution}"
    return Answer(data, f"{text}{f' to {goes_to}' if goes_to else ''}.{fee} It waits for approval; no money moved.")


async def _destination(
    store: Store, order: Order, rules: OrderRules, resolution: str, refund_to: str
) -> PaymentMethod | None:
    """Where the money shall go, as far as the policy allows it; None where no money is wanted, or the original method
    is no longer known."""
    if resolution not in _MONEY:
        if refund_to != ORIGINAL:
            raise InvalidArgument(
                f"A {resolution} pays nothing back, so refund_to means nothing.",
                hint="Leave refund_to out, or ask for a refund.",
                field="refund_to",
            )
        return None
    methods = await customer_methods(store, order.customer_id)
    ledger = await load_ledger(store, order.id, order.currency, lock=False)
    original = ledger.original_method_id()
    if refund_to == ORIGINAL:
        method = next((row for row in methods if row.id == original), None)
    else:
        method = pick_method(methods, refund_to, "refund_to")
    kinds: list[RefundDestination] = []
    if method is None or method.id == original:
        kinds.append("original")
    if method is not None and method.type in ("gift_card", "store_credit"):
        kinds.append("gift_card" if method.type == "gift_card" else "store_credit")
    allowed = rules.refund_destinations()
    if not set(kinds) & set(allowed):
        listed = ", ".join(name.replace("_", " ") for name in allowed)
        raise StateConflict(
            f"The refund cannot go to {method_words(method)}: the shop refunds to {listed or 'nothing'} only.",
            hint="Ask the customer for another destination; 'original' is the method the order was paid with.",
            field="refund_to",
            details=rules.cited("refund_destinations"),
        )
    return method


TOOLS = (submit_return,)
