"""Goods of a return arrive at the bench: counted, looked at, and set aside until their disposition is decided."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from tradepost.commerce.flows.names import find_called
from tradepost.commerce.flows.returns.goods_back import Bench, BenchView, Piece, bench_view, open_bench
from tradepost.commerce.flows.returns.return_reads import RmaReference
from tradepost.commerce.flows.settling.order_units import MAX_LINES, UnitsOf
from tradepost.commerce.inventory.models import Location
from tradepost.commerce.inventory.stock import lock_levels, move, open_level
from tradepost.commerce.orders.views import units_text
from tradepost.commerce.returns.states import RETURN_TRANSITIONS
from tradepost.commerce.serving.declare import Answer, write_tool
from tradepost.commerce.store.states import require_step, step
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument, LimitExceeded, StateConflict
from tradepost.foundation.untrusted import clean

ArrivedCondition = Literal["new", "opened", "used", "damaged", "defective"]
Photo = Annotated[str, Field(max_length=300)]


class ArrivedUnits(UnitsOf):
    """Units that came back, their condition, and photos of it by media id or URL."""

    condition: ArrivedCondition | None = None
    photos: list[Photo] = Field(default_factory=list, max_length=10)


Arrived = Annotated[
    list[ArrivedUnits] | None,
    Field(
        min_length=1,
        max_length=MAX_LINES,
        description="What came, by order line or variant; left out: every unit that is outstanding.",
        examples=[[{"line": 1, "quantity": 1, "condition": "used"}]],
    ),
]
Where = Annotated[
    str | None,
    Field(max_length=200, description="Warehouse it came to; else the return's or the order's.", examples=["WH-1"]),
]


@write_tool(title="Receive return", scope="write:returns")
async def receive_return(
    store: Store, rma: RmaReference, lines: Arrived = None, warehouse_id: Where = None
) -> Answer[BenchView]:
    """Book the goods of an approved return as arrived, in whole or in part. Use when a parcel of an RMA is on the
    bench; name the condition you see. Not to decide what becomes of the goods (record_return_disposition) and not to
    pay (initiate_refund, possible from now on). Units go into quality control at the warehouse; more than the return
    holds is refused. Units of a line in different conditions get lines of their own. Returns the return's state and,
    per line, what came, its condition and what is outstanding."""
    bench = await open_bench(store, rma)
    _require_expected(bench)
    place = await _place(store, bench, warehouse_id)
    wanted = _all_outstanding(bench) if lines is None else lines
    came = [await _arrive(store, bench, index, entry) for index, entry in enumerate(wanted)]
    units = [one for entry in came for one in entry]
    await _into_quality_control(store, bench, place, units)
    complete = not any(piece.outstanding for piece in bench.pieces)
    target = "received" if complete else "partially_received"
    if bench.row.status != target:
        step(bench.row, target, RETURN_TRANSITIONS)
    if complete:
        bench.row.received_at = store.now
    bench.row.location_id = place.id
    await store.session.flush()
    store.emit(
        f"return:{target}",
        bench.row,
        order_id=bench.order.id,
        warehouse=place.code,
        lines=[{"sku": piece.line.sku, "units": count, "condition": piece.line.condition} for piece, count in units],
        photos=[clean(photo, 300) for entry in wanted for photo in entry.photos],
    )
    await store.session.flush()
    view = await bench_view(store, bench, place.code)
    return Answer(view, _sentence(view, units))


def _require_expected(bench: Bench) -> None:
    require_step(bench.row, "received", RETURN_TRANSITIONS)
    if not any(piece.outstanding for piece in bench.pieces):
        raise StateConflict(
            f"All units of {bench.row.number} have come.",
            hint="Decide what becomes of them: record_return_disposition.",
        )


async def _place(store: Store, bench: Bench, warehouse_id: str | None) -> Location:
    if warehouse_id is not None:
        return await find_called(store, Location, warehouse_id, field="warehouse_id")
    known = bench.row.location_id or bench.order.warehouse_id
    if known is None:
        raise InvalidArgument(
            f"Neither {bench.row.number} nor its order names a warehouse.",
            hint="Say where the goods came in warehouse_id.",
            field="warehouse_id",
        )
    return await store.find(Location, known)


def _all_outstanding(bench: Bench) -> list[ArrivedUnits]:
    left: dict[int, int] = {}
    for piece in bench.pieces:
        if piece.outstanding:
            left[piece.sold.position] = left.get(piece.sold.position, 0) + piece.outstanding
    return [ArrivedUnits(line=position, quantity=units) for position, units in left.items()]


async def _arrive(store: Store, bench: Bench, index: int, entry: ArrivedUnits) -> list[tuple[Piece, int]]:
    """Put an entry's units on the lines they belong to. Raises LimitExceeded for more than are outstanding."""
    named = await bench.named(store, index, entry)
    room = sum(piece.outstanding for piece in named)
    if entry.quantity > room:
        sample = named[0]
        wants, has = (
            units_text(count, sample.sold.quantity_scale, sample.sold.unit) for count in (entry.quantity, room)
        )
        raise LimitExceeded(
            f"{wants} units of {sample.line.sku} cannot come back on {bench.row.number}: {has} are outstanding.",
            hint="Book what the return holds; anything more needs a return of its own (submit_return).",
            field=f"lines.{index}",
            details={"outstanding": room, "wanted": entry.quantity},
        )
    left, came = entry.quantity, []
    for piece in named:
        units = min(left, piece.outstanding)
        if units:
            came.append((_take_in(store, bench, piece, units, entry.condition), units))
            left -= units
    return came


def _take_in(store: Store, bench: Bench, piece: Piece, units: int, condition: str | None) -> Piece:
    differs = piece.line.received and (piece.line.disposition is not None or piece.line.condition != condition)
    if differs:
        piece = bench.split(store, piece, piece.outstanding)
    piece.line.received += units
    piece.line.condition = condition
    piece.sold.return_received += units
    return piece


async def _into_quality_control(store: Store, bench: Bench, place: Location, came: Sequence[tuple[Piece, int]]) -> None:
    counted = [(piece, units) for piece, units in came if piece.variant.tracks_stock]
    levels = await lock_levels(store, [(piece.variant.sku, place.id) for piece, _ in counted])
    for piece, units in counted:
        key = (piece.variant.sku, place.id)
        if key not in levels:
            levels[key] = open_level(store, variant_id=piece.variant.id, sku=piece.variant.sku, location_id=place.id)
            await store.session.flush()
        move(store, levels[key], None, "quality_control", units, "return", bench.row.number, piece.line.condition)


def _sentence(view: BenchView, came: Sequence[tuple[Piece, int]]) -> str:
    listed = ", ".join(
        f"{units_text(units, piece.sold.quantity_scale, piece.sold.unit)} x {piece.line.sku}"
        f"{f' ({piece.line.condition})' if piece.line.condition else ''}"
        for piece, units in came[:6]
    )
    left = sum(line["outstanding"] for line in view["lines"])
    rest = f" {left} units are outstanding." if left else " All units are there."
    refund = " A refund is possible now (preview_refund)." if view["refundable"] else ""
    return (
        f"{view['rma']} is {view['return_status']}: {listed} came to {view['warehouse']} into quality control."
        f"{rest}{refund} Next: record_return_disposition."
    )


TOOLS = (receive_return,)
