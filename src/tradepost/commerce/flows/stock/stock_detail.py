"""One sku everywhere: its states per location, how long it lasts, and what is on its way."""

from typing import Annotated, NotRequired

from pydantic import Field
from sqlalchemy import select
from typing_extensions import TypedDict

from tradepost.commerce.catalog.models import Product, Variant
from tradepost.commerce.flows.names import find_called
from tradepost.commerce.flows.stock.incoming import IncomingView, incoming_of, incoming_view
from tradepost.commerce.inventory.cover import amount_text, days_of_cover
from tradepost.commerce.inventory.models import Location, StockLevel
from tradepost.commerce.inventory.views import LevelView, level_view
from tradepost.commerce.serving.declare import Answer, read_tool, resource
from tradepost.commerce.store.store import Store
from tradepost.foundation.untrusted import clean

SkuRef = Annotated[str, Field(min_length=1, max_length=200, description="SKU or variant id.", examples=["SKU-1"])]
WarehouseFilter = Annotated[
    str | None, Field(max_length=200, description="Only this warehouse: id, code or name.", examples=["WH-1"])
]

_STATES = (
    *("on_hand", "available", "committed", "reserved", "damaged"),
    *("quality_control", "safety_stock", "incoming"),
)


class StockTotals(TypedDict):
    """The sums over the locations shown."""

    on_hand: int
    available: int
    committed: int
    reserved: int
    damaged: int
    quality_control: int
    safety_stock: int
    incoming: int


class StockView(TypedDict):
    """A sku's stock. `availability`: in_stock, out_of_stock or discontinued, as a buyer would see it."""

    id: str
    sku: str
    product_id: str
    name: str
    status: str
    recalled: bool
    availability: str
    stock_counted: bool
    unit: NotRequired[str]
    quantity_scale: NotRequired[int]
    totals: StockTotals
    days_of_cover: float | None
    levels: list[LevelView]
    incoming: list[IncomingView]


@read_tool(title="Check inventory", scope="read:inventory")
async def check_inventory(store: Store, sku: SkuRef, warehouse_id: WarehouseFilter = None) -> Answer[StockView]:
    """Show how much of one SKU there is: every stock state per warehouse, totals, days of cover, recall, and purchase
    orders and transfers on their way with ETA. Use before promising, exchanging, moving or reordering an item. Not for
    many SKUs at once (list_stock_levels), for what runs low (list_low_stock) or for what happened
    (list_stock_movements). Reads only. Returns the levels with id and version, totals and incoming; only `available`
    units can be sold."""
    variant = await store.find(Variant, sku, field="sku")
    place = None if warehouse_id is None else await find_called(store, Location, warehouse_id, field="warehouse_id")
    return await stock_of(store, variant, place)


async def stock_of(store: Store, variant: Variant, place: Location | None = None) -> Answer[StockView]:
    """The stock of a variant, everywhere or at one place."""
    statement = (
        select(StockLevel, Location)
        .join(Location, (Location.workspace_id == StockLevel.workspace_id) & (Location.id == StockLevel.location_id))
        .where(StockLevel.sku == variant.sku)
        .order_by(Location.code)
    )
    if place is not None:
        statement = statement.where(StockLevel.location_id == place.id)
    found = [(level, location) for level, location in await store.session.execute(statement)]
    product = await store.get(Product, variant.product_id)
    codes = {location.id: location.code for _, location in found}
    on_the_way = await incoming_of(store, [variant.sku], codes.keys())
    totals = StockTotals(**{state: sum(getattr(level, state) for level, _ in found) for state in _STATES})  # type: ignore[typeddict-item]
    recalled = variant.status == "recalled"
    demand = sum(level.daily_demand_milli for level, _ in found)
    view: StockView = {
        "id": variant.id,
        "sku": variant.sku,
        "product_id": variant.product_id,
        "name": clean(product.name if product else "", 120),
        "status": variant.status,
        "recalled": recalled,
        "availability": _availability(variant, totals["available"]),
        "stock_counted": variant.tracks_stock,
        "totals": totals,
        "days_of_cover": days_of_cover(totals["available"], demand, variant.quantity_scale),
        "levels": [
            level_view(
                level,
                location,
                store.now,
                "full",
                scale=variant.quantity_scale,
                unit=variant.unit,
                recalled=recalled,
            )
            for level, location in found
        ],
        "incoming": [incoming_view(item, codes[item.location_id], store.now) for item in on_the_way],
    }
    if variant.quantity_scale:
        view["unit"] = variant.unit
        view["quantity_scale"] = variant.quantity_scale
    return Answer(view, _sentence(view, variant, place))


def _availability(variant: Variant, available: int) -> str:
    if variant.status == "recalled":
        return "out_of_stock"
    in_stock = available > 0 if variant.tracks_stock else variant.sellable
    if in_stock:
        return "in_stock"
    return "discontinued" if variant.status == "discontinued" else "out_of_stock"


def _sentence(view: StockView, variant: Variant, place: Location | None) -> str:
    recalled = " RECALLED: not to be sold." if view["recalled"] else ""
    if not variant.tracks_stock:
        sold = "can be sold now" if view["availability"] == "in_stock" else "cannot be sold now"
        return f"{variant.sku} {sold}; its stock is not counted.{recalled}"
    if not view["levels"]:
        where = f" at {place.code}" if place else ""
        return f"No stock of {variant.sku} is held{where}.{recalled}"

    def amount(quantity: int) -> str:
        return amount_text(quantity, variant.quantity_scale, variant.unit)

    parts = []
    for level in view["levels"][:6]:
        cover = level["days_of_cover"]
        lasts = "" if cover is None else f", {cover} days of cover"
        parts.append(
            f"{level['warehouse']} {amount(level['available'])} available of {amount(level['on_hand'])}{lasts}"
        )
    coming = ""
    if view["incoming"]:
        shown = [
            f"{item['number']} {amount(item['quantity'])} to {item['warehouse']}"
            f" (ETA {(item['eta'] or 'unknown')[:10]}{', overdue' if item['overdue'] else ''})"
            for item in view["incoming"][:4]
        ]
        coming = f" On the way: {'; '.join(shown)}."
    total = amount(view["totals"]["available"])
    return f"{variant.sku}: {total} available in all.{recalled} {'; '.join(parts)}.{coming}"


@resource(
    "stock://{sku}",
    title="Stock of a SKU",
    description="All stock states of a SKU per warehouse, with what is on its way: the same as check_inventory.",
    scope="read:inventory",
)
async def stock(store: Store, sku: str) -> StockView:
    """The view of check_inventory."""
    return (await stock_of(store, await store.find(Variant, sku, field="sku"))).data


TOOLS = (check_inventory,)
RESOURCES = (stock,)
