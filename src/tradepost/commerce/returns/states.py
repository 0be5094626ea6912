"""Which steps a return may take, and what its states mean for units and money."""

from tradepost.commerce.store.states import Transitions

RETURN_TRANSITIONS: Transitions = {
    "requested": ("approved", "declined", "canceled"),
    "approved": ("in_transit", "partially_received", "received", "canceled"),
    "in_transit": ("partially_received", "received"),
    "partially_received": ("received",),
    "received": ("inspected",),
    "inspected": ("closed",),
    "declined": (),
    "canceled": (),
    "closed": (),
}

OVER = ("declined", "canceled")  # its units may be returned again
AWAITED = ("requested", "approved", "in_transit")  # nothing has arrived
REFUNDABLE = ("partially_received", "received", "inspected", "closed")
REFUNDABLE_ON_APPROVAL = ("approved", "in_transit", *REFUNDABLE)
