"""Which steps an order may take, and which changes it still admits: the one place that knows what "too late" means."""

from collections.abc import Sequence

from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.orders.policy import OrderRules
from tradepost.commerce.store.rows import label_of
from tradepost.commerce.store.states import Transitions, not_in_this_state
from tradepost.foundation.errors import StateConflict

ORDER_TRANSITIONS: Transitions = {
    "pending": ("open", "canceled"),
    "open": ("on_hold", "completed", "canceled"),
    "on_hold": ("open",),
    "completed": ("archived",),
    "canceled": ("archived",),
    "archived": (),
}

_LIVE = ("pending", "open", "on_hold")
_NOTHING_PACKED = ("unfulfilled", "on_hold", "scheduled", "request_declined")


def require_not_packed(order: Order, lines: Sequence[OrderLine], what: str) -> None:
    """Raise StateConflict once the order is over or its goods were picked: then `what` ("The address") is settled."""
    if order.status not in _LIVE:
        raise not_in_this_state(
            order,
            f"and {what.lower()} cannot change any more",
            ORDER_TRANSITIONS,
            hint="Only pending, open and held orders can be changed.",
        )
    if is_packed(order, lines):
        begun = sum(max(line.fulfilled, line.shipped) > 0 for line in lines)
        raise StateConflict(
            f"{what} of {label_of(order)} cannot change any more: its goods are picked "
            f"(fulfillment {order.fulfillment_status}, {begun} of {len(lines)} lines begun).",
            hint="After picking only the parcel can be rerouted, or the goods returned.",
            details={"fulfillment_status": order.fulfillment_status},
        )


def is_packed(order: Order, lines: Sequence[OrderLine]) -> bool:
    """Whether somebody has begun to take its goods from the shelf."""
    begun = any(max(line.fulfilled, line.shipped) > 0 for line in lines)
    return begun or order.picked_at is not None or order.fulfillment_status not in _NOTHING_PACKED


def require_nothing_shipped(order: Order, lines: Sequence[OrderLine]) -> None:
    """Raise StateConflict once any unit has left the house."""
    gone = sum(line.shipped for line in lines)
    if gone or order.fulfillment_status in ("partially_fulfilled", "fulfilled"):
        units = f"{gone} of {sum(line.quantity for line in lines)} units have shipped"
        raise not_in_this_state(
            order,
            f"and cannot be canceled: it is {order.fulfillment_status}, {units}",
            ORDER_TRANSITIONS,
            but="canceled",
            hint="Ask for a return once it is delivered (submit_return).",
            details={"fulfillment_status": order.fulfillment_status},
        )


def require_not_locked(order: Order, rules: OrderRules) -> None:
    """Raise StateConflict where the shop closes an order to changes after its items were edited."""
    if order.item_edits and rules.locked_after_item_edit():
        raise StateConflict(
            f"The {label_of(order)} cannot change any more: its items were edited "
            f"{order.item_edits} time(s), and the shop's policy allows no change after that.",
            hint="Explain the policy; a person of the shop has to decide anything else.",
            details=rules.cited("locked_after_item_edit"),
        )
