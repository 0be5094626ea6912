"""The mail that an event asks for: to whom, and the facts it is filled with."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from tradepost.commerce.billing.models import Invoice, Quote
from tradepost.commerce.customers.models import Customer, PaymentMethod
from tradepost.commerce.logistics.models import Delivery, Shipment
from tradepost.commerce.orders.models import Order
from tradepost.commerce.outbound.texts import TEXTS, written
from tradepost.commerce.returns.models import Return
from tradepost.commerce.store.models import StoreEvent, StoreSettings
from tradepost.commerce.store.store import Store
from tradepost.foundation.money import display
from tradepost.foundation.untrusted import clean

Facts = dict[str, Any]
# By what an event is called: imported records keep ids of other systems, which tell nothing.
MODELS: Mapping[str, Any] = {
    "order": Order,
    "return": Return,
    "shipment": Shipment,
    "delivery": Delivery,
    "invoice": Invoice,
    "quote": Quote,
    "credit": PaymentMethod,
}


async def mail_about(store: Store, event: StoreEvent) -> dict[str, Any] | None:
    """The mail to the customer, where the event asks for one and there is an address."""
    if event.type not in TEXTS or event.payload.get("notify_customer") is not True:
        return None
    subject = await store.get(MODELS[event.type.partition(":")[0]], event.subject)
    if subject is None:
        return None
    order = subject if isinstance(subject, Order) else await store.get(Order, getattr(subject, "order_id", None))
    owner = order.customer_id if order is not None else getattr(subject, "customer_id", None)
    customer = await store.get(Customer, owner)
    if customer is None or not customer.email:
        return None
    settings = await store.one_or_none(select(StoreSettings))
    facts: Facts = {
        "name": clean(customer.first_name, 60) or "there",
        "shop": clean(settings.name, 80) if settings is not None else "Your shop",
        "order": order.number if order is not None else "",
        **_about(subject, event),
    }
    title, text = written(event.type, facts)
    return {"to": customer.email, "subject": title, "text": text}


def _about(subject: Any, event: StoreEvent) -> Facts:
    told = event.payload
    if isinstance(subject, Order):
        return {"amount": display(int(told.get("amount_minor", 0)), subject.currency)}
    if isinstance(subject, Return):
        reason = str(told.get("reason") or "").replace("_", " ")
        clause = f", see {told['clause']} of our policies" if told.get("clause") else ""
        return {"rma": subject.number, "reason": reason, "clause": clause}
    if isinstance(subject, Shipment):
        tracking = f", tracking number {subject.tracking_number}" if subject.tracking_number else ""
        return {"shipment": subject.number, "tracking": tracking, "eta": _day(subject.eta)}
    if isinstance(subject, Delivery):
        return {"window": str(told.get("window", "")).replace(" to ", " and ")}
    if isinstance(subject, Invoice):
        return {
            "invoice": subject.number,
            "amount": display(subject.total_minor, subject.currency),
            "due": _day(subject.due_at),
        }
    if isinstance(subject, Quote):
        return {
            "quote": subject.number,
            "amount": display(subject.total_minor, subject.currency),
            "until": _day(subject.expires_at),
        }
    return {"amount": display(int(told["amount_minor"]), subject.currency), "until": _day(subject.expires_at)}


def _day(moment: datetime | None) -> str:
    return "a day we will tell you" if moment is None else f"{moment.day} {moment:%B %Y}"
