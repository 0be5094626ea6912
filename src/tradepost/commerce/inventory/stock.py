"""Moving units between the states of a stock level, and into and out of a location.

The one place that changes the quantities of a level, so that on_hand stays the sum of its states and every change of
a state leaves a movement behind. A level must be locked first: `lock_levels` takes them in id order.
"""

from collections.abc import Iterable
from typing import Literal

from sqlalchemy import select, tuple_

from tradepost.commerce.inventory.models import MovementCause, StockLevel, StockMovement
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.foundation.ids import new_id

StockState = Literal["available", "committed", "reserved", "damaged", "quality_control", "safety_stock"]
Place = tuple[str, str]  # sku, location id


async def lock_levels(store: Store, places: Iterable[Place]) -> dict[Place, StockLevel]:
    """The levels of these (sku, location id) pairs, locked in id order. A pair without a level is not in the result."""
    wanted = sorted(set(places))
    if not wanted:
        return {}
    statement = (
        select(StockLevel)
        .where(tuple_(StockLevel.sku, StockLevel.location_id).in_(wanted))
        .order_by(StockLevel.id)
        .execution_options(populate_existing=True)
    )
    return {(level.sku, level.location_id): level for level in await store.lock_all(statement)}


def open_level(store: Store, *, variant_id: str, sku: str, location_id: str) -> StockLevel:
    """A new, empty level for a sku that the location did not hold so far."""
    return store.add(empty_level(variant_id=variant_id, sku=sku, location_id=location_id))


def empty_level(*, variant_id: str, sku: str, location_id: str) -> StockLevel:
    """A level without units that is not in the store yet."""
    zeros = dict.fromkeys(
        (
            *("on_hand", "available", "committed", "reserved", "damaged", "quality_control", "safety_stock"),
            *("incoming", "reorder_point", "reorder_quantity", "daily_demand_milli"),
        ),
        0,
    )
    return StockLevel(
        id=new_id(StockLevel.prefix), variant_id=variant_id, sku=sku, location_id=location_id, lead_time_days=7, **zeros
    )


def move(
    store: Store,
    level: StockLevel,
    from_state: StockState | None,
    to_state: StockState | None,
    quantity: int,
    cause: MovementCause,
    reference: str | None = None,
    reason: str | None = None,
) -> None:
    """Move units of a locked level from one state to another and write the movements. `from_state` None: they come
    into the location; `to_state` None: they leave it. `reference` is the number of the record behind it.
    Raises StateConflict where the state has too few units."""
    if quantity <= 0:
        raise InvalidArgument(f"{quantity} units cannot be moved.", hint="Use a quantity of 1 or more.")
    if from_state == to_state:
        raise InvalidArgument(f"The units are {from_state} already.")
    if from_state is not None:
        held = getattr(level, from_state)
        if held < quantity:
            raise StateConflict(
                f"The stock level {level.sku} has {held} units {from_state}; {quantity} are wanted.",
                hint="Read the stock again and use a smaller quantity.",
                details={"sku": level.sku, "state": from_state, "held": held, "wanted": quantity},
            )
    on_hand_delta = quantity * ((to_state is not None) - (from_state is not None))
    if from_state is not None:
        setattr(level, from_state, getattr(level, from_state) - quantity)
        _record(store, level, from_state, -quantity, min(on_hand_delta, 0), cause, reference, reason)
    if to_state is not None:
        setattr(level, to_state, getattr(level, to_state) + quantity)
        _record(store, level, to_state, quantity, max(on_hand_delta, 0), cause, reference, reason)
    level.on_hand += on_hand_delta


def commit(store: Store, level: StockLevel, quantity: int, reference: str, reason: str | None = None) -> None:
    """Promise available units to an order."""
    move(store, level, "available", "committed", quantity, "reservation", reference, reason)


def release_commitment(
    store: Store, level: StockLevel, quantity: int, reference: str, reason: str | None = None
) -> None:
    """Give an order's promised units back to everybody."""
    move(store, level, "committed", "available", quantity, "release", reference, reason)


def ship(store: Store, level: StockLevel, quantity: int, reference: str) -> None:
    """Promised units leave with a parcel."""
    move(store, level, "committed", None, quantity, "sale", reference)


def expect(level: StockLevel, quantity: int) -> None:
    """Units are on their way here (or, negative, no longer). They count in no state until they are received."""
    level.incoming = max(level.incoming + quantity, 0)


def _record(
    store: Store,
    level: StockLevel,
    state: str,
    delta: int,
    on_hand_delta: int,
    cause: MovementCause,
    reference: str | None,
    reason: str | None,
) -> None:
    principal = store.caller.principal
    store.add(
        StockMovement(
            id=new_id(StockMovement.prefix),
            sku=level.sku,
            location_id=level.location_id,
            state=state,
            delta=delta,
            on_hand_delta=on_hand_delta,
            cause=cause,
            reference=reference,
            reason=reason,
            actor=f"{principal.kind}:{principal.id}",
            occurred_at=store.now,
        )
    )
