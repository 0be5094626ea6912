"""Canceling an order: its state, its stock, its money and what was planned for it, in one transaction."""

from typing import Annotated

from pydantic import Field
from sqlalchemy import select
from typing_extensions import TypedDict

from tradepost.commerce.flows.settling.order_stock import give_back, lock_order_levels, variants_of
from tradepost.commerce.flows.settling.order_units import order_lines
from tradepost.commerce.flows.settling.refund_views import PaidBack, paid_back
from tradepost.commerce.flows.settling.settlement import Settlement, open_settlement
from tradepost.commerce.flows.told import mail_goes_out
from tradepost.commerce.inventory.reservations import release_order
from tradepost.commerce.logistics.models import Delivery, Fulfillment, Shipment, TrackingEvent
from tradepost.commerce.logistics.states import DELIVERY, SHIPMENT
from tradepost.commerce.orders.changed import ChangedOrder, OrderReference, changed_order
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.orders.policy import OrderRules, load_rules
from tradepost.commerce.orders.states import ORDER_TRANSITIONS, require_not_locked, require_nothing_shipped
from tradepost.commerce.payments.models import Refund
from tradepost.commerce.serving.declare import Answer, write_tool
from tradepost.commerce.store.states import not_in_this_state, require_step, step
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.ids import new_id
from tradepost.foundation.money import display

NOT_YET_GONE = ("label_purchased", "label_printed", "confirmed")
VOIDED = "order canceled"

CancelReason = Annotated[
    str,
    Field(
        min_length=1,
        max_length=100,
        description="One of the shop's cancel reasons, to the letter; a wrong one is answered with the list.",
        examples=["customer_request"],
    ),
]
Restock = Annotated[
    bool, Field(description="true: units go back on sale; false: aside into quality control.", examples=[True])
]
RefundFlag = Annotated[
    bool, Field(description="Give back all captured money to the methods it came from.", examples=[True])
]
NotifyCustomer = Annotated[bool, Field(description="Send the customer an e-mail.", examples=[False])]


class CanceledOrder(TypedDict):
    """An order after its cancelation."""

    order: ChangedOrder
    cancel_reason: str
    refunds: list[PaidBack]
    restocked_units: int
    voided_payments: int


@write_tool(title="Cancel order", scope="write:orders", destructive=True, money=True, open_world=True)
async def cancel_order(
    store: Store,
    order_id: OrderReference,
    reason: CancelReason,
    restock: Restock = True,
    refund: RefundFlag = True,
    notify_customer: NotifyCustomer = False,
) -> Answer[CanceledOrder]:
    """Cancel an order of which nothing has shipped. Use when the customer or the shop wants the whole order ended. Not
    for single items (edit_order_items), for shipped goods (submit_return) or to wait (set_order_hold). Cannot be
    undone: releases the stock, calls off deliveries and unused labels and refunds all captured money to the methods it
    came from; gift card balances rise at once. Returns the order, the refunds and the units restocked."""
    order = await store.primary(Order, order_id, field="order_id")
    rules = await load_rules(store)
    lines = await order_lines(store, order, lock=True)
    await _require_cancelable(store, order, lines, rules, reason)
    settlement = await open_settlement(store, order)

    step(order, "canceled", ORDER_TRANSITIONS)
    order.cancel_reason = reason
    order.canceled_at = store.now
    units = await _release_stock(store, order, lines, sellable=restock)
    if units and restock:
        order.fulfillment_status = "restocked"
    await release_order(store, order.id, "order canceled")
    await _call_off(store, order)
    voided = settlement.void_uncaptured()
    refunds = await settlement.refund_everything("order_canceled") if refund else []
    store.emit("order:canceled", order, reason=reason, notify_customer=notify_customer)
    if notify_customer:
        await mail_goes_out(store, order.customer_id, "the cancelation")

    data: CanceledOrder = {
        "order": await changed_order(store, order),
        "cancel_reason": reason,
        "refunds": [paid_back(row, settlement) for row in refunds],
        "restocked_units": units if restock else 0,
        "voided_payments": voided,
    }
    back = sum(row.amount_minor for row in refunds)
    store.means(
        f"Cancels order #{order.number} over {display(order.total_minor, order.currency)} for good, gives "
        f"{display(back, order.currency)} back and puts {units if restock else 0} units back on sale."
    )
    return Answer(data, f"Order {order.number} is canceled ({reason}). {_money_sentence(settlement, refunds, refund)}")


