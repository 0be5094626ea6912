"""Rows of a last mile for the tests: a customer, orders, routes, drivers, stops. NOW is 10:00 in Amsterdam."""

from datetime import date, datetime, timedelta
from typing import Any

from tests.commerce.conftest import NOW
from tests.commerce.flows.supply import ADDRESS, location
from tradepost.commerce.customers.models import Customer
from tradepost.commerce.logistics.models import Delivery, Driver, PickupPoint, Route, Shipment
from tradepost.commerce.orders.models import Order

TODAY = date(2026, 3, 2)


def at(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)


def driver(number: str, name: str, code: str = "WHA", **options: Any) -> Driver:
    return Driver(id=f"drv_{number}", number=number, name=name, location_id=f"loc_{code}", **options)


def route(number: str, driver_number: str | None, code: str = "WHA", day: date = TODAY, **options: Any) -> Route:
    return Route(
        id=f"rte_{number}",
        number=number,
        driver_id=f"drv_{driver_number}" if driver_number else None,
        location_id=f"loc_{code}",
        service_date=day,
        **options,
    )


def point(code: str, place: str | None, minutes: int) -> PickupPoint:
    return PickupPoint(
        id=f"pup_{code}",
        code=code,
        name=f"Kiosk {code}",
        location_id=f"loc_{place}" if place else None,
        address={**ADDRESS, "line1": f"Shop {code}"},
        detour_minutes=minutes,
    )


def people() -> list[Any]:
    customer = Customer(
        id="cus_1",
        number="C-1",
        first_name="Ada",
        last_name="Byron",
        email="ada@example.com",
        email_folded="ada@example.com",
        address=ADDRESS,
    )
    return [location("WHA", "Alpha"), location("WHB", "Beta", "America/New_York"), customer]


def stop(
    number: str, hours: float | None, *, code: str = "WHA", promise: float | None = None, **options: Any
) -> list[Any]:
    """An order, its parcel and its stop with a window of two hours around `hours` from now."""
    where = options.pop("on", None)
    order = Order(
        id=f"ord_{number}",
        number=f"10{number}",
        customer_id="cus_1",
        currency="EUR",
        placed_at=at(-48),
        promised_to=None if promise is None else at(promise),
        warehouse_id=f"loc_{code}",
        shipping_address=ADDRESS,
    )
    parcel = Shipment(
        id=f"shp_{number}",
        number=f"S-{number}",
        order_id=order.id,
        status="delivered" if options.get("status") == "completed" else "out_for_delivery",
        location_id=f"loc_{code}",
    )
    delivery = Delivery(
        id=f"dlv_{number}",
        number=f"D-{number}",
        order_id=order.id,
        shipment_id=parcel.id,
        route_id=f"rte_{where[0]}" if where else None,
        stop_sequence=where[1] if where else None,
        window_from=None if hours is None else at(hours - 1),
        window_to=None if hours is None else at(hours + 1),
        eta=None if hours is None else at(hours),
        address=ADDRESS,
        **options,
    )
    parcel.eta = delivery.eta
    return [order, parcel, delivery]


def tour() -> list[Any]:
    """R-1 of Ann: D-1 made, D-2, D-3 and D-4 at 11:00, 11:30 and 12:00 local time. Bob's R-2 is empty, Cem is sick."""
    carried = {"driver_id": "drv_1", "status": "assigned"}
    return [
        *people(),
        driver("1", "Ann", status="on_duty_active"),
        driver("2", "Bob", capacity=2),
        driver("3", "Cem", status="unavailable", unavailable_reason="sick", unavailable_until=at(72)),
        driver("4", "Dee", "WHB"),
        driver("5", "Eve", shift_starts_minute=18 * 60, shift_ends_minute=22 * 60),
        route("R-1", "1", status="active"),
        route("R-2", "2"),
        route("R-3", "3"),
        point("PP-1", "WHA", 12),
        point("PP-2", "WHB", 5),
        *stop("1", -0.5, on=("R-1", 1), driver_id="drv_1", status="completed", completed_at=at(-0.5)),
        *stop("2", 1, promise=2, on=("R-1", 2), **carried),
        *stop("3", 1.5, promise=2.5, on=("R-1", 3), **carried),
        *stop("4", 2, promise=2.1, on=("R-1", 4), **carried),
    ]
