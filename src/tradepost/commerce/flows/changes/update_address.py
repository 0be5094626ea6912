"""Changing where an order goes, as long as nobody has picked it."""

from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import select
from typing_extensions import TypedDict

from tradepost.commerce.customers.models import Customer
from tradepost.commerce.orders.address import REQUIRED, Address, checked_address
from tradepost.commerce.orders.changed import ChangedOrder, OrderReference, changed_order
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.orders.policy import load_rules
from tradepost.commerce.orders.states import require_not_locked, require_not_packed
from tradepost.commerce.serving.declare import UNDO_FOR, Answer, write_tool
from tradepost.commerce.store import privacy
from tradepost.commerce.store.outside import OutsideAddress
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import StateConflict
from tradepost.foundation.untrusted import clean

NewAddress = Annotated[
    Address | None,
    Field(
        description="The whole new address, it replaces the old one; left out: the customer's default address.",
        examples=[{"line1": "12 Quay St", "city": "Rotterdam", "postal_code": "3011 AA", "country": "NL"}],
    ),
]


class AddressChange(TypedDict):
    """An order after its address changed; street lines masked unless the caller may see them."""

    order: ChangedOrder
    shipping_address: OutsideAddress


@write_tool(title="Update order address", scope="write:orders", undo_for=UNDO_FOR)
async def update_order_address(
    store: Store, order_id: OrderReference, address: NewAddress = None
) -> Answer[AddressChange]:
    """Replace the shipping address of an order that nobody has picked yet. Use when the customer moved or mistyped.
    Not after picking (reroute_delivery moves a parcel's delivery) and not for the customer's default address
    (update_customer). Changes this order alone; price and promise stay. Refused once the order is picked, shipped,
    completed or canceled, or where the shop's policy closed it. Returns the order and the new address."""
    given = checked_address(address) if address is not None else None
    order = await store.primary(Order, order_id, field="order_id")
    lines = await store.all(select(OrderLine).where(OrderLine.order_id == order.id))
    require_not_packed(order, lines, "The address")
    require_not_locked(order, await load_rules(store))
    stored = given or await _default_address(store, order)
    before = {name: value for name, value in order.shipping_address.items() if value}
    if before.keys() <= Address.model_fields.keys() and all(before.get(name) for name in REQUIRED):
        back = {"order_id": order.id, "address": before}
        store.reverse("update_order_address", back, f"Gives order #{order.number} its earlier address back.")
    order.shipping_address = stored
    store.emit("order:address_changed", order)
    view = await changed_order(store, order)
    return Answer(
        {"order": view, "shipping_address": privacy.address(store.caller, stored)},
        f"Order {order.number} now ships to {clean(str(stored['city']), 100)}, {clean(str(stored['country']), 60)}.",
    )


async def _default_address(store: Store, order: Order) -> dict[str, Any]:
    customer = await store.get(Customer, order.customer_id)
    if customer is None or not customer.address.get("line1"):
        raise StateConflict(
            f"The customer of order {order.number} has no default address.",
            hint="Give the address.",
            field="address",
        )
    return dict(customer.address)


TOOLS = (update_order_address,)
