"""Today's tours of the shop's own drivers."""

from datetime import timedelta

from tradepost.commerce.demo.parcels import drop, scan, ship
from tradepost.commerce.demo.places import working_day
from tradepost.commerce.demo.shop import FLEET, Shop
from tradepost.commerce.inventory.models import Location
from tradepost.commerce.logistics.models import Delivery, Driver, Route
from tradepost.commerce.orders.models import Order

MOST_STOPS = 24  # of all tours together: no driver gets more than fit into a shift
_LAST_STOP_MINUTES = 140


def tour_driver(shop: Shop, order: Order) -> Driver:
    """Who drives today's tour at the order's warehouse: the second driver there."""
    location = shop.location_of(order.warehouse_id)
    return [driver for driver in shop.drivers.values() if driver.location_id == location.id][1]


def tour_route(shop: Shop, driver: Driver) -> Route | None:
    """The driver's route, where routes are planned."""
    return next((route for route in shop.routes.values() if route.driver_id == driver.id), None)


def send_out(
    shop: Shop,
    order: Order,
    *,
    number: str | None = None,
    after_minutes: int | None = None,
    instructions: str | None = None,
) -> Delivery:
    """Put the order on today's tour of its warehouse: its parcel is on the van, or waits for the next shift."""
    start, _, _, on_shift = working_day(shop.now)
    driver = tour_driver(shop, order)
    stops = sum(row.driver_id == driver.id and row.status != "completed" for row in shop.draft.rows(Delivery))
    minutes = after_minutes if after_minutes is not None else (25 + 20 * stops) % _LAST_STOP_MINUTES
    eta = start + timedelta(minutes=minutes)
    # The driver is on the way to the first stop of the tour; a stop with a story of its own is never that one.
    others = [row for row in shop.draft.rows(Delivery) if row.driver_id == driver.id]
    is_first = on_shift and number is None and all(row.status != "active" for row in others)
    shipped_at = max(shop.ago(hours=9), order.placed_at + timedelta(hours=2))
    shipment = ship(shop, order, FLEET, shipped_at, eta, status="out_for_delivery" if on_shift else "in_transit")
    hub = _name(shop.location_of(order.warehouse_id))
    scan(shop, shipment, "in_transit", shipped_at + (shop.now - shipped_at) / 3, where=hub)
    if on_shift:
        scan(shop, shipment, "out_for_delivery", max(shop.ago(hours=1), shipped_at), where=hub)
    return drop(
        shop,
        order,
        shipment,
        driver=driver,
        route=tour_route(shop, driver),
        window_to=eta + timedelta(hours=2),
        eta=eta,
        status="active" if is_first else "assigned",
        number=number,
        instructions=instructions,
    )


def _name(location: Location) -> str:
    return f"{location.name} hub"
