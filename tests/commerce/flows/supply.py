"""Rows of a small supply chain for the tests: places, goods, suppliers."""

from datetime import datetime, timedelta
from typing import Any

from tests.commerce.conftest import NOW
from tradepost.commerce.catalog.models import Product, Variant
from tradepost.commerce.inventory.models import Location, StockLevel
from tradepost.commerce.purchasing.models import PurchaseOrder, PurchaseOrderLine, Supplier, SupplierItem

ADDRESS: dict[str, Any] = {"line1": "Kade 1", "city": "Delft", "postal_code": "2600", "country": "NL"}


def days(count: float) -> datetime:
    return NOW + timedelta(days=count)


def location(code: str, name: str, zone: str = "Europe/Amsterdam") -> Location:
    return Location(id=f"loc_{code}", code=code, name=name, timezone=zone, address=ADDRESS)


def goods(sku: str, *, category: str = "tools", **options: Any) -> list[Any]:
    """A product with one variant."""
    return [
        Product(id=f"prd_{sku}", number=f"P-{sku}", name=f"Thing {sku}", category=category, option_names=[]),
        Variant(
            id=f"var_{sku}", sku=sku, product_id=f"prd_{sku}", options={}, price_minor=1000, currency="EUR", **options
        ),
    ]


def level(sku: str, code: str, available: int, **options: Any) -> StockLevel:
    held = sum(
        options.get(state, 0) for state in ("committed", "reserved", "damaged", "quality_control", "safety_stock")
    )
    return StockLevel(
        id=f"stk_{sku}_{code}",
        variant_id=f"var_{sku}",
        sku=sku,
        location_id=f"loc_{code}",
        available=available,
        on_hand=available + held,
        **options,
    )


def supplier(number: str, name: str, **options: Any) -> Supplier:
    return Supplier(id=f"sup_{number}", number=number, name=name, currency="EUR", **options)


def offer(number: str, sku: str, cost_minor: int, **options: Any) -> SupplierItem:
    return SupplierItem(
        id=f"spi_{number}_{sku}",
        supplier_id=f"sup_{number}",
        variant_id=f"var_{sku}",
        sku=sku,
        cost_minor=cost_minor,
        **{"currency": "EUR", **options},
    )


def purchase(number: str, supplier_number: str, code: str, status: str, eta: datetime | None) -> PurchaseOrder:
    return PurchaseOrder(
        id=f"po_{number}",
        number=number,
        supplier_id=f"sup_{supplier_number}",
        location_id=f"loc_{code}",
        status=status,
        currency="EUR",
        total_minor=10_000,
        ordered_at=days(-10),
        eta=eta,
    )


def purchase_line(number: str, sku: str, ordered: int, received: int = 0, rejected: int = 0) -> PurchaseOrderLine:
    return PurchaseOrderLine(
        id=f"pol_{number}_{sku}",
        purchase_order_id=f"po_{number}",
        position=1,
        variant_id=f"var_{sku}",
        sku=sku,
        ordered=ordered,
        received=received,
        rejected=rejected,
        unit_cost_minor=500,
    )
