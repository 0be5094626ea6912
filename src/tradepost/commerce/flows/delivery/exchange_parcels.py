"""Sending what a customer gets in exchange: the wanted units leave, and the difference in price is settled."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ScalarSelect, func, select

from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.flows.delivery.packing import Goods, add_parcel, take_from_stock
from tradepost.commerce.flows.delivery.ways import Way
from tradepost.commerce.flows.settling.closing import close_if_settled
from tradepost.commerce.flows.settling.settlement import open_settlement
from tradepost.commerce.inventory.models import Location
from tradepost.commerce.logistics.models import Shipment
from tradepost.commerce.orders.models import Order
from tradepost.commerce.returns.models import ExchangeLine, ExchangeParcel, Return
from tradepost.commerce.returns.states import REFUNDABLE_ON_APPROVAL, RETURN_TRANSITIONS
from tradepost.commerce.store.states import not_in_this_state
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.foundation.ids import new_id


@dataclass(frozen=True, slots=True)
class Replacement:
    """An approved exchange of an order, and its wanted units that have not gone out."""

    row: Return
    lines: Sequence[tuple[ExchangeLine, Variant, int]]


async def replacement_of(store: Store, order: Order, rma: str) -> Replacement:
    """What is to be sent for an exchange. Raises InvalidArgument for a return that is none of this order's,
    StateConflict for one that is not approved or has been sent."""
    seen = await store.find(Return, rma, field="rma")
    if seen.order_id != order.id or seen.resolution != "exchange":
        what = (
            f"is no exchange: its outcome is {seen.resolution}" if seen.order_id == order.id else "is another order's"
        )
        raise InvalidArgument(
            f"The return {seen.number} {what}.", hint="Use the rma of an exchange of this order.", field="rma"
        )
    row = await store.lock(Return, seen.id, field="rma")
    if row.status not in REFUNDABLE_ON_APPROVAL:
        raise not_in_this_state(
            row,
            "and its exchange is sent once it is approved",
            RETURN_TRANSITIONS,
            hint="Decide it with approve_return." if row.status == "requested" else "Nothing is sent for it.",
        )
    statement = (
        select(ExchangeLine, Variant, func.coalesce(_sent_of(), 0))
        .join(Variant, (Variant.workspace_id == ExchangeLine.workspace_id) & (Variant.id == ExchangeLine.variant_id))
        .where(ExchangeLine.return_id == row.id)
        .order_by(ExchangeLine.position)
    )
    found = (await store.session.execute(statement)).all()
    left = [(line, variant, line.quantity - int(sent)) for line, variant, sent in found if line.quantity > sent]
    if not left:
        raise StateConflict(
            f"Everything of the exchange {row.number} has been sent.", hint="get_order shows the parcel."
        )
    return Replacement(row, left)


def _sent_of() -> ScalarSelect[Any]:
    return (
        select(func.sum(ExchangeParcel.quantity))
        .where(
            ExchangeParcel.workspace_id == ExchangeLine.workspace_id,
            ExchangeParcel.exchange_line_id == ExchangeLine.id,
        )
        .scalar_subquery()
    )


async def send_replacement(
    store: Store,
    order: Order,
    place: Location,
    way: Way,
    replacement: Replacement,
    tracking_number: str | None,
    *,
    buy_label: bool,
) -> Shipment:
    """The parcel with all of it; what the customer owes is charged, what the shop owes goes back."""
    goods = [Goods(variant, quantity, "rma") for _, variant, quantity in replacement.lines]
    await take_from_stock(store, order, place, goods)
    shipment = await add_parcel(store, order, place, way, tracking_number, buy_label=buy_label)
    for line, _, quantity in replacement.lines:
        store.add(
            ExchangeParcel(
                id=new_id(ExchangeParcel.prefix),
                return_id=replacement.row.id,
                exchange_line_id=line.id,
                shipment_id=shipment.id,
                quantity=quantity,
            )
        )
    await _settle(store, order, replacement.row)
    await store.session.flush()
    store.emit("return:exchange_shipped", replacement.row, order_id=order.id, shipment=shipment.number)
    await close_if_settled(store, replacement.row)
    return shipment


async def _settle(store: Store, order: Order, row: Return) -> None:
    difference = row.price_difference_minor or 0
    if not difference:
        return
    settlement = await open_settlement(store, order)
    method = settlement.known(row.payment_method_id)
    if method is None:
        raise StateConflict(
            f"The exchange {row.number} has a difference to settle and the customer's payment method is gone.",
            hint="Ask the customer for another one and request the exchange anew.",
        )
    await settlement.lock_balances(method.id)
    if difference > 0:
        await settlement.charge(difference, method, "rma")
    else:
        await settlement.refund(-difference, "exchange", method=method, return_id=row.id)
