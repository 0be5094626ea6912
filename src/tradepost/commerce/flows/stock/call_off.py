"""Calling a transfer off while it is under way: its units are available at the source again."""

from sqlalchemy import select

from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.flows.names import called
from tradepost.commerce.inventory.models import Location, StockLevel, Transfer, TransferLine
from tradepost.commerce.inventory.states import TRANSFER
from tradepost.commerce.inventory.stock import expect, lock_levels, move
from tradepost.commerce.store.states import not_in_this_state, step
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument, StateConflict

Returned = tuple[Variant, int, StockLevel, StockLevel]  # of what, how many, the levels of source and target


async def bring_back(
    store: Store, reference: str, source: Location, target: Location
) -> tuple[Transfer, list[Returned]]:
    """Cancel a transfer of which nothing has arrived. Raises NotFound, InvalidArgument for one between other places,
    StateConflict for one that is not under way."""
    transfer = await store.primary(Transfer, reference, field="call_off")
    if (transfer.from_location_id, transfer.to_location_id) != (source.id, target.id):
        raise InvalidArgument(
            f"The transfer {transfer.number} is not from {called(source)} to {called(target)}.",
            hint="Name source and target as when it was sent.",
            field="call_off",
        )
    statement = select(TransferLine).where(TransferLine.transfer_id == transfer.id).order_by(TransferLine.id)
    lines = sorted(await store.lock_all(statement), key=lambda line: line.position)
    if transfer.status != "in_transit" or any(line.received for line in lines):
        raise not_in_this_state(
            transfer,
            "and cannot be called off",
            TRANSFER,
            hint="Only one that is under way, with nothing of it received, can be.",
        )
    levels = await lock_levels(store, [(line.sku, place.id) for line in lines for place in (source, target)])
    back: list[Returned] = []
    for line in lines:
        variant = await store.get(Variant, line.variant_id)
        taken, given = levels.get((line.sku, source.id)), levels.get((line.sku, target.id))
        if variant is None or taken is None or given is None:
            raise StateConflict(f"{line.sku} has no stock level any more.", hint="A person has to look at it.")
        move(store, taken, None, "available", line.quantity, "transfer_in", transfer.number, "called off")
        expect(given, -line.quantity)
        back.append((variant, line.quantity, taken, given))
    step(transfer, "canceled", TRANSFER)
    await store.session.flush()
    store.emit("transfer:canceled", transfer, source=source.code, target=target.code)
    return transfer, back
