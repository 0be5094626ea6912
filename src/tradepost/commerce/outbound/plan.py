"""Which effects an event of the outbox calls for, with everything the other side must know."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from tradepost.commerce.claims.models import Claim
from tradepost.commerce.customers.models import Customer, PaymentMethod
from tradepost.commerce.inventory.models import Location
from tradepost.commerce.logistics.models import Carrier, Shipment
from tradepost.commerce.orders.models import Order
from tradepost.commerce.outbound.mails import mail_about
from tradepost.commerce.payments.models import Dispute, DisputeEvidence, Payment, Refund
from tradepost.commerce.returns.models import Return
from tradepost.commerce.store.models import StoreEvent
from tradepost.commerce.store.store import Store
from tradepost.commerce.support.models import CustomerMessage

OURS = ("gift_card", "store_credit")  # balances of the shop's own: no provider hears of them


@dataclass(frozen=True, slots=True)
class Planned:
    """An effect to be."""

    kind: str
    request: dict[str, Any]
    order_id: str | None = None


async def effects_of(store: Store, event: StoreEvent) -> list[Planned]:
    """What the event calls for outside the store; most events call for nothing."""
    planned = []
    special = _PLANS.get(event.type)
    if special is not None:
        found = await special(store, event)
        planned += [found] if found is not None else []
    mail = await mail_about(store, event)
    if mail is not None:
        planned.append(Planned("email", mail, _order_of(event)))
    return planned


def _order_of(event: StoreEvent) -> str | None:
    if event.type.startswith("order:"):
        return event.subject
    found = event.payload.get("order_id")
    return str(found) if found else None


async def _message(store: Store, event: StoreEvent) -> Planned | None:
    message = await store.get(CustomerMessage, event.subject)
    customer = await store.get(Customer, message.customer_id if message is not None else None)
    if message is None or customer is None:
        return None
    if message.channel == "sms":
        return Planned("sms", {"to": customer.phone, "text": message.body}, message.order_id)
    mail = {"to": customer.email, "subject": message.subject, "text": message.body}
    return Planned("email", mail, message.order_id)


async def _label(store: Store, event: StoreEvent) -> Planned | None:
    if event.payload.get("buy_label") is not True:
        return None
    shipment = await store.get(Shipment, event.subject)
    order = await store.get(Order, shipment.order_id if shipment is not None else None)
    if shipment is None or order is None:
        return None
    carrier = await store.get(Carrier, shipment.carrier_id)
    place = await store.get(Location, shipment.location_id)
    request = {
        "title": f"{shipment.number} / {order.number}",
        "carrier": carrier.code if carrier is not None else None,
        "service": shipment.service_level,
        "from": dict(place.address) if place is not None else None,
        "to": dict(order.shipping_address),
        "address": _lines(order.shipping_address),
    }
    return Planned("buy_label", request, order.id)


async def _void_label(store: Store, event: StoreEvent) -> Planned | None:
    shipment = await store.get(Shipment, event.subject)
    if shipment is None or not shipment.tracking_number:
        return None
    carrier = await store.get(Carrier, shipment.carrier_id)
    request = {
        "tracking_number": shipment.tracking_number,
        "shipment": shipment.number,
        "carrier": carrier.code if carrier is not None else None,
    }
    return Planned("void_label", request, shipment.order_id)


async def _return_label(store: Store, event: StoreEvent) -> Planned | None:
    back = await store.get(Return, event.subject)
    order = await store.get(Order, back.order_id if back is not None else None)
    if back is None or order is None:
        return None
    place = await store.get(Location, back.location_id or order.warehouse_id)
    target = dict(place.address) if place is not None else {}
    request = {
        "title": f"{back.number} / {order.number}",
        "rma": back.number,
        "from": dict(order.shipping_address),
        "to": target,
        "address": [place.name if place is not None else "", *_lines(target)],
    }
    return Planned("return_label", request, order.id)


async def _claim(store: Store, event: StoreEvent) -> Planned | None:
    claim = await store.get(Claim, event.subject)
    if claim is None:
        return None
    shipment = await store.get(Shipment, claim.shipment_id)
    request = {
        "claim": claim.number,
        "recipient": event.payload.get("recipient"),
        "type": claim.type,
        "amount_minor": claim.claimed_minor,
        "currency": claim.currency,
        "tracking_number": shipment.tracking_number if shipment is not None else None,
        "description": claim.description,
    }
    return Planned("file_claim", request, claim.order_id)


def _of_payment(kind: str) -> Callable[[Store, StoreEvent], Awaitable[Planned | None]]:
    async def plan(store: Store, event: StoreEvent) -> Planned | None:
        payment = await store.get(Payment, event.subject)
        method = await store.get(PaymentMethod, payment.method_id if payment is not None else None)
        if payment is None or (method is not None and method.type in OURS):
            return None
        request = {
            **_payment(payment, method),
            "amount_minor": int(event.payload.get("amount_minor", payment.amount_minor)),
        }
        return Planned(kind, request, payment.order_id)

    return plan


async def _refund(store: Store, event: StoreEvent) -> Planned | None:
    payment = await store.get(Payment, event.subject)
    refund = await store.get(Refund, str(event.payload.get("refund_id")))
    if payment is None or refund is None or not refund.amount_minor:
        return None
    method = await store.get(PaymentMethod, refund.method_id)
    if method is not None and method.type in OURS:
        return None
    request = {
        **_payment(payment, method),
        "refund": refund.number,
        "amount_minor": refund.amount_minor,
        "reason": refund.reason,
    }
    return Planned("refund", request, payment.order_id)


async def _evidence(store: Store, event: StoreEvent) -> Planned | None:
    dispute = await store.get(Dispute, event.subject)
    if dispute is None:
        return None
    evidence = await store.one_or_none(select(DisputeEvidence).where(DisputeEvidence.dispute_id == dispute.id))
    payment = await store.get(Payment, dispute.payment_id)
    if evidence is None:
        return None
    request = {
        "dispute": dispute.number,
        "dispute_reference": dispute.external_id,
        "psp_reference": payment.psp_reference if payment is not None else None,
        "statement": evidence.statement,
        "media": evidence.media,
        "proof": evidence.proof,
    }
    return Planned("dispute_evidence", request, dispute.order_id)


def _payment(payment: Payment, method: PaymentMethod | None) -> dict[str, Any]:
    return {
        "payment": payment.number,
        "psp_reference": payment.psp_reference,
        "currency": payment.currency,
        "method": None if method is None else {"id": method.external_id or method.id, "type": method.type},
    }


def _lines(address: Mapping[str, Any]) -> list[str]:
    town = f"{address.get('postal_code') or ''} {address.get('city') or ''}".strip()
    parts = (address.get("name"), address.get("line1"), address.get("line2"), town, address.get("region"))
    return [str(part) for part in (*parts, address.get("country")) if part]


_PLANS: Mapping[str, Callable[[Store, StoreEvent], Awaitable[Planned | None]]] = {
    "message:queued": _message,
    "shipment:created": _label,
    "shipment:label_voided": _void_label,
    "return:label_ordered": _return_label,
    "claim:filed": _claim,
    "payment:captured": _of_payment("charge"),
    "payment:authorized": _of_payment("authorize"),
    "payment:capture_ordered": _of_payment("capture"),
    "payment:voided": _of_payment("void_payment"),
    "payment:refunded": _refund,
    "dispute:evidence_submitted": _evidence,
}
