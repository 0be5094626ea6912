"""What is on the way in the random shop: parcels in parts, stops, routes, purchase orders, transfers, returns."""

from datetime import timedelta
from typing import Any, get_args

from tests.commerce.other_shop import OtherShop
from tradepost.commerce.inventory.models import Transfer, TransferLine, TransferStatus
from tradepost.commerce.logistics.models import (
    Delivery,
    DeliveryStatus,
    Fulfillment,
    FulfillmentLine,
    Route,
    Shipment,
    ShipmentStatus,
    TrackingEvent,
)
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.purchasing.models import PurchaseOrder, PurchaseOrderLine, PurchaseOrderStatus
from tradepost.commerce.returns.models import Resolution, Return, ReturnLine, ReturnReason, ReturnStatus


def add_goods_on_the_way(shop: OtherShop) -> None:
    """All of it."""
    routes = [_route(shop, index) for index in range(4)]
    for index, (order, lines, _) in enumerate(shop.orders):
        shipped = [line for line in lines if line.shipped]
        parts = [shipped[:1], shipped[1:]] if index % 2 else [shipped]
        for sequence, part in enumerate((part for part in parts if part), start=1):
            parcel = _parcel(shop, order, part, sequence, index)
            if index % 3 == 0 or not parcel.carrier_id:
                _stop(shop, order, parcel, routes[index % 4], index)
    for index in range(14):
        _purchase(shop, index)
    for index in range(5):
        _transfer(shop, index)
    delivered = [(order, lines) for order, lines, _ in shop.orders if order.delivered_at is not None]
    for index, (order, lines) in enumerate(delivered[:16]):
        _return(shop, order, lines[0], index)


def _route(shop: OtherShop, index: int) -> Route:
    driver = shop.drivers[index]
    return shop.add(  # type: ignore[no-any-return]
        Route(
            id=shop.id("tour"),
            number=shop.number("tour"),
            driver_id=driver.id,
            location_id=driver.location_id,
            service_date=(shop.ago(-(index % 2))).date(),
            status=("planned", "active", "completed", "draft")[index],
        )
    )


def _parcel(shop: OtherShop, order: Order, part: list[OrderLine], sequence: int, index: int) -> Shipment:
    done = shop.add(Fulfillment(id=shop.id("pack"), order_id=order.id, sequence=sequence))
    for position, line in enumerate(part, start=1):
        shop.add(
            FulfillmentLine(
                id=shop.id("packed"),
                fulfillment_id=done.id,
                position=position,
                order_line_id=line.id,
                variant_id=line.variant_id,
                quantity=line.shipped,
            )
        )
    count = shop.next("parcel")
    status = "delivered" if order.delivered_at else shop.of(ShipmentStatus, count)
    arrived = order.delivered_at or (shop.ago(1) if status == "delivered" else None)
    parcel = Shipment(
        id=shop.id("box"),
        number=shop.number("box"),
        order_id=order.id,
        fulfillment_id=done.id,
        position=sequence,
        location_id=order.warehouse_id,
        carrier_id=shop.carriers[count % 3].id if count % 5 else None,
        tracking_number=f"TR {count:03d} {shop.random.randint(10, 99)}",
        status=status,
        shipped_at=order.placed_at + timedelta(hours=5),
        eta=order.placed_at + timedelta(days=shop.random.uniform(1, 25)),
        delivered_at=arrived,
        delay_reason=shop.text() if status == "delayed" else None,
        proof_of_delivery={"kind": "signature", "at": "2031-07-01T00:00:00Z"} if arrived else None,
        currency=shop.currency,
        cost_minor=900,
    )
    shop.add(parcel)
    for turn in range(2):
        shop.add(
            TrackingEvent(
                id=shop.id("scan"),
                shipment_id=parcel.id,
                occurred_at=shop.ago(3 - turn),
                status="in_transit",
                location=shop.word(),
                message=shop.text(),
            )
        )
    return parcel


