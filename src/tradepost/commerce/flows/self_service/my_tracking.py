"""Where one's parcels are, and when they come. Why something is late inside the shop is not the customer's to read."""

from collections import defaultdict
from typing import Annotated, Required

from pydantic import Field
from sqlalchemy import select
from typing_extensions import TypedDict

from tradepost.commerce.flows.orders.late_facts import Parcels, load_parcels
from tradepost.commerce.flows.orders.lateness import Lateness, assess
from tradepost.commerce.flows.orders.order_detail import delivery_status
from tradepost.commerce.flows.self_service.mine import find_mine, my_customer_id
from tradepost.commerce.flows.self_service.my_order_views import my_parcel
from tradepost.commerce.flows.settling.order_units import order_lines
from tradepost.commerce.logistics.models import TrackingEvent
from tradepost.commerce.orders.models import Order
from tradepost.commerce.serving.declare import Answer, read_tool
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.outsiders import clean_name

SCOPE = "me:orders.read"
MAX_SCANS = 50
PLACE_CAP = 80

OrderId = Annotated[
    str, Field(min_length=1, max_length=200, description="Your order's number or id.", examples=["1001"])
]


# A scan of a parcel.
class Scan(TypedDict):
    at: str
    status: str
    place: str | None


# A parcel and its scans, the newest first.
class TrackedParcel(TypedDict):
    number: str
    status: str
    carrier: str | None
    tracking_number: str | None
    eta: str | None
    delivered_at: str | None
    scans: list[Scan]


# Where an order is. `expected_at` is the latest known arrival of what is still to come.
class MyTracking(TypedDict, total=False):
    order_id: Required[str]
    order_number: Required[str]
    delivery_status: str
    promised_to: str | None
    expected_at: str | None
    delivered_at: str | None
    late: bool
    days_late: int
    parcels: list[TrackedParcel]


@read_tool(title="Track my order", scope=SCOPE)
async def track_my_order(store: Store, order_id: OrderId) -> Answer[MyTracking]:
    """Tell where the parcels of one of the signed-in customer's own orders are: carrier, tracking number, latest scans,
    expected and promised date, and whether it is late. Use when they ask where their order is or when it comes. Not for
    what was bought or paid (get_my_order). Reads only. Returns the order's delivery status and each parcel with its
    scans, the newest first."""
    customer_id = await my_customer_id(store)
    order = await find_mine(store, customer_id, Order, order_id, field="order_id")
    lines = await order_lines(store, order)
    parcels = await load_parcels(store, [order.id])
    found = (await assess(store, [order], lines=lines, parcels=parcels))[order.id]
    view: MyTracking = {
        "order_id": order.id,
        "order_number": order.number,
        "delivery_status": delivery_status(order, lines, parcels.shipments),
        "promised_to": to_rfc3339(order.promised_to) if order.promised_to else None,
        "expected_at": to_rfc3339(found.expected_at) if found.expected_at else None,
        "delivered_at": to_rfc3339(order.delivered_at) if order.delivered_at else None,
        "late": found.late,
        "days_late": found.days_late,
        "parcels": await _parcels(store, parcels),
    }
    return Answer(view, _sentences(view, found))


async def _parcels(store: Store, parcels: Parcels) -> list[TrackedParcel]:
    scans: dict[str, list[Scan]] = defaultdict(list)
    statement = (
        select(TrackingEvent)
        .where(TrackingEvent.shipment_id.in_([fact.shipment.id for fact in parcels.shipments]))
        .order_by(TrackingEvent.occurred_at.desc(), TrackingEvent.id.desc())
        .limit(MAX_SCANS)
    )
    for event in await store.all(statement):
        place = clean_name(event.location, PLACE_CAP, "the place of a scan") if event.location else None
        scans[event.shipment_id].append({"at": to_rfc3339(event.occurred_at), "status": event.status, "place": place})
    return [{**my_parcel(fact), "scans": scans[fact.shipment.id]} for fact in parcels.shipments]


def _sentences(view: MyTracking, found: Lateness) -> str:
    said = [f"Order {view['order_number']}: {view['delivery_status'].replace('_', ' ')}."]
    for parcel in view["parcels"][:3]:
        via = f" with {parcel['carrier']}" if parcel["carrier"] else ""
        number = f", tracking number {parcel['tracking_number']}" if parcel["tracking_number"] else ""
        said.append(f"Parcel {parcel['number']}{via} is {parcel['status'].replace('_', ' ')}{number}.")
    if view["delivered_at"] is None and view["promised_to"] is not None:
        said.append(f"Promised by {view['promised_to'][:10]}.")
    if view["expected_at"] is not None:
        said.append(f"Expected on {view['expected_at'][:10]}.")
    if found.late and view["delivered_at"] is None:
        said.append(f"It is late by {found.days_late} days." if found.days_late > 1 else "It is late.")
    return " ".join(said)


TOOLS = (track_my_order,)
