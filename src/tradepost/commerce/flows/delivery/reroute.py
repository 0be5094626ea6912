"""Sending a delivery another way: to another route, to a pickup point, or to another place in its route.

The question behind each is what it does to the ETA and to promises, the stop's own and those of the stops around it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from pydantic import Field
from sqlalchemy import or_, select
from typing_extensions import TypedDict

from tradepost.commerce.flows.delivery.delivery_views import Surroundings, points_near, surroundings_of
from tradepost.commerce.flows.delivery.driver_days import require_free
from tradepost.commerce.flows.delivery.stop_changes import (
    StopChange,
    carry_etas,
    change_sentence,
    etas_of,
    newly_late,
    stop_change,
)
from tradepost.commerce.flows.local_days import local_day, local_minute
from tradepost.commerce.flows.names import called, find_called
from tradepost.commerce.inventory.models import Location
from tradepost.commerce.logistics.models import Delivery, Driver, PickupPoint, Route
from tradepost.commerce.logistics.states import DELIVERY, OPEN_DELIVERIES, OPEN_ROUTES, ROUTE
from tradepost.commerce.logistics.tour import append, close_gap, delay_from, place_at, time_per_stop
from tradepost.commerce.serving.declare import UNDO_FOR, Answer, write_tool
from tradepost.commerce.store.states import not_in_this_state, step
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.foundation.untrusted import clean

USUAL_START_MINUTE = 8 * 60  # of a route that has no driver yet

DeliveryRef = Annotated[
    str, Field(min_length=1, max_length=200, description="Delivery id or number.", examples=["D-1"])
]
ToRoute = Annotated[str | None, Field(max_length=200, description="The route to join, at its end.", examples=["R-2"])]
ToPoint = Annotated[
    str | None, Field(max_length=200, description="Pickup point id, code or name to drop it at.", examples=["PP-1"])
]
ToPosition = Annotated[
    int | None, Field(ge=1, le=200, description="New place in its own route, 1 is the first stop.", examples=[2])
]
Why = Annotated[str | None, Field(max_length=300, description="Why, for the record.", examples=["Customer is away"])]


class RerouteView(TypedDict):
    """The stop after the change, and the other stops that it moved."""

    delivery: StopChange
    route: str | None
    driver: str | None
    pickup_point: str | None
    others_moved: int
    others_newly_late: list[str]


@dataclass(frozen=True, slots=True)
class _Moved:
    """Where the stop goes now."""

    words: str
    route: Route | None
    point: PickupPoint | None


@write_tool(title="Reroute delivery", scope="write:logistics", undo_for=UNDO_FOR)
async def reroute_delivery(
    store: Store,
    delivery_id: DeliveryRef,
    route_id: ToRoute = None,
    pickup_point_id: ToPoint = None,
    stop_position: ToPosition = None,
    reason: Why = None,
) -> Answer[RerouteView]:
    """Send one delivery to another route, to a pickup point, or to another place in its route: give exactly one of
    route_id, pickup_point_id and stop_position. Use when a stop cannot be made as planned; dry_run shows the ETA
    difference first. Not to change only the driver (assign_driver); list_deliveries with detail=full names pickup
    points near the route. Moves the ETA of the stop, its parcel and the stops behind it; messages nobody. Returns ETA
    before and after, the difference, and every promise missed."""
    given = [value for value in (route_id, pickup_point_id, stop_position) if value is not None]
    if len(given) != 1:
        raise InvalidArgument(
            f"Exactly one of route_id, pickup_point_id and stop_position is needed; {len(given)} are given.",
            hint="Choose where the delivery should go: one route, one pickup point, or one position.",
        )
    found = await store.find(Delivery, delivery_id, field="delivery_id")
    target_route = None if route_id is None else await store.find(Route, route_id, field="route_id")
    if target_route is not None and target_route.driver_id is not None:
        await store.lock(Driver, target_route.driver_id)  # nobody else fills the driver's day meanwhile
    stops = await _locked(store, found, target_route)
    delivery = await store.primary(Delivery, found.id, field="delivery_id")
    if delivery.status not in OPEN_DELIVERIES:
        raise not_in_this_state(
            delivery,
            "and cannot be rerouted",
            DELIVERY,
            hint="A failed one gets a new attempt with assign_driver."
            if delivery.status == "failed"
            else "Only deliveries still to be made can be rerouted.",
        )
    around = (await surroundings_of(store, [delivery]))[delivery.id]
    before, came_from = etas_of(stops), (delivery.route_id, delivery.stop_sequence)
    if target_route is not None:
        moved = await _to_route(store, delivery, around, target_route, stops)
    elif pickup_point_id is not None:
        moved = await _to_point(store, delivery, around, pickup_point_id, stops)
    else:
        moved = _to_position(delivery, around, stop_position or 1, stops)
    await carry_etas(store, stops, before)
    await store.session.flush()
    change = stop_change(delivery, around, before[delivery.id])
    others = [stop for stop in stops if stop is not delivery and stop.eta != before[stop.id]]
    late = newly_late(others, before)
    store.emit("delivery:rerouted", delivery, to=moved.words, eta=change["eta"], reason=reason)
    if stop_position is not None and came_from[1] is not None:
        back = {"delivery_id": delivery.id, "stop_position": came_from[1]}
        store.reverse("reroute_delivery", back, f"Makes delivery {delivery.number} stop {came_from[1]} again.")
    elif target_route is not None and came_from[0] is not None and around.route is not None:
        back = {"delivery_id": delivery.id, "route_id": came_from[0]}
        words = f"Sends delivery {delivery.number} back to route {around.route.number}, as its last stop."
        store.reverse("reroute_delivery", back, words)
    said = f"{delivery.number} goes {moved.words}. {change_sentence(change)}"
    if others:
        said += f" {len(others)} other stops move too; {_late_words(late)}."
    store.side_effect(said)
    driver = await store.get(Driver, delivery.driver_id)
    view: RerouteView = {
        "delivery": change,
        "route": moved.route.number if moved.route else None,
        "driver": called(driver) if driver else None,
        "pickup_point": called(moved.point) if moved.point else None,
        "others_moved": len(others),
        "others_newly_late": late[:20],
    }
    return Answer(view, said)


def _late_words(late: Sequence[str]) -> str:
    return f"now after their window: {', '.join(late[:10])}" if late else "all stay in their windows"


async def _locked(store: Store, found: Delivery, route: Route | None) -> list[Delivery]:
    """The delivery and all stops of its route and the new one, locked in id order."""
    routes = sorted({row for row in (found.route_id, route.id if route else None) if row is not None})
    statement = (
        select(Delivery)
        .where(or_(Delivery.id == found.id, Delivery.route_id.in_(routes)))
        .order_by(Delivery.id)
        .execution_options(populate_existing=True)
    )
    return list(await store.lock_all(statement))


async def _to_route(
    store: Store, delivery: Delivery, around: Surroundings, wanted: Route, stops: Sequence[Delivery]
) -> _Moved:
    route = await store.lock(Route, wanted.id, field="route_id")
    place = await store.get(Location, route.location_id)
    if delivery.route_id == route.id:
        raise StateConflict(
            f"The delivery {delivery.number} is on route {route.number} already.",
            hint="Use stop_position to change its place there.",
        )
    if delivery.status == "active":
        raise StateConflict(
            f"The delivery {delivery.number} is on the road, its parcel in the van.",
            hint="Use a pickup point or another position; if its driver dropped out, assign_driver.",
        )
    if route.status not in OPEN_ROUTES:
        hint = "Choose a planned or active route."
        raise not_in_this_state(route, "and takes no more stops", ROUTE, hint=hint, field="route_id")
    if around.place is not None and place is not None and around.place.id != place.id:
        raise StateConflict(
            f"The delivery {delivery.number} starts from {called(around.place)}, route {route.number} from"
            f" {called(place)}.",
            hint=f"Choose a route of {around.place.code}.",
            field="route_id",
        )
    driver = await store.get(Driver, route.driver_id)
    if driver is None and delivery.status == "assigned":
        raise StateConflict(
            f"The route {route.number} has no driver, and {delivery.number} is assigned to one.",
            hint="Give the route's stops to a driver first, or choose another route.",
            field="route_id",
        )
    zone = place.timezone if place else "UTC"
    if route.service_date < local_day(store.now, zone):
        raise StateConflict(
            f"The route {route.number} was for {route.service_date}.", hint="Choose a route of today or later."
        )
    start = max(store.now, local_minute(zone, route.service_date, USUAL_START_MINUTE))
    if driver is not None:
        carries = delivery.driver_id == driver.id
        taken = await require_free(store, driver, route.service_date, 0 if carries else 1)
        start = max(store.now, taken.shift[0])
        delivery.driver_id = driver.id
        if delivery.status == "unassigned":
            step(delivery, "assigned", DELIVERY)
    if delivery.route_id is not None:
        close_gap([stop for stop in stops if stop.route_id == delivery.route_id], delivery.stop_sequence)
    joined = [stop for stop in stops if stop.route_id == route.id]
    append(joined, delivery, start + time_per_stop(joined))
    delivery.route_id = route.id
    who = f" with {called(driver)}" if driver else ""
    words = f"on route {route.number} of {route.service_date}{who} as stop {delivery.stop_sequence}"
    return _Moved(words, route, around.point)


async def _to_point(
    store: Store, delivery: Delivery, around: Surroundings, reference: str, stops: Sequence[Delivery]
) -> _Moved:
    point = await find_called(store, PickupPoint, reference, field="pickup_point_id")
    if delivery.pickup_point_id == point.id:
        raise StateConflict(f"The delivery {delivery.number} goes to {called(point)} already.", hint="Nothing to do.")
    if around.place is not None and point.location_id is not None and point.location_id != around.place.id:
        near = (await points_near(store, {around.place.id})).get(around.place.id, [])
        listed = ", ".join(f"{item['code']} (+{item['detour_minutes']} min)" for item in near)
        raise StateConflict(
            f"The pickup point {called(point)} is not near the routes of {called(around.place)}.",
            hint=f"Near are: {listed}." if listed else "No pickup point is near; reschedule the delivery instead.",
            field="pickup_point_id",
        )
    detour = timedelta(minutes=point.detour_minutes)
    delivery.pickup_point_id = point.id
    if delivery.eta is not None:
        delivery.eta = max(delivery.eta, store.now) + detour
    if delivery.route_id is not None:
        behind = [stop for stop in stops if stop.route_id == delivery.route_id and stop is not delivery]
        delay_from(behind, delivery.stop_sequence, detour)
    words = f"to the pickup point {clean(called(point), 100)}, a detour of {point.detour_minutes} min"
    return _Moved(words, around.route, point)


def _to_position(delivery: Delivery, around: Surroundings, position: int, stops: Sequence[Delivery]) -> _Moved:
    if delivery.route_id is None or around.route is None:
        raise StateConflict(
            f"The delivery {delivery.number} is on no route, so it has no position.",
            hint="Send route_id to put it on one.",
            field="stop_position",
        )
    if delivery.stop_sequence == position:
        raise StateConflict(
            f"The delivery {delivery.number} is stop {position} of route {around.route.number} already.",
            hint="Nothing to do.",
        )
    was = delivery.stop_sequence
    place_at(stops, delivery, position)
    return _Moved(f"from stop {was} to stop {position} of route {around.route.number}", around.route, around.point)


TOOLS = (reroute_delivery,)
