"""Lists of stock levels: all of them by place, category and state, and those that run low."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import ColumnElement, Select, and_, case, select

from tradepost.commerce.catalog.models import Product, Variant
from tradepost.commerce.flows.names import find_called
from tradepost.commerce.flows.stock.stock_detail import WarehouseFilter
from tradepost.commerce.inventory.cover import amount_text
from tradepost.commerce.inventory.models import Location, StockLevel
from tradepost.commerce.inventory.views import LevelView, level_view
from tradepost.commerce.serving.declare import Answer, read_tool, resource
from tradepost.commerce.store.listing import Cursor, Detail, Fields, Limit, Page, found_sentence, page, single_page
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.untrusted import clean

SHOWN = 8  # levels named in the text

HeldState = Literal[
    "available",
    "committed",
    "reserved",
    "damaged",
    "quality_control",
    "safety_stock",
    "incoming",
    "out_of_stock",
    "recalled",
]
StateFilter = Annotated[
    HeldState | None,
    Field(
        description="Only levels with units in this state; out_of_stock: nothing available; recalled: recalled items.",
        examples=["damaged"],
    ),
]
Category = Annotated[
    str | None, Field(max_length=100, description="Only products of this category.", examples=["shoes"])
]
Below = Annotated[
    Literal["reorder_point", "days_of_cover"],
    Field(
        description="What low means: at or below the reorder point, or fewer days of cover than `days`.",
        examples=["reorder_point"],
    ),
]
CoverDays = Annotated[
    int | None,
    Field(ge=1, le=365, description="With below=days_of_cover: the number of days, 7 if left out.", examples=[7]),
]


@read_tool(title="List stock levels", scope="read:inventory")
async def list_stock_levels(
    store: Store,
    warehouse_id: WarehouseFilter = None,
    category: Category = None,
    state: StateFilter = None,
    limit: Limit = 20,
    cursor: Cursor = None,
    detail: Detail = "standard",
    fields: Fields = None,
) -> Answer[Page[LevelView]]:
    """List stock levels, one per SKU and warehouse, by SKU. Use to see what a warehouse holds, or all units that are
    damaged, reserved, recalled or out of stock. Not for one SKU with what is on its way (check_inventory) or for what
    needs reordering (list_low_stock, suggest_reorders). Reads only. Returns the quantities per state, days of cover
    and recall; detail=full adds product name, category, bin and replenishment settings."""
    statement = await _levels(store, warehouse_id, category)
    if state == "out_of_stock":
        statement = statement.where(StockLevel.available == 0)
    elif state == "recalled":
        statement = statement.where(Variant.status == "recalled")
    elif state is not None:
        statement = statement.where(getattr(StockLevel, state) > 0)
    return await _answer(
        store,
        "stock-levels",
        statement,
        [StockLevel.sku, StockLevel.id],
        limit,
        cursor,
        detail,
        fields,
        "No stock levels found.",
        state,
    )


@read_tool(title="List low stock", scope="read:inventory")
async def list_low_stock(
    store: Store,
    below: Below = "reorder_point",
    days: CoverDays = None,
    warehouse_id: WarehouseFilter = None,
    category: Category = None,
    limit: Limit = 20,
    cursor: Cursor = None,
    detail: Detail = "standard",
    fields: Fields = None,
) -> Answer[Page[LevelView]]:
    """List what runs low, the fewest available units first: at or below the reorder point, or with fewer than `days`
    of cover at today's demand. Use for a briefing or to find stockouts ahead. Not for what and how much to order
    (suggest_reorders). Recalled and discontinued items are left out; incoming units are shown but do not count as
    cover. Reads only. Returns levels with available, incoming, days_of_cover, stockout_at and reorder_point."""
    if below == "reorder_point" and days is not None:
        raise InvalidArgument(
            "`days` has a meaning only with below=days_of_cover.",
            hint="Send below=days_of_cover, or leave days out.",
            field="days",
        )
    statement = (await _levels(store, warehouse_id, category)).where(Variant.status == "active")
    if below == "reorder_point":
        statement = statement.where(StockLevel.reorder_point > 0, StockLevel.available <= StockLevel.reorder_point)
    else:
        per_day = StockLevel.daily_demand_milli * quantity_factor()
        statement = statement.where(
            StockLevel.daily_demand_milli > 0, StockLevel.available * 1000 < per_day * (days or 7)
        )
    return await _answer(
        store,
        "low-stock",
        statement,
        [StockLevel.available, StockLevel.sku, StockLevel.id],
        limit,
        cursor,
        detail,
        fields,
        "Nothing runs low by this measure.",
    )


async def _place(store: Store, id: str) -> str:
    return (await find_called(store, Location, id, field="id")).id


@resource(
    "warehouse://{id}/stock",
    title="Warehouse stock",
    description="Stock snapshot of a warehouse (id, code or name): all its levels, as list_stock_levels shows them.",
    scope="read:inventory",
    record=_place,
)
async def warehouse_stock(store: Store, id: str) -> Page[LevelView]:
    """The view of list_stock_levels, whole: a resource has no next page."""
    statement = await _levels(store, id, None)
    rows = await store.all(statement.order_by(StockLevel.sku, StockLevel.id))
    return single_page(await level_views(store, rows, "standard"))


def quantity_factor() -> ColumnElement[int]:
    """10^quantity_scale of the joined variant, as SQL that every engine has."""
    return case(*((Variant.quantity_scale == scale, 10**scale) for scale in range(1, 7)), else_=1)


async def _levels(store: Store, warehouse_id: str | None, category: str | None) -> Select[Any]:
    """Levels joined with their variant, limited by place and category."""
    statement = select(StockLevel).join(
        Variant, and_(Variant.workspace_id == StockLevel.workspace_id, Variant.id == StockLevel.variant_id)
    )
    if warehouse_id is not None:
        place = await find_called(store, Location, warehouse_id, field="warehouse_id")
        statement = statement.where(StockLevel.location_id == place.id)
    if category is not None:
        statement = statement.join(
            Product, and_(Product.workspace_id == Variant.workspace_id, Product.id == Variant.product_id)
        ).where(Product.category == category)
    return statement


async def _answer(
    store: Store,
    kind: str,
    statement: Select[Any],
    order: list[Any],
    limit: int,
    cursor: str | None,
    detail: Literal["summary", "standard", "full"],
    fields: list[str] | None,
    nothing: str,
    state: HeldState | None = None,
) -> Answer[Page[LevelView]]:
    async def view(rows: Sequence[StockLevel]) -> list[LevelView]:
        return await level_views(store, rows, detail)

    found = await page(store, kind, statement, order, view, limit=limit, cursor=cursor, fields=fields)
    text = found_sentence(found, "stock levels", nothing, named=SHOWN)
    for item in found["items"][:SHOWN]:
        if fields is None:
            scale, unit = item.get("quantity_scale", 0), item.get("unit", "C62")
            cover = "" if item.get("days_of_cover") is None else f", {item['days_of_cover']} days"
            recalled = ", recalled" if item.get("recalled") else ""
            held = "on_hand" if state == "recalled" else "available" if state in (None, "out_of_stock") else state
            asked = "" if held == "available" else f", {amount_text(item[held], scale, unit)} {held}"
            available = amount_text(item["available"], scale, unit)
            text += f" {item['sku']} {item['warehouse']}: {available} available{asked}{cover}{recalled}."
    return Answer(found, text)


async def level_views(
    store: Store, rows: Sequence[StockLevel], detail: Literal["summary", "standard", "full"]
) -> list[LevelView]:
    """Levels as callers see them, with variants, products and locations loaded at once."""
    if not rows:
        return []
    variants = {
        variant.id: (variant, product)
        for variant, product in await store.session.execute(
            select(Variant, Product)
            .join(Product, and_(Product.workspace_id == Variant.workspace_id, Product.id == Variant.product_id))
            .where(Variant.id.in_(sorted({row.variant_id for row in rows})))
        )
    }
    places = await locations_of(store, (row.location_id for row in rows))
    views = []
    for row in rows:
        variant, product = variants[row.variant_id]
        view = level_view(
            row,
            places[row.location_id],
            store.now,
            detail,
            scale=variant.quantity_scale,
            unit=variant.unit,
            recalled=variant.status == "recalled",
        )
        if detail == "full":
            view["name"] = clean(product.name, 120)
            view["category"] = product.category
        views.append(view)
    return views


async def locations_of(store: Store, ids: Any) -> dict[str, Location]:
    """{id: location} in one query."""
    wanted = sorted({row_id for row_id in ids if row_id is not None})
    if not wanted:
        return {}
    return {row.id: row for row in await store.all(select(Location).where(Location.id.in_(wanted)))}


TOOLS = (list_stock_levels, list_low_stock)
RESOURCES = (warehouse_stock,)
