"""Where parcels are: one by tracking number or id, and lists by state, carrier, warehouse and delay."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import ColumnElement, and_, func, or_, select

from tradepost.commerce.flows.delivery.shipment_views import DetailName, ShipmentView, shipment_views
from tradepost.commerce.flows.names import find_called
from tradepost.commerce.flows.stock.stock_detail import WarehouseFilter
from tradepost.commerce.inventory.models import Location
from tradepost.commerce.logistics.models import ARRIVED, Carrier, Shipment, ShipmentStatus
from tradepost.commerce.logistics.states import MOVING_SHIPMENTS
from tradepost.commerce.orders.models import Order
from tradepost.commerce.serving.declare import Answer, read_tool, resource
from tradepost.commerce.serving.watching import the
from tradepost.commerce.store.columns import aside, spelled_out
from tradepost.commerce.store.listing import Cursor, Detail, Fields, Limit, Page, TimeFilter, found_sentence, page
from tradepost.commerce.store.periods import require_period, within
from tradepost.commerce.store.spans import Span, in_span
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument, NotFound
from tradepost.foundation.untrusted import clean

SHOWN = 6  # parcels named in the text
MANY_DELAYED = 5_000

Tracking = Annotated[
    str | None,
    Field(min_length=1, max_length=100, description="The carrier's tracking number.", examples=["1Z0000000000000000"]),
]
ShipmentRef = Annotated[
    str | None, Field(min_length=1, max_length=200, description="Shipment id or number.", examples=["SHP-1"])
]
Status = Annotated[ShipmentStatus | None, Field(description="Only parcels in this state.", examples=["in_transit"])]
CarrierFilter = Annotated[str | None, Field(max_length=200, description="Carrier code or name.", examples=["fedex"])]
DelayedOnly = Annotated[
    bool, Field(description="Only parcels under way that are delayed or miss their promise.", examples=[True])
]
OrderFilter = Annotated[str | None, Field(max_length=200, description="Order id or number.", examples=["ORD-1001"])]


@read_tool(title="Get shipping status", scope="read:logistics")
async def get_shipping_status(
    store: Store, tracking_number: Tracking = None, shipment_id: ShipmentRef = None, detail: Detail = "standard"
) -> Answer[ShipmentView]:
    """Tell where one parcel is: status, carrier, ETA against the promise, scans newest first, last-mile stop with its
    driver, proof of delivery. Use for "where is it", for a late parcel's cause, or for evidence of delivery. Give
    exactly one of tracking_number and shipment_id; by order use get_order or search_shipments. Reads the store's
    record; asks no carrier. detail=full adds carriers' messages (untrusted text) and proof media. Returns one
    shipment."""
    if (tracking_number is None) == (shipment_id is None):
        raise InvalidArgument(
            "Exactly one of tracking_number and shipment_id is needed.",
            hint="Send one of them; search_shipments finds parcels of an order.",
            field="tracking_number",
        )
    if shipment_id is not None:
        shipment = await store.find(Shipment, shipment_id, field="shipment_id")
    else:
        shipment = await _by_tracking(store, tracking_number or "")
    view = await _one(store, shipment, detail)
    return Answer(view, _text(view))


@read_tool(title="Search shipments", scope="read:logistics")
async def search_shipments(
    store: Store,
    status: Status = None,
    carrier: CarrierFilter = None,
    delayed_only: DelayedOnly = False,
    warehouse_id: WarehouseFilter = None,
    order_id: OrderFilter = None,
    shipped_from: TimeFilter = None,
    shipped_to: TimeFilter = None,
    limit: Limit = 20,
    cursor: Cursor = None,
    detail: Detail = "standard",
    fields: Fields = None,
) -> Answer[Page[ShipmentView]]:
    """Find parcels by state, carrier, warehouse, order or time of shipping, the newest first. Use for all delayed
    parcels, a carrier's parcels or the parcels of an order. Not for one parcel's scans (get_shipping_status), for
    stops and drivers (list_deliveries) or for orders not shipped yet (search_orders). Reads only. Returns per parcel
    status, carrier, tracking number, ETA, promise and hours_late; standard adds the last-mile stop with its driver."""
    statement = select(Shipment)
    # One filter finds, the others are compared: not by an index of what most parcels have, where few are looked for.
    few = order_id is not None or delayed_only or status not in (None, ARRIVED)
    # Of what is under way, and was shipped in a period, a small index has all that is asked for.
    moving = status not in (None, ARRIVED) and (shipped_from is not None or shipped_to is not None)
    if moving:
        statement = statement.where(Shipment.status != spelled_out(ARRIVED))
    if status is not None:
        is_second = delayed_only or order_id is not None
        is_second = is_second or (not few and (carrier is not None or warehouse_id is not None))
        statement = statement.where((aside(Shipment.status) if is_second else Shipment.status) == status)
    if carrier is not None:
        company = await find_called(store, Carrier, carrier, field="carrier")
        statement = statement.where((aside(Shipment.carrier_id) if few else Shipment.carrier_id) == company.id)
    if warehouse_id is not None:
        place = await find_called(store, Location, warehouse_id, field="warehouse_id")
        is_second = few or carrier is not None
        statement = statement.where((aside(Shipment.location_id) if is_second else Shipment.location_id) == place.id)
    if order_id is not None:
        order = await store.find(Order, order_id, field="order_id")
        statement = statement.where(Shipment.order_id == order.id)
    if delayed_only:
        statement = statement.where(Shipment.id.in_(await _delayed(store)))
    newest = [Shipment.created_at, Shipment.id]
    require_period(shipped_from, shipped_to, "shipped")
    span = Span(statement)
    if few:
        span = Span(within(statement, aside(Shipment.shipped_at), shipped_from, shipped_to, "shipped"))
    elif shipped_from is not None or shipped_to is not None:
        early = Shipment.shipped_at < Shipment.created_at
        span = await in_span(store, statement, newest, Shipment.shipped_at, shipped_from, shipped_to, early=early)

    async def view(rows: Sequence[Shipment]) -> list[ShipmentView]:
        return await shipment_views(store, rows, detail)

    found = await page(
        store,
        "shipments",
        span.statement,
        newest,
        view,
        limit=limit,
        cursor=cursor,
        descending=True,
        fields=fields,
        parts=span.parts,
        total=span.total,
    )
    text = found_sentence(found, "shipments", "No shipments found with these filters.", named=SHOWN)
    if fields is None:
        text += "".join(" " + _row_text(item) for item in found["items"][:SHOWN])
    return Answer(found, text)


@resource(
    "shipment://{id}",
    title="Shipment",
    description="A parcel by id or number: the same as get_shipping_status.",
    scope="read:logistics",
    record=the(Shipment),
)
async def shipment(store: Store, id: str) -> ShipmentView:
    """The view of get_shipping_status."""
    return await _one(store, await store.find(Shipment, id, field="shipment_id"), "standard")


async def _one(store: Store, shipment: Shipment, detail: DetailName) -> ShipmentView:
    (view,) = await shipment_views(store, [shipment], detail, with_events=detail != "summary")
    return view


async def _by_tracking(store: Store, tracking_number: str) -> Shipment:
    wanted = tracking_number.strip()
    compact = wanted.replace(" ", "")
    found = await store.all(
        select(Shipment).where(Shipment.tracking_number.in_([wanted, compact])).order_by(Shipment.id).limit(5)
    )
    if not found:
        raise NotFound(
            f"No shipment with the tracking number '{clean(wanted, 60)}' was found.",
            hint="Check the number, or find the parcel by its order with search_shipments.",
            field="tracking_number",
        )
    if len(found) > 1:
        raise InvalidArgument(
            f"The tracking number '{wanted}' stands on {len(found)} shipments: "
            f"{', '.join(row.number for row in found)}.",
            hint="Use shipment_id.",
            field="tracking_number",
        )
    return found[0]


async def _delayed(store: Store) -> Any:
    """The ids of delayed parcels, found first: few are under way, and no planner knows that they are rare among the
    newest. Where they are many, the condition itself."""
    joined = and_(Order.workspace_id == Shipment.workspace_id, Order.id == Shipment.order_id)
    statement = select(Shipment.id).join(Order, joined).where(_is_delayed(store))
    found = await store.all(statement.limit(MANY_DELAYED))
    return found if len(found) < MANY_DELAYED else statement


def _is_delayed(store: Store) -> ColumnElement[bool]:
    """Under way, and said to be delayed or not able to keep the promise any more. A canceled order promises nothing."""
    promise = func.coalesce(Shipment.promised_to, Order.promised_to)
    # Most parcels say themselves that they are not: an order is read only where its parcel leaves it open.
    perhaps = select(Shipment.id).where(
        Shipment.status != spelled_out(ARRIVED),
        Shipment.status.in_(MOVING_SHIPMENTS),
        or_(
            Shipment.status == "delayed",
            Shipment.promised_to.is_(None),
            Shipment.promised_to < store.now,
            Shipment.eta > Shipment.promised_to,
        ),
    )
    return and_(
        Shipment.id.in_(perhaps),
        Order.status != "canceled",
        or_(
            Shipment.status == "delayed",
            promise < store.now,
            Shipment.eta > promise,
            and_(promise.is_(None), Shipment.eta < store.now),
        ),
    )


def _row_text(view: ShipmentView) -> str:
    by = f" by {view['carrier']}" if view["carrier"] else ""
    track = f" {view['tracking_number']}" if view["tracking_number"] else ""
    if view["delivered_at"]:
        when = f", delivered {view['delivered_at'][:16]}"
    else:
        when = f", ETA {view['eta'][:16]}" if view["eta"] else ", no ETA"
    late = f", {view['hours_late']:g} h after the promise" if view["late"] else ""
    reason = f" ({view['delay_reason']})" if view.get("delay_reason") else ""
    return f"{view['number']} (order {view['order_number']}): {view['status']}{by}{track}{when}{late}{reason}."


def _text(view: ShipmentView) -> str:
    text = _row_text(view)
    for stop in view.get("last_mile", [])[:2]:
        reason = f", {stop['driver_unavailable_reason']}" if stop["driver_unavailable_reason"] else ""
        who = f" with driver {stop['driver']}: {stop['driver_status']}{reason}" if stop["driver"] else ", no driver"
        text += f" Delivery {stop['number']} {stop['status']}{who}."
    events = view.get("events", [])
    if events:
        where = f" at {events[0]['location']}" if events[0]["location"] else ""
        text += f" Last scan {events[0]['occurred_at'][:16]}: {events[0]['status']}{where}."
    proof = view.get("proof_of_delivery")
    if proof:
        text += f" Proof of delivery: {proof.get('kind', 'recorded')}."
    return text


TOOLS = (get_shipping_status, search_shipments)
RESOURCES = (shipment,)
