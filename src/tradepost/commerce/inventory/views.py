"""What a stock level looks like to callers."""

from datetime import datetime
from typing import Literal, NotRequired

from typing_extensions import TypedDict

from tradepost.commerce.inventory.cover import days_of_cover, stockout_at
from tradepost.commerce.inventory.models import Location, StockLevel
from tradepost.foundation.clock import to_rfc3339

DetailName = Literal["summary", "standard", "full"]


class LevelView(TypedDict):
    """A sku at a location. Quantities count in 10^-quantity_scale of `unit` where these stand there, else in pieces."""

    id: str
    version: int
    sku: str
    warehouse_id: str
    warehouse: str
    on_hand: int
    available: int
    committed: NotRequired[int]
    reserved: NotRequired[int]
    damaged: NotRequired[int]
    quality_control: NotRequired[int]
    safety_stock: NotRequired[int]
    incoming: NotRequired[int]
    days_of_cover: NotRequired[float | None]
    stockout_at: NotRequired[str | None]
    reorder_point: NotRequired[int]
    below_reorder_point: NotRequired[bool]
    recalled: NotRequired[bool]
    unit: NotRequired[str]
    quantity_scale: NotRequired[int]
    name: NotRequired[str]
    category: NotRequired[str | None]
    bin: NotRequired[str | None]
    reorder_quantity: NotRequired[int]
    lead_time_days: NotRequired[int]
    daily_demand_milli: NotRequired[int]


def level_view(
    level: StockLevel, location: Location, now: datetime, detail: DetailName, *, scale: int, unit: str, recalled: bool
) -> LevelView:
    """A level in the detail asked for; `scale`, `unit` and `recalled` are the variant's."""
    view: LevelView = {
        "id": level.id,
        "version": level.version,
        "sku": level.sku,
        "warehouse_id": location.id,
        "warehouse": location.code,
        "on_hand": level.on_hand,
        "available": level.available,
    }
    if scale:
        view["unit"] = unit
        view["quantity_scale"] = scale
    if detail == "summary":
        return view
    empty_at = stockout_at(now, level.available, level.daily_demand_milli, scale)
    view["committed"] = level.committed
    view["reserved"] = level.reserved
    view["damaged"] = level.damaged
    view["quality_control"] = level.quality_control
    view["safety_stock"] = level.safety_stock
    view["incoming"] = level.incoming
    view["days_of_cover"] = days_of_cover(level.available, level.daily_demand_milli, scale)
    view["stockout_at"] = None if empty_at is None else to_rfc3339(empty_at.replace(microsecond=0))
    view["reorder_point"] = level.reorder_point
    view["below_reorder_point"] = is_low(level)
    view["recalled"] = recalled
    if detail == "full":
        view["bin"] = level.bin
        view["reorder_quantity"] = level.reorder_quantity
        view["lead_time_days"] = level.lead_time_days
        view["daily_demand_milli"] = level.daily_demand_milli
    return view


def is_low(level: StockLevel) -> bool:
    """Whether the level has fallen to its reorder point."""
    return level.reorder_point > 0 and level.available <= level.reorder_point
