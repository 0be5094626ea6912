"""Sending stock from one location to another: the units leave the source at once and are incoming at the target.

What people want to know first is whether the transfer arrives before the target runs out, so the answer and the
preview both say it in dates.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Annotated

from pydantic import Field
from sqlalchemy import select
from typing_extensions import TypedDict

from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.flows.names import called, find_called
from tradepost.commerce.flows.stock.call_off import bring_back
from tradepost.commerce.flows.stock.stock_lines import Lines, OneQuantity, OneSku, StockLine, require_once, wanted_lines
from tradepost.commerce.inventory.cover import amount_text, days_of_cover, stockout_at
from tradepost.commerce.inventory.models import Location, StockLevel, Transfer, TransferLine
from tradepost.commerce.inventory.stock import Place, expect, lock_levels, move, open_level
from tradepost.commerce.serving.declare import UNDO_FOR, Answer, write_tool
from tradepost.commerce.store.listing import Moment
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.foundation.ids import new_id

USUAL_TRANSIT = timedelta(days=3)  # where no transfer of this lane has arrived yet
_LANE_HISTORY = 10


FromPlace = Annotated[
    str, Field(min_length=1, max_length=200, description="Source: id, code or name.", examples=["WH-1"])
]
ToPlace = Annotated[
    str, Field(min_length=1, max_length=200, description="Target: id, code or name.", examples=["WH-2"])
]
Arrival = Annotated[
    Moment | None,
    Field(
        description="When it arrives, if agreed; else estimated from the lane's past.",
        examples=["2026-03-05T12:00:00Z"],
    ),
]
CallOff = Annotated[str | None, Field(max_length=200, description="Transfer to take back.", examples=["TRF-1001"])]
Why = Annotated[str | None, Field(max_length=300, description="Why.", examples=["Stockout ahead"])]


class TransferLineView(TypedDict):
    """A line: what is left at the source, and whether the target lasts until the arrival (null: no demand there)."""

    sku: str
    quantity: int
    source_available: int
    source_days_of_cover: float | None
    target_available: int
    target_days_of_cover: float | None
    target_stockout_at: str | None
    arrives_before_stockout: bool | None


class TransferView(TypedDict):
    """A transfer under way."""

    id: str
    number: str
    version: int
    transfer_status: str
    from_warehouse: str
    to_warehouse: str
    shipped_at: str
    eta: str
    eta_basis: str
    lines: list[TransferLineView]


@dataclass(frozen=True, slots=True)
class _Arrival:
    at: datetime
    basis: str


@write_tool(title="Transfer stock", scope="write:inventory", undo_for=UNDO_FOR)
async def transfer_stock(
    store: Store,
    from_warehouse_id: FromPlace,
    to_warehouse_id: ToPlace,
    sku: OneSku = None,
    quantity: OneQuantity = None,
    lines: Lines = None,
    arrives_at: Arrival = None,
    reason: Why = None,
    call_off: CallOff = None,
) -> Answer[TransferView]:
    """Send available stock from one warehouse to another. Use when one runs short and another has enough; call with
    dry_run first to see whether it arrives before the target's stockout. Not for buying (create_reorder). The units
    leave the source at once and are incoming at the target until received there; no carrier is booked.
    call_off takes one back that is under way. expected_version means the source stock level of the first line. Returns
    the transfer's number, ETA and, per line, what the source keeps and whether the target lasts until arrival."""
    source = await find_called(store, Location, from_warehouse_id, field="from_warehouse_id")
    target = await find_called(store, Location, to_warehouse_id, field="to_warehouse_id")
    if source.id == target.id:
        raise InvalidArgument(
            f"Source and target are both {called(source)}.", hint="Name two locations.", field="to_warehouse_id"
        )
    if call_off is not None:
        if sku is not None or lines is not None or arrives_at is not None:
            raise InvalidArgument("call_off takes all of a transfer back.", hint="Leave out sku, lines and arrives_at.")
        return await _called_off(store, call_off, source, target)
    wanted = wanted_lines(sku, quantity, lines)
    variants = await _variants(store, wanted)
    arrival = await _arrival(store, source, target, arrives_at)
    levels = await _locked(store, wanted, variants, source, target)
    transfer = store.add(
        Transfer(
            id=new_id(Transfer.prefix),
            number=await store.next_number("TRF-"),
            from_location_id=source.id,
            to_location_id=target.id,
            status="in_transit",
            shipped_at=store.now,
            eta=arrival.at,
            reason=reason,
        )
    )
    await store.session.flush()
    views: list[TransferLineView] = []
    verdicts: list[str] = []
    for position, line in enumerate(wanted, start=1):
        variant = variants[line["sku"]]
        taken = levels[(variant.sku, source.id)]
        given = levels.get((variant.sku, target.id)) or open_level(
            store, variant_id=variant.id, sku=variant.sku, location_id=target.id
        )
        move(store, taken, "available", None, line["quantity"], "transfer_out", transfer.number, reason)
        expect(given, line["quantity"])
        store.add(_line(transfer, position, variant, line["quantity"]))
        views.append(_line_view(store, variant, line["quantity"], taken, given, arrival.at))
        verdicts.append(_verdict(variant, views[-1], arrival.at, source, target))
        store.side_effect(verdicts[-1])
    await store.session.flush()
    store.reverse(
        "transfer_stock",
        {"from_warehouse_id": source.id, "to_warehouse_id": target.id, "call_off": transfer.id},
        f"Calls transfer {transfer.number} off: its units are available at {called(source)} again.",
    )
    store.emit("transfer:shipped", transfer, source=source.code, target=target.code, eta=to_rfc3339(arrival.at))
    view: TransferView = {
        "id": transfer.id,
        "number": transfer.number,
        "version": transfer.version,
        "transfer_status": transfer.status,
        "from_warehouse": source.code,
        "to_warehouse": target.code,
        "shipped_at": to_rfc3339(store.now),
        "eta": to_rfc3339(arrival.at),
        "eta_basis": arrival.basis,
        "lines": views,
    }
    sent = ", ".join(
        f"{amount_text(line['quantity'], one.quantity_scale, one.unit)} x {one.sku}"
        for line, one in ((line, variants[line["sku"]]) for line in wanted[:6])
    )
    store.means(f"Sends {sent} from {called(source)} to {called(target)}, there on {view['eta'][:10]}.")
    on_its_way = f"Transfer {transfer.number} is under way from {source.code} to {target.code}."
    return Answer(view, " ".join([on_its_way, *verdicts]))


