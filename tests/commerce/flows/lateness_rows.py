"""Rows for tests about late orders: parcels, stops, drivers, stock and purchase orders, with short arguments."""

from typing import Any

from tests.commerce.books import ADDRESS, customer, days, product, variant, warehouse
from tradepost.commerce.inventory.models import StockLevel
from tradepost.commerce.logistics.models import Carrier, Delivery, Driver, Route, Shipment
from tradepost.commerce.orders.models import Order
from tradepost.commerce.purchasing.models import PurchaseOrder, PurchaseOrderLine, Supplier


def ground() -> list[Any]:
    """What every order stands on: a customer, a warehouse, a product with one variant, a carrier, a supplier."""
    return [
        customer(),
        warehouse(),
        product(),
        variant("A"),
        Carrier(id="car_1", code="fast", name="FastShip", services=[]),
        Supplier(id="sup_1", number="S-1", name="Maker", currency="EUR"),
    ]


def shipment(of: Order, name: str = "1", **fields: Any) -> Shipment:
    given: dict[str, Any] = {"carrier_id": "car_1", "status": "in_transit", "tracking_number": f"TN{of.number}{name}"}
    return Shipment(
        id=f"shp_{of.number}_{name}", number=f"SH-{of.number}-{name}", order_id=of.id, **{**given, **fields}
    )


def driver(name: str = "Kim", **fields: Any) -> Driver:
    return Driver(id=f"drv_{name}", number=f"DRV-{name}", name=name, location_id="loc_W1", **fields)


def sick(name: str = "Kim", **fields: Any) -> Driver:
    given = {"status": "unavailable", "unavailable_reason": "sick", "unavailable_since": days(-3)}
    return driver(name, **{**given, **fields})


def route(**fields: Any) -> Route:
    return Route(id="rte_1", number="R-1", location_id="loc_W1", service_date=days(0).date(), **fields)


def stop(of: Order, **fields: Any) -> Delivery:
    given: dict[str, Any] = {"status": "assigned", "address": ADDRESS}
    return Delivery(id=f"dlv_{of.number}", number=f"D-{of.number}", order_id=of.id, **{**given, **fields})


def stock(available: int, committed: int = 0, sku: str = "A", code: str = "W1", incoming: int = 0) -> StockLevel:
    return StockLevel(
        id=f"stk_{sku}_{code}",
        variant_id=f"var_{sku}",
        sku=sku,
        location_id=f"loc_{code}",
        on_hand=available + committed,
        available=available,
        committed=committed,
        incoming=incoming,
    )


def purchase(number: str, eta: float | None, **fields: Any) -> list[Any]:
    """A confirmed purchase order of 50 A for the warehouse."""
    given: dict[str, Any] = {"supplier_id": "sup_1", "location_id": "loc_W1", "status": "confirmed", "currency": "EUR"}
    when = None if eta is None else days(eta)
    return [
        PurchaseOrder(id=f"po_{number}", number=number, eta=when, **{**given, **fields}),
        PurchaseOrderLine(
            id=f"pol_{number}",
            purchase_order_id=f"po_{number}",
            position=1,
            variant_id="var_A",
            sku="A",
            ordered=50,
            unit_cost_minor=100,
        ),
    ]
