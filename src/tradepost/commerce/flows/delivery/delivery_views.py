"""What a delivery stop looks like to callers: order, route, driver, window, ETA, and where else it could go."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NotRequired

from sqlalchemy import Select, and_, func, or_, select
from typing_extensions import TypedDict

from tradepost.commerce.inventory.models import Location
from tradepost.commerce.logistics.models import Delivery, Driver, PickupPoint, Route, Shipment
from tradepost.commerce.logistics.states import OPEN_DELIVERIES
from tradepost.commerce.orders.models import Order
from tradepost.commerce.store import privacy
from tradepost.commerce.store.outside import OutsideAddress, OutsideName
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.outsiders import clean_name, delivered_person
from tradepost.foundation.untrusted import UntrustedText, clean

DetailName = Literal["summary", "standard", "full"]
POINTS_SHOWN = 5


class PointView(TypedDict):
    """A pickup point and the minutes it costs the route."""

    id: str
    code: str
    name: str
    detour_minutes: int


class DeliveryView(TypedDict):
    """A stop. `misses_promise`: its ETA, or now if it is still to be made, lies after the order's promise."""

    id: str
    number: str
    version: int
    order_id: str
    order_number: str
    status: str
    route: str | None
    stop_sequence: int | None
    window_from: str | None
    window_to: str | None
    eta: str | None
    driver: str | None
    driver_status: str | None
    driver_unavailable_reason: NotRequired[str | None]
    promised_to: NotRequired[str | None]
    misses_promise: NotRequired[bool]
    warehouse: NotRequired[str | None]
    timezone: NotRequired[str]
    route_id: NotRequired[str | None]
    driver_id: NotRequired[str | None]
    shipment_id: NotRequired[str | None]
    pickup_point: NotRequired[str | None]
    completed_at: NotRequired[str | None]
    failure_reason: NotRequired[OutsideName | None]
    address: NotRequired[OutsideAddress]
    instructions: NotRequired[UntrustedText | None]
    pickup_points_near: NotRequired[list[PointView]]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The records around a delivery. `place` is the warehouse it starts from."""

    order: Order
    route: Route | None
    driver: Driver | None
    place: Location | None
    point: PickupPoint | None


def with_place(statement: Any) -> Select[Any]:
    """The select of deliveries joined with order, route and shipment; START_PLACE is then the id of the warehouse."""
    joined: Select[Any] = (
        statement.join(Order, and_(Order.workspace_id == Delivery.workspace_id, Order.id == Delivery.order_id))
        .outerjoin(Route, and_(Route.workspace_id == Delivery.workspace_id, Route.id == Delivery.route_id))
        .outerjoin(Shipment, and_(Shipment.workspace_id == Delivery.workspace_id, Shipment.id == Delivery.shipment_id))
    )
    return joined


START_PLACE = func.coalesce(Route.location_id, Shipment.location_id, Order.warehouse_id)


async def surroundings_of(store: Store, rows: Sequence[Delivery]) -> dict[str, Surroundings]:
    """The records around deliveries, by delivery id, in one query."""
    if not rows:
        return {}
    statement = (
        with_place(select(Delivery.id, Order, Route, Driver, Location, PickupPoint))
        .outerjoin(Driver, and_(Driver.workspace_id == Delivery.workspace_id, Driver.id == Delivery.driver_id))
        .outerjoin(Location, and_(Location.workspace_id == Delivery.workspace_id, Location.id == START_PLACE))
        .outerjoin(
            PickupPoint,
            and_(PickupPoint.workspace_id == Delivery.workspace_id, PickupPoint.id == Delivery.pickup_point_id),
        )
        .where(Delivery.id.in_(sorted(row.id for row in rows)))
    )
    return {row_id: Surroundings(*around) for row_id, *around in await store.session.execute(statement)}


async def delivery_views(
    store: Store, rows: Sequence[Delivery], detail: DetailName, *, near: bool = False
) -> list[DeliveryView]:
    """Deliveries as callers see them, in two queries at most. `near`: with pickup points even where detail is less."""
    around = await surroundings_of(store, rows)
    points: dict[str | None, list[PointView]] = {}
    near = near or detail == "full"
    if near:
        points = await points_near(store, {item.place.id for item in around.values() if item.place})
    views = []
    for row in rows:
        found = around[row.id]
        view = _view(row, found)
        if detail != "summary":
            _add_standard(view, row, found, store.now)
        if detail == "full":
            view["address"] = privacy.address(store.caller, row.address)
            view["instructions"] = store.free_text(row.instructions, 300, what="delivery instructions")
        if near:
            view["pickup_points_near"] = points.get(found.place.id if found.place else None, [])
        views.append(view)
    return views


async def points_near(store: Store, place_ids: set[str]) -> dict[str | None, list[PointView]]:
    """The pickup points that routes of each place can reach, the smallest detour first."""
    if not place_ids:
        return {}
    statement = (
        select(PickupPoint)
        .where(or_(PickupPoint.location_id.in_(sorted(place_ids)), PickupPoint.location_id.is_(None)))
        .order_by(PickupPoint.detour_minutes, PickupPoint.code)
    )
    points = await store.all(statement)
    near: dict[str | None, list[PointView]] = {}
    for place_id in place_ids:
        reachable = [row for row in points if row.location_id in (None, place_id)]
        near[place_id] = [
            {"id": row.id, "code": row.code, "name": clean(row.name, 80), "detour_minutes": row.detour_minutes}
            for row in reachable[:POINTS_SHOWN]
        ]
    return near


def misses_promise(row: Delivery, promised_to: datetime | None, now: datetime) -> bool:
    """Whether the stop is, or will be, made after the order's promise."""
    if promised_to is None or row.status == "canceled":
        return False
    if row.completed_at is not None:
        return row.completed_at > promised_to
    return max(now, row.eta or now) > promised_to if row.status in (*OPEN_DELIVERIES, "failed") else False


def _view(row: Delivery, around: Surroundings) -> DeliveryView:
    driver = around.driver
    return {
        "id": row.id,
        "number": row.number,
        "version": row.version,
        "order_id": row.order_id,
        "order_number": around.order.number,
        "status": row.status,
        "route": around.route.number if around.route else None,
        "stop_sequence": row.stop_sequence,
        "window_from": _time(row.window_from),
        "window_to": _time(row.window_to),
        "eta": _time(row.eta),
        "driver": f"{driver.number} ({delivered_person(clean(driver.name, 60))})" if driver else None,
        "driver_status": driver.status if driver else None,
    }


def _add_standard(view: DeliveryView, row: Delivery, around: Surroundings, now: datetime) -> None:
    view["driver_unavailable_reason"] = around.driver.unavailable_reason if around.driver else None
    view["promised_to"] = _time(around.order.promised_to)
    view["misses_promise"] = misses_promise(row, around.order.promised_to, now)
    view["warehouse"] = around.place.code if around.place else None
    view["timezone"] = around.place.timezone if around.place else "UTC"
    view["route_id"] = row.route_id
    view["driver_id"] = row.driver_id
    view["shipment_id"] = row.shipment_id
    view["pickup_point"] = f"{around.point.code} ({clean(around.point.name, 60)})" if around.point else None
    view["completed_at"] = _time(row.completed_at)
    why = row.failure_reason
    view["failure_reason"] = None if why is None else clean_name(why, 160, "the reason of a failed delivery")


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else to_rfc3339(moment)
