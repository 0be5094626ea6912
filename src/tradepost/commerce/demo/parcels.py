"""What leaves the warehouse: fulfillments, parcels with their scans, and the stops of the shop's own drivers."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from tradepost.commerce.demo.shop import FLEET, Shop
from tradepost.commerce.logistics.models import (
    Delivery,
    Driver,
    Fulfillment,
    FulfillmentLine,
    Route,
    Shipment,
    TrackingEvent,
)
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.foundation.clock import to_rfc3339

RAW_CODES = {
    "label_printed": "OC",
    "carrier_picked_up": "PU",
    "in_transit": "IT",
    "delayed": "DY",
    "out_for_delivery": "OD",
    "attempted_delivery": "DE",
    "delivered": "DL",
}
MESSAGES = {
    "label_printed": "Shipment information sent.",
    "carrier_picked_up": "Picked up.",
    "in_transit": "In transit.",
    "delayed": "Delayed.",
    "out_for_delivery": "On vehicle for delivery.",
    "attempted_delivery": "Nobody was there.",
    "delivered": "Delivered.",
}


def pack(
    shop: Shop, order: Order, shipped_at: datetime, parts: Sequence[tuple[OrderLine, int]], *, left: bool = True
) -> Fulfillment:
    """Units that leave together; by default they have left, otherwise they are packed and stand at the dock."""
    sequence = 1 + len(shop.shipments[order.id])
    fulfillment = shop.draft.add(
        Fulfillment,
        order_id=order.id,
        sequence=sequence,
        status="success" if left else "pending",
        location_id=order.warehouse_id,
        created_at=shipped_at,
    )
    for position, (line, quantity) in enumerate(parts, start=1):
        shop.draft.add(
            FulfillmentLine,
            fulfillment_id=fulfillment.id,
            position=position,
            order_line_id=line.id,
            variant_id=line.variant_id,
            quantity=quantity,
        )
        if left:
            line.fulfilled += quantity
            line.shipped += quantity
    order.picked_at = order.picked_at or shipped_at - timedelta(hours=3)
    return fulfillment


def ship(
    shop: Shop,
    order: Order,
    carrier: str,
    shipped_at: datetime,
    eta: datetime,
    *,
    status: str = "in_transit",
    parts: Sequence[tuple[OrderLine, int]] | None = None,
    tracking: str | None = None,
    delay_reason: str | None = None,
) -> Shipment:
    """A parcel with all of the order, or with `parts`. Its scans are added by `scan`."""
    contents = parts or [(line, line.quantity) for line in shop.lines[order.id]]
    left = status not in ("label_purchased", "label_printed")
    fulfillment = pack(shop, order, shipped_at, contents, left=left)
    number = shop.draft.number("SHP-", 70_000)
    row = shop.carriers[carrier]
    shipment = shop.draft.add(
        Shipment,
        number=number,
        order_id=order.id,
        fulfillment_id=fulfillment.id,
        position=1 + len(shop.shipments[order.id]),
        location_id=order.warehouse_id,
        carrier_id=row.id,
        service_level=row.services[0]["code"],
        tracking_number=tracking or _tracking(shop, carrier, int(number[4:])),
        status=status,
        shipped_at=shipped_at if left else None,
        eta=eta,
        promised_to=order.promised_to,
        delay_reason=delay_reason,
        cost_minor=450 if carrier == FLEET else 690,
        currency=shop.flavor.currency,
        created_at=shipped_at - timedelta(hours=2),
        updated_at=shipped_at,
    )
    shop.shipments[order.id].append(shipment)
    scan(shop, shipment, "label_printed", shipped_at - timedelta(hours=2))
    if left:
        scan(shop, shipment, "carrier_picked_up", shipped_at)
    return shipment


def scan(
    shop: Shop, shipment: Shipment, status: str, at: datetime, *, message: str | None = None, where: str = ""
) -> None:
    """One tracking event."""
    shop.draft.add(
        TrackingEvent,
        shipment_id=shipment.id,
        occurred_at=at,
        status=status,
        location=where or shop.location_of(shipment.location_id).name,
        carrier_code=next(code for code, row in shop.carriers.items() if row.id == shipment.carrier_id),
        message=message or MESSAGES[status],
        raw_code=RAW_CODES[status],
    )
    shipment.last_event_at = at
    shipment.updated_at = at


def deliver(shop: Shop, order: Order, shipment: Shipment, at: datetime, *, proof: dict[str, Any] | None = None) -> None:
    """The parcel arrives; with its last one, the order is completed."""
    city = str(order.shipping_address["city"])
    if shipment.shipped_at is not None:
        half_way = shipment.shipped_at + (at - shipment.shipped_at) / 2
        scan(shop, shipment, "in_transit", half_way)
        scan(shop, shipment, "out_for_delivery", max(half_way, at - timedelta(hours=5)), where=city)
    scan(shop, shipment, "delivered", at, where=city)
    shipment.status = "delivered"
    shipment.delivered_at = at
    shipment.proof_of_delivery = proof or {
        "kind": "signature",
        "at": to_rfc3339(at.replace(microsecond=0)),
        "location": city,
        "signed_by": str(order.shipping_address["name"]),
    }
    for line in shop.lines[order.id]:
        line.delivered = line.shipped
    if all(line.delivered == line.quantity for line in shop.lines[order.id]):
        order.delivered_at = at
        order.status = "completed"


def drop(
    shop: Shop,
    order: Order,
    shipment: Shipment,
    *,
    driver: Driver | None,
    window_to: datetime,
    eta: datetime | None,
    route: Route | None = None,
    status: str = "assigned",
    number: str | None = None,
    completed_at: datetime | None = None,
    instructions: str | None = None,
) -> Delivery:
    """The stop of one of our drivers for a parcel."""
    return shop.draft.add(
        Delivery,
        number=number or shop.draft.number("D-", 5340),
        order_id=order.id,
        shipment_id=shipment.id,
        route_id=route.id if route else None,
        driver_id=driver.id if driver else None,
        status=status,
        window_from=window_to - timedelta(hours=4),
        window_to=window_to,
        eta=eta,
        completed_at=completed_at,
        address=order.shipping_address,
        instructions=instructions,
        created_at=shipment.created_at,
        updated_at=completed_at or shipment.updated_at,
    )


def number_stops(shop: Shop) -> None:
    """Give the stops of each route their sequence, in the order of their expected times."""
    stops = [row for row in shop.draft.rows(Delivery) if row.route_id is not None]
    stops.sort(
        key=lambda row: (str(row.route_id), row.completed_at or row.eta or row.window_to or shop.now, row.number)
    )
    last, position = "", 0
    for row in stops:
        position = position + 1 if row.route_id == last else 1
        last = str(row.route_id)
        row.stop_sequence = position


def _tracking(shop: Shop, carrier: str, number: int) -> str:
    digits = str(int(shop.draft.token("tracking", number, 12), 36))
    return {
        "fedex": digits[:12],
        "dhl": f"JJD0{digits[:14]}",
        "ups": f"1Z{digits[:14]}",
        "gls": digits[:11],
    }.get(carrier, f"LOC{digits[:9]}")