async def _called_off(store: Store, reference: str, source: Location, target: Location) -> Answer[TransferView]:
    transfer, back = await bring_back(store, reference, source, target)
    eta = transfer.eta or store.now
    view: TransferView = {
        "id": transfer.id,
        "number": transfer.number,
        "version": transfer.version,
        "transfer_status": transfer.status,
        "from_warehouse": source.code,
        "to_warehouse": target.code,
        "shipped_at": to_rfc3339(transfer.shipped_at or store.now),
        "eta": to_rfc3339(eta),
        "eta_basis": "called off",
        "lines": [_line_view(store, *returned, eta) for returned in back],
    }
    units = ", ".join(
        f"{amount_text(quantity, variant.quantity_scale, variant.unit)} x {variant.sku}"
        for variant, quantity, _, _ in back[:6]
    )
    store.means(f"Calls transfer {transfer.number} off: {units} are available at {called(source)} again.")
    return Answer(view, f"Transfer {transfer.number} is called off; {units} are available at {source.code} again.")


async def _variants(store: Store, lines: list[StockLine]) -> dict[str, Variant]:
    """The variant of each line, under the name the line gives it. Refuses a SKU named twice."""
    found = {line["sku"]: await store.find(Variant, line["sku"], field="lines") for line in lines}
    require_once(found[line["sku"]].sku for line in lines)
    for variant in found.values():
        if variant.status == "recalled":
            raise StateConflict(
                f"{variant.sku} is recalled: its stock stays where it is.", hint="Leave it out of the transfer."
            )
    return found


