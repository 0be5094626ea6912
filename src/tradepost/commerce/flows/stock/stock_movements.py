"""What changed stock, when and why."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from sqlalchemy import Select, select
from typing_extensions import TypedDict

from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.flows.names import find_called
from tradepost.commerce.flows.stock.stock_detail import WarehouseFilter
from tradepost.commerce.flows.stock.stock_lists import locations_of
from tradepost.commerce.inventory.models import Location, MovementCause, StockMovement
from tradepost.commerce.serving.declare import Answer, read_tool
from tradepost.commerce.store.columns import aside
from tradepost.commerce.store.listing import (
    Cursor,
    Detail,
    Fields,
    Limit,
    Page,
    TimeFilter,
    found_sentence,
    is_rare,
    page,
)
from tradepost.commerce.store.periods import within
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.untrusted import clean

SHOWN = 5  # movements named in the text
_FEW = 5_000  # movements of a cause: to look at all of them takes no longer than at those of a place

SkuFilter = Annotated[str | None, Field(max_length=200, description="Only this SKU or variant id.", examples=["SKU-1"])]
CauseFilter = Annotated[
    MovementCause | None, Field(description="Only movements of this cause.", examples=["shrinkage"])
]


class MovementView(TypedDict):
    """One change of a state of a stock level. `delta` is the change of `state`, on_hand_delta that of on_hand."""

    id: str
    occurred_at: str
    sku: str
    warehouse: str
    state: str
    delta: int
    cause: str
    on_hand_delta: NotRequired[int]
    reference: NotRequired[str | None]
    reason: NotRequired[str | None]
    actor: NotRequired[str]
    warehouse_id: NotRequired[str]
    unit: NotRequired[str]
    quantity_scale: NotRequired[int]


@read_tool(title="List stock movements", scope="read:inventory")
async def list_stock_movements(
    store: Store,
    sku: SkuFilter = None,
    warehouse_id: WarehouseFilter = None,
    cause: CauseFilter = None,
    occurred_from: TimeFilter = None,
    occurred_to: TimeFilter = None,
    limit: Limit = 20,
    cursor: Cursor = None,
    detail: Detail = "standard",
    fields: Fields = None,
) -> Answer[Page[MovementView]]:
    """List what changed stock, the newest first: sales, receipts, returns, transfers, counts, damage, shrinkage,
    recalls. Use to explain why a quantity is what it is, or to find losses (cause=shrinkage). Not for the present
    quantities (check_inventory, list_stock_levels). A move between two states shows as two rows. Reads only. Returns
    time, SKU, warehouse, state, delta, cause and reference; detail=full adds who did it."""
    held: dict[Any, str] = {}
    if sku is not None:
        held[StockMovement.sku] = (await store.find(Variant, sku, field="sku")).sku
    if warehouse_id is not None:
        place = await find_called(store, Location, warehouse_id, field="warehouse_id")
        held[StockMovement.location_id] = place.id
    if cause is not None:
        held[StockMovement.cause] = cause
    statement = within(await _holding(store, held), StockMovement.occurred_at, occurred_from, occurred_to, "occurred")

    async def view(rows: Sequence[StockMovement]) -> list[MovementView]:
        return await _movement_views(store, rows, detail)

    found = await page(
        store,
        "stock-movements",
        statement,
        [StockMovement.occurred_at, StockMovement.id],
        view,
        limit=limit,
        cursor=cursor,
        descending=True,
        fields=fields,
    )
    text = found_sentence(found, "stock movements", "No stock movements found with these filters.", named=SHOWN)
    for item in found["items"][:SHOWN]:
        if fields is None:
            reference = f" ({item['reference']})" if item.get("reference") else ""
            text += (
                f" {item['occurred_at'][:16]} {item['sku']} {item['warehouse']}:"
                f" {item['delta']:+d} {item['state']}, {item['cause']}{reference}."
            )
    return Answer(found, text)


async def _holding(store: Store, held: Mapping[Any, str]) -> Select[StockMovement]:
    """The movements with these values: the index of one of them finds, the others are compared. Most causes have many
    movements; one that has few finds them soonest."""
    finding: Any = next(iter(held), None)
    cause = held.get(StockMovement.cause)
    if cause is not None and len(held) > 1:
        of_cause = select(StockMovement.id).where(StockMovement.cause == cause)
        finding = StockMovement.cause if await is_rare(store, of_cause, _FEW) else finding
    statement = select(StockMovement)
    for column, value in held.items():
        statement = statement.where((column if column is finding else aside(column)) == value)
    return statement


async def _movement_views(
    store: Store, rows: Sequence[StockMovement], detail: Literal["summary", "standard", "full"]
) -> list[MovementView]:
    places = await locations_of(store, (row.location_id for row in rows))
    measured = {
        sku: (unit, scale)
        for sku, unit, scale in await store.session.execute(
            select(Variant.sku, Variant.unit, Variant.quantity_scale).where(
                Variant.sku.in_(sorted({row.sku for row in rows})), Variant.quantity_scale > 0
            )
        )
    }
    views = []
    for row in rows:
        view: MovementView = {
            "id": row.id,
            "occurred_at": to_rfc3339(row.occurred_at),
            "sku": row.sku,
            "warehouse": places[row.location_id].code,
            "state": row.state,
            "delta": row.delta,
            "cause": row.cause,
        }
        if row.sku in measured:
            view["unit"], view["quantity_scale"] = measured[row.sku]
        if detail != "summary":
            view["on_hand_delta"] = row.on_hand_delta
            view["reference"] = row.reference
            view["reason"] = None if row.reason is None else clean(row.reason, 200)
        if detail == "full":
            view["actor"] = row.actor
            view["warehouse_id"] = row.location_id
        views.append(view)
    return views


TOOLS = (list_stock_movements,)
