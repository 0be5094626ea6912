"""An order's stock: units committed at its warehouse are given back or swapped when the order changes.

Only variants whose stock is counted take part, and only at the order's own warehouse; an order without one has nothing
committed.
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import select

from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.inventory.models import StockLevel
from tradepost.commerce.inventory.stock import Place, commit, lock_levels, move, release_commitment
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.store.store import Store


async def variants_of(store: Store, lines: Iterable[OrderLine]) -> dict[str, Variant]:
    """{variant id: variant} of some lines."""
    wanted = sorted({line.variant_id for line in lines})
    return {row.id: row for row in await store.all(select(Variant).where(Variant.id.in_(wanted)))} if wanted else {}


async def lock_order_levels(store: Store, order: Order, variants: Iterable[Variant]) -> dict[Place, StockLevel]:
    """The stock levels of the counted variants at the order's warehouse, locked."""
    if order.warehouse_id is None:
        return {}
    return await lock_levels(store, ((row.sku, order.warehouse_id) for row in variants if row.tracks_stock))


def give_back(
    store: Store, order: Order, levels: Mapping[Place, StockLevel], sku: str, quantity: int, *, sellable: bool, why: str
) -> int:
    """Release the order's commitment of a sku: to available stock, or aside into quality control. Returns the units
    moved: never more than the level holds as committed."""
    level = levels.get((sku, order.warehouse_id or ""))
    units = min(quantity, level.committed) if level is not None else 0
    if level is None or units <= 0:
        return 0
    if sellable:
        release_commitment(store, level, units, order.number, why)
    else:
        move(store, level, "committed", "quality_control", units, "release", order.number, why)
    return units


def promise(
    store: Store, order: Order, levels: Mapping[Place, StockLevel], sku: str, quantity: int, *, why: str
) -> None:
    """Commit available units of a sku to the order. Raises StateConflict where there are too few."""
    level = levels.get((sku, order.warehouse_id or ""))
    if level is not None and quantity > 0:
        commit(store, level, quantity, order.number, why)