async def _arrival(store: Store, source: Location, target: Location, agreed: datetime | None) -> _Arrival:
    if agreed is not None:
        if agreed <= store.now:
            raise InvalidArgument(
                f"arrives_at {to_rfc3339(agreed)} is not after now, {to_rfc3339(store.now)}.",
                hint="Give a time to come, or leave it out for an estimate.",
                field="arrives_at",
            )
        return _Arrival(agreed, "as given")
    past = await store.all(
        select(Transfer)
        .where(
            Transfer.from_location_id == source.id,
            Transfer.to_location_id == target.id,
            Transfer.status == "received",
            Transfer.shipped_at.is_not(None),
            Transfer.received_at.is_not(None),
        )
        .order_by(Transfer.received_at.desc())
        .limit(_LANE_HISTORY)
    )
    took = [row.received_at - row.shipped_at for row in past if row.received_at and row.shipped_at]
    if not took:
        return _Arrival(store.now + USUAL_TRANSIT, f"estimate: {USUAL_TRANSIT.days} days, no transfer of this lane yet")
    transit = timedelta(seconds=round(median(span.total_seconds() for span in took)))
    basis = f"estimate: {transit / timedelta(days=1):.1f} days, median of the last {len(took)} transfers of this lane"
    return _Arrival(store.now + transit, basis)


async def _locked(
    store: Store, lines: list[StockLine], variants: dict[str, Variant], source: Location, target: Location
) -> dict[Place, StockLevel]:
    """The levels on both sides, locked; every line checked before anything changes."""
    skus = [variants[line["sku"]].sku for line in lines]
    levels = await lock_levels(store, [(sku, place.id) for sku in skus for place in (source, target)])
    for line in lines:
        variant = variants[line["sku"]]
        level = levels.get((variant.sku, source.id))
        held = level.available if level else 0
        if level is None or held < line["quantity"]:
            raise StateConflict(
                f"{called(source)} has {amount_text(held, variant.quantity_scale, variant.unit)} units of {variant.sku}"
                f" available; {amount_text(line['quantity'], variant.quantity_scale, variant.unit)} are wanted.",
                hint="Use a smaller quantity or another source: check_inventory shows who holds it.",
                field="lines",
                details={"sku": variant.sku, "available": held, "wanted": line["quantity"]},
            )
    await store.primary(StockLevel, levels[(skus[0], source.id)].id)
    return levels


def _line(transfer: Transfer, position: int, variant: Variant, quantity: int) -> TransferLine:
    return TransferLine(
        id=new_id(TransferLine.prefix),
        transfer_id=transfer.id,
        position=position,
        variant_id=variant.id,
        sku=variant.sku,
        quantity=quantity,
    )


def _line_view(
    store: Store, variant: Variant, quantity: int, taken: StockLevel, given: StockLevel, eta: datetime
) -> TransferLineView:
    scale = variant.quantity_scale
    empty_at = stockout_at(store.now, given.available, given.daily_demand_milli, scale)
    in_time = None if given.daily_demand_milli <= 0 else empty_at is None or eta <= empty_at
    return {
        "sku": variant.sku,
        "quantity": quantity,
        "source_available": taken.available,
        "source_days_of_cover": days_of_cover(taken.available, taken.daily_demand_milli, scale),
        "target_available": given.available,
        "target_days_of_cover": days_of_cover(given.available, given.daily_demand_milli, scale),
        "target_stockout_at": None if empty_at is None else to_rfc3339(empty_at.replace(microsecond=0)),
        "arrives_before_stockout": in_time,
    }


def _verdict(variant: Variant, view: TransferLineView, eta: datetime, source: Location, target: Location) -> str:
    """One sentence per line that answers: will it arrive before the stockout?"""

    def amount(quantity: int) -> str:
        return amount_text(quantity, variant.quantity_scale, variant.unit)

    there = to_rfc3339(eta.replace(microsecond=0))
    moved = f"{amount(view['quantity'])} x {variant.sku} arrive at {target.code} on {there}"
    kept = f"{source.code} keeps {amount(view['source_available'])} available"
    if view["arrives_before_stockout"] is None:
        return f"{moved}; nothing sells there, so no stockout is ahead. {kept}."
    cover = f"its {amount(view['target_available'])} available units last {view['target_days_of_cover']} days"
    until = f", until {view['target_stockout_at']}" if view["target_stockout_at"] else ""
    answer = "before the stockout" if view["arrives_before_stockout"] else "AFTER the stockout"
    return f"{moved}, {answer}: {cover}{until}. {kept}."


TOOLS = (transfer_stock,)
