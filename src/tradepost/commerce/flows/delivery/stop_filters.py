"""Which stops fit the filters of a list, and the quickest way to find, order and count them.

Nearly all stops of a long history are completed. So one filter finds, by an index in the order of the list that holds
what else is asked for.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select

from tradepost.commerce.flows.local_days import day_bounds, store_zone
from tradepost.commerce.inventory.models import Location
from tradepost.commerce.logistics.models import Delivery, Route
from tradepost.commerce.store.columns import aside
from tradepost.commerce.store.spans import inside
from tradepost.commerce.store.store import Store

_USUAL = "completed"


async def matching_stops(
    store: Store, only: Mapping[Any, str], held: Mapping[Any, str], day: date | None
) -> tuple[Select[Any], Sequence[Select[Any]] | None]:
    """The stops that fit, and, for those of a day, the parts that they are found in, with the columns of the list's
    order. `only`: what few stops have (a route, an order, an id); `held`: what many may have (driver, state, place)."""
    statement = select(Delivery).where(*(column == value for column, value in only.items()))
    finding = [] if only or day is not None else _finding(held)
    statement = statement.where(*(column == held[column] for column in finding))
    others = [column for column in held if column not in finding]
    statement = statement.where(*(aside(column) == held[column] for column in others))
    if day is None:
        return statement, None
    ways = await _ways_to_day(store, day)
    if only:
        return statement.where(or_(*ways)), None
    # To be put in order, not to be met in it: a day is a small part of all numbers.
    order: tuple[Any, ...] = (aside(Delivery.number).label("number"), Delivery.id)
    return statement, [statement.where(way).with_only_columns(*order) for way in ways]


def _finding(held: Mapping[Any, str]) -> list[Any]:
    """The column whose index finds: a state that few stops are in, else the driver, else the place."""
    if held.get(Delivery.status, _USUAL) != _USUAL:
        return [Delivery.status]
    order = (Delivery.driver_id, Delivery.start_location_id, Delivery.status)
    return [column for column in order if column in held][:1]


async def _ways_to_day(store: Store, day: date) -> list[ColumnElement[bool]]:
    """A stop is made on that day by the date of its route; without a route by its window, or by its ETA without one, in
    the timezone of the warehouse. One condition for each way, of which a stop meets one at most, with an index each."""
    places: dict[tuple[datetime, datetime], list[str | None]] = defaultdict(list)
    for place_id, zone in await store.session.execute(select(Location.id, Location.timezone).order_by(Location.id)):
        places[day_bounds(zone, day)].append(place_id)
    places[day_bounds(await store_zone(store), day)].append(None)
    ways: list[ColumnElement[bool]] = []
    for (start, end), ids in places.items():
        alone = and_(aside(Delivery.route_id).is_(None), _starts_at(ids))
        ways.append(and_(alone, inside(Delivery.window_from, start, end)))
        ways.append(and_(alone, Delivery.window_from.is_(None), inside(Delivery.eta, start, end)))
    routes = await store.all(select(Route.id).where(Route.service_date == day))
    return [*ways, Delivery.route_id.in_(routes)] if routes else ways


def _starts_at(place_ids: Sequence[str | None]) -> ColumnElement[bool]:
    """`None` stands for stops that start nowhere."""
    place = aside(Delivery.start_location_id)
    known = place.in_([place_id for place_id in place_ids if place_id is not None])
    return or_(known, place.is_(None)) if None in place_ids else known
