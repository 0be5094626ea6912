"""What every write on an order gives back: enough to see that it took, and the version for the next write."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from tradepost.commerce.orders.models import Order
from tradepost.commerce.store.store import Store
from tradepost.foundation.money import MoneyView, money

OrderReference = Annotated[str, Field(max_length=200, description="Order id or number.", examples=["ORD-1001"])]


class ChangedOrder(TypedDict):
    """An order after a write."""

    id: str
    number: str
    version: int
    status: str
    payment_status: str
    fulfillment_status: str
    total: MoneyView
    captured: MoneyView
    refunded: MoneyView


async def changed_order(store: Store, order: Order) -> ChangedOrder:
    """The order as it is now; what was changed is written first, so that the version is the new one."""
    await store.session.flush()
    return {
        "id": order.id,
        "number": order.number,
        "version": order.version,
        "status": order.status,
        "payment_status": order.payment_status,
        "fulfillment_status": order.fulfillment_status,
        "total": money(order.total_minor, order.currency),
        "captured": money(order.captured_minor, order.currency),
        "refunded": money(order.refunded_minor, order.currency),
    }
