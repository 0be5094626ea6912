"""What the shop writes to its customers: a subject and a text per occasion, filled with facts of the order.

Plain text in English, the language the shop's own people read before they approve it. {placeholders} are facts; a
template that needs a fact the order does not have is not used.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

MessageTemplate = Literal[
    "order_delayed", "order_shipped", "ready_for_pickup", "return_instructions", "refund_issued", "apology"
]


class Template(NamedTuple):
    """A subject and a body; `needs` are the facts without which it makes no sense."""

    subject: str
    body: str
    needs: tuple[str, ...] = ()


TEMPLATES: Mapping[str, Template] = {
    "order_delayed": Template(
        "Your order {order} is late",
        "Hello {name},\n\nyour order {order} was promised by {promised} and is late: {delay}. We are sorry and keep "
        "an eye on it.\n\n{shop}",
        ("promised", "delay"),
    ),
    "order_shipped": Template(
        "Your order {order} is on its way",
        "Hello {name},\n\nyour order {order} has left us with {carrier}, tracking number {tracking}. We expect it on "
        "{eta}.\n\n{shop}",
        ("carrier", "tracking", "eta"),
    ),
    "ready_for_pickup": Template(
        "Your order {order} can be picked up",
        "Hello {name},\n\nyour order {order} is ready for you to pick up. Please bring a proof of identity.\n\n{shop}",
    ),
    "return_instructions": Template(
        "How to send back your return {rma}",
        "Hello {name},\n\nyour return {rma} for order {order} is approved. Please pack the items well, put the number "
        "{rma} on the parcel, and send it within 14 days.\n\n{shop}",
        ("rma",),
    ),
    "refund_issued": Template(
        "Your refund for order {order}",
        "Hello {name},\n\nwe have refunded {refunded} for your order {order}. It can take up to ten days until your "
        "bank shows it.\n\n{shop}",
        ("refunded",),
    ),
    "apology": Template(
        "We are sorry about your order {order}",
        "Hello {name},\n\nsomething went wrong with your order {order}, and we are sorry. We are looking into it and "
        "will write again as soon as we know more.\n\n{shop}",
    ),
}
NAMES: tuple[str, ...] = get_args(MessageTemplate)
