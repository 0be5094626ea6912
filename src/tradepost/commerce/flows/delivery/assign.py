"""Giving deliveries to a driver: only to one who is there, has room, and whose shift meets the windows.

A whole route that changes hands keeps its stops in order. Single deliveries go to the end of the driver's own route of
that day, or stay without a route. ETAs are estimates anew, never earlier than now or the start of the shift.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Annotated

from pydantic import Field
from sqlalchemy import or_, select
from typing_extensions import TypedDict

from tradepost.commerce.flows.delivery.delivery_views import Surroundings, surroundings_of
from tradepost.commerce.flows.delivery.driver_days import DriverDay, planned_day, require_free
from tradepost.commerce.flows.delivery.stop_changes import (
    StopChange,
    carry_etas,
    change_sentence,
    etas_of,
    stop_change,
)
from tradepost.commerce.flows.local_days import clock_text, local_day
from tradepost.commerce.flows.names import called, find_called
from tradepost.commerce.inventory.models import Location
from tradepost.commerce.logistics.models import Delivery, Driver, Route
from tradepost.commerce.logistics.states import DELIVERY, OPEN_ROUTES
from tradepost.commerce.logistics.tour import USUAL_STOP, append, catch_up, close_gap, in_order, open_stops
from tradepost.commerce.serving.declare import UNDO_FOR, Answer, write_tool
from tradepost.commerce.store.states import require_step, step
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument, StateConflict

DeliveryIds = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=200)]],
    Field(min_length=1, max_length=50, description="Deliveries by id or number.", examples=[["D-1", "D-2"]]),
]
DriverRef = Annotated[
    str, Field(min_length=1, max_length=200, description="Driver id, number or name.", examples=["DRV-1"])
]
Why = Annotated[str | None, Field(max_length=300, description="Why, for the record.", examples=["Driver is sick"])]


class AssignmentView(TypedDict):
    """The driver's day after the assignment."""

    driver_id: str
    driver: str
    date: str
    route: str | None
    load: int
    capacity: int
    missed_promises: int
    deliveries: list[StopChange]


@write_tool(title="Assign driver", scope="write:logistics", undo_for=UNDO_FOR)
async def assign_driver(
    store: Store, delivery_ids: DeliveryIds, driver_id: DriverRef, reason: Why = None
) -> Answer[AssignmentView]:
    """Give deliveries to a driver: unassigned, failed (a new attempt), or taken over from another driver. Use when a
    driver drops out or a stop has nobody; see list_drivers for who is free. Not to change route or order of stops
    (reroute_delivery). Refused, with numbers, if the driver is absent, over capacity, elsewhere, or off shift in the
    windows. Changes driver, status and ETA of the stops and their parcels; messages nobody. expected_version means the
    delivery if one is given, else the driver. Returns each ETA before and after and missed promises."""
    driver = await find_called(store, Driver, driver_id, field="driver_id")
    found = [await store.find(Delivery, reference, field="delivery_ids") for reference in delivery_ids]
    if len({row.id for row in found}) < len(found):
        raise InvalidArgument("A delivery is named twice.", hint="Name each one once.", field="delivery_ids")
    driver = await (store.lock if len(found) == 1 else store.primary)(Driver, driver.id, field="driver_id")
    stops = await _locked(store, driver, found)
    targets = [stops[row.id] for row in found]
    if len(targets) == 1:
        await store.primary(Delivery, targets[0].id, field="delivery_ids")
    around = await surroundings_of(store, targets)
    place = await store.get(Location, driver.location_id)
    for target in targets:
        _require_assignable(target, around[target.id], driver, place)
    zone = place.timezone if place else "UTC"
    day = _common_day(store, targets, around, zone)
    taken = await require_free(store, driver, day, len(targets))
    taken = await _past_shift(store, taken, targets)
    for target in targets:
        _require_shift(target, taken, store.now)
    before = etas_of(stops.values())
    drivers = {(target.driver_id, target.status) for target in targets}
    route = await _hand_over(store, driver, taken, targets, list(stops.values()))
    await carry_etas(store, list(stops.values()), before)
    await store.session.flush()
    changes = [stop_change(target, around[target.id], before[target.id]) for target in targets]
    for target, change in zip(targets, changes, strict=True):
        store.emit("delivery:assigned", target, driver=driver.number, eta=change["eta"], reason=reason)
        store.side_effect(change_sentence(change))
    (had, status) = drivers.pop() if len(drivers) == 1 else (None, "")
    previous = await store.get(Driver, had)
    if previous is not None and status == "assigned":
        store.reverse(
            "assign_driver",
            {"delivery_ids": [target.id for target in targets], "driver_id": previous.id},
            f"Gives the {len(targets)} deliveries back to {called(previous)}.",
        )
    view: AssignmentView = {
        "driver_id": driver.id,
        "driver": called(driver),
        "date": taken.day.isoformat(),
        "route": route.number if route else None,
        "load": taken.load + len(targets),
        "capacity": driver.capacity,
        "missed_promises": sum(change["misses_promise"] for change in changes),
        "deliveries": changes,
    }
    said = " ".join(change_sentence(change) for change in changes[:6])
    return Answer(
        view,
        f"{len(targets)} deliveries given to {called(driver)} for {taken.day}:"
        f" {view['load']} of {driver.capacity} taken, {view['missed_promises']} promises missed. {said}",
    )


