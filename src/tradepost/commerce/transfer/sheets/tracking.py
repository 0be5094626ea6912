"""Tracking events: what carriers say of parcels. Shopify exports none, so these columns are ours; statuses may be in
the words of AfterShip and EasyPost.

An event is a fact and is kept. The newest one says how the parcel stands, if legal steps lead there: carriers skip
scans. A parcel the store does not know yet is made for the order that the row names, if units of that have shipped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tradepost.commerce.logistics.models import Carrier, Shipment, ShipmentStatus, TrackingEvent
from tradepost.commerce.logistics.states import SHIPMENT
from tradepost.commerce.orders.models import Order
from tradepost.commerce.store.rows import label_of
from tradepost.commerce.transfer.sheets.columns import Column
from tradepost.commerce.transfer.sheets.draft import Draft
from tradepost.commerce.transfer.sheets.kind import Ground, Kind, Planning, Refused, required
from tradepost.commerce.transfer.sheets.named import Named
from tradepost.commerce.transfer.sheets.parcels import KnownParcels, arrived, look_up_parcels
from tradepost.commerce.transfer.sheets.reaching import why_not
from tradepost.commerce.transfer.sheets.reading import Row, shown
from tradepost.commerce.transfer.sheets.values import code, day_or_moment, in_future, line, moment, one_of, text
from tradepost.foundation.ids import new_id

_WORDS = {
    # AfterShip
    "InfoReceived": "confirmed",
    "InTransit": "in_transit",
    "OutForDelivery": "out_for_delivery",
    "AttemptFail": "attempted_delivery",
    "AvailableForPickup": "ready_for_pickup",
    "Exception": "failure",
    # EasyPost
    "pre_transit": "confirmed",
    "available_for_pickup": "ready_for_pickup",
    "return_to_sender": "returning_to_sender",
}
_ARRIVED = ("delivered", "picked_up")
_MOVING = ("carrier_picked_up", "in_transit", "out_for_delivery", *_ARRIVED)


@dataclass(slots=True)
class EventRecord:
    """A scan as its row says. `parcel` is its tracking number or the number of the shipment."""

    row: Row
    parcel: str
    status: str
    occurred_at: datetime


class Tracking(Kind[EventRecord, KnownParcels]):
    """Scans of carriers."""

    name = "tracking"
    creates = ("carrier",)
    columns = (
        Column("tracking_number", (), code),
        Column("shipment", (), code),
        Column("order", (), code),
        Column("occurred_at", (), moment, required=True),
        Column("status", (), one_of(ShipmentStatus, _WORDS), required=True),
        Column("carrier", (), line(100)),
        Column("location", (), line(200)),
        Column("message", (), text(1000)),
        Column("raw_code", (), line(60)),
        Column("eta", (), day_or_moment),
    )

    def read(self, rows: Sequence[Row], ground: Ground) -> EventRecord:
        row = rows[0]
        number, shipment = row.get("tracking_number"), row.get("shipment")
        if number is None and shipment is None:
            raise Refused(row, "tracking_number", "is empty: which parcel is it about?")
        when = required(row, "occurred_at")
        if in_future(when, ground.now):
            raise Refused(row, "occurred_at", "lies in the future")
        return EventRecord(row, shipment or number.replace(" ", ""), required(row, "status"), when)

    def first_row(self, record: EventRecord) -> Row:
        return record.row

    def arrange(self, records: list[EventRecord]) -> list[EventRecord]:
        return sorted(records, key=lambda record: record.occurred_at)

    async def look_up(self, planning: Planning, records: Sequence[EventRecord]) -> KnownParcels:
        orders = [record.row.get("order").removeprefix("#") for record in records if record.row.get("order")]
        return await look_up_parcels(planning, [record.parcel for record in records], orders)

    def plan(self, planning: Planning, known: KnownParcels, record: EventRecord, draft: Draft) -> None:
        row = record.row
        shipment = known.parcel(row, record.parcel)
        _require_same_parcel(row, shipment)
        order = _order(known, record, shipment)
        carrier = _carrier(planning, known.carriers, row)
        if shipment is not None and carrier is not None and shipment.carrier_id not in (None, carrier.id):
            raise Refused(row, "carrier", f"is not the carrier of the shop's shipment {shown(shipment.number)}")
        if shipment is not None and _event_key(record) in known.events.get(shipment.id, set()):
            return
        status, last = planning.memory.get(shipment.id if shipment else record.parcel) or _standing(shipment)
        newest = last is None or record.occurred_at >= last
        if newest and record.status != status:
            problem = why_not(SHIPMENT, status, record.status, "parcel") if status is not None else None
            if problem is not None:
                raise Refused(row, "status", problem)
        planning.ground.require_open(row, "occurred_at")
        # Nothing is refused from here on.
        if row.get("carrier") is not None and carrier is None:
            carrier = known.carriers.make(draft, _new_carrier(row.get("carrier")))
        if shipment is None:
            shipment = known.add_parcel(draft, record.parcel, order, carrier, record.status, record.occurred_at)
        elif carrier is not None and shipment.carrier_id is None:
            draft.set(shipment, carrier_id=carrier.id)
        draft.is_new = True
        draft.add(3, _event(record, shipment, carrier), final=True)
        known.events.setdefault(shipment.id, set()).add(_event_key(record))
        if newest:
            stands = (record.status, record.occurred_at)
            planning.memory |= {record.parcel: stands, shipment.id: stands}
            draft.set(shipment, **_values(record, shipment))
            if record.status != status:
                draft.emit(f"shipment:{record.status}", shipment, order_id=order.id)
            if record.status in _ARRIVED and status not in _ARRIVED:
                draft.set(shipment, delivered_at=record.occurred_at)
                draft.do(arrived(known, shipment, order, record.occurred_at), f"{label_of(order)}: units delivered")


def _values(record: EventRecord, shipment: Shipment) -> dict[str, Any]:
    """What the newest event says of its parcel."""
    row = record.row
    values: dict[str, Any] = {"status": record.status, "last_event_at": record.occurred_at}
    if record.status in _MOVING and shipment.shipped_at is None:
        values["shipped_at"] = record.occurred_at
    if row.get("eta") is not None:
        values["eta"] = row.get("eta")
    if record.status == "delayed" and row.get("message"):
        values["delay_reason"] = row.get("message")[:160]
    return values


def _require_same_parcel(row: Row, shipment: Shipment | None) -> None:
    number = row.get("tracking_number")
    if shipment is None or number is None or shipment.tracking_number is None or row.get("shipment") is None:
        return
    if shipment.tracking_number != number.replace(" ", ""):
        raise Refused(row, "tracking_number", f"is not that of the shop's shipment {shown(shipment.number)}")


def _order(known: KnownParcels, record: EventRecord, shipment: Shipment | None) -> Order:
    """The order of the parcel. Raises Refused where there is none, or the row names another."""
    row = record.row
    named = None
    if row.get("order") is not None:
        named = known.order(row.get("order").removeprefix("#"))
        if named is None:
            raise Refused(row, "order", "is no order of the shop: import orders first")
    if shipment is not None:
        if named is not None and named.id != shipment.order_id:
            raise Refused(row, "order", f"is not the order of the shop's shipment {shown(shipment.number)}")
        return known.orders[shipment.order_id]
    if row.get("shipment") is not None:
        raise Refused(row, "shipment", "is no shipment of the shop")
    if named is None:
        raise Refused(
            row, "tracking_number", "is on no shipment of the shop, and the row names no order to make one for"
        )
    if not any(line.shipped for line in known.lines.get(named.id, [])):
        raise Refused(row, "order", "has shipped nothing yet: import the order as shipped first")
    return named


def _carrier(planning: Planning, carriers: Named[Carrier], row: Row) -> Carrier | None:
    return carriers.find(row, "carrier", planning) if row.get("carrier") is not None else None


def _standing(shipment: Shipment | None) -> tuple[str | None, datetime | None]:
    return (None, None) if shipment is None else (shipment.status, shipment.last_event_at)


def _new_carrier(name: str) -> Carrier:
    """A carrier that a file names: its code is the name in small letters."""
    words = "".join(letter if letter.isalnum() else " " for letter in name).lower().split()
    return Carrier(id=new_id(Carrier.prefix), code="_".join(words) or name, name=name)


def _event_key(record: EventRecord) -> tuple[datetime, str, str, str]:
    return record.occurred_at, record.status, record.row.get("location") or "", record.row.get("raw_code") or ""


def _event(record: EventRecord, shipment: Shipment, carrier: Carrier | None) -> TrackingEvent:
    row = record.row
    return TrackingEvent(
        id=new_id(TrackingEvent.prefix),
        shipment_id=shipment.id,
        occurred_at=record.occurred_at,
        status=record.status,
        location=row.get("location"),
        carrier_code=carrier.code if carrier is not None else None,
        message=row.get("message"),
        raw_code=row.get("raw_code"),
    )
