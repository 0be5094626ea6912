"""Which state of a shipment, delivery, route or driver may follow which."""

from tradepost.commerce.store.states import Transitions

_ON_THE_WAY = (
    "in_transit",
    "delayed",
    "out_for_delivery",
    "attempted_delivery",
    "ready_for_pickup",
    "delivered",
    "failure",
    "returning_to_sender",
    "lost",
    "damaged",
)


def _any_but(*states: str) -> tuple[str, ...]:
    return tuple(state for state in _ON_THE_WAY if state not in states)


SHIPMENT: Transitions = {
    "label_purchased": ("label_printed", "confirmed", "carrier_picked_up", "failure"),
    "label_printed": ("confirmed", "carrier_picked_up", "failure"),
    "confirmed": ("carrier_picked_up", "in_transit", "failure"),
    "carrier_picked_up": _ON_THE_WAY,
    "in_transit": _any_but("in_transit"),
    "delayed": _any_but("delayed"),
    "out_for_delivery": _any_but("out_for_delivery"),
    "attempted_delivery": _any_but("attempted_delivery"),
    "ready_for_pickup": ("picked_up", "returning_to_sender", "lost", "damaged"),
    "failure": ("in_transit", "returning_to_sender", "lost", "damaged"),
    "returning_to_sender": ("returned", "lost", "damaged"),
    "lost": ("in_transit", "delivered"),
}
MOVING_SHIPMENTS = (
    "label_purchased",
    "label_printed",
    "confirmed",
    "carrier_picked_up",
    "in_transit",
    "delayed",
    "out_for_delivery",
    "attempted_delivery",
    "ready_for_pickup",
    "failure",
    "returning_to_sender",
)
FINISHED_SHIPMENTS = ("delivered", "picked_up", "returned", "lost", "damaged")

DELIVERY: Transitions = {
    "unassigned": ("assigned", "canceled"),
    "assigned": ("active", "unassigned", "canceled"),
    "active": ("completed", "failed"),
    "failed": ("assigned", "canceled"),
}
OPEN_DELIVERIES = ("unassigned", "assigned", "active")

ROUTE: Transitions = {
    "draft": ("planned", "canceled"),
    "planned": ("active", "canceled"),
    "active": ("completed", "canceled"),
}
OPEN_ROUTES = ("draft", "planned", "active")
