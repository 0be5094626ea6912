"""Drivers on a day: how much they carry, whether they are there, and whether they can take more.

A delivery counts on the day its route runs, or else on the day of its window, by the clock of the driver's place; one
that is still to be made and whose day is past counts today.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from sqlalchemy import and_, select, union

from tradepost.commerce.flows.local_days import clock_text, day_bounds, local_day, local_minute
from tradepost.commerce.flows.names import called
from tradepost.commerce.flows.stock.stock_lists import locations_of
from tradepost.commerce.inventory.models import Location
from tradepost.commerce.logistics.models import Delivery, Driver, Route
from tradepost.commerce.logistics.states import OPEN_DELIVERIES
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import StateConflict

CARRIED = ("assigned", "active", "completed")
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class DriverDay:
    """A driver on one day at their place. `load` counts deliveries, those made included."""

    driver: Driver
    place: Location
    day: date
    load: int

    @property
    def free(self) -> int:
        """Deliveries the driver can still take."""
        return max(self.driver.capacity - self.load, 0) if self.available else 0

    @property
    def shift(self) -> tuple[datetime, datetime]:
        """Start and end of the shift; one that ends before it starts ends on the next day."""
        starts, ends = self.driver.shift_starts_minute, self.driver.shift_ends_minute
        ends += 24 * 60 if ends <= starts else 0
        zone = self.place.timezone
        return local_minute(zone, self.day, starts), local_minute(zone, self.day, ends)

    @property
    def available(self) -> bool:
        """Whether no sickness, leave or breakdown covers the shift."""
        if self.driver.status != "unavailable":
            return True
        starts, ends = self.shift
        since, until = self.driver.unavailable_since, self.driver.unavailable_until
        return (since is not None and since >= ends) or (until is not None and until <= starts)

    def absence(self) -> str:
        """ "sick until 2026-03-05 08:00"."""
        reason = self.driver.unavailable_reason or "unavailable"
        if self.driver.unavailable_until is None:
            return f"{reason}, no end known"
        return f"{reason} until {clock_text(self.driver.unavailable_until, self.place.timezone)} local time"


class Planned(Protocol):
    """What of a delivery tells its day: a record, or only these columns of it."""

    status: Any
    window_from: Any
    eta: Any


def planned_day(delivery: Planned, service_date: date | None, zone: str, now: datetime) -> date:
    """The day on which a delivery is made."""
    today = local_day(now, zone)
    moment = delivery.window_from or delivery.eta
    day = service_date or (local_day(moment, zone) if moment is not None else today)
    return max(day, today) if delivery.status in (*OPEN_DELIVERIES, "failed") else day


async def driver_days(store: Store, drivers: Sequence[Driver], day: date | None = None) -> list[DriverDay]:
    """The drivers on a day, or today at their place, with their load, in two queries."""
    if not drivers:
        return []
    places = await locations_of(store, (driver.location_id for driver in drivers))
    days = {driver.id: day or local_day(store.now, places[driver.location_id].timezone) for driver in drivers}
    # What is done counts on the day of its window, by the clock of its driver's place.
    bounds = [day_bounds(places[driver.location_id].timezone, days[driver.id]) for driver in drivers]
    earliest, latest = min(start for start, _ in bounds), max(end for _, end in bounds)
    theirs = select(Delivery.id).where(Delivery.driver_id.in_(sorted(days)))
    of_days = await store.all(select(Route.id).where(Route.service_date.in_(sorted(set(days.values())))))
    # One indexed look-up each: an OR over them would read all that the drivers ever delivered.
    near = union(
        select(Delivery.id).where(Delivery.status.in_([status for status in CARRIED if status != "completed"])),
        select(Delivery.id).where(Delivery.route_id.in_(of_days)),
        theirs.where(Delivery.window_from >= earliest, Delivery.window_from < latest),
    )
    statement = (
        select(Delivery.driver_id, Delivery.status, Delivery.window_from, Delivery.eta, Route.service_date)
        .outerjoin(Route, and_(Route.workspace_id == Delivery.workspace_id, Route.id == Delivery.route_id))
        .where(Delivery.id.in_(near), Delivery.driver_id.in_(sorted(days)), Delivery.status.in_(CARRIED))
    )
    load: Counter[str] = Counter()
    zones = {driver.id: places[driver.location_id].timezone for driver in drivers}
    for row in await store.session.execute(statement):
        who = row.driver_id or ""
        if planned_day(row, row.service_date, zones[who], store.now) == days[who]:
            load[who] += 1
    return [DriverDay(row, places[row.location_id], days[row.id], load[row.id]) for row in drivers]


async def require_free(store: Store, driver: Driver, day: date, more: int) -> DriverDay:
    """The driver's day, or StateConflict with the numbers if they are absent or cannot take so many more."""
    (found,) = await driver_days(store, [driver], day)
    if not found.available:
        raise StateConflict(
            f"The driver {called(driver)} is unavailable on {day}: {found.absence()}.",
            hint=await _others(store, found, more),
            field="driver_id",
            details={"driver": driver.number, "status": driver.status, "reason": driver.unavailable_reason},
        )
    if found.load + more > driver.capacity:
        raise StateConflict(
            f"The driver {called(driver)} has {found.load} of {driver.capacity} deliveries on {day};"
            f" {more} more would be {found.load + more}.",
            hint=await _others(store, found, more),
            field="driver_id",
            details={"driver": driver.number, "load": found.load, "capacity": driver.capacity, "asked": more},
        )
    return found


async def _others(store: Store, taken: DriverDay, more: int) -> str:
    """Who at the same place could take the deliveries."""
    drivers = await store.all(
        select(Driver).where(Driver.location_id == taken.place.id, Driver.id != taken.driver.id).order_by(Driver.number)
    )
    able = [found for found in await driver_days(store, drivers, taken.day) if found.free >= more]
    if not able:
        return f"Nobody else at {taken.place.code} can take {more} on {taken.day}; assign fewer, or another day."
    ranked = sorted(able, key=lambda found: -found.free)[:_SHOWN]
    return f"Free at {taken.place.code} on {taken.day}: " + ", ".join(
        f"{called(found.driver)} {found.free}" for found in ranked
    )