async def _locked(store: Store, driver: Driver, found: Sequence[Delivery]) -> dict[str, Delivery]:
    """The deliveries and all stops of the routes that may change with them, locked in id order."""
    own = await store.all(select(Route.id).where(Route.driver_id == driver.id, Route.status.in_(OPEN_ROUTES)))
    routes = sorted({row.route_id for row in found if row.route_id} | set(own))
    statement = (
        select(Delivery)
        .where(or_(Delivery.id.in_(sorted(row.id for row in found)), Delivery.route_id.in_(routes)))
        .order_by(Delivery.id)
        .execution_options(populate_existing=True)
    )
    return {row.id: row for row in await store.lock_all(statement)}


def _require_assignable(target: Delivery, around: Surroundings, driver: Driver, place: Location | None) -> None:
    """Raise unless the state of the delivery and the place of the driver allow it."""
    if target.driver_id == driver.id and target.status in ("assigned", "active"):
        raise StateConflict(
            f"The delivery {target.number} is {target.status} to {called(driver)} already.", hint="Leave it out."
        )
    stranded = target.status == "active" and around.driver is not None and around.driver.status == "unavailable"
    if target.status != "assigned" and not stranded:
        require_step(target, "assigned", DELIVERY)
    if around.place is not None and place is not None and around.place.id != place.id:
        raise StateConflict(
            f"The delivery {target.number} starts from {called(around.place)}, the driver {called(driver)} drives from"
            f" {called(place)}.",
            hint=f"Choose a driver of {around.place.code}: list_drivers shows them.",
            field="driver_id",
        )


def _common_day(store: Store, targets: Sequence[Delivery], around: dict[str, Surroundings], zone: str) -> date:
    days = set()
    for target in targets:
        route = around[target.id].route
        days.add(planned_day(target, route.service_date if route else None, zone, store.now))
    if len(days) > 1:
        listed = ", ".join(str(day) for day in sorted(days))
        raise InvalidArgument(
            f"The deliveries are planned for different days: {listed}.",
            hint="Assign one day at a time.",
            field="delivery_ids",
        )
    return days.pop()


async def _past_shift(store: Store, taken: DriverDay, targets: Sequence[Delivery]) -> DriverDay:
    """Today's shift may be over: what is overdue anyway then goes on the next day's."""
    overdue = all(target.window_to is None or target.window_to <= store.now for target in targets)
    if taken.shift[1] > store.now or not overdue:
        return taken
    tomorrow = local_day(store.now, taken.place.timezone) + timedelta(days=1)
    return await require_free(store, taken.driver, tomorrow, len(targets))


def _require_shift(target: Delivery, taken: DriverDay, now: datetime) -> None:
    """Raise unless the window, if it is still ahead, meets the shift."""
    starts, ends = taken.shift
    if target.window_from is None or target.window_to is None or target.window_to <= now:
        return
    if target.window_to <= starts or target.window_from >= ends:
        zone = taken.place.timezone
        raise StateConflict(
            f"The window of {target.number}, {clock_text(target.window_from, zone)} to"
            f" {clock_text(target.window_to, zone)}, lies outside the shift of {called(taken.driver)},"
            f" {clock_text(starts, zone)} to {clock_text(ends, zone)} (local time).",
            hint="Choose a driver whose shift meets the window: list_drivers shows shifts.",
            field="driver_id",
        )


async def _hand_over(
    store: Store, driver: Driver, taken: DriverDay, targets: Sequence[Delivery], stops: Sequence[Delivery]
) -> Route | None:
    """Set driver, status, route and ETA. Gives the route that the driver makes them on, if any."""
    start = max(store.now, taken.shift[0])
    own = await store.one_or_none(
        select(Route)
        .where(Route.driver_id == driver.id, Route.service_date == taken.day, Route.status.in_(OPEN_ROUTES))
        .order_by(Route.number)
    )
    route_ids = {target.route_id for target in targets}
    (route_id,) = route_ids if len(route_ids) == 1 else (None,)
    whole = [stop for stop in stops if route_id and stop.route_id == route_id]
    for target in targets:
        target.driver_id = driver.id
        if target.status in ("unassigned", "failed"):  # one taken over on the road stays active
            step(target, "assigned", DELIVERY)
            target.failure_reason = None
    if route_id and own is None and all(stop in targets for stop in open_stops(whole)):
        taken_over = await store.lock(Route, route_id)
        if taken_over.status in OPEN_ROUTES:
            taken_over.driver_id = driver.id
            taken_over.service_date = max(taken_over.service_date, taken.day)
            catch_up(whole, start)
            return taken_over
    for position, target in enumerate(in_order(targets), start=1):
        if own is not None and target.route_id == own.id:
            continue  # a new attempt on the driver's own route keeps its place
        if target.route_id is not None:
            close_gap([stop for stop in stops if stop.route_id == target.route_id], target.stop_sequence)
        earliest = max(start + position * USUAL_STOP, target.window_from or start)
        if own is None:
            target.route_id, target.stop_sequence, target.eta = None, None, earliest
        else:
            append([stop for stop in stops if stop.route_id == own.id], target, earliest)
            target.route_id = own.id
    return own


TOOLS = (assign_driver,)
