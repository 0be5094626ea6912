"""Which state of a transfer may follow which."""

from tradepost.commerce.store.states import Transitions

TRANSFER: Transitions = {
    "draft": ("ready_to_ship", "canceled"),
    "ready_to_ship": ("in_transit", "canceled"),
    "in_transit": ("received", "canceled"),
}
OPEN_TRANSFERS = ("ready_to_ship", "in_transit")
