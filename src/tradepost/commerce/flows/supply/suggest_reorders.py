"""What to buy, from whom, and why in numbers.

need = daily demand x (lead time + horizon) + safety stock - available - incoming. What an open order brings already
is shown as such, so that nobody orders it twice.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, NotRequired

from pydantic import Field
from sqlalchemy import ColumnElement, and_, or_, select
from typing_extensions import TypedDict

from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.flows.names import find_called
from tradepost.commerce.flows.stock.incoming import Incoming, arriving, incoming_of
from tradepost.commerce.flows.stock.stock_detail import WarehouseFilter
from tradepost.commerce.flows.stock.stock_lists import locations_of, quantity_factor
from tradepost.commerce.flows.supply.need import HORIZON_DAYS, expected, need_of
from tradepost.commerce.flows.supply.suppliers import Offer, offers_for
from tradepost.commerce.inventory.cover import amount_text, days_of_cover, demand_over
from tradepost.commerce.inventory.models import Location, StockLevel
from tradepost.commerce.purchasing.buying import line_cost
from tradepost.commerce.purchasing.models import Supplier, SupplierItem
from tradepost.commerce.serving.declare import Answer, read_tool
from tradepost.commerce.store.listing import Cursor, Detail, Fields, Limit, Page, found_sentence, page
from tradepost.commerce.store.store import Store
from tradepost.foundation.money import MoneyView, money
from tradepost.foundation.untrusted import clean

SHOWN = 6  # suggestions named in the text

Horizon = Annotated[int, Field(ge=0, le=180, description="Days of demand to cover beyond the lead time.", examples=[7])]
SupplierFilter = Annotated[
    str | None,
    Field(max_length=200, description="Only what this supplier offers: id, number or name.", examples=["SUP-1"]),
]
SkuFilter = Annotated[str | None, Field(max_length=200, description="Only this SKU.", examples=["SKU-1"])]


class Suggestion(TypedDict):
    """What to order of a SKU for a warehouse. quantity 0: nothing to order, the note says why."""

    id: str
    sku: str
    warehouse_id: str
    warehouse: str
    quantity: int
    already_ordered: bool
    supplier: str | None
    supplier_number: str | None
    cost: MoneyView | None
    reason: NotRequired[str]
    note: NotRequired[str | None]
    unit: NotRequired[str]
    quantity_scale: NotRequired[int]
    available: NotRequired[int]
    incoming: NotRequired[int]
    safety_stock: NotRequired[int]
    daily_demand_milli: NotRequired[int]
    lead_time_days: NotRequired[int]
    days_of_cover: NotRequired[float | None]
    unit_cost: NotRequired[MoneyView | None]
    moq: NotRequired[int]
    pack_size: NotRequired[int]


@read_tool(title="Suggest reorders", scope="read:purchasing")
async def suggest_reorders(
    store: Store,
    horizon_days: Horizon = HORIZON_DAYS,
    warehouse_id: WarehouseFilter = None,
    supplier: SupplierFilter = None,
    sku: SkuFilter = None,
    limit: Limit = 20,
    cursor: Cursor = None,
    detail: Detail = "standard",
    fields: Fields = None,
) -> Answer[Page[Suggestion]]:
    """Suggest what to buy per SKU and warehouse, the fewest available units first. Use before create_reorder, or to
    review replenishment. Quantity = daily demand x (lead time + horizon) + safety stock - available - incoming, raised
    to the supplier's minimum order and packs. What an open order already covers shows as already_ordered with its
    number: do not order it again. Recalled and discontinued items are left out. Reads only. Returns quantity,
    supplier, cost and the reason in numbers; detail=full adds each number."""
    statement = (
        select(StockLevel)
        .join(Variant, and_(Variant.workspace_id == StockLevel.workspace_id, Variant.id == StockLevel.variant_id))
        .where(Variant.status == "active", _may_need(horizon_days))
    )
    if warehouse_id is not None:
        place = await find_called(store, Location, warehouse_id, field="warehouse_id")
        statement = statement.where(StockLevel.location_id == place.id)
    if sku is not None:
        variant = await store.find(Variant, sku, field="sku")
        statement = statement.where(StockLevel.sku == variant.sku)
    partner = None if supplier is None else await find_called(store, Supplier, supplier, field="supplier")
    if partner is not None:
        offered = select(SupplierItem.sku).where(SupplierItem.supplier_id == partner.id)
        statement = statement.where(StockLevel.sku.in_(offered))

    async def view(rows: Sequence[StockLevel]) -> list[Suggestion]:
        return await _suggestions(store, rows, horizon_days, partner, full=detail == "full", brief=detail == "summary")

    found = await page(
        store,
        "reorder-suggestions",
        statement,
        [StockLevel.available, StockLevel.sku, StockLevel.id],
        view,
        limit=limit,
        cursor=cursor,
        fields=fields,
    )
    text = found_sentence(found, "suggestions", "Nothing needs reordering with these filters.", named=SHOWN)
    if fields is None:
        text += "".join(" " + _row_text(item) for item in found["items"][:SHOWN])
    return Answer(found, text)


def _may_need(horizon_days: int) -> ColumnElement[bool]:
    """Levels that fall short without what is on its way; incoming is weighed afterwards, so that what an open order
    covers is shown as covered instead of left out."""
    per_day = StockLevel.daily_demand_milli * quantity_factor()
    wanted = per_day * (StockLevel.lead_time_days + horizon_days) + StockLevel.safety_stock * 1000
    return or_(
        StockLevel.available * 1000 < wanted,
        and_(StockLevel.reorder_point > 0, StockLevel.available <= StockLevel.reorder_point),
    )


async def _suggestions(
    store: Store, rows: Sequence[StockLevel], horizon: int, partner: Supplier | None, *, full: bool, brief: bool
) -> list[Suggestion]:
    if not rows:
        return []
    skus = {row.sku for row in rows}
    variants = {
        row.id: row
        for row in await store.all(select(Variant).where(Variant.id.in_(sorted({row.variant_id for row in rows}))))
    }
    places = await locations_of(store, (row.location_id for row in rows))
    offers = await offers_for(store, skus, partner.id if partner else None)
    coming = await incoming_of(store, skus, places.keys())
    found = []
    for row in rows:
        item = _suggestion(
            row,
            variants[row.variant_id],
            places[row.location_id],
            offers.get(row.sku),
            arriving(coming, row.sku, row.location_id),
            horizon,
            store.now,
        )
        if not full:
            for key in ("available", "incoming", "safety_stock", "daily_demand_milli", "lead_time_days"):
                item.pop(key, None)  # type: ignore[misc]
            for key in ("days_of_cover", "unit_cost", "moq", "pack_size"):
                item.pop(key, None)  # type: ignore[misc]
        if brief:
            item.pop("reason", None)
        found.append(item)
    return found


def _suggestion(
    level: StockLevel,
    variant: Variant,
    place: Location,
    offer: Offer | None,
    coming: list[Incoming],
    horizon: int,
    now: datetime,
) -> Suggestion:
    scale = variant.quantity_scale
    incoming = expected(level, coming)
    found = need_of(level, coming, offer[0] if offer else None, scale, horizon)
    need, quantity = found.units, found.quantity
    firm = [item for item in coming if not item.is_draft]
    item: Suggestion = {
        "id": level.id,
        "sku": level.sku,
        "warehouse_id": place.id,
        "warehouse": place.code,
        "quantity": quantity,
        "already_ordered": need == 0 and bool(firm),
        "supplier": clean(offer[1].name, 80) if offer else None,
        "supplier_number": offer[1].number if offer else None,
        "cost": money(line_cost(quantity, scale, offer[0].cost_minor), offer[0].currency) if offer else None,
        "reason": _reason(level, variant, horizon, incoming, need, quantity),
        "note": _note(now, variant, offer, coming, need),
        "available": level.available,
        "incoming": incoming,
        "safety_stock": level.safety_stock,
        "daily_demand_milli": level.daily_demand_milli,
        "lead_time_days": level.lead_time_days,
        "days_of_cover": days_of_cover(level.available, level.daily_demand_milli, scale),
        "unit_cost": money(offer[0].cost_minor, offer[0].currency) if offer else None,
        "moq": offer[0].moq if offer else 1,
        "pack_size": offer[0].pack_size if offer else 1,
    }
    if scale:
        item["unit"] = variant.unit
        item["quantity_scale"] = scale
    return item


def _reason(level: StockLevel, variant: Variant, horizon: int, incoming: int, need: int, quantity: int) -> str:
    scale, unit = variant.quantity_scale, variant.unit

    def amount(number: int) -> str:
        return amount_text(number, scale, unit)

    per_day = f"{level.daily_demand_milli / 1000:g}"
    sum_up = (
        f"demand {per_day} a day x ({level.lead_time_days} lead + {horizon} horizon days)"
        f" + {amount(level.safety_stock)} safety stock - {amount(level.available)} available"
        f" - {amount(incoming)} incoming"
    )
    due = demand_over(level.lead_time_days + horizon, level.daily_demand_milli, scale)
    result = due + level.safety_stock - level.available - incoming
    text = f"{sum_up} = {amount(result)}"
    if need > max(result, 0):
        text += f"; at or below the reorder point {amount(level.reorder_point)}: reorder quantity {amount(need)}"
    if quantity > need:
        text += f"; {amount(quantity)} by minimum order and pack size"
    return text


def _note(now: datetime, variant: Variant, offer: Offer | None, coming: list[Incoming], need: int) -> str | None:
    parts = []
    firm = [item for item in coming if not item.is_draft]
    if firm:
        listed = "; ".join(item.sentence(now, variant.quantity_scale, variant.unit) for item in firm[:4])
        parts.append(f"already ordered: {listed}" if need == 0 else f"already ordered, but not enough: {listed}")
    drafts = [item.number for item in coming if item.is_draft]
    if drafts:
        parts.append(f"a draft exists: {', '.join(drafts[:4])}")
    if offer is None:
        parts.append("no active supplier offers it")
    return "; ".join(parts) or None


def _row_text(item: Suggestion) -> str:
    amount = amount_text(item["quantity"], item.get("quantity_scale", 0), item.get("unit", "C62"))
    note = f" ({item['note']})" if item.get("note") else ""
    if not item["quantity"]:
        return f"{item['sku']} at {item['warehouse']}: nothing to order{note}."
    bought = f" from {item['supplier_number']} {item['supplier']}" if item["supplier"] else ""
    price = f" for {item['cost']['display']}" if item["cost"] else ""
    return f"{item['sku']} at {item['warehouse']}: order {amount}{bought}{price}{note}."


TOOLS = (suggest_reorders,)
