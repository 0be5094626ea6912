"""The parts of an order that other domains keep: payments, parcels, returns, notes. Each loaded in a few queries and
shown in one shape, by get_order and by the order's resource."""

from collections import defaultdict
from typing import Any

from sqlalchemy import select
from typing_extensions import TypedDict

from tradepost.commerce.customers.models import PaymentMethod
from tradepost.commerce.flows.orders.late_facts import ShipmentFact
from tradepost.commerce.logistics.models import Fulfillment, FulfillmentLine, TrackingEvent
from tradepost.commerce.orders.models import Order, OrderNote
from tradepost.commerce.orders.views import note_view
from tradepost.commerce.payments.models import Payment, Refund
from tradepost.commerce.returns.models import ExchangeLine, Return, ReturnLine
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.money import money
from tradepost.foundation.outsiders import clean_name
from tradepost.foundation.untrusted import clean

NAME_CAP = 80
MAX_EVENTS = 50
MAX_NOTES = 50

PaidWith = list[tuple[Payment, PaymentMethod | None]]


# A payment method as orders name it.
class MethodRef(TypedDict, total=False):
    id: str
    external_id: str | None
    type: str
    brand: str | None
    last4: str | None


# Where a parcel is.
class ShipmentBrief(TypedDict, total=False):
    id: str
    number: str
    status: str
    carrier: str | None
    tracking_number: str | None
    eta: str | None
    delivered_at: str | None


def method_ref(method: PaymentMethod) -> MethodRef:
    """The reference to a payment method."""
    return {
        "id": method.id,
        "external_id": method.external_id,
        "type": method.type,
        "brand": method.brand,
        "last4": method.last4,
    }


def shipment_brief(fact: ShipmentFact) -> ShipmentBrief:
    """A parcel in short."""
    shipment = fact.shipment
    return {
        "id": shipment.id,
        "number": shipment.number,
        "status": shipment.status,
        "carrier": clean(fact.carrier, NAME_CAP) if fact.carrier else None,
        "tracking_number": shipment.tracking_number,
        "eta": to_rfc3339(shipment.eta) if shipment.eta else None,
        "delivered_at": to_rfc3339(shipment.delivered_at) if shipment.delivered_at else None,
    }


async def payment_rows(store: Store, order_id: str, paid: PaidWith) -> list[dict[str, Any]]:
    """Payments and refunds of the order together, in sequence."""
    refunds = (
        select(Refund, PaymentMethod)
        .outerjoin(PaymentMethod, PaymentMethod.id == Refund.method_id)
        .where(Refund.order_id == order_id)
    )
    rows = [
        {
            "id": payment.id,
            "number": payment.number,
            "kind": "payment",
            "sequence": payment.sequence,
            "status": payment.status,
            "amount": money(payment.amount_minor, payment.currency),
            "captured": money(payment.captured_minor, payment.currency),
            "method": method_ref(method) if method else None,
            "at": _time(payment.captured_at or payment.authorized_at or payment.created_at),
            "version": payment.version,
        }
        for payment, method in paid
    ]
    for refund, method in await store.session.execute(refunds):
        rows.append(
            {
                "id": refund.id,
                "number": refund.number,
                "kind": "refund",
                "sequence": refund.sequence,
                "status": refund.status,
                "amount": money(refund.amount_minor, refund.currency),
                "method": method_ref(method) if method else None,
                "reason": clean(refund.reason, NAME_CAP),
                "payment_id": refund.payment_id,
                "at": _time(refund.refunded_at or refund.created_at),
                "version": refund.version,
            }
        )
    return sorted(rows, key=lambda row: (row["sequence"], row["id"]))


async def shipment_rows(store: Store, facts: list[ShipmentFact]) -> list[dict[str, Any]]:
    """Parcels in full, with their latest tracking events. What a carrier wrote is marked as untrusted."""
    events: dict[str, list[dict[str, Any]]] = defaultdict(list)
    found = await store.all(
        select(TrackingEvent)
        .where(TrackingEvent.shipment_id.in_([fact.shipment.id for fact in facts]))
        .order_by(TrackingEvent.occurred_at.desc(), TrackingEvent.id.desc())
        .limit(MAX_EVENTS)
    )
    for event in reversed(found):
        events[event.shipment_id].append(
            {
                "at": to_rfc3339(event.occurred_at),
                "status": event.status,
                "location": clean_name(event.location, NAME_CAP, "the place of a scan") if event.location else None,
                "message": store.free_text(event.message, 200, what="a carrier's message"),
            }
        )
    return [
        {
            **shipment_brief(fact),
            "fulfillment_id": fact.shipment.fulfillment_id,
            "carrier_code": fact.carrier_code,
            "service_level": fact.shipment.service_level,
            "shipped_at": _time(fact.shipment.shipped_at),
            "delay_reason": _why(fact.shipment.delay_reason),
            "proof_of_delivery": (fact.shipment.proof_of_delivery or {}).get("kind"),
            "events": events[fact.shipment.id],
            "version": fact.shipment.version,
        }
        for fact in facts
    ]


