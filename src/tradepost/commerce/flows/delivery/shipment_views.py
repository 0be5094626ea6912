"""What a parcel looks like to callers: carrier, dates, promise, scans and proof of delivery."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal, NotRequired

from sqlalchemy import and_, select
from typing_extensions import TypedDict

from tradepost.commerce.inventory.models import Location
from tradepost.commerce.logistics.models import Carrier, Delivery, Driver, Shipment, TrackingEvent
from tradepost.commerce.logistics.states import FINISHED_SHIPMENTS
from tradepost.commerce.orders.models import Order
from tradepost.commerce.store import privacy
from tradepost.commerce.store.outside import OutsideName, OutsidePart
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.outsiders import clean_name, delivered_person
from tradepost.foundation.untrusted import UntrustedText, clean

EVENTS_SHOWN = 20
DetailName = Literal["summary", "standard", "full"]


class EventView(TypedDict):
    """A scan; the newest come first. `message` is the carrier's text."""

    occurred_at: str
    status: str
    location: OutsideName | None
    message: NotRequired[UntrustedText | None]


class LastMileView(TypedDict):
    """The delivery stop of a parcel and who brings it."""

    delivery_id: str
    number: str
    status: str
    eta: str | None
    driver: str | None
    driver_status: str | None
    driver_unavailable_reason: str | None
    failure_reason: OutsideName | None


class ShipmentView(TypedDict):
    """A parcel. `late`: it is or will be after the promised time; hours_late counts from then to the delivery, the ETA
    or now. `carrier` is null for own drivers."""

    id: str
    number: str
    version: int
    order_id: str
    order_number: str
    status: str
    carrier: str | None
    carrier_code: str | None
    tracking_number: str | None
    eta: str | None
    promised_to: str | None
    late: bool
    hours_late: float
    delivered_at: str | None
    shipped_at: NotRequired[str | None]
    service_level: NotRequired[str | None]
    warehouse: NotRequired[str | None]
    delay_reason: NotRequired[OutsideName | None]
    last_event_at: NotRequired[str | None]
    proof_of_delivery: NotRequired[OutsidePart | None]
    last_mile: NotRequired[list[LastMileView]]
    events: NotRequired[list[EventView]]


async def shipment_views(
    store: Store, rows: Sequence[Shipment], detail: DetailName, *, with_events: bool = False
) -> list[ShipmentView]:
    """Parcels as callers see them, whatever their number in at most three queries."""
    if not rows:
        return []
    ids = sorted(row.id for row in rows)
    joined = (
        select(Shipment.id, Order, Carrier, Location)
        .join(Order, and_(Order.workspace_id == Shipment.workspace_id, Order.id == Shipment.order_id))
        .outerjoin(Carrier, and_(Carrier.workspace_id == Shipment.workspace_id, Carrier.id == Shipment.carrier_id))
        .outerjoin(Location, and_(Location.workspace_id == Shipment.workspace_id, Location.id == Shipment.location_id))
        .where(Shipment.id.in_(ids))
    )
    around = {row_id: (order, carrier, place) for row_id, order, carrier, place in await store.session.execute(joined)}
    last_mile = await _last_mile(store, ids) if detail != "summary" else {}
    events = await _events(store, ids, with_message=detail == "full") if with_events else {}
    views = []
    for row in rows:
        order, carrier, place = around[row.id]
        promise = None if order.status == "canceled" else row.promised_to or order.promised_to
        view = _view(store, row, order.number, promise)
        if carrier:
            view["carrier"] = clean(carrier.name, 60)
            view["carrier_code"] = carrier.code
        if detail != "summary":
            view["shipped_at"] = _time(row.shipped_at)
            view["service_level"] = row.service_level
            view["warehouse"] = place.code if place else None
            view["delay_reason"] = _why(row.delay_reason, 160)
            view["last_event_at"] = _time(row.last_event_at)
            view["proof_of_delivery"] = _proof(store, row, detail)
            view["last_mile"] = last_mile.get(row.id, [])
        if with_events:
            view["events"] = events.get(row.id, [])
        views.append(view)
    return views


