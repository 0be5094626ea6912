"""When and how much to reorder, and how much stock to keep back for bad days."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from tradepost.commerce.flows.stock.stock_places import Sku, StockPlace, Warehouse, lock_place
from tradepost.commerce.inventory.cover import days_of_cover, demand_over
from tradepost.commerce.inventory.stock import move
from tradepost.commerce.inventory.views import LevelView
from tradepost.commerce.serving.declare import UNDO_FOR, Answer, write_tool
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument, LimitExceeded

Units = Annotated[int | None, Field(ge=0, le=1_000_000)]
ReorderPoint = Annotated[Units, Field(description="Reorder at this many available units; 0: never.", examples=[40])]
ReorderQuantity = Annotated[Units, Field(description="How many units to buy then.", examples=[100])]
SafetyStock = Annotated[
    Units, Field(description="Units kept back and not sold; taken from the available ones.", examples=[10])
]


class ReorderPolicy(TypedDict):
    """The policy of a stock level. `advised_reorder_point` = demand in the lead time + safety stock;
    `cover_at_reorder_point_days` says how long the units last that are left when a reorder is due."""

    reorder_point: int
    reorder_quantity: int
    safety_stock: int
    lead_time_days: int
    advised_reorder_point: int
    cover_at_reorder_point_days: float | None
    level: LevelView


@write_tool(title="Set reorder policy", scope="write:inventory", undo_for=UNDO_FOR)
async def set_reorder_policy(
    store: Store,
    sku: Sku,
    warehouse_id: Warehouse = None,
    reorder_point: ReorderPoint = None,
    reorder_quantity: ReorderQuantity = None,
    safety_stock: SafetyStock = None,
) -> Answer[ReorderPolicy]:
    """Set when a SKU is reordered at a warehouse, how much, and how many units are kept back. Use when a SKU runs out
    too often or lies too long; suggest_reorders follows it from then on. Not for buying now (create_reorder). What is
    left out stays. Raising the safety stock takes available units off sale, lowering it gives them back.
    expected_version means the stock level. Returns the policy, the reorder point that demand and lead time advise, and
    the level."""
    if reorder_point is None and reorder_quantity is None and safety_stock is None:
        raise InvalidArgument(
            "Nothing is set.", hint="Give reorder_point, reorder_quantity or safety_stock.", field="reorder_point"
        )
    place = await lock_place(store, sku, warehouse_id)
    level = place.level
    given = {"reorder_point": reorder_point, "reorder_quantity": reorder_quantity, "safety_stock": safety_stock}
    before = {name: getattr(level, name) for name, value in given.items() if value is not None}
    if reorder_point is not None:
        level.reorder_point = reorder_point
    if reorder_quantity is not None:
        level.reorder_quantity = reorder_quantity
    if safety_stock is not None:
        _keep_back(store, place, safety_stock)
    if level.reorder_point > 0 and level.reorder_quantity == 0:
        raise InvalidArgument(
            f"{place.variant.sku} would be reordered at {place.amount(level.reorder_point)}, but by a quantity of 0.",
            hint="Give a reorder_quantity of 1 or more, or reorder_point 0 for never.",
            field="reorder_quantity",
        )
    await store.session.flush()
    store.emit(
        "stock:policy_set",
        level,
        sku=level.sku,
        warehouse=place.warehouse.code,
        reorder_point=level.reorder_point,
        reorder_quantity=level.reorder_quantity,
        safety_stock=level.safety_stock,
    )
    store.reverse(
        "set_reorder_policy",
        {"sku": place.variant.id, "warehouse_id": place.warehouse.id, **before},
        f"Sets the reorder policy of {level.sku} at {place.warehouse.code} back to what it was.",
    )
    return _answer(store, place)


def _keep_back(store: Store, place: StockPlace, wanted: int) -> None:
    """Move units between available and safety stock."""
    level = place.level
    more = wanted - level.safety_stock
    if more > level.available:
        raise LimitExceeded(
            f"A safety stock of {place.amount(wanted)} needs {place.amount(more)} more units; {place.warehouse.code} "
            f"has {place.amount(level.available)} of {level.sku} available.",
            hint=f"Set at most {place.amount(level.safety_stock + level.available)} now, or reorder first.",
            field="safety_stock",
            details={"available": level.available, "safety_stock": level.safety_stock, "wanted": wanted},
        )
    if more > 0:
        move(store, level, "available", "safety_stock", more, "reservation", None, "safety stock")
    elif more < 0:
        move(store, level, "safety_stock", "available", -more, "release", None, "safety stock")


def _answer(store: Store, place: StockPlace) -> Answer[ReorderPolicy]:
    level, scale = place.level, place.variant.quantity_scale
    advised = demand_over(level.lead_time_days, level.daily_demand_milli, scale) + level.safety_stock
    cover = days_of_cover(level.reorder_point, level.daily_demand_milli, scale)
    view: ReorderPolicy = {
        "reorder_point": level.reorder_point,
        "reorder_quantity": level.reorder_quantity,
        "safety_stock": level.safety_stock,
        "lead_time_days": level.lead_time_days,
        "advised_reorder_point": advised,
        "cover_at_reorder_point_days": cover,
        "level": place.view(store),
    }
    lasts = "" if cover is None else f", which lasts {cover} days with a lead time of {level.lead_time_days}"
    early = " That is later than demand and lead time advise" if level.reorder_point < advised else ""
    advice = f"{early} ({place.amount(advised)})." if early else ""
    return Answer(
        view,
        f"{level.sku} at {place.warehouse.code} is reordered at {place.amount(level.reorder_point)} available{lasts}, "
        f"by {place.amount(level.reorder_quantity)}; {place.amount(level.safety_stock)} are kept back.{advice}",
    )


TOOLS = (set_reorder_policy,)
