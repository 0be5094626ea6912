"""Correcting stock to what is really there: a count, damage found, units gone, a recall."""

from collections.abc import Mapping
from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from tradepost.commerce.flows.names import called
from tradepost.commerce.flows.stock.recall import lock_waiting_orders, recall
from tradepost.commerce.flows.stock.stock_places import Sku, StockPlace, Warehouse, lock_place
from tradepost.commerce.inventory.models import MovementCause
from tradepost.commerce.inventory.stock import StockState, move
from tradepost.commerce.inventory.views import LevelView
from tradepost.commerce.serving.declare import UNDO_FOR, Answer, write_tool
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument, LimitExceeded
from tradepost.foundation.untrusted import clean

MAX_DELTA = 1_000_000
SAID = 8
PLAIN = ("count", "shrinkage")  # units come or go, and nothing else happens
SET_ASIDE: Mapping[str, StockState] = {"damage": "damaged", "recall": "quality_control"}  # where units stay on hand

AdjustedState = Literal["available", "damaged", "quality_control", "safety_stock"]
AdjustReason = Literal["count", "damage", "shrinkage", "recall"]

Delta = Annotated[
    int, Field(ge=-MAX_DELTA, le=MAX_DELTA, description="Units to add, or negative to take away.", examples=[-3])
]
State = Annotated[AdjustedState, Field(description="The stock state that is wrong.", examples=["available"])]
Reason = Annotated[
    AdjustReason,
    Field(
        description="count: it differs. damage: units turn damaged. shrinkage: units are gone. recall: units go into "
        "quality control, the SKU may not leave any warehouse, open orders waiting for it are held.",
        examples=["count"],
    ),
]
Note = Annotated[str | None, Field(max_length=300, description="What was seen.", examples=["Counted twice"])]


class Adjustment(TypedDict):
    """The level after the correction; `before` and `after` are the units of the state."""

    state: str
    delta: int
    before: int
    after: int
    on_hand_delta: int
    reason: str
    note: NotRequired[str]
    held_orders: NotRequired[list[str]]
    level: LevelView


@write_tool(title="Adjust stock", scope="write:inventory", undo_for=UNDO_FOR)
async def adjust_stock(
    store: Store,
    sku: Sku,
    delta: Delta,
    warehouse_id: Warehouse = None,
    reason: Reason = "count",
    state: State = "available",
    note: Note = None,
) -> Answer[Adjustment]:
    """Correct the stock of a SKU at a warehouse to what is really there. Use after a count, when units are found
    damaged (they stay on hand as damaged), are gone for good (shrinkage, negative) or recalled. Not for goods that
    arrive (receive_purchase_order, receive_return) or leave for another warehouse (transfer_stock); units promised to
    orders are not touched. Writes a stock movement. expected_version means the stock level. Returns the state before
    and after, the level, and orders held by a recall."""
    recalling = await lock_waiting_orders(store, sku) if reason == "recall" else []
    place = await lock_place(store, sku, warehouse_id)
    before = getattr(place.level, state)
    _require_sense(place, state, delta, reason)
    why = clean(note, 300) if note else None
    _apply(store, place, state, delta, reason, why)
    held = recall(store, place.variant, recalling) if reason == "recall" else []
    await store.session.flush()
    store.emit(
        "stock:adjusted", place.level, sku=place.variant.sku, warehouse=place.warehouse.code, state=state, delta=delta
    )
    after = getattr(place.level, state)
    view: Adjustment = {
        "state": state,
        "delta": delta,
        "before": before,
        "after": after,
        "on_hand_delta": 0 if reason in SET_ASIDE else delta,
        "reason": reason,
        "level": place.view(store),
    }
    what = state.replace("_", " ")
    store.means(
        f"Changes the {what} stock of {place.variant.sku} at {called(place.warehouse)} from {place.amount(before)} to "
        f"{place.amount(after)} ({reason})."
    )
    if reason in PLAIN:
        back = {"sku": place.variant.id, "warehouse_id": place.warehouse.id, "delta": -delta, "state": state}
        store.reverse(
            "adjust_stock",
            {**back, "reason": "count", "note": "Undone"},
            f"Puts the {what} stock of {place.variant.sku} at {called(place.warehouse)} back to "
            f"{place.amount(before)}.",
        )
    if why:
        view["note"] = why
    if reason == "recall":
        view["held_orders"] = held
    changed = f"{state} {place.amount(before)} -> {place.amount(after)} ({reason})"
    text = f"{place.sentence()}; {changed}."
    if reason == "recall":
        text += f" {place.variant.sku} is recalled; {len(held)} orders are held{': ' if held else ''}"
        text += ", ".join(held[:SAID]) + "."
    return Answer(view, text)


def _require_sense(place: StockPlace, state: AdjustedState, delta: int, reason: AdjustReason) -> None:
    if delta == 0 and reason != "recall":
        raise InvalidArgument("A delta of 0 changes nothing.", hint="Give the difference.", field="delta")
    if delta > 0 and reason != "count":
        raise InvalidArgument(
            f"{reason} takes units away; the delta is {delta}.",
            hint="Use a negative delta, or reason count for units that were found.",
            field="delta",
        )
    if reason == "damage" and state == "damaged":
        raise InvalidArgument(
            "Damaged units cannot turn damaged.", hint="Name the state they stood in, or use shrinkage.", field="state"
        )
    if reason == "recall" and state == "quality_control" and delta:
        raise InvalidArgument(
            "Units in quality control are set aside already.", hint="Use delta 0 for the recall alone.", field="delta"
        )
    held = getattr(place.level, state)
    if -delta > held:
        raise LimitExceeded(
            f"{place.warehouse.code} has {place.amount(held)} units of {place.variant.sku} {state}; "
            f"{place.amount(-delta)} cannot be taken away.",
            hint="Read the stock again. Units promised to orders are committed or reserved: release those first.",
            field="delta",
            details={"state": state, "held": held, "wanted": -delta},
        )


def _apply(
    store: Store, place: StockPlace, state: StockState, delta: int, reason: MovementCause, note: str | None
) -> None:
    if reason in SET_ASIDE:
        if delta:
            move(store, place.level, state, SET_ASIDE[reason], -delta, reason, None, note)
    elif delta > 0:
        move(store, place.level, None, state, delta, reason, None, note)
    else:
        move(store, place.level, state, None, -delta, reason, None, note)


TOOLS = (adjust_stock,)
