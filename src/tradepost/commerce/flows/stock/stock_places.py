"""The stock level that a write is about: one sku at one warehouse, with what people call them."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from sqlalchemy import select

from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.flows.names import called, find_called
from tradepost.commerce.inventory.cover import amount_text
from tradepost.commerce.inventory.models import Location, StockLevel
from tradepost.commerce.inventory.stock import lock_levels
from tradepost.commerce.inventory.views import LevelView, level_view
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument, NotFound, StateConflict

Sku = Annotated[str, Field(min_length=1, max_length=200, description="SKU or variant id.", examples=["SKU-1"])]
Warehouse = Annotated[
    str | None,
    Field(
        max_length=200,
        description="Warehouse: id, code or name; may be left out where only one holds the SKU.",
        examples=["WH-1"],
    ),
]


@dataclass(frozen=True, slots=True)
class StockPlace:
    """A locked stock level with its variant and warehouse."""

    variant: Variant
    warehouse: Location
    level: StockLevel

    def amount(self, quantity: int) -> str:
        """A quantity as people write it."""
        return amount_text(quantity, self.variant.quantity_scale, self.variant.unit)

    def view(self, store: Store) -> LevelView:
        """The level as callers see it."""
        return level_view(
            self.level,
            self.warehouse,
            store.now,
            "full",
            scale=self.variant.quantity_scale,
            unit=self.variant.unit,
            recalled=self.variant.status == "recalled",
        )

    def sentence(self) -> str:
        """What the level holds now."""
        level = self.level
        return (
            f"{level.sku} at {self.warehouse.code}: {self.amount(level.available)} available of "
            f"{self.amount(level.on_hand)} on hand"
        )


async def lock_place(store: Store, sku: str, warehouse_id: str | None) -> StockPlace:
    """The level, locked, with the caller's expected_version checked. Raises NotFound where the warehouse does not hold
    the sku, InvalidArgument where several do and none is named, StateConflict where its stock is not counted."""
    variant = await store.find(Variant, sku, field="sku")
    if not variant.tracks_stock:
        raise StateConflict(
            f"The shop does not count the stock of {variant.sku}.", hint="Only counted SKUs have stock to change."
        )
    warehouse = await _warehouse(store, variant, warehouse_id)
    level = (await lock_levels(store, [(variant.sku, warehouse.id)])).get((variant.sku, warehouse.id))
    if level is None:
        raise NotFound(
            f"{called(warehouse)} does not hold {variant.sku}.",
            hint="check_inventory shows which warehouses do.",
            field="warehouse_id",
        )
    return StockPlace(variant, warehouse, await store.primary(StockLevel, level.id))


async def _warehouse(store: Store, variant: Variant, reference: str | None) -> Location:
    if reference is not None:
        return await find_called(store, Location, reference, field="warehouse_id")
    holding = await store.all(
        select(Location)
        .join(StockLevel, (StockLevel.workspace_id == Location.workspace_id) & (StockLevel.location_id == Location.id))
        .where(StockLevel.sku == variant.sku)
        .order_by(Location.code)
    )
    if len(holding) == 1:
        return holding[0]
    if not holding:
        raise NotFound(f"No warehouse holds {variant.sku}.", hint="Goods come in with receive_purchase_order.")
    raise InvalidArgument(
        f"{variant.sku} is held at {', '.join(called(place) for place in holding[:8])}.",
        hint="Say which one in warehouse_id.",
        field="warehouse_id",
    )