async def _require_cancelable(
    store: Store, order: Order, lines: list[OrderLine], rules: OrderRules, reason: str
) -> None:
    reasons = rules.cancel_reasons()
    if reason not in reasons:
        listed = ", ".join(f"'{name}'" for name in reasons)
        raise InvalidArgument(
            f"'{reason}' is no reason this shop cancels an order for.",
            hint=f"Use one of these to the letter: {listed}.",
            field="reason",
            details={"allowed": reasons},
        )
    require_nothing_shipped(order, lines)
    require_step(order, "canceled", ORDER_TRANSITIONS)
    require_not_locked(order, rules)
    gone = await store.one_or_none(
        select(Shipment).where(Shipment.order_id == order.id, Shipment.status.not_in(NOT_YET_GONE))
    )
    if gone is not None:
        raise not_in_this_state(
            order,
            f"and cannot be canceled: shipment {gone.number} is {gone.status}",
            ORDER_TRANSITIONS,
            but="canceled",
            hint="Ask for a return once it is delivered (submit_return).",
            details={"shipment": gone.number, "status": gone.status},
        )


async def _release_stock(store: Store, order: Order, lines: list[OrderLine], *, sellable: bool) -> int:
    variants = await variants_of(store, lines)
    levels = await lock_order_levels(store, order, variants.values())
    why = "order canceled"
    return sum(
        give_back(store, order, levels, line.sku, line.quantity, sellable=sellable, why=why)
        for line in lines
        if variants[line.variant_id].tracks_stock
    )


async def _call_off(store: Store, order: Order) -> None:
    """What was planned for the order does not happen: packing, labels, and stops that nobody has begun."""
    planned = select(Fulfillment).where(Fulfillment.order_id == order.id, Fulfillment.status == "pending")
    for fulfillment in await store.lock_all(planned.order_by(Fulfillment.id)):
        fulfillment.status = "canceled"
    labels = select(Shipment).where(Shipment.order_id == order.id, Shipment.status.in_(NOT_YET_GONE))
    for shipment in await store.lock_all(labels.order_by(Shipment.id)):
        _void(store, shipment)
    stops = select(Delivery).where(Delivery.order_id == order.id, Delivery.status.in_(("unassigned", "assigned")))
    for delivery in await store.lock_all(stops.order_by(Delivery.id)):
        step(delivery, "canceled", DELIVERY)
        store.emit("delivery:canceled", delivery, order_id=order.id)


def _void(store: Store, shipment: Shipment) -> None:
    """The states of parcels have none for a label nobody will use: it failed, and its last event says why."""
    step(shipment, "failure", SHIPMENT)
    shipment.delay_reason, shipment.eta, shipment.last_event_at = VOIDED, None, store.now
    store.add(
        TrackingEvent(
            id=new_id(TrackingEvent.prefix),
            shipment_id=shipment.id,
            occurred_at=store.now,
            status="failure",
            message="The order is canceled; the label is void.",
        )
    )
    store.emit("shipment:label_voided", shipment, order_id=shipment.order_id)
    store.side_effect(f"The label of parcel {shipment.number} has to be voided with its carrier.")


def _money_sentence(settlement: Settlement, refunds: list[Refund], wanted: bool) -> str:
    left = settlement.ledger.remaining_minor
    currency = settlement.order.currency
    if not wanted:
        return f"No money was refunded; {display(left, currency)} is kept." if left else "No money was captured."
    total = sum(row.amount_minor for row in refunds)
    return f"Refunded {display(total, currency)}." if total else "There was no captured money to refund."


TOOLS = (cancel_order,)
