"""The facts of an order that messages to its customer are filled with."""

from datetime import datetime

from sqlalchemy import select

from tradepost.commerce.customers.models import Customer
from tradepost.commerce.flows.local_days import local_day, store_zone
from tradepost.commerce.logistics.models import Carrier, Shipment
from tradepost.commerce.orders.models import Order
from tradepost.commerce.payments.models import Refund
from tradepost.commerce.returns.models import Return
from tradepost.commerce.store.models import StoreSettings
from tradepost.commerce.store.store import Store
from tradepost.foundation.money import display
from tradepost.foundation.outsiders import clean_name
from tradepost.foundation.untrusted import clean


async def facts_of(store: Store, customer: Customer, order: Order) -> dict[str, str]:
    """name, order and shop always; promised, delay, eta, carrier, tracking, rma and refunded where the order has them:
    `delay` says when a late order is expected now."""
    zone = await store_zone(store)
    settings = await store.one_or_none(select(StoreSettings))
    facts = {
        "name": clean_name(customer.first_name, 60, "a customer's name") or "there",
        "order": order.number,
        "shop": clean(settings.name, 80) if settings is not None else "Your shop",
    }
    parcel = await _parcel(store, order)
    facts |= _parcel_facts(store, parcel, zone)
    if order.promised_to is not None:
        facts["promised"] = _day(order.promised_to, zone)
        eta = parcel[0].eta if parcel is not None else None
        if order.delivered_at is None and order.promised_to < max(store.now, eta or store.now):
            facts["delay"] = "we are finding out when it will arrive and will write again"
            if "eta" in facts:
                facts["delay"] = f"we now expect it on {facts['eta']}"
    back = await store.one_or_none(
        select(Return)
        .where(Return.order_id == order.id, Return.status.not_in(("requested", "declined", "canceled")))
        .order_by(Return.requested_at.desc())
    )
    if back is not None:
        facts["rma"] = back.number
    refund = await store.one_or_none(
        select(Refund)
        .where(Refund.order_id == order.id, Refund.status.in_(("succeeded", "pending")))
        .order_by(Refund.sequence.desc())
    )
    if refund is not None:
        facts["refunded"] = display(refund.amount_minor, refund.currency)
    return facts


async def _parcel(store: Store, order: Order) -> tuple[Shipment, Carrier | None] | None:
    """The parcel that is still on its way, the latest first."""
    statement = (
        select(Shipment, Carrier)
        .outerjoin(Carrier, (Carrier.workspace_id == Shipment.workspace_id) & (Carrier.id == Shipment.carrier_id))
        .where(Shipment.order_id == order.id, Shipment.delivered_at.is_(None), Shipment.status != "failure")
        .order_by(Shipment.position.desc())
        .limit(1)
    )
    found = (await store.session.execute(statement)).first()
    return None if found is None else (found[0], found[1])


def _parcel_facts(store: Store, parcel: tuple[Shipment, Carrier | None] | None, zone: str) -> dict[str, str]:
    """Carrier, tracking number, and the day it is expected: none that is over."""
    if parcel is None:
        return {}
    shipment, carrier = parcel
    facts = {"eta": _day(shipment.eta, zone)} if shipment.eta is not None and shipment.eta > store.now else {}
    if carrier is not None:
        facts["carrier"] = clean(carrier.name, 60)
    if shipment.tracking_number:
        facts["tracking"] = shipment.tracking_number
    return facts


def _day(moment: datetime, zone: str) -> str:
    """The day as the shop's clock shows it: "Monday, 2 March 2026"."""
    day = local_day(moment, zone)
    return f"{day:%A}, {day.day} {day:%B %Y}"
