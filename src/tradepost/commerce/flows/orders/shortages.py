"""Units of open orders that the shelf does not have, and the purchase order that will bring them.

A warehouse serves its open orders in the order they were placed. What it can hand out of a sku is available +
committed + reserved; an order is short when those placed before it use that up.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.inventory.models import Location, StockLevel
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.orders.views import outstanding_quantity
from tradepost.commerce.purchasing.models import PurchaseOrder, PurchaseOrderLine
from tradepost.commerce.store.store import Store
from tradepost.database.lookups import Lookup

Place = tuple[str, str | None]  # a sku and the warehouse that serves it; None: any


@dataclass(frozen=True, slots=True)
class Shortage:
    """`needed` units of a sku of an order, of which only `covered` are there. `recalled`: none may leave."""

    order_id: str
    sku: str
    location_code: str | None
    needed: int
    covered: int
    scale: int
    recalled: bool
    purchase_order: PurchaseOrder | None


# Unordered: asked for in the order of placing, SQLite reads every order there ever was, to spare itself the sorting.
_WAITING = Lookup(
    select(Order.placed_at, Order.id, Order.warehouse_id, OrderLine)
    .join(OrderLine, OrderLine.order_id == Order.id)
    .where(
        OrderLine.sku.in_(bindparam("skus", expanding=True)),
        OrderLine.status != "removed",
        OrderLine.quantity > OrderLine.fulfilled,
        Order.status.in_(("pending", "open", "on_hold")),
    )
)


@dataclass(slots=True)
class _Shelf:
    """What a place can hand out, and what of it no order has claimed."""

    free: int = 0
    usable: int = 0
    code: str | None = None


async def find_shortages(store: Store, unshipped: Mapping[Order, Sequence[OrderLine]]) -> list[Shortage]:
    """The shortages of these orders, given their lines that have not left."""
    needs: dict[tuple[Order, str], int] = defaultdict(int)
    scales: dict[str, int] = {}
    for order, lines in unshipped.items():
        for line in lines:
            needs[order, line.sku] += outstanding_quantity(line)
            scales[line.sku] = line.quantity_scale
    places = {(sku, order.warehouse_id) for order, sku in needs}
    shelves, recalled = await _load_shelves(store, places)
    tight = {
        (sku, order.warehouse_id)
        for (order, sku), needed in needs.items()
        if (sku, order.warehouse_id) in shelves and shelves[sku, order.warehouse_id].free < needed
    }
    covered = await _share_out(store, tight, shelves) if tight else {}
    short: list[tuple[Order, str, int, int]] = []
    for (order, sku), needed in needs.items():
        have = covered.get((order.id, sku), needed)
        if sku in recalled or have < needed:
            short.append((order, sku, needed, have))
    coming = await _load_purchase_orders(store, {sku for _, sku, _, _ in short if sku not in recalled})
    return [
        Shortage(
            order.id,
            sku,
            shelves[sku, order.warehouse_id].code if (sku, order.warehouse_id) in shelves else None,
            needed,
            have,
            scales[sku],
            sku in recalled,
            _first_for(coming.get(sku, ()), order.warehouse_id),
        )
        for order, sku, needed, have in short
    ]


async def _load_shelves(store: Store, places: set[Place]) -> tuple[dict[Place, _Shelf], set[str]]:
    """Shelves of the places whose stock is counted, and the recalled skus."""
    statement = (
        select(
            Variant.sku,
            Variant.status,
            Variant.tracks_stock,
            StockLevel.location_id,
            StockLevel.available,
            StockLevel.committed + StockLevel.reserved,
            Location.code,
        )
        .outerjoin(StockLevel, StockLevel.sku == Variant.sku)
        .outerjoin(Location, Location.id == StockLevel.location_id)
        .where(Variant.sku.in_({sku for sku, _ in places}))
    )
    shelves: dict[Place, _Shelf] = {}
    recalled: set[str] = set()
    warehouses: dict[str, list[str | None]] = defaultdict(list)
    for sku, location_id in places:
        warehouses[sku].append(location_id)
    for sku, status, counted, place, available, claimed, code in await store.session.execute(statement):
        if status == "recalled":
            recalled.add(sku)
        for location_id in warehouses[sku] if counted else ():
            shelf = shelves.setdefault((sku, location_id), _Shelf())
            if location_id in (None, place):
                shelf.free += available or 0  # no stock level at all: nothing there
                shelf.usable += (available or 0) + (claimed or 0)
                shelf.code = code if location_id else None
    return shelves, recalled


async def _share_out(store: Store, tight: set[Place], shelves: Mapping[Place, _Shelf]) -> dict[tuple[str, str], int]:
    """Units that (order id, sku) gets where a shelf is tight: first placed, first served."""
    left = {place: shelves[place].usable for place in tight}
    covered: dict[tuple[str, str], int] = defaultdict(int)
    rows = await store.look_up(_WAITING, skus=sorted({sku for sku, _ in tight}))
    for _, order_id, warehouse_id, line in sorted(rows, key=_first_placed):
        place = (line.sku, warehouse_id)
        if place in left:
            given = min(left[place], outstanding_quantity(line))
            left[place] -= given
            covered[order_id, line.sku] += given
    return covered


def _first_placed(row: Sequence[Any]) -> tuple[datetime, str, int]:
    placed_at, order_id, _, line = row
    return placed_at, order_id, line.position


async def _load_purchase_orders(store: Store, skus: set[str]) -> dict[str, list[PurchaseOrder]]:
    """Open purchase orders with units to come, per sku, the earliest first."""
    if not skus:
        return {}
    statement = (
        select(PurchaseOrderLine.sku, PurchaseOrder)
        .join(PurchaseOrder, PurchaseOrder.id == PurchaseOrderLine.purchase_order_id)
        .where(
            PurchaseOrderLine.sku.in_(skus),
            PurchaseOrderLine.ordered > PurchaseOrderLine.received + PurchaseOrderLine.rejected,
            PurchaseOrder.status.in_(("ordered", "confirmed", "partially_received")),
        )
        .order_by(PurchaseOrder.eta, PurchaseOrder.id)
    )
    coming: dict[str, list[PurchaseOrder]] = defaultdict(list)
    for sku, purchase_order in await store.session.execute(statement):
        coming[sku].append(purchase_order)
    return coming


def _first_for(purchase_orders: Iterable[PurchaseOrder], location_id: str | None) -> PurchaseOrder | None:
    fitting = [row for row in purchase_orders if location_id in (None, row.location_id)]
    dated = [row for row in fitting if row.eta is not None]
    return next(iter(dated or fitting), None)
