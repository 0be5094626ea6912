"""Goods of a supplier arrive: what is good goes into stock, what is missing or refused is said in numbers (OS&D)."""

from collections.abc import Sequence
from typing import Annotated, NotRequired

from pydantic import Field
from sqlalchemy import select
from typing_extensions import TypedDict

from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.flows.supply.receipts import Receipt, ReceivedLine, all_outstanding, allot
from tradepost.commerce.inventory.models import Location, StockLevel
from tradepost.commerce.inventory.stock import expect, lock_levels, move, open_level
from tradepost.commerce.purchasing.buying import line_cost
from tradepost.commerce.purchasing.models import PurchaseOrder, PurchaseOrderLine
from tradepost.commerce.purchasing.states import ARRIVING_ORDERS, PURCHASE_ORDER
from tradepost.commerce.purchasing.views import PurchaseLineView, line_view
from tradepost.commerce.serving.declare import Answer, write_tool
from tradepost.commerce.store.states import require_step, step
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import StateConflict
from tradepost.foundation.money import MoneyView, money

PurchaseOrderRef = Annotated[
    str, Field(min_length=1, max_length=200, description="Purchase order id or number.", examples=["PO-1001"])
]
Received = Annotated[
    list[ReceivedLine] | None,
    Field(
        min_length=1,
        max_length=50,
        description="Good and rejected units per SKU; left out: all that is outstanding came in good order.",
        examples=[[{"sku": "SKU-1", "received": 28, "rejected": 2, "reason": "crushed"}]],
    ),
]
Final = Annotated[
    bool, Field(description="Nothing more comes of this order: what is missing stays short.", examples=[False])
]


class ReceivedView(TypedDict):
    """The order after a receipt. `short`: units that will not come, and what they cost; `claim`: how to claim them."""

    id: str
    number: str
    version: int
    purchase_order_status: str
    allowed_next: list[str]
    warehouse: str
    received_now: int
    rejected_now: int
    outstanding: int
    short: int
    short_value: MoneyView
    claim: NotRequired[str]
    lines: list[PurchaseLineView]


@write_tool(title="Receive purchase order", scope="write:purchasing")
async def receive_purchase_order(
    store: Store, po_id: PurchaseOrderRef, lines: Received = None, final: Final = False
) -> Answer[ReceivedView]:
    """Book a supplier's delivery into stock. Use when goods of a purchase order arrive, in one or several deliveries.
    Good units become available at its warehouse (of a recalled SKU: quality control); rejected ones do not enter stock
    and count as delivered. More than was ordered is refused. With final, or once every unit is accounted for, the order
    is received and missing units stay short: open_claim with type shortage comes next. Moves no money. Returns the
    order's lines with received, rejected, outstanding and short units."""
    order = await store.primary(PurchaseOrder, po_id, field="po_id")
    _require_arriving(order)
    place = await store.find(Location, order.location_id)
    held = await _lines(store, order)
    receipts = all_outstanding(held) if lines is None else allot(order, held, lines)
    await _into_stock(store, order, place, receipts)
    if final:
        await _give_up_rest(store, order, held)
    complete = all(line.received + line.rejected == line.ordered for line in held)
    target = "received" if final or complete else "partially_received"
    if order.status != target:
        step(order, target, PURCHASE_ORDER)
    if target == "received":
        order.received_at = store.now
    await store.session.flush()
    view = await _view(store, order, place, held, receipts)
    store.emit(
        f"purchase_order:{target}",
        order,
        received=view["received_now"],
        rejected=view["rejected_now"],
        short=view["short"],
        rejections=[
            {"sku": one.line.sku, "units": one.rejected, "reason": one.reason} for one in receipts if one.rejected
        ],
    )
    await store.session.flush()
    return Answer(view, _sentence(view))


def _require_arriving(order: PurchaseOrder) -> None:
    if order.status not in ARRIVING_ORDERS:
        require_step(order, "received", PURCHASE_ORDER)  # names what the state allows
        raise StateConflict(f"The purchase order {order.number} is {order.status}: nothing arrives on it.")


async def _lines(store: Store, order: PurchaseOrder) -> list[PurchaseOrderLine]:
    statement = select(PurchaseOrderLine).where(PurchaseOrderLine.purchase_order_id == order.id)
    return sorted(await store.lock_all(statement.order_by(PurchaseOrderLine.id)), key=lambda line: line.position)


async def _into_stock(store: Store, order: PurchaseOrder, place: Location, receipts: Sequence[Receipt]) -> None:
    levels = await lock_levels(store, [(one.line.sku, place.id) for one in receipts])
    for one in receipts:
        variant = await store.find(Variant, one.line.variant_id)
        one.line.received += one.received
        one.line.rejected += one.rejected
        if not variant.tracks_stock:
            continue
        level = levels.get((variant.sku, place.id))
        if level is None:
            level = levels[(variant.sku, place.id)] = open_level(
                store, variant_id=variant.id, sku=variant.sku, location_id=place.id
            )
            await store.session.flush()
        expect(level, -(one.received + one.rejected))
        if one.received:
            state = "quality_control" if variant.status == "recalled" else "available"
            move(store, level, None, state, one.received, "receipt", order.number)  # type: ignore[arg-type]


async def _give_up_rest(store: Store, order: PurchaseOrder, lines: Sequence[PurchaseOrderLine]) -> None:
    """What will not come any more is no longer on its way."""
    missing = {line.sku: line.ordered - line.received - line.rejected for line in lines}
    levels: dict[tuple[str, str], StockLevel] = await lock_levels(
        store, [(sku, order.location_id) for sku, units in missing.items() if units]
    )
    for line in lines:
        level = levels.get((line.sku, order.location_id))
        units = line.ordered - line.received - line.rejected
        if level is not None and units:
            expect(level, -units)


async def _view(
    store: Store,
    order: PurchaseOrder,
    place: Location,
    lines: Sequence[PurchaseOrderLine],
    receipts: Sequence[Receipt],
) -> ReceivedView:
    over = order.status == "received"
    missing = [(line, line.ordered - line.received - line.rejected) for line in lines]
    value = 0
    for line, units in missing:
        variant = await store.find(Variant, line.variant_id)
        value += line_cost(units, variant.quantity_scale, line.unit_cost_minor)
    left = sum(units for _, units in missing)
    view: ReceivedView = {
        "id": order.id,
        "number": order.number,
        "version": order.version,
        "purchase_order_status": order.status,
        "allowed_next": list(PURCHASE_ORDER.get(order.status, ())),
        "warehouse": place.code,
        "received_now": sum(one.received for one in receipts),
        "rejected_now": sum(one.rejected for one in receipts),
        "outstanding": 0 if over else left,
        "short": left if over else 0,
        "short_value": money(value if over else 0, order.currency),
        "lines": [line_view(line, order) for line in lines],
    }
    if view["short"] or view["rejected_now"]:
        kind = "shortage" if view["short"] else "damage"
        view["claim"] = f"open_claim with purchase_order_id {order.number} and type {kind}"
    return view


def _sentence(view: ReceivedView) -> str:
    text = (
        f"{view['number']} is {view['purchase_order_status']}: {view['received_now']} units received and "
        f"{view['rejected_now']} rejected at {view['warehouse']}"
    )
    if view["outstanding"]:
        text += f", {view['outstanding']} still to come"
    if view["short"]:
        text += f", {view['short']} short worth {view['short_value']['display']}"
    return f"{text}." + (f" To claim it: {view['claim']}." if "claim" in view else "")


TOOLS = (receive_purchase_order,)
