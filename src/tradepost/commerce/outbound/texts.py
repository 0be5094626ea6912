"""What the shop writes when a tool was told to notify the customer: a subject and a text per event."""

from collections.abc import Mapping
from typing import Any

HELLO = "Hello {name},\n\n"
BYE = "\n\n{shop}"

TEXTS: Mapping[str, tuple[str, str]] = {
    "order:canceled": (
        "Your order {order} is canceled",
        "your order {order} is canceled. What you have paid for it goes back to you.",
    ),
    "order:refunded": (
        "Your refund for order {order}",
        "we have refunded {amount} for your order {order}. It can take up to ten days until your bank shows it.",
    ),
    "return:approved": (
        "Your return {rma} is approved",
        "your return {rma} for order {order} is approved. Please put the number {rma} on the parcel and send it within "
        "14 days.",
    ),
    "return:declined": (
        "Your return {rma}",
        "we cannot accept your return {rma} for order {order} ({reason}{clause}). If you see it differently, please "
        "answer this mail.",
    ),
    "shipment:created": (
        "Your order {order} is on its way",
        "a parcel of your order {order} has left us ({shipment}{tracking}). We expect it on {eta}.",
    ),
    "delivery:rescheduled": (
        "A new time for your order {order}",
        "the delivery of your order {order} was moved. It now comes between {window}.",
    ),
    "invoice:issued": ("Your invoice {invoice}", "your invoice {invoice} over {amount} is due on {due}."),
    "quote:created": (
        "Our offer {quote}",
        "our offer {quote} over {amount} stands until {until}. Answer this mail to accept it.",
    ),
    "credit:granted": (
        "Store credit for you",
        "you have a store credit of {amount}, good until {until}. Use it for your next order.",
    ),
}


def written(event_type: str, facts: Mapping[str, Any]) -> tuple[str, str]:
    """Subject and text of the mail about an event."""
    subject, text = TEXTS[event_type]
    return subject.format_map(facts), f"{HELLO}{text}{BYE}".format_map(facts)
