"""What a claim is about: the goods of an order, of one parcel, or of a purchase order, and what they are worth."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.claims.states import CONCEALED_DAYS
from tradepost.commerce.flows.settling.order_units import (
    UnitPool,
    UnitsOf,
    find_variants,
    named_variants,
    order_lines,
    share_of,
)
from tradepost.commerce.logistics.models import Carrier, FulfillmentLine, Shipment
from tradepost.commerce.orders.models import Order
from tradepost.commerce.purchasing.buying import line_cost
from tradepost.commerce.purchasing.models import PurchaseOrder, PurchaseOrderLine
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument, LimitExceeded, NotFound
from tradepost.foundation.untrusted import clean

_WITH_PARCEL = ("damage", "concealed_damage", "loss", "misdelivery", "delay")


@dataclass
class Subject:
    """The records of a claim, and the lines it names with their worth."""

    currency: str
    order: Order | None = None
    shipment: Shipment | None = None
    carrier: Carrier | None = None
    purchase_order: PurchaseOrder | None = None
    lines: list[dict[str, Any]] = field(default_factory=list)

    @property
    def worth_minor(self) -> int:
        """What the named goods cost."""
        return sum(int(line["amount_minor"]) for line in self.lines)

    def called(self) -> str:
        """ "order 1001", as a sentence names it."""
        if self.purchase_order is not None:
            return f"purchase order {self.purchase_order.number}"
        return f"order {self.order.number}" if self.order is not None else "nothing"

    def file_by(self, claim_type: str, now: datetime) -> datetime | None:
        """Until when the carrier hears a claim of this type."""
        if self.carrier is None:
            return None
        since = now
        if self.shipment is not None:
            since = self.shipment.delivered_at or self.shipment.promised_to or self.shipment.shipped_at or now
        days = self.carrier.claim_days
        if claim_type == "concealed_damage":
            days = min(days, CONCEALED_DAYS)
        return since + timedelta(days=days)


async def find_subject(
    store: Store,
    claim_type: str,
    order_id: str | None,
    shipment_id: str | None,
    po_id: str | None,
    wanted: Sequence[UnitsOf] | None,
) -> Subject:
    """The subject that exactly one of the references names. Raises InvalidArgument for none or several."""
    if sum(reference is not None for reference in (order_id, shipment_id, po_id)) != 1:
        raise InvalidArgument(
            "Give exactly one of order_id, shipment_id and purchase_order_id.",
            hint="A parcel's claim names the shipment; goods that a supplier sent name the purchase order.",
            field="order_id",
        )
    if po_id is not None:
        return await _of_purchase(store, po_id, wanted)
    shipment = None if shipment_id is None else await store.find(Shipment, shipment_id, field="shipment_id")
    order = await store.lock(Order, shipment.order_id if shipment is not None else str(order_id), field="order_id")
    if shipment is None and claim_type in _WITH_PARCEL:
        shipment = await _only_parcel(store, order)
    carrier = None if shipment is None else await store.get(Carrier, shipment.carrier_id)
    subject = Subject(order.currency, order=order, shipment=shipment, carrier=carrier)
    subject.lines = await _of_order(store, order, shipment if shipment_id is not None else None, wanted)
    return subject


async def _only_parcel(store: Store, order: Order) -> Shipment | None:
    """The parcel of an order that has one; None leaves the carrier open."""
    parcels = await store.all(select(Shipment).where(Shipment.order_id == order.id).limit(2))
    return parcels[0] if len(parcels) == 1 else None


async def _of_order(
    store: Store, order: Order, parcel: Shipment | None, wanted: Sequence[UnitsOf] | None
) -> list[dict[str, Any]]:
    """The named units, or all of the order; of a parcel at most what was packed into it."""
    lines = await order_lines(store, order)
    free = {line.id: line.quantity for line in lines}
    packed = Counter[str]()
    if parcel is not None and parcel.fulfillment_id is not None:
        inside = select(FulfillmentLine).where(FulfillmentLine.fulfillment_id == parcel.fulfillment_id)
        for item in await store.all(inside):
            packed[item.order_line_id or ""] += item.quantity
        if packed.keys() & free.keys():
            free = {line_id: min(units, packed[line_id]) for line_id, units in free.items()}
    if wanted is None:
        picked = [(line, free[line.id]) for line in lines]
    else:
        variants = await find_variants(store, named_variants(wanted), "lines")
        pool = UnitPool(order, lines, variants, free, "no more of it was sold or packed")
        picked = [(one.line, one.quantity) for index, entry in enumerate(wanted) for one in pool.take(index, entry)]
    return [
        {
            "sku": line.sku,
            "order_line_id": line.id,
            "quantity": quantity,
            "amount_minor": share_of(line.total_minor, quantity, line.quantity),
        }
        for line, quantity in picked
        if quantity
    ]


async def _of_purchase(store: Store, po_id: str, wanted: Sequence[UnitsOf] | None) -> Subject:
    """Of the named lines, or of all units that are missing or were rejected."""
    order = await store.lock(PurchaseOrder, po_id, field="purchase_order_id")
    statement = select(PurchaseOrderLine).where(PurchaseOrderLine.purchase_order_id == order.id)
    lines = await store.all(statement.order_by(PurchaseOrderLine.position))
    picked = [(line, line.ordered - line.received) for line in lines]
    if wanted is not None:
        picked = [_named(order, lines, index, entry) for index, entry in enumerate(wanted)]
    subject = Subject(order.currency, purchase_order=order)
    for line, units in picked:
        if units > 0:
            variant = await store.find(Variant, line.variant_id)
            cost = line_cost(units, variant.quantity_scale, line.unit_cost_minor)
            subject.lines.append({"sku": line.sku, "quantity": units, "amount_minor": cost})
    return subject


def _named(
    order: PurchaseOrder, lines: Sequence[PurchaseOrderLine], index: int, entry: UnitsOf
) -> tuple[PurchaseOrderLine, int]:
    place = f"lines.{index}"
    if (entry.line is None) == (entry.variant is None):
        raise InvalidArgument("Each entry names either a line or a variant.", hint='Write {"line": 1}.', field=place)
    for line in lines:
        if line.position == entry.line or entry.variant in (line.sku, line.variant_id, f"sku:{line.sku}"):
            if entry.quantity > line.ordered:
                raise LimitExceeded(
                    f"{order.number} ordered {line.ordered} of {line.sku}; {entry.quantity} are claimed.",
                    hint="Claim at most what was ordered.",
                    field=place,
                )
            return line, entry.quantity
    known = ", ".join(f"{line.position}: {line.sku}" for line in lines[:10])
    called = f"line {entry.line}" if entry.variant is None else clean(entry.variant, 60)
    raise NotFound(f"{order.number} has no {called}.", hint=f"Its lines: {known}.", field=place)
