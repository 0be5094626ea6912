"""The stops of the last mile: by day, route, driver and state, and a route as a whole."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import Select, select, union_all
from typing_extensions import TypedDict

from tradepost.commerce.flows.delivery.delivery_views import DeliveryView, PointView, delivery_views, points_near
from tradepost.commerce.flows.delivery.stop_filters import matching_stops
from tradepost.commerce.flows.names import called, find_called
from tradepost.commerce.flows.stock.stock_detail import WarehouseFilter
from tradepost.commerce.inventory.models import Location
from tradepost.commerce.logistics.models import Delivery, DeliveryStatus, Driver, Route
from tradepost.commerce.logistics.tour import in_order
from tradepost.commerce.orders.models import Order
from tradepost.commerce.serving.declare import Answer, read_tool, resource
from tradepost.commerce.store.listing import Cursor, Detail, Fields, Limit, Page, found_sentence, keep_fields, page
from tradepost.commerce.store.store import Store
from tradepost.commerce.store.texts import as_many_as_fit
from tradepost.foundation.pagination import decode_cursor, encode_cursor

MOST_STOPS = 500  # far more than a driver can make
SHOWN = 6  # stops named in the text

Day = Annotated[
    date | None, Field(description="Day of the route or window, by the warehouse's clock.", examples=["2026-03-02"])
]
RouteFilter = Annotated[str | None, Field(max_length=200, description="Route id or number.", examples=["R-1"])]
DriverFilter = Annotated[
    str | None, Field(max_length=200, description="Driver id, number or name.", examples=["DRV-1"])
]
Status = Annotated[DeliveryStatus | None, Field(description="Only stops in this state.", examples=["assigned"])]
OrderFilter = Annotated[str | None, Field(max_length=200, description="Order id or number.", examples=["ORD-1001"])]
DeliveryRef = Annotated[str | None, Field(max_length=200, description="Delivery id or number.", examples=["D-1"])]


@read_tool(title="List deliveries", scope="read:logistics")
async def list_deliveries(
    store: Store,
    date: Day = None,
    route_id: RouteFilter = None,
    driver_id: DriverFilter = None,
    status: Status = None,
    warehouse_id: WarehouseFilter = None,
    order_id: OrderFilter = None,
    delivery_id: DeliveryRef = None,
    limit: Limit = 20,
    cursor: Cursor = None,
    detail: Detail = "standard",
    fields: Fields = None,
) -> Answer[Page[DeliveryView]]:
    """List last-mile stops, one per drop: by day, route (then in driving order), driver, order or number; without a day
    the newest first. Use to see who delivers what and when, which stops a sick driver leaves, or before assign_driver
    and reroute_delivery. Not for parcels with carriers (search_shipments). Reads only. Returns status, window, ETA,
    sequence, driver with status and whether the promise is missed; delivery_id adds pickup points near the route,
    detail=full also the masked address and instructions (untrusted)."""
    route = None if route_id is None else await store.find(Route, route_id, field="route_id")
    held: dict[Any, str] = {}
    if driver_id is not None:
        held[Delivery.driver_id] = (await find_called(store, Driver, driver_id, field="driver_id")).id
    if status is not None:
        held[Delivery.status] = status
    if warehouse_id is not None:
        place = await find_called(store, Location, warehouse_id, field="warehouse_id")
        held[Delivery.start_location_id] = place.id
    only: dict[Any, str] = {} if route is None else {Delivery.route_id: route.id}
    if order_id is not None:
        only[Delivery.order_id] = (await store.find(Order, order_id, field="order_id")).id
    if delivery_id is not None:
        only[Delivery.id] = (await store.find(Delivery, delivery_id, field="delivery_id")).id
    statement, parts = await matching_stops(store, only, held, date)

    async def view(rows: Sequence[Delivery]) -> list[DeliveryView]:
        return await delivery_views(store, rows, detail, near=delivery_id is not None)

    if route is not None:
        found = await _in_driving_order(store, statement, view, limit, cursor, fields)
    else:
        newest_first = date is None  # without a day, what was done long ago matters least
        found = await page(
            store,
            "latest deliveries" if newest_first else "deliveries",
            statement,
            [Delivery.created_at if newest_first else Delivery.number, Delivery.id],
            view,
            limit=limit,
            cursor=cursor,
            descending=newest_first,
            fields=fields,
            counted=None if parts is None else union_all(*parts),
            parts=parts,
        )
    text = found_sentence(found, "deliveries", "No deliveries found with these filters.", named=SHOWN)
    if fields is None:
        text = as_many_as_fit(text, [_row_text(item) for item in found["items"][:SHOWN]])
    return Answer(found, text)


class RouteView(TypedDict):
    """A route with its stops in driving order."""

    id: str
    number: str
    version: int
    service_date: str
    status: str
    warehouse: str
    driver: str | None
    driver_status: str | None
    driver_unavailable_reason: str | None
    stops: list[DeliveryView]
    pickup_points_near: list[PointView]


@resource(
    "route://{id}",
    title="Route",
    description="A driver's tour by id or number: its stops in driving order as in list_deliveries, and pickup points.",
    scope="read:logistics",
)
async def route(store: Store, id: str) -> RouteView:
    """The route with the stops of list_deliveries."""
    row = await store.find(Route, id, field="route_id")
    place = await store.get(Location, row.location_id)
    driver = await store.get(Driver, row.driver_id)
    stops = await store.all(select(Delivery).where(Delivery.route_id == row.id).limit(MOST_STOPS))
    near = await points_near(store, {row.location_id})
    return {
        "id": row.id,
        "number": row.number,
        "version": row.version,
        "service_date": row.service_date.isoformat(),
        "status": row.status,
        "warehouse": called(place) if place else row.location_id,
        "driver": called(driver) if driver else None,
        "driver_status": driver.status if driver else None,
        "driver_unavailable_reason": driver.unavailable_reason if driver else None,
        "stops": await delivery_views(store, in_order(stops), "standard"),
        "pickup_points_near": near.get(row.location_id, []),
    }


async def _in_driving_order(
    store: Store, statement: Select[Any], view: Any, limit: int, cursor: str | None, fields: list[str] | None
) -> Page[DeliveryView]:
    """A route's stops by sequence, those without one last. A route is short, so the pages are cut here."""
    kind = store.list_kind("route-stops")
    after = decode_cursor(kind, cursor, 1)
    skip = int(after.values[0]) if after is not None else 0
    stops = in_order(await store.all(statement.limit(MOST_STOPS)))
    rows = stops[skip : skip + limit]
    has_more = len(stops) > skip + limit
    return {
        "items": keep_fields(await view(rows), fields),
        "next_cursor": encode_cursor(kind, [skip + limit]) if has_more else None,
        "has_more": has_more,
        "total_estimate": len(stops),
        "truncated": False,
    }


def _row_text(view: DeliveryView) -> str:
    place = f", route {view['route']} stop {view['stop_sequence']}" if view["route"] else ""
    eta = f", ETA {view['eta'][:16]}" if view["eta"] else ""
    reason = f", {view['driver_unavailable_reason']}" if view.get("driver_unavailable_reason") else ""
    who = f", {view['driver']} {view['driver_status']}{reason}" if view["driver"] else ", no driver"
    late = ", misses its promise" if view.get("misses_promise") else ""
    text = f"{view['number']} (order {view['order_number']}): {view['status']}{place}{eta}{who}{late}."
    if view.get("pickup_points_near"):
        points = (
            f"{point['code']} {point['name']} +{point['detour_minutes']} min" for point in view["pickup_points_near"]
        )
        text += f" Pickup points near: {', '.join(points)}."
    return text


TOOLS = (list_deliveries,)
RESOURCES = (route,)
