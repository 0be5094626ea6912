"""Suppliers, what they offer, and purchase orders: a past, the open ones, and those with a story."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from tradepost.commerce.demo.shop import Shop
from tradepost.commerce.purchasing.models import PurchaseOrder, PurchaseOrderLine, Supplier, SupplierItem

_PAST_ORDERS = 14
_LEAD_TIMES = (14, 10, 12, 14, 9, 12, 15, 7)
# Their stock is told elsewhere, down to the unit: no past purchase order touches it.
_TOLD = frozenset("A-100 B-7 C-205 C-310 D-410 TEE-ORG-M TEE-ORG-L HOODIE-L SHOE-ROAD-42 CABLE-USBC-1M".split())
RECEIVED_AT_MOST = 24  # units per line of a past purchase order: the shelves still hold more than that


@dataclass(frozen=True)
class Purchase:
    """A purchase order of a case. Days are before now; a negative eta is ahead."""

    number: str
    location: str
    status: Literal["draft", "ordered", "confirmed"]
    lines: tuple[tuple[str, int], ...]
    ordered: float
    eta: float
    reason: str


_PURCHASES = (
    Purchase(
        "PO-778",
        "RTM",
        "confirmed",
        (("MUG-STONE-WHITE", 60), ("MUG-TRAVEL-BLACK", 40)),
        13,
        0.1,
        "Replenishment. The supplier's dispatch advice lists 48 of 60 MUG-STONE-WHITE: 12 short.",
    ),
    Purchase("PO-781", "RTM", "confirmed", (("C-205", 30),), 17, 4, "Sold out at Rotterdam."),
    Purchase("PO-783", "LYS", "confirmed", (("D-410", 24),), 16, 2, "Sold out at Lyon."),
    Purchase("PO-784", "LEJ", "confirmed", (("C-310", 60),), 6, -5, "Below the reorder point."),
    Purchase("PO-786", "MXP", "ordered", (("NOTE-A5-DOTS", 40), ("NOTE-A5-LINES", 40)), 14, 1, "Season stock."),
    Purchase("PO-788", "LYS", "ordered", (("TEE-ORG-S", 40), ("TEE-ORG-L", 40)), 3, -7, "Season stock."),
    Purchase("PO-790", "RTM", "draft", (("LAMP-DESK-WHITE", 20),), 1, -14, "To be checked by the buyer."),
)


def add_supply(shop: Shop) -> None:
    """Suppliers, their offers, and all purchase orders."""
    brands = list(dict.fromkeys(goods.brand for goods in shop.flavor.goods))
    suppliers = {}
    for index, name in enumerate(shop.flavor.suppliers):
        domain = name.split()[0].lower()
        suppliers[index] = shop.draft.add(
            Supplier,
            number=f"SUP-{index + 1:02d}",
            name=name,
            email=f"orders@{domain}.example",
            currency=shop.flavor.currency,
            lead_time_days=_LEAD_TIMES[index % len(_LEAD_TIMES)],
        )
    by_brand = {brand: suppliers[_supplier_index(shop, brand, index)] for index, brand in enumerate(brands)}
    offers: dict[str, SupplierItem] = {}
    for goods in shop.flavor.goods:
        for sku in goods.variants:
            offers[sku] = _offer(shop, by_brand[goods.brand], sku, goods.price, preferred=True)
    # A second source, dearer and slower, so that a suggestion has to choose.
    dearer = shop.variants["A-100"].price_minor * 11 // 10
    _offer(shop, suppliers[min(4, len(suppliers) - 1)], "A-100", dearer, preferred=False)
    _add_past(shop, offers)
    if shop.flavor.cases:
        for purchase in _PURCHASES:
            _add_case(shop, purchase, offers)


def lead_times(shop: Shop) -> dict[str, int]:
    """Days from order to arrival per sku, of the preferred supplier."""
    days = {row.id: row.lead_time_days for row in shop.draft.rows(Supplier)}
    return {row.sku: days[row.supplier_id] for row in shop.draft.rows(SupplierItem) if row.preferred}


def _supplier_index(shop: Shop, brand: str, index: int) -> int:
    names = [name.split()[0] for name in shop.flavor.suppliers]
    first_word = brand.split()[0]
    return names.index(first_word) if first_word in names else index % len(names)


def _offer(shop: Shop, supplier: Supplier, sku: str, price_minor: int, *, preferred: bool) -> SupplierItem:
    return shop.draft.add(
        SupplierItem,
        supplier_id=supplier.id,
        variant_id=shop.variants[sku].id,
        sku=sku,
        cost_minor=price_minor * 45 // 100,
        currency=shop.flavor.currency,
        moq=10,
        pack_size=5,
        lead_time_days=None if preferred else supplier.lead_time_days + 7,
        preferred=preferred,
    )


def _add_past(shop: Shop, offers: dict[str, SupplierItem]) -> None:
    chance = shop.draft.chance("supply")
    by_supplier: dict[str, list[SupplierItem]] = {}
    for offer in offers.values():
        if shop.variants[offer.sku].quantity_scale == 0 and offer.sku not in _TOLD:
            by_supplier.setdefault(offer.supplier_id, []).append(offer)
    for index in range(_PAST_ORDERS):
        chosen = chance.choice(sorted(by_supplier))
        picked = chance.sample(by_supplier[chosen], min(2, len(by_supplier[chosen])))
        ordered_at = shop.ago(days=58 - index * 2.4)
        _add_order(
            shop,
            f"PO-{762 + index}",
            chance.choice(sorted(shop.locations)),
            [(offer, chance.randrange(10, RECEIVED_AT_MOST + 1, 2)) for offer in picked],
            ordered_at,
            ordered_at + timedelta(days=12),
            "closed" if index < 9 else "received",
            "Replenishment.",
        )


def _add_case(shop: Shop, purchase: Purchase, offers: dict[str, SupplierItem]) -> None:
    _add_order(
        shop,
        purchase.number,
        purchase.location,
        [(offers[sku], quantity) for sku, quantity in purchase.lines],
        shop.ago(days=purchase.ordered),
        shop.ago(days=purchase.eta),
        purchase.status,
        purchase.reason,
    )


def _add_order(
    shop: Shop,
    number: str,
    location: str,
    lines: list[tuple[SupplierItem, int]],
    ordered_at: datetime,
    eta: datetime,
    status: str,
    reason: str,
) -> None:
    arrived = status in ("received", "closed")
    order = shop.draft.add(
        PurchaseOrder,
        number=number,
        supplier_id=lines[0][0].supplier_id,
        location_id=shop.locations[location].id,
        status=status,
        currency=shop.flavor.currency,
        total_minor=sum(offer.cost_minor * quantity for offer, quantity in lines),
        ordered_at=None if status == "draft" else ordered_at,
        eta=eta,
        confirmed_at=ordered_at + timedelta(days=1) if status in ("confirmed", "received", "closed") else None,
        received_at=eta if arrived else None,
        reason=reason,
        created_at=ordered_at,
    )
    for position, (offer, quantity) in enumerate(lines, start=1):
        shop.draft.add(
            PurchaseOrderLine,
            purchase_order_id=order.id,
            position=position,
            variant_id=offer.variant_id,
            sku=offer.sku,
            ordered=quantity,
            received=quantity if arrived else 0,
            unit_cost_minor=offer.cost_minor,
            created_at=ordered_at,
        )