def hours_late(shipment: Shipment, promised_to: datetime | None, now: datetime) -> float:
    """Hours by which a parcel misses its promise: delivered late, expected late, or overdue now. 0 for in time."""
    if promised_to is None:
        return 0.0
    if shipment.delivered_at is not None:
        arrival = shipment.delivered_at
    elif shipment.status in FINISHED_SHIPMENTS:
        return 0.0
    else:
        arrival = max(now, shipment.eta or now)
    return round(max((arrival - promised_to).total_seconds(), 0) / 3600, 1)


def _view(store: Store, row: Shipment, order_number: str, promised_to: datetime | None) -> ShipmentView:
    late = hours_late(row, promised_to, store.now)
    return {
        "id": row.id,
        "number": row.number,
        "version": row.version,
        "order_id": row.order_id,
        "order_number": order_number,
        "status": row.status,
        "carrier": None,
        "carrier_code": None,
        "tracking_number": row.tracking_number,
        "eta": _time(row.eta),
        "promised_to": _time(promised_to),
        "late": late > 0,
        "hours_late": late,
        "delivered_at": _time(row.delivered_at),
    }


def _proof(store: Store, row: Shipment, detail: DetailName) -> dict[str, Any] | None:
    """Proof of delivery: kind, time and place; who signed only for those who may see personal data."""
    proof = row.proof_of_delivery
    if proof is None:
        return None
    shown: dict[str, Any] = {key: proof[key] for key in ("kind", "at") if key in proof}
    if proof.get("location") is not None:
        shown["location"] = clean_name(str(proof["location"]), 100, "the place of a delivery")
    if proof.get("signed_by"):
        name = str(proof["signed_by"])
        may_see = privacy.may_see_pii(store.caller)
        shown["signed_by"] = clean_name(name, 80, "the name of who signed") if may_see else f"{clean(name[:1])}***"
    if detail == "full" and proof.get("media") is not None:
        shown["media"] = proof["media"]
    return shown


async def _last_mile(store: Store, shipment_ids: Iterable[str]) -> dict[str, list[LastMileView]]:
    statement = (
        select(Delivery, Driver)
        .outerjoin(Driver, and_(Driver.workspace_id == Delivery.workspace_id, Driver.id == Delivery.driver_id))
        .where(Delivery.shipment_id.in_(shipment_ids))
        .order_by(Delivery.number)
    )
    found: dict[str, list[LastMileView]] = defaultdict(list)
    for delivery, driver in await store.session.execute(statement):
        found[delivery.shipment_id or ""].append(
            {
                "delivery_id": delivery.id,
                "number": delivery.number,
                "status": delivery.status,
                "eta": _time(delivery.eta),
                "driver": f"{driver.number} ({delivered_person(clean(driver.name, 60))})" if driver else None,
                "driver_status": driver.status if driver else None,
                "driver_unavailable_reason": driver.unavailable_reason if driver else None,
                "failure_reason": _why(delivery.failure_reason, 100),
            }
        )
    return found


async def _events(store: Store, shipment_ids: Iterable[str], *, with_message: bool) -> dict[str, list[EventView]]:
    statement = (
        select(TrackingEvent)
        .where(TrackingEvent.shipment_id.in_(shipment_ids))
        .order_by(TrackingEvent.occurred_at.desc(), TrackingEvent.id.desc())
        .limit(EVENTS_SHOWN)
    )
    found: dict[str, list[EventView]] = defaultdict(list)
    for event in await store.all(statement):
        view: EventView = {
            "occurred_at": to_rfc3339(event.occurred_at),
            "status": event.status,
            "location": None if event.location is None else clean_name(event.location, 80, "the place of a scan"),
        }
        if with_message:
            view["message"] = store.free_text(event.message, 300, what="a carrier's message")
        found[event.shipment_id].append(view)
    return found


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else to_rfc3339(moment)


def _why(reason: str | None, cap: int) -> str | None:
    return None if reason is None else clean_name(reason, cap, "the reason of a delay")
