"""Placing an order with a supplier: priced from its offers, checked against its terms and against what is on order."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.flows.names import called, find_called
from tradepost.commerce.flows.stock.incoming import Incoming, arriving, incoming_of
from tradepost.commerce.flows.stock.stock_lines import Lines, OneQuantity, OneSku, require_once, wanted_lines
from tradepost.commerce.flows.supply.need import need_of
from tradepost.commerce.flows.supply.suppliers import lead_days, offers_for
from tradepost.commerce.inventory.cover import amount_text
from tradepost.commerce.inventory.models import Location, StockLevel
from tradepost.commerce.inventory.stock import expect, lock_levels, open_level
from tradepost.commerce.purchasing.buying import line_cost, require_terms
from tradepost.commerce.purchasing.models import PurchaseOrder, PurchaseOrderLine, Supplier, SupplierItem
from tradepost.commerce.serving.declare import Answer, write_tool
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.foundation.ids import new_id
from tradepost.foundation.money import MoneyView, money

SupplierRef = Annotated[
    str | None,
    Field(max_length=200, description="Supplier id, number or name; else the preferred one.", examples=["SUP-1"]),
]
Warehouse = Annotated[
    str, Field(min_length=1, max_length=200, description="Target: id, code or name.", examples=["WH-1"])
]
Why = Annotated[
    str, Field(min_length=3, max_length=300, description="Why it is bought.", examples=["Below reorder point"])
]
AllowDuplicate = Annotated[
    bool, Field(description="Order although an open order already brings these units.", examples=[False])
]


class ReorderLineView(TypedDict):
    """A line as it was priced."""

    sku: str
    quantity: int
    unit_cost: MoneyView
    cost: MoneyView


class ReorderView(TypedDict):
    """The new purchase order. `warnings`: open orders that bring some of the same units."""

    id: str
    number: str
    version: int
    purchase_order_status: str
    supplier: str
    warehouse: str
    eta: str
    total: MoneyView
    lines: list[ReorderLineView]
    warnings: list[str]


@dataclass(frozen=True, slots=True)
class _Bought:
    variant: Variant
    offer: SupplierItem
    quantity: int

    @property
    def cost_minor(self) -> int:
        return line_cost(self.quantity, self.variant.quantity_scale, self.offer.cost_minor)

    @property
    def amount(self) -> str:
        return amount_text(self.quantity, self.variant.quantity_scale, self.variant.unit)


@write_tool(title="Create reorder", scope="write:purchasing", money=True)
async def create_reorder(
    store: Store,
    warehouse_id: Warehouse,
    reason: Why,
    supplier: SupplierRef = None,
    sku: OneSku = None,
    quantity: OneQuantity = None,
    lines: Lines = None,
    allow_duplicate: AllowDuplicate = False,
) -> Answer[ReorderView]:
    """Place a purchase order with a supplier for one warehouse. Use after suggest_reorders, when nothing on order
    covers the need. Not for moving own stock (transfer_stock) or customers' orders. Spends money: the total comes from
    the supplier's costs; minimum order and pack size are checked; refused if an open order already brings as much of a
    SKU there. Raises the warehouse's incoming stock; the supplier is not messaged. expected_version means the
    supplier. Returns the order's number, lines, total and ETA."""
    wanted = wanted_lines(sku, quantity, lines)
    place = await find_called(store, Location, warehouse_id, field="warehouse_id")
    variants = [await store.find(Variant, line["sku"], field="lines") for line in wanted]
    require_once(variant.sku for variant in variants)
    partner = await _partner(store, supplier, variants)
    quantities = [line["quantity"] for line in wanted]
    bought = await _priced(store, partner, variants, quantities)
    currency = _one_currency(bought)
    levels = await lock_levels(store, [(item.variant.sku, place.id) for item in bought])
    coming = await incoming_of(store, {item.variant.sku for item in bought}, [place.id])
    warnings = [text for item in bought for text in _overlaps(item, place, coming, store.now, allow_duplicate)]
    suggested = [_suggested(item, levels.get((item.variant.sku, place.id)), place, coming) for item in bought]
    order = await _placed(store, partner, place, bought, currency, reason)
    for item in bought:
        level = levels.get((item.variant.sku, place.id)) or open_level(
            store, variant_id=item.variant.id, sku=item.variant.sku, location_id=place.id
        )
        expect(level, item.quantity)
    await store.session.flush()
    total = money(order.total_minor, currency)
    store.emit(
        "purchase_order:ordered", order, supplier=partner.number, warehouse=place.code, total_minor=order.total_minor
    )
    listed = ", ".join(f"{item.amount} x {item.variant.sku}" for item in bought[:6])
    eta = to_rfc3339(order.eta or store.now)
    store.means(f"Orders {listed} from {called(partner)} for {called(place)}: {total['display']} are owed.")
    store.side_effect(f"{total['display']} are owed to {called(partner)} for {listed}, due {eta[:10]}.")
    for text in warnings:
        store.side_effect(text)
    text = f"{order.number} ordered from {called(partner)} for {place.code}: {listed}, {total['display']} in all, ETA "
    said = " ".join([f"{text}{eta[:10]}.", *warnings])
    return Answer(_view(order, partner, place, bought, warnings), said, known={"suggested": suggested})


