"""Asking to send something of one's own order back."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from tradepost.commerce.flows.returns.return_request import MAX_NOTE, ReturnUnits
from tradepost.commerce.flows.returns.submit_return import ORIGINAL, submit_return
from tradepost.commerce.flows.self_service.mine import find_mine, my_customer_id
from tradepost.commerce.flows.self_service.shoppers_words import in_shoppers_words
from tradepost.commerce.flows.settling.order_units import MAX_LINES, MAX_POSITION, TERSE, Quantity
from tradepost.commerce.orders.models import Order
from tradepost.commerce.returns.models import ReturnReason
from tradepost.commerce.serving.declare import Answer, write_tool
from tradepost.commerce.store.store import Store
from tradepost.foundation.money import MoneyView

SCOPE = "me:returns"
ASK_FIRST = "check_my_return shows what may be sent back, why not, and where the money may go."

OrderId = Annotated[
    str, Field(min_length=1, max_length=200, description="Your order's number or id.", examples=["1001"])
]


class MyReturnUnits(BaseModel):
    """Units of a line of the order, by its position, and why they come back."""

    model_config = TERSE

    line: int = Field(ge=1, le=MAX_POSITION)
    quantity: Quantity = 1
    reason: ReturnReason = "unknown"


Lines = Annotated[
    list[MyReturnUnits] | None,
    Field(
        min_length=1,
        max_length=MAX_LINES,
        description="Units to send back, by line number; left out: all that may come back.",
        examples=[[{"line": 1, "quantity": 1, "reason": "size_too_small"}]],
    ),
]
Wanted = Annotated[
    Literal["refund", "store_credit", "replacement", "repair"],
    Field(description="What the customer wants for it.", examples=["refund"]),
]
RefundTo = Annotated[
    str,
    Field(
        min_length=1, max_length=200, description="'original', or an id that check_my_return gave.", examples=[ORIGINAL]
    ),
]
Note = Annotated[
    str | None, Field(max_length=MAX_NOTE, description="The customer's own words.", examples=["Too tight"])
]


# A unit that was asked back.
class AskedLine(TypedDict):
    sku: str
    quantity: int
    reason: str


# A return that was asked for.
class MyRequestedReturn(TypedDict):
    id: str
    rma: str
    version: int
    return_status: str
    resolution: str
    order_number: str
    lines: list[AskedLine]
    refund_to: str | None
    fee: MoneyView
    window_ends: str | None


@write_tool(title="Start my return", scope=SCOPE)
async def start_my_return(
    store: Store,
    order_id: OrderId,
    lines: Lines = None,
    resolution: Wanted = "refund",
    refund_to: RefundTo = ORIGINAL,
    note: Note = None,
) -> Answer[MyRequestedReturn]:
    """Ask to send items of one of the signed-in customer's own delivered orders back. Use after check_my_return, when
    the customer has confirmed items, reason and where the money should go; name all items at once, a shop may allow one
    return per order. Not for undelivered orders (cancel_my_order) or broken or missing items (report_my_problem). Only
    asks: the shop decides, no money moves. Returns the RMA number, fee and window."""
    customer_id = await my_customer_id(store)
    order = await find_mine(store, customer_id, Order, order_id, field="order_id")
    entries = None if lines is None else [ReturnUnits(**entry.model_dump()) for entry in lines]
    with in_shoppers_words(ASK_FIRST):
        answer = await submit_return.function(store, order.id, entries, resolution, refund_to, note)
    done = answer.data
    data: MyRequestedReturn = {
        "id": done["return_id"],
        "rma": done["rma"],
        "version": done["version"],
        "return_status": done["return_status"],
        "resolution": done["resolution"],
        "order_number": done["order_number"],
        "lines": done["lines"],
        "refund_to": done["refund_to"],
        "fee": done["fee"],
        "window_ends": done["window_ends"],
    }
    return Answer(data, answer.text)


TOOLS = (start_my_return,)
