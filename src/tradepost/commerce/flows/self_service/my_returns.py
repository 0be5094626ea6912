"""Sending something of one's own order back: what may come back, asking for it, and how it stands."""

from collections.abc import Sequence
from typing import Annotated, Required

from pydantic import Field
from sqlalchemy import select
from typing_extensions import TypedDict

from tradepost.commerce.customers.models import PaymentMethod
from tradepost.commerce.flows.returns.check_eligibility import LineEligibility, Reason, check_return_eligibility
from tradepost.commerce.flows.returns.return_policy_clauses import cited_clauses
from tradepost.commerce.flows.self_service.mine import find_mine, my_customer_id
from tradepost.commerce.flows.settling.settlement import customer_methods, method_words
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.orders.views import NAME_CAP
from tradepost.commerce.payments.models import Refund
from tradepost.commerce.returns.models import Return, ReturnLine
from tradepost.commerce.serving.declare import Answer, read_tool
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.money import MoneyView, money
from tradepost.foundation.untrusted import clean

SCOPE = "me:returns"

OrderId = Annotated[
    str, Field(min_length=1, max_length=200, description="Your order's number or id.", examples=["1001"])
]
Rma = Annotated[
    str, Field(min_length=1, max_length=200, description="Your return's RMA number or id.", examples=["RMA-1"])
]


# Whether a line may be sent back; the fee is for all its returnable units.
class MyLineEligibility(TypedDict):
    line: int
    sku: str
    name: str
    eligible: bool
    returnable: int
    delivered: int
    why_not: str | None
    window_ends: str | None
    fee: MoneyView
    policy_clause: str | None


# Where the money may go: `id` is what start_my_return takes as refund_to.
class Destination(TypedDict):
    id: str
    name: str


# What of an order may be sent back.
class MyEligibility(TypedDict):
    order_id: str
    order_number: str
    eligible: bool
    open_returns: list[str]
    refund_to: list[Destination]
    lines: list[MyLineEligibility]


# A line of a return; `line` is its order line's position.
class MyReturnLine(TypedDict):
    line: int
    sku: str
    name: str
    quantity: int
    received: int
    reason: str


# Money that went back for it.
class MyReturnRefund(TypedDict):
    amount: MoneyView
    status: str
    at: str | None


# A return as its customer sees it.
class MyReturn(TypedDict, total=False):
    id: Required[str]
    rma: Required[str]
    version: int
    status: str
    resolution: str
    order_number: str
    requested_at: str
    approved_at: str | None
    received_at: str | None
    closed_at: str | None
    window_ends: str | None
    fee: MoneyView
    refund_to: str | None
    declined_because: str | None
    lines: list[MyReturnLine]
    refunds: list[MyReturnRefund]


@read_tool(title="Check my return", scope=SCOPE)
async def check_my_return(store: Store, order_id: OrderId, reason: Reason = None) -> Answer[MyEligibility]:
    """Tell which items of one of the signed-in customer's own orders may be sent back, until when, at which fee, by
    which clause of the shop's policy. Use before start_my_return and to explain why something cannot be returned. Not
    for a return that exists (get_my_return) or for broken or missing items (report_my_problem). Reads only. Returns the
    verdict for each line, the returns the order has, and where the money may go."""
    customer_id = await my_customer_id(store)
    order = await find_mine(store, customer_id, Order, order_id, field="order_id")
    answer = await check_return_eligibility.function(store, order.id, reason)
    found = answer.data
    methods = await customer_methods(store, order.customer_id)
    data: MyEligibility = {
        "order_id": order.id,
        "order_number": order.number,
        "eligible": found["eligible"],
        "open_returns": found["open_returns"],
        "refund_to": _destinations(found["refund_destinations"], methods),
        "lines": [_eligibility(line) for line in found["lines"]],
    }
    return Answer(data, answer.text)


@read_tool(title="Get my return", scope=SCOPE)
async def get_my_return(store: Store, rma: Rma) -> Answer[MyReturn]:
    """Read one of the signed-in customer's own returns by its RMA number: state, items, fee, where the money goes and
    what was paid back. Use when they ask how their return stands or when they get their money. Not to find out what may
    be sent back (check_my_return); get_my_order shows the numbers of an order's returns. Reads only. Returns the return
    with its version."""
    customer_id = await my_customer_id(store)
    row = await find_mine(store, customer_id, Return, rma, field="rma")
    view = await _return_view(store, row)
    return Answer(view, _return_text(view))