async def fulfillment_rows(store: Store, order_id: str, facts: list[ShipmentFact]) -> list[dict[str, Any]]:
    """What left together: the units in packing order and the tracking numbers of their parcels."""
    statement = (
        select(Fulfillment, FulfillmentLine)
        .outerjoin(FulfillmentLine, FulfillmentLine.fulfillment_id == Fulfillment.id)
        .where(Fulfillment.order_id == order_id)
        .order_by(Fulfillment.sequence, FulfillmentLine.position, FulfillmentLine.id)
    )
    rows: dict[str, dict[str, Any]] = {}
    for fulfillment, line in await store.session.execute(statement):
        row = rows.setdefault(
            fulfillment.id,
            {
                "id": fulfillment.id,
                "sequence": fulfillment.sequence,
                "status": fulfillment.status,
                "tracking_numbers": [
                    fact.shipment.tracking_number
                    for fact in facts
                    if fact.shipment.fulfillment_id == fulfillment.id and fact.shipment.tracking_number
                ],
                "units": [],
            },
        )
        if line is not None:
            unit = {"order_line_id": line.order_line_id, "variant_id": line.variant_id, "quantity": line.quantity}
            row["units"].append(unit)
    return list(rows.values())


async def return_rows(store: Store, order_id: str) -> list[dict[str, Any]]:
    """The order's returns and exchanges with what comes back and what goes out instead."""
    returns = await store.all(
        select(Return).where(Return.order_id == order_id).order_by(Return.requested_at, Return.id)
    )
    if not returns:
        return []
    ids = [row.id for row in returns]
    back: dict[str, list[dict[str, Any]]] = defaultdict(list)
    lines = select(ReturnLine).where(ReturnLine.return_id.in_(ids)).order_by(ReturnLine.position)
    for line in await store.all(lines):
        back[line.return_id].append(
            {
                "id": line.id,
                "order_line_id": line.order_line_id,
                "variant_id": line.variant_id,
                "sku": line.sku,
                "quantity": line.quantity,
                "received": line.received,
                "reason": line.reason,
            }
        )
    out: dict[str, list[dict[str, Any]]] = defaultdict(list)
    currency = {row.id: row.currency for row in returns}
    wanted = select(ExchangeLine).where(ExchangeLine.return_id.in_(ids)).order_by(ExchangeLine.position)
    for exchange in await store.all(wanted):
        out[exchange.return_id].append(
            {
                "return_line_id": exchange.return_line_id,
                "variant_id": exchange.variant_id,
                "sku": exchange.sku,
                "quantity": exchange.quantity,
                "unit_price": money(exchange.unit_price_minor, currency[exchange.return_id]),
            }
        )
    return [
        {
            "id": row.id,
            "number": row.number,
            "status": row.status,
            "resolution": row.resolution,
            "requested_at": to_rfc3339(row.requested_at),
            "refund_method_id": row.refund_method_id,
            "payment_method_id": row.payment_method_id,
            "price_difference": (
                money(row.price_difference_minor, row.currency) if row.price_difference_minor is not None else None
            ),
            "lines": back[row.id],
            "exchange_lines": out[row.id],
            "version": row.version,
        }
        for row in returns
    ]


async def note_rows(store: Store, order: Order) -> list[dict[str, Any]]:
    """The latest notes at the order, oldest first."""
    found = await store.all(
        select(OrderNote)
        .where(OrderNote.order_id == order.id)
        .order_by(OrderNote.created_at.desc(), OrderNote.id.desc())
        .limit(MAX_NOTES)
    )
    return [note_view(store, note) for note in reversed(found)]


def _time(moment: Any) -> str | None:
    return to_rfc3339(moment) if moment is not None else None


def _why(reason: str | None) -> str | None:
    return clean_name(reason, NAME_CAP, "the reason of a delay") if reason else None
