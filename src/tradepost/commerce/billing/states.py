"""Which steps quotes, invoices and subscriptions may take."""

from datetime import datetime

from tradepost.commerce.billing.models import Subscription
from tradepost.commerce.store.states import Transitions

QUOTE: Transitions = {
    "draft": ("sent", "expired"),
    "sent": ("accepted", "declined", "expired"),
    "accepted": ("converted", "expired"),
    "declined": (),
    "expired": (),
    "converted": (),
}
SUBSCRIPTION: Transitions = {
    "active": ("paused", "past_due", "canceled"),
    "paused": ("active", "canceled"),
    "past_due": ("active", "paused", "canceled"),
    "canceled": (),
}


def present_status(row: Subscription, now: datetime) -> str:
    """The status at this moment: a pause or a notice takes effect when its day comes, not when a job has run."""
    if row.status == "canceled" or (row.cancel_at is not None and row.cancel_at <= now):
        return "canceled"
    if row.status == "paused" and row.paused_until is not None and row.paused_until <= now:
        return "active"
    return row.status
