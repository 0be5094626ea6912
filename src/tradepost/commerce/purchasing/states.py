"""Which state of a purchase order may follow which. Goods may come before the supplier has confirmed."""

from tradepost.commerce.store.states import Transitions

PURCHASE_ORDER: Transitions = {
    "draft": ("ordered", "canceled"),
    "ordered": ("confirmed", "partially_received", "received", "canceled"),
    "confirmed": ("partially_received", "received", "canceled"),
    "partially_received": ("received", "closed"),
    "received": ("closed",),
}
OPEN_ORDERS = ("draft", "ordered", "confirmed", "partially_received")
ARRIVING_ORDERS = ("ordered", "confirmed", "partially_received")
ARRIVED_ORDERS = ("partially_received", "received", "closed")