def _suggested(item: _Bought, level: StockLevel | None, place: Location, coming: list[Incoming]) -> dict[str, int]:
    """What is bought of a SKU, and what suggest_reorders would have said of it."""
    there = arriving(coming, item.variant.sku, place.id)
    need = need_of(level, there, item.offer, item.variant.quantity_scale).quantity if level is not None else 0
    return {"quantity": item.quantity, "suggested": need}


async def _placed(
    store: Store, partner: Supplier, place: Location, bought: list[_Bought], currency: str, reason: str
) -> PurchaseOrder:
    """The purchase order with its lines, written."""
    order = store.add(
        PurchaseOrder(
            id=new_id(PurchaseOrder.prefix),
            number=await store.next_number("PO-"),
            supplier_id=partner.id,
            location_id=place.id,
            status="ordered",
            currency=currency,
            total_minor=sum(item.cost_minor for item in bought),
            ordered_at=store.now,
            eta=store.now + timedelta(days=max(lead_days(item.offer, partner) for item in bought)),
            reason=reason,
        )
    )
    await store.session.flush()
    for position, item in enumerate(bought, start=1):
        store.add(_line(order, position, item))
    await store.session.flush()
    return order


def _view(
    order: PurchaseOrder, partner: Supplier, place: Location, bought: list[_Bought], warnings: list[str]
) -> ReorderView:
    return {
        "id": order.id,
        "number": order.number,
        "version": order.version,
        "purchase_order_status": order.status,
        "supplier": called(partner),
        "warehouse": place.code,
        "eta": to_rfc3339(order.eta) if order.eta else "",
        "total": money(order.total_minor, order.currency),
        "lines": [
            {
                "sku": item.variant.sku,
                "quantity": item.quantity,
                "unit_cost": money(item.offer.cost_minor, order.currency),
                "cost": money(item.cost_minor, order.currency),
            }
            for item in bought
        ],
        "warnings": warnings,
    }


async def _partner(store: Store, supplier: str | None, variants: list[Variant]) -> Supplier:
    """The supplier named, or the one that all SKUs are usually bought from; locked, so that two orders placed at the
    same moment see each other."""
    if supplier is not None:
        found = await find_called(store, Supplier, supplier, field="supplier")
    else:
        offers = await offers_for(store, [variant.sku for variant in variants])
        usual = {partner.id: partner for _, partner in offers.values()}
        if len(usual) != 1:
            listed = ", ".join(f"{sku}: {called(partner)}" for sku, (_, partner) in sorted(offers.items()))
            raise InvalidArgument(
                f"These SKUs are not all bought from one supplier ({listed or 'nobody offers them'}).",
                hint="Name the supplier, one order each.",
                field="supplier",
            )
        (found,) = usual.values()
    partner = await store.primary(Supplier, found.id, field="supplier")
    if partner.status != "active":
        raise StateConflict(f"The supplier {called(partner)} is {partner.status}.", hint="Choose an active supplier.")
    return partner


async def _priced(store: Store, partner: Supplier, variants: list[Variant], quantities: list[int]) -> list[_Bought]:
    """Each line with the supplier's offer; refuses what the supplier or the shop does not sell."""
    offers = await offers_for(store, [variant.sku for variant in variants], partner.id)
    bought = []
    for variant, quantity in zip(variants, quantities, strict=True):
        if variant.status != "active":
            raise StateConflict(f"{variant.sku} is {variant.status} and is not bought.", hint="Leave it out.")
        if variant.sku not in offers:
            raise InvalidArgument(
                f"The supplier {called(partner)} does not offer {variant.sku}.",
                hint="suggest_reorders shows who offers it.",
                field="supplier",
            )
        offer, _ = offers[variant.sku]
        require_terms(variant.sku, quantity, offer.moq, offer.pack_size, "lines")
        bought.append(_Bought(variant, offer, quantity))
    return bought


def _one_currency(bought: list[_Bought]) -> str:
    currencies = sorted({item.offer.currency for item in bought})
    if len(currencies) > 1:
        raise InvalidArgument(
            f"The lines are priced in {' and '.join(currencies)}.", hint="Place one order per currency.", field="lines"
        )
    return currencies[0]


def _overlaps(item: _Bought, place: Location, coming: list[Incoming], now: datetime, allowed: bool) -> list[str]:
    """Warnings about purchase orders that bring units of the same SKU; refuses what they cover in full."""
    sku = item.variant.sku
    scale, unit = item.variant.quantity_scale, item.variant.unit
    orders = [order for order in arriving(coming, sku, place.id) if order.kind == "purchase_order"]
    if not orders:
        return []
    listed = "; ".join(order.sentence(now, scale, unit) for order in orders[:4])
    covered = sum(order.quantity for order in orders)
    if covered >= item.quantity and not allowed:
        raise StateConflict(
            f"{sku} for {place.code} is already ordered: {listed}. {item.amount} more are asked for.",
            hint="Leave the line out, or send allow_duplicate=true if it is meant to come twice.",
            field="allow_duplicate",
            details={"sku": sku, "orders": [order.number for order in orders], "outstanding": covered},
        )
    return [f"Note: {sku} for {place.code} is on order already: {listed}."]


def _line(order: PurchaseOrder, position: int, item: _Bought) -> PurchaseOrderLine:
    return PurchaseOrderLine(
        id=new_id(PurchaseOrderLine.prefix),
        purchase_order_id=order.id,
        position=position,
        variant_id=item.variant.id,
        sku=item.variant.sku,
        ordered=item.quantity,
        unit_cost_minor=item.offer.cost_minor,
    )


TOOLS = (create_reorder,)
