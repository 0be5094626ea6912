"""What products and variants look like to a caller, and whether a buyer can have them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from typing_extensions import TypedDict

from tradepost.commerce.catalog.models import Product, Variant
from tradepost.foundation.money import MoneyView, money
from tradepost.foundation.untrusted import clean

NAME_CAP = 120
DESCRIPTION_CAP = 500

Availability = Literal["in_stock", "backorder", "preorder", "out_of_stock", "discontinued"]
_BEST_FIRST: tuple[Availability, ...] = ("in_stock", "backorder", "preorder", "out_of_stock", "discontinued")


@dataclass(frozen=True, slots=True)
class Stock:
    """Units of a sku over all locations: free to sell, and on their way."""

    available: int = 0
    incoming: int = 0


# A sellable unit. `available` units only where stock is counted; `unit` and `quantity_scale` for measured goods.
class VariantView(TypedDict, total=False):
    id: str
    external_id: str | None
    sku: str
    options: dict[str, str]
    price: MoneyView
    availability: str
    available: int | None
    recalled: bool
    unit: str
    quantity_scale: int
    gtin: str | None
    weight_grams: int | None
    attributes: dict[str, Any]
    version: int


def availability_of(product: Product, variant: Variant, stock: Stock) -> Availability:
    """Whether a buyer can have it: with stock counted by the free units, else by what the shop says (`sellable`). A
    variant whose attributes say {"preorder": true} may be ordered ahead."""
    if product.status == "archived" or variant.status == "discontinued":
        return "discontinued"
    if variant.status == "recalled":
        return "out_of_stock"
    if not variant.tracks_stock:
        return "in_stock" if variant.sellable else "out_of_stock"
    if stock.available > 0:
        return "in_stock"
    if variant.attributes.get("preorder") is True:
        return "preorder"
    return "backorder" if stock.incoming > 0 else "out_of_stock"


def best_availability(found: Sequence[Availability]) -> Availability:
    """The best that any variant of a product offers."""
    return min(found, key=_BEST_FIRST.index, default="out_of_stock")


def variant_view(product: Product, variant: Variant, stock: Mapping[str, Stock]) -> VariantView:
    """A variant; `stock` by sku."""
    units = stock.get(variant.sku, Stock())
    view: VariantView = {
        "id": variant.id,
        "external_id": variant.external_id,
        "sku": variant.sku,
        "options": {str(name): clean(str(value), NAME_CAP) for name, value in variant.options.items()},
        "price": money(variant.price_minor, variant.currency),
        "availability": availability_of(product, variant, units),
        "available": units.available if variant.tracks_stock else None,
        "recalled": variant.status == "recalled",
        "version": variant.version,
    }
    if variant.quantity_scale:
        view["unit"] = variant.unit
        view["quantity_scale"] = variant.quantity_scale
    return view


def variant_in_full(product: Product, variant: Variant, stock: Mapping[str, Stock]) -> VariantView:
    """A variant with its codes, weight and attributes."""
    return {
        **variant_view(product, variant, stock),
        "gtin": variant.gtin,
        "weight_grams": variant.weight_grams,
        "attributes": variant.attributes,
    }


def as_buyers_see(view: VariantView) -> None:
    """Leave out what is the shop's own affair: how many there are, and what it keeps in the attributes."""
    view["available"] = None
    if "attributes" in view:
        view["attributes"] = {}


def options_text(variant: VariantView) -> str:
    """ "SKU-1 (size M, color blue) €12.50 in_stock"."""
    options = ", ".join(f"{name} {value}" for name, value in variant["options"].items())
    recalled = ", recalled" if variant["recalled"] else ""
    shown = f" ({options})" if options else ""
    return f"{variant['sku']}{shown} {variant['price']['display']} {variant['availability']}{recalled}"
