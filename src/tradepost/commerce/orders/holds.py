"""Holding an order back, and letting it go on."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from tradepost.commerce.orders.changed import ChangedOrder, OrderReference, changed_order
from tradepost.commerce.orders.models import Order
from tradepost.commerce.orders.states import ORDER_TRANSITIONS
from tradepost.commerce.serving.declare import UNDO_FOR, Answer, write_tool
from tradepost.commerce.store.outside import OutsideName
from tradepost.commerce.store.states import step
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.untrusted import clean

MAX_REASON_CHARACTERS = 300

Hold = Annotated[bool, Field(description="true: hold the order; false: release it.", examples=[True])]
HoldReason = Annotated[
    str | None,
    Field(
        max_length=MAX_REASON_CHARACTERS,
        description="Why it is held; required for a hold, left out for a release.",
        examples=["Address to be confirmed"],
    ),
]


class HeldOrder(TypedDict):
    """An order after a hold or release."""

    order: ChangedOrder
    hold_reason: OutsideName | None


@write_tool(title="Hold or release order", scope="write:orders", undo_for=UNDO_FOR)
async def set_order_hold(
    store: Store, order_id: OrderReference, hold: Hold, reason: HoldReason = None
) -> Answer[HeldOrder]:
    """Put an open order on hold, or release a held one. Use to stop packing while an address, a payment or stock is
    checked. Not to end an order (cancel_order) and not for orders that were shipped completely. While it is held
    nothing is picked; stock stays committed and no money moves. Returns the order's status, version and the reason."""
    text = clean(reason or "", MAX_REASON_CHARACTERS).strip()
    if hold and not text:
        raise InvalidArgument("A hold needs a reason.", hint="Say what has to be settled.", field="reason")
    if not hold and text:
        raise InvalidArgument("A release takes no reason.", hint="Leave reason out when hold is false.", field="reason")
    order = await store.primary(Order, order_id, field="order_id")
    reason_before, goods_before = order.hold_reason, order.fulfillment_status
    step(order, "on_hold" if hold else "open", ORDER_TRANSITIONS)
    if hold and order.fulfillment_status in ("unfulfilled", "scheduled"):
        order.fulfillment_status = "on_hold"
    elif not hold and order.fulfillment_status == "on_hold":
        order.fulfillment_status = "unfulfilled"
    order.hold_reason = text or None
    if hold and goods_before != "scheduled":  # a release does not plan it anew
        store.reverse("set_order_hold", {"order_id": order.id, "hold": False}, f"Releases order #{order.number} again.")
    elif not hold and reason_before:
        again = {"order_id": order.id, "hold": True, "reason": reason_before}
        store.reverse("set_order_hold", again, f"Puts order #{order.number} on hold again.")
    store.emit("order:held" if hold else "order:released", order, reason=order.hold_reason)
    view = await changed_order(store, order)
    done = f"on hold: {text}" if hold else "released and open again"
    return Answer({"order": view, "hold_reason": order.hold_reason}, f"Order {order.number} is {done}.")


TOOLS = (set_order_hold,)
