"""Claims with their evidence, and tickets of customers."""

from dataclasses import dataclass
from datetime import timedelta

from tradepost.commerce.claims.models import Claim, ClaimEvidence
from tradepost.commerce.demo import names
from tradepost.commerce.demo.shop import FLEET, Shop
from tradepost.commerce.logistics.models import Carrier, Shipment
from tradepost.commerce.orders.models import Order
from tradepost.commerce.support.models import Ticket, TicketMessage

_EVERYDAY = (
    ("damage", "carrier_claim", "under_review", "carrier"),
    ("loss", "carrier_claim", "paid", "carrier"),
    ("delay", "customer_claim", "denied", "carrier"),
    ("wrong_item", "customer_claim", "approved", "merchant"),
    ("concealed_damage", "carrier_claim", "submitted", "carrier"),
    ("defect", "customer_claim", "partially_approved", "supplier"),
    ("damage", "carrier_claim", "closed", "carrier"),
)
_DECIDED = ("approved", "partially_approved", "denied", "paid", "closed")
_SETTLED = {"approved": 100, "paid": 100, "closed": 100, "partially_approved": 50}


@dataclass(frozen=True)
class _Case:
    type: str
    side: str
    status: str
    liability: str
    days_ago: float
    description: str | None = None
    number: str | None = None


def add_complaints(shop: Shop) -> None:
    """Everyday claims on parcels that arrived, then the named ones, then tickets."""
    parcels = [
        row for row in shop.draft.rows(Shipment) if row.status == "delivered" and _carrier(shop, row).code != FLEET
    ]
    orders = {order.id: order for order in shop.orders.values() if order.number not in names.RESERVED}
    arrived = [row for row in parcels if row.order_id in orders]
    for index, (kind, side, status, liability) in enumerate(_EVERYDAY):
        parcel = arrived[(index * 31 + 7) % len(arrived)]
        age = (shop.now - (parcel.delivered_at or shop.now)) / timedelta(days=1)
        _claim(shop, orders[parcel.order_id], _Case(kind, side, status, liability, age * 0.7), units=1)
    if shop.flavor.cases:
        _add_named_claims(shop)
        _add_tickets(shop)


def _add_named_claims(shop: Shop) -> None:
    missing = _claim(
        shop,
        shop.orders["88240"],
        _Case(
            "loss", "customer_claim", "under_review", "undetermined", 5, "Nothing was at my door that day.", "CLM-2011"
        ),
    )
    _evidence(shop, missing, "pod", "media/pod/88240.jpg", "Photo of a parcel at a door; the number on it is not ours.")
    crushed = _claim(
        shop,
        shop.orders["88190"],
        _Case("concealed_damage", "carrier_claim", "draft", "carrier", 2, "Found on unpacking.", "CLM-2010"),
        units=4,
    )
    _evidence(shop, crushed, "packaging", "media/claims/88190-1.jpg", "A dented inner carton.")
    broken = _claim(
        shop,
        shop.orders["88209"],
        _Case(
            "damage",
            "customer_claim",
            "evidence_needed",
            "carrier",
            3,
            "One of the two mugs arrived in pieces.",
            "CLM-2012",
        ),
        units=1,
    )
    _evidence(shop, broken, "photo", "media/claims/88209-1.jpg", "A broken mug in its box.")


def _claim(shop: Shop, order: Order, case: _Case, units: int | None = None) -> Claim:
    """A claim on the order's parcel, for `units` of its first line or for all of it. Carriers want to hear of it within
    so many days of the delivery."""
    parcel = shop.shipments[order.id][0]
    carrier = _carrier(shop, parcel)
    opened_at = shop.ago(days=case.days_ago)
    lines, claimed = [], 0
    for line in shop.lines[order.id][:1] if units else shop.lines[order.id]:
        unit = 10**line.quantity_scale
        quantity = min(units * unit, line.quantity) if units else line.quantity
        claimed += line.unit_price_minor * quantity // unit
        lines.append({"order_line_id": line.id, "sku": line.sku, "quantity": quantity})
    return shop.draft.add(
        Claim,
        number=case.number or shop.draft.number("CLM-", 2000),
        type=case.type,
        side=case.side,
        status=case.status,
        liability=case.liability,
        order_id=order.id,
        shipment_id=parcel.id,
        carrier_id=carrier.id,
        customer_id=order.customer_id,
        currency=order.currency,
        reserve_minor=claimed // 2,
        claimed_minor=claimed,
        settled_minor=claimed * _SETTLED.get(case.status, 0) // 100,
        opened_at=opened_at,
        file_by=(parcel.delivered_at or opened_at) + timedelta(days=carrier.claim_days),
        decided_at=opened_at + (shop.now - opened_at) / 2 if case.status in _DECIDED else None,
        description=case.description,
        lines=lines,
        created_at=opened_at,
    )


def _evidence(shop: Shop, claim: Claim, kind: str, media: str, note: str) -> None:
    shop.draft.add(
        ClaimEvidence,
        claim_id=claim.id,
        kind=kind,
        media=media,
        note=note,
        created_at=claim.opened_at + timedelta(hours=1),
    )


def _carrier(shop: Shop, parcel: Shipment) -> Carrier:
    return next(row for row in shop.carriers.values() if row.id == parcel.carrier_id)


def _add_tickets(shop: Shop) -> None:
    tickets: tuple[tuple[str, str, str, str, float, str], ...] = (
        ("88213", "Where is my order?", "open", "high", 1.2, "It should have come two days ago. Where is it?"),
        (
            "88240",
            "Shown as delivered, not received",
            "open",
            "high",
            6,
            "The tracking says delivered. I have nothing.",
        ),
        ("88209", "Broken mug", "open", "normal", 3.5, "One mug arrived in pieces. I can send a photo."),
        ("88207", "Is my hand warmer safe?", "pending", "urgent", 2, "I read about a recall. What should I do?"),
        (names.FEDEX_ORDER, "When will the tent arrive?", "open", "normal", 1, "Is there a date for the delivery?"),
        (
            names.FEDEX_ORDER,
            "Invoice to my company",
            "pending",
            "low",
            2,
            "Please put Marchetti Guiding on the invoice.",
        ),
        ("88237", "Delayed parcel", "open", "normal", 0.5, "The carrier says delayed. How long?"),
        ("88199", "Second return label", "solved", "normal", 4, "I need another label for the hoodie."),
    )
    for number, subject, status, priority, days_ago, body in tickets:
        order = shop.orders[number]
        at = shop.ago(days=days_ago)
        ticket = shop.draft.add(
            Ticket,
            number=shop.draft.number("TKT-", 900),
            subject=subject,
            status=status,
            priority=priority,
            queue="claims" if number in ("88240", "88209") else "general",
            customer_id=order.customer_id,
            order_id=order.id,
            created_at=at,
        )
        shop.draft.add(TicketMessage, ticket_id=ticket.id, author_kind="customer", body=body, created_at=at)
