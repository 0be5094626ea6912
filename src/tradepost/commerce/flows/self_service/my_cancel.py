"""Canceling one's own order, as long as nobody has begun to pack it."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from tradepost.commerce.flows.changes.cancel_order import CancelReason, cancel_order
from tradepost.commerce.flows.self_service.mine import find_mine, my_customer_id
from tradepost.commerce.flows.self_service.shoppers_words import in_shoppers_words
from tradepost.commerce.flows.settling.order_units import order_lines
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.orders.policy import OrderRules
from tradepost.commerce.orders.states import ORDER_TRANSITIONS, is_packed
from tradepost.commerce.serving.declare import Answer, write_tool
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import StateConflict
from tradepost.foundation.money import MoneyView

SCOPE = "me:orders.write"
TOO_LATE = "Once it is delivered it can be sent back: check_my_return, then start_my_return."

OrderId = Annotated[
    str, Field(min_length=1, max_length=200, description="Your order's number or id.", examples=["1001"])
]


# Money on its way back, and to which method.
class MyRefund(TypedDict):
    amount: MoneyView
    to: str
    refund_status: str


# An order after its customer canceled it.
class MyCanceledOrder(TypedDict):
    id: str
    number: str
    version: int
    order_status: str
    payment_status: str
    reason: str
    refunds: list[MyRefund]


@write_tool(title="Cancel my order", scope=SCOPE, destructive=True, money=True, open_world=True)
async def cancel_my_order(store: Store, order_id: OrderId, reason: CancelReason) -> Answer[MyCanceledOrder]:
    """Cancel one of the signed-in customer's own orders that nobody has begun to pack. Use only when the customer has
    confirmed it; get_my_order says whether it can still be done. Not for single items or delivered goods
    (start_my_return). Cannot be undone: the whole order ends and everything paid goes back to the methods it came from.
    Returns the order and the money on its way back."""
    customer_id = await my_customer_id(store)
    mine = await find_mine(store, customer_id, Order, order_id, field="order_id")
    with in_shoppers_words(TOO_LATE):
        order = await store.primary(Order, mine.id, field="order_id")
        _require_not_begun(order, await order_lines(store, order, lock=True))
        done = (await cancel_order.function(store, order.id, reason)).data
    refunds: list[MyRefund] = [
        {"amount": row["amount"], "to": row["method"], "refund_status": row["status"]} for row in done["refunds"]
    ]
    changed = done["order"]
    data: MyCanceledOrder = {
        "id": changed["id"],
        "number": changed["number"],
        "version": changed["version"],
        "order_status": changed["status"],
        "payment_status": changed["payment_status"],
        "reason": done["cancel_reason"],
        "refunds": refunds,
    }
    back = ", ".join(f"{row['amount']['display']} to {row['to']}" for row in refunds[:5])
    money = f"On its way back: {back}." if back else "There was no money to give back."
    return Answer(data, f"Order {changed['number']} is canceled. {money}")


def may_be_canceled(order: Order, lines: Sequence[OrderLine], rules: OrderRules) -> bool:
    """Whether cancel_my_order would do it now."""
    edited = bool(order.item_edits) and rules.locked_after_item_edit()
    return "canceled" in ORDER_TRANSITIONS[order.status] and not edited and not is_packed(order, lines)


def _require_not_begun(order: Order, lines: Sequence[OrderLine]) -> None:
    if "canceled" in ORDER_TRANSITIONS[order.status] and is_packed(order, lines):
        raise StateConflict(
            f"Order {order.number} cannot be canceled any more: the shop has begun to pack it "
            f"({order.fulfillment_status.replace('_', ' ')}).",
            field="order_id",
        )


TOOLS = (cancel_my_order,)
