"""Warehouses, pickup points, carriers, drivers and their routes."""

from datetime import datetime, timedelta

from tradepost.commerce.demo import names
from tradepost.commerce.demo.catalog import gtin13
from tradepost.commerce.demo.shop import FLEET, Shop
from tradepost.commerce.inventory.models import Location
from tradepost.commerce.logistics.models import Carrier, Driver, PickupPoint, Route

_CARRIERS = (
    ("fedex", "FedEx", "FDEG", 60, (("international_priority", 3), ("regional_economy", 5))),
    ("dhl", "DHL Parcel", "DHLC", 30, (("parcel_connect", 3),)),
    ("ups", "UPS", "UPSN", 60, (("standard", 3), ("express_saver", 1))),
    ("gls", "GLS", "GLSX", 21, (("business_parcel", 2),)),
    (FLEET, "Own drivers", None, 14, (("local_delivery", 1),)),
)
# Name, warehouse, street, minutes off a route's usual way: one of them lies on the way.
_PICKUP_POINTS = (
    ("PP-BLAAK", "Parcel shop Blaak", 0, "Blaak 31", 3),
    ("PP-ZUID", "Locker Zuidplein", 0, "Zuidplein 116", 18),
    ("PP-BELLECOUR", "Tabac Bellecour", 1, "Place Bellecour 12", 9),
    ("PP-MARKT", "Kiosk am Markt", 2, "Markt 5", 7),
    ("PP-DUOMO", "Edicola Duomo", 3, "Piazza del Duomo 2", 11),
)


def add_places(shop: Shop) -> None:
    """Warehouses, carriers and pickup points."""
    for index, place in enumerate(shop.flavor.places):
        city, region, postal, country = place.towns[0]
        shop.locations[place.code] = shop.draft.add(
            Location,
            code=place.code,
            name=place.name,
            gln=gtin13(871_234_900_000 + index),
            region=place.region,
            timezone=place.timezone,
            address={
                "line1": f"{place.streets[-1]} {index + 1}",
                "line2": "",
                "city": city,
                "region": region,
                "postal_code": postal,
                "country": country,
            },
        )
    for code, name, scac, claim_days, services in _CARRIERS:
        shop.carriers[code] = shop.draft.add(
            Carrier,
            code=code,
            name=name,
            scac=scac,
            claim_days=claim_days,
            services=[{"code": service, "transit_days": days} for service, days in services],
        )
    for code, name, place_index, line1, detour in _PICKUP_POINTS if shop.flavor.cases else ():
        place = shop.flavor.places[place_index]
        city, region, postal, country = place.towns[0]
        shop.pickup_points[code] = shop.draft.add(
            PickupPoint,
            code=code,
            name=name,
            location_id=shop.locations[place.code].id,
            address={
                "line1": line1,
                "line2": "",
                "city": city,
                "region": region,
                "postal_code": postal,
                "country": country,
            },
            detour_minutes=detour,
        )


def working_day(now: datetime) -> tuple[datetime, int, int, bool]:
    """When the next stop of today's tours can be, the shift it falls in (minutes of the local day), and whether that
    shift is on now. Early and late shifts cover the day; at night it is the next morning. UTC hours are near enough:
    the shifts leave an hour or two on both sides."""
    hour = now.hour
    start = now.replace(second=0, microsecond=0)
    if 5 <= hour < 10:
        return start, 6 * 60, 15 * 60, True
    if 10 <= hour < 17:
        return max(start, start.replace(hour=12, minute=0)), 13 * 60, 22 * 60, True
    morning = start.replace(hour=5, minute=30)
    return morning if hour < 5 else morning + timedelta(days=1), 6 * 60, 15 * 60, False


def add_drivers(shop: Shop) -> None:
    """Drivers in equal parts at each warehouse, and their routes."""
    start, shift_from, shift_to, on_shift = working_day(shop.now)
    codes = list(shop.locations)
    per_place = len(shop.flavor.drivers) // len(codes)
    for index, name in enumerate(shop.flavor.drivers):
        # The second at each place has today's tour, the third is free.
        turn = index % per_place
        status = ("off_duty", "on_duty_active", "on_duty_idle")[turn] if on_shift else "off_duty"
        shop.drivers[f"DRV-{index + 1:02d}"] = shop.draft.add(
            Driver,
            number=f"DRV-{index + 1:02d}",
            name=name,
            phone=f"+31 6 555 0{index + 10}",
            location_id=shop.locations[codes[index // per_place]].id,
            status=status,
            capacity=20 if turn else 16,
            shift_starts_minute=shift_from,
            shift_ends_minute=shift_to,
            updated_at=shop.ago(hours=1),
        )
    if not shop.flavor.cases:
        return
    _mark_unavailable(shop)
    tours = (
        ("R-101", "RTM", "DRV-02", start, "active"),
        ("R-102", "RTM", names.SICK_DRIVER, shop.ago(days=2), "planned"),
        ("R-103", "LYS", "DRV-05", start, "active"),
        ("R-104", "LEJ", "DRV-08", start, "active"),
        ("R-105", "MXP", "DRV-11", start, "active"),
        ("R-106", "LYS", names.STRANDED_DRIVER, shop.tomorrow(9), "planned"),
    )
    for number, code, driver, day, status in tours:
        shop.routes[number] = shop.draft.add(
            Route,
            number=number,
            driver_id=shop.drivers[driver].id,
            location_id=shop.locations[code].id,
            service_date=day.date(),
            status=status if on_shift else "planned",
            created_at=shop.ago(days=3),
            updated_at=shop.ago(hours=3),
        )


def _mark_unavailable(shop: Shop) -> None:
    for number, code, reason, since, until in (
        (names.SICK_DRIVER, "RTM", "sick", shop.ago(days=2, hours=6), shop.ahead(days=2)),
        (names.STRANDED_DRIVER, "LYS", "breakdown", shop.ago(hours=5), shop.ahead(days=2)),
        (names.ABSENT_DRIVER, "LEJ", "leave", shop.ago(days=4), shop.ahead(days=6)),
    ):
        driver = shop.drivers[number]
        driver.location_id = shop.locations[code].id
        driver.status = "unavailable"
        driver.unavailable_reason = reason
        driver.unavailable_since = since
        driver.unavailable_until = until
        driver.updated_at = since