def _stop(shop: OtherShop, order: Order, parcel: Shipment, route: Route, index: int) -> None:
    status = shop.of(DeliveryStatus, shop.next("stop"))
    if order.delivered_at is not None:
        status = "completed"
    assigned = status != "unassigned"
    shop.add(
        Delivery(
            id=shop.id("drop"),
            number=shop.number("drop"),
            order_id=order.id,
            shipment_id=parcel.id,
            route_id=route.id if assigned else None,
            driver_id=route.driver_id if assigned else None,
            status=status,
            stop_sequence=shop.next(f"stop of {route.id}") if assigned else None,
            window_from=shop.ago(-0.2),
            window_to=shop.ago(-0.4),
            eta=shop.ago(-0.3) if index % 4 else None,
            completed_at=order.delivered_at or (shop.ago(1) if status == "completed" else None),
            failure_reason=shop.text() if status == "failed" else None,
            address=order.shipping_address,
            instructions=shop.text(),
        )
    )


def _purchase(shop: OtherShop, index: int) -> None:
    status = shop.of(PurchaseOrderStatus, index)
    maker = shop.suppliers[index % 3]
    received = {"partially_received": 4, "received": 10, "closed": 9}.get(status, 0)
    bought: dict[str, Any] = {"draft": {}}.get(status, {"ordered_at": shop.ago(12), "eta": shop.ago(6 - index)})
    order = shop.add(
        PurchaseOrder(
            id=shop.id("buy"),
            number=shop.number("buy"),
            supplier_id=maker.id,
            location_id=shop.places[index % 3].id,
            status=status,
            currency=shop.currency,
            total_minor=5000,
            reason=shop.text(),
            **bought,
        )
    )
    for position, variant in enumerate(shop.random.sample(shop.variants[:27], 2), start=1):
        shop.add(
            PurchaseOrderLine(
                id=shop.id("bl"),
                purchase_order_id=order.id,
                position=position,
                variant_id=variant.id,
                sku=variant.sku,
                ordered=10,
                received=received,
                rejected=1 if status == "closed" else 0,
                unit_cost_minor=250,
            )
        )


def _transfer(shop: OtherShop, index: int) -> None:
    status = shop.of(TransferStatus, index)
    moved = shop.add(
        Transfer(
            id=shop.id("shift"),
            number=shop.number("shift"),
            from_location_id=shop.places[0].id,
            to_location_id=shop.places[1].id,
            status=status,
            shipped_at=shop.ago(2) if status in ("in_transit", "received") else None,
            eta=shop.ago(-1),
            received_at=shop.ago(0.5) if status == "received" else None,
        )
    )
    variant = shop.variants[index]
    shop.add(
        TransferLine(
            id=shop.id("sl"), transfer_id=moved.id, position=1, variant_id=variant.id, sku=variant.sku, quantity=2
        )
    )


def _return(shop: OtherShop, order: Order, line: OrderLine, index: int) -> None:
    status = shop.of(ReturnStatus, index) if index < len(get_args(ReturnStatus)) else "requested"
    there = status in ("received", "inspected", "closed")
    units = 10**line.quantity_scale
    line.return_requested = 0 if status in ("declined", "canceled") else units
    line.return_received = units if there else 0
    back = shop.add(
        Return(
            id=shop.id("rev"),
            number=shop.number("rev"),
            order_id=order.id,
            customer_id=order.customer_id,
            status=status,
            resolution=shop.of(Resolution, 0 if index % 2 else index),
            currency=order.currency,
            location_id=shop.places[index % 3].id,
            window_ends_at=shop.ago(-9 if index % 3 else 2),
            requested_at=shop.ago(1.5),
            approved_at=shop.ago(1) if status != "requested" else None,
            received_at=shop.ago(0.5) if there else None,
            customer_note=shop.text(),
        )
    )
    shop.add(
        ReturnLine(
            id=shop.id("rl"),
            return_id=back.id,
            position=1,
            order_line_id=line.id,
            variant_id=line.variant_id,
            sku=line.sku,
            quantity=units,
            received=units if there else 0,
            reason=shop.of(ReturnReason, index),
            customer_note=shop.text(),
        )
    )
