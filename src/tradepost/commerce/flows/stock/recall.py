"""A recall: nothing of a SKU leaves any more, and orders that wait for it are held until somebody decides."""

from collections.abc import Sequence

from sqlalchemy import select

from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.orders.states import ORDER_TRANSITIONS
from tradepost.commerce.store.states import step
from tradepost.commerce.store.store import Store


async def lock_waiting_orders(store: Store, sku: str) -> Sequence[Order]:
    """The open orders with units of the SKU that have not shipped, locked before any stock is, as in every write."""
    variant = await store.find(Variant, sku, field="sku")
    waiting = select(OrderLine.order_id).where(
        OrderLine.variant_id == variant.id, OrderLine.status != "removed", OrderLine.shipped < OrderLine.quantity
    )
    return await store.lock_all(select(Order).where(Order.id.in_(waiting), Order.status == "open").order_by(Order.id))


def recall(store: Store, variant: Variant, orders: Sequence[Order]) -> list[str]:
    """Mark the SKU as recalled and hold the orders. Returns their numbers."""
    if variant.status != "recalled":
        variant.status = "recalled"
        store.emit("variant:recalled", variant, sku=variant.sku, orders=len(orders))
    for order in orders:
        step(order, "on_hold", ORDER_TRANSITIONS)
        if order.fulfillment_status in ("unfulfilled", "scheduled"):
            order.fulfillment_status = "on_hold"
        order.hold_reason = f"{variant.sku} is recalled"
        store.emit("order:held", order, reason=order.hold_reason)
    return sorted(order.number for order in orders)
