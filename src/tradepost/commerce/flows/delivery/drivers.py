"""Who drives on a day: status, load and room, and why somebody is not there."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal, NotRequired

from pydantic import Field
from sqlalchemy import select
from typing_extensions import TypedDict

from tradepost.commerce.flows.delivery.driver_days import DriverDay, driver_days
from tradepost.commerce.flows.names import find_called
from tradepost.commerce.flows.stock.stock_detail import WarehouseFilter
from tradepost.commerce.inventory.models import Location
from tradepost.commerce.logistics.models import Driver, DriverStatus, Route
from tradepost.commerce.serving.declare import Answer, read_tool, resource
from tradepost.commerce.store import privacy
from tradepost.commerce.store.listing import Cursor, Detail, Fields, Limit, Page, found_sentence, page
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.outsiders import delivered_person
from tradepost.foundation.untrusted import clean

SHOWN = 8  # drivers named in the text

Day = Annotated[
    date | None, Field(description="Day by the warehouse's clock; today if left out.", examples=["2026-03-02"])
]
Status = Annotated[DriverStatus | None, Field(description="Only drivers in this state now.", examples=["unavailable"])]


class DriverView(TypedDict):
    """A driver on `date`. `free`: deliveries they can still take that day, 0 while absent."""

    id: str
    number: str
    version: int
    name: str
    warehouse: str
    status: str
    date: str
    available_on_date: bool
    unavailable_reason: str | None
    unavailable_until: str | None
    capacity: int
    load: int
    free: int
    warehouse_id: NotRequired[str]
    unavailable_since: NotRequired[str | None]
    shift: NotRequired[str]
    timezone: NotRequired[str]
    routes: NotRequired[list[str]]
    phone: NotRequired[str | None]


@read_tool(title="List drivers", scope="read:logistics")
async def list_drivers(
    store: Store,
    date: Day = None,
    status: Status = None,
    warehouse_id: WarehouseFilter = None,
    limit: Limit = 20,
    cursor: Cursor = None,
    detail: Detail = "standard",
    fields: Fields = None,
) -> Answer[Page[DriverView]]:
    """List drivers with status, load and free capacity on a day, by number. Use to find who can take a delivery, or
    who is sick or on leave and until when. Not for their stops (list_deliveries with driver_id) or to assign
    (assign_driver). Reads only. Returns per driver capacity, load, free, whether they are there that day, the reason
    and end of an absence; standard adds shift and routes, detail=full the phone number."""
    statement = select(Driver)
    if status is not None:
        statement = statement.where(Driver.status == status)
    if warehouse_id is not None:
        place = await find_called(store, Location, warehouse_id, field="warehouse_id")
        statement = statement.where(Driver.location_id == place.id)

    async def view(rows: Sequence[Driver]) -> list[DriverView]:
        return await driver_views(store, rows, date, detail)

    found = await page(
        store, "drivers", statement, [Driver.number, Driver.id], view, limit=limit, cursor=cursor, fields=fields
    )
    text = found_sentence(found, "drivers", "No drivers found with these filters.", named=SHOWN)
    if fields is None:
        text += "".join(" " + _row_text(item) for item in found["items"][:SHOWN])
    return Answer(found, text)


@resource(
    "driver://{id}",
    title="Driver",
    description="A driver by id, number or name, with today's load: the same as list_drivers.",
    scope="read:logistics",
)
async def driver(store: Store, id: str) -> DriverView:
    """The view of list_drivers for one driver."""
    (view,) = await driver_views(store, [await find_called(store, Driver, id, field="driver_id")], None, "standard")
    return view


async def driver_views(
    store: Store, rows: Sequence[Driver], day: date | None, detail: Literal["summary", "standard", "full"]
) -> list[DriverView]:
    """Drivers as callers see them, in three queries at most."""
    found = await driver_days(store, rows, day)
    routes: dict[tuple[str | None, date], list[str]] = {}
    if found and detail != "summary":
        statement = select(Route).where(
            Route.driver_id.in_([row.id for row in rows]), Route.service_date.in_({item.day for item in found})
        )
        for route in await store.all(statement.order_by(Route.number)):
            routes.setdefault((route.driver_id, route.service_date), []).append(route.number)
    return [_view(store, item, routes.get((item.driver.id, item.day), []), detail) for item in found]


def _view(store: Store, item: DriverDay, routes: list[str], detail: str) -> DriverView:
    row = item.driver
    until, since = row.unavailable_until, row.unavailable_since
    view: DriverView = {
        "id": row.id,
        "number": row.number,
        "version": row.version,
        "name": delivered_person(clean(row.name, 80)),
        "warehouse": item.place.code,
        "status": row.status,
        "date": item.day.isoformat(),
        "available_on_date": item.available,
        "unavailable_reason": row.unavailable_reason,
        "unavailable_until": None if until is None else to_rfc3339(until),
        "capacity": row.capacity,
        "load": item.load,
        "free": item.free,
    }
    if detail == "summary":
        return view
    view["warehouse_id"] = item.place.id
    view["unavailable_since"] = None if since is None else to_rfc3339(since)
    view["shift"] = f"{_clock(row.shift_starts_minute)}-{_clock(row.shift_ends_minute)}"
    view["timezone"] = item.place.timezone
    view["routes"] = routes
    if detail == "full":
        view["phone"] = privacy.phone(store.caller, row.phone)
    return view


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _row_text(view: DriverView) -> str:
    who = f"{view['number']} {view['name']} ({view['warehouse']})"
    if view["available_on_date"]:
        return f"{who}: {view['status']}, {view['free']} free of {view['capacity']}."
    until = f" until {view['unavailable_until'][:16]}" if view["unavailable_until"] else ""
    reason = view["unavailable_reason"] or "no reason given"
    return f"{who}: unavailable, {reason}{until}, load {view['load']}."


TOOLS = (list_drivers,)
RESOURCES = (driver,)
