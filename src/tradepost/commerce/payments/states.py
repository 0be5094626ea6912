"""Which steps payments and refunds may take."""

from tradepost.commerce.store.states import Transitions

PAYMENT_TRANSITIONS: Transitions = {
    "requires_action": ("authorized", "captured", "voided", "failed", "expired"),
    "authorized": ("partially_captured", "captured", "voided", "failed", "expired"),
    "partially_captured": ("captured",),
    "captured": (),
    "voided": (),
    "failed": (),
    "expired": (),
}
REFUND_TRANSITIONS: Transitions = {
    "pending": ("succeeded", "failed", "canceled"),
    "succeeded": (),
    "failed": (),
    "canceled": (),
}
DISPUTE_TRANSITIONS: Transitions = {
    "needs_response": ("under_review", "accepted", "lost", "prevented"),
    "under_review": ("won", "lost"),
    "accepted": (),
    "won": (),
    "lost": (),
    "prevented": (),
}

UNCAPTURED = ("requires_action", "authorized")