async def _return_view(store: Store, row: Return) -> MyReturn:
    sold = (
        select(ReturnLine, OrderLine)
        .join(
            OrderLine,
            (OrderLine.workspace_id == ReturnLine.workspace_id) & (OrderLine.id == ReturnLine.order_line_id),
        )
        .where(ReturnLine.return_id == row.id)
        .order_by(ReturnLine.position)
    )
    order = await store.find(Order, row.order_id)
    refunds = await store.all(
        select(Refund)
        .where(Refund.order_id == row.order_id, Refund.return_id == row.id)
        .order_by(Refund.sequence, Refund.id)
    )
    clauses = await cited_clauses(store, [row.decline_clause])
    return {
        "id": row.id,
        "rma": row.number,
        "version": row.version,
        "status": row.status,
        "resolution": row.resolution,
        "order_number": order.number,
        "requested_at": to_rfc3339(row.requested_at),
        "approved_at": to_rfc3339(row.approved_at) if row.approved_at else None,
        "received_at": to_rfc3339(row.received_at) if row.received_at else None,
        "closed_at": to_rfc3339(row.closed_at) if row.closed_at else None,
        "window_ends": to_rfc3339(row.window_ends_at) if row.window_ends_at else None,
        "fee": money(row.fee_minor, row.currency),
        "refund_to": await _goes_to(store, row),
        "declined_because": clauses.get(row.decline_clause or ""),
        "lines": [
            {
                "line": line.position,
                "sku": back.sku,
                "name": clean(line.name, NAME_CAP),
                "quantity": back.quantity,
                "received": back.received,
                "reason": back.reason,
            }
            for back, line in await store.session.execute(sold)
        ],
        "refunds": [
            {
                "amount": money(refund.amount_minor, refund.currency),
                "status": refund.status,
                "at": to_rfc3339(refund.refunded_at) if refund.refunded_at else None,
            }
            for refund in refunds
        ],
    }


async def _goes_to(store: Store, row: Return) -> str | None:
    method = await store.get(PaymentMethod, row.refund_method_id)
    return None if method is None else method_words(method)


def _eligibility(line: LineEligibility) -> MyLineEligibility:
    return {
        "line": line["line"],
        "sku": line["sku"],
        "name": line["name"],
        "eligible": line["eligible"],
        "returnable": line["returnable"],
        "delivered": line["delivered"],
        "why_not": line["why_not"],
        "window_ends": line["window_ends"],
        "fee": line["fee"],
        "policy_clause": line["policy_clause"],
    }


def _destinations(allowed: Sequence[str], methods: Sequence[PaymentMethod]) -> list[Destination]:
    """The shop's policy names kinds; of gift cards and credits the customer's own are the choice."""
    found: list[Destination] = []
    if "original" in allowed:
        found.append({"id": "original", "name": "the method it was paid with"})
    cards = [method for method in methods if method.type in allowed and method.type in ("gift_card", "store_credit")]
    return found + [{"id": method.id, "name": method_words(method)} for method in cards]


def _return_text(view: MyReturn) -> str:
    items = ", ".join(f"{line['quantity']} x {line['sku']}" for line in view["lines"][:4])
    more = f" and {len(view['lines']) - 4} more" if len(view["lines"]) > 4 else ""
    said = [f"Return {view['rma']} of order {view['order_number']} is {view['status'].replace('_', ' ')}: "]
    said = [f"{said[0]}{items}{more}, {view['resolution'].replace('_', ' ')}."]
    if view["fee"]["amount_minor"]:
        said.append(f"Fee {view['fee']['display']}.")
    if view["declined_because"]:
        said.append(f"Declined by clause {view['declined_because']}.")
    said += [f"{row['amount']['display']} paid back ({row['status']})." for row in view["refunds"][:3]]
    return " ".join(said)


TOOLS = (check_my_return, get_my_return)
