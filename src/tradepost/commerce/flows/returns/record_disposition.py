"""What becomes of returned goods: back on the shelf, to be repaired, or out of the house."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from tradepost.commerce.flows.returns.goods_back import Bench, BenchView, Piece, bench_view, open_bench
from tradepost.commerce.flows.returns.receive_return import ArrivedCondition
from tradepost.commerce.flows.returns.return_reads import RmaReference
from tradepost.commerce.flows.settling.closing import close_if_settled
from tradepost.commerce.flows.settling.order_units import MAX_LINES, UnitsOf
from tradepost.commerce.inventory.models import Location
from tradepost.commerce.inventory.stock import lock_levels, move
from tradepost.commerce.orders.views import units_text
from tradepost.commerce.returns.models import Disposition
from tradepost.commerce.returns.states import RETURN_TRANSITIONS
from tradepost.commerce.serving.declare import Answer, write_tool
from tradepost.commerce.store.states import not_in_this_state, step
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument, LimitExceeded, StateConflict

LEAVES = ("return_to_vendor", "liquidate", "donate", "dispose")
AGAIN_FOR_SALE = ("new", "opened")


class DecidedUnits(UnitsOf):
    """Units of a return, what becomes of them, and their condition where it is seen only now."""

    disposition: Disposition
    condition: ArrivedCondition | None = None


Decided = Annotated[
    list[DecidedUnits] | None,
    Field(
        min_length=1,
        max_length=MAX_LINES,
        description="Units by order line or variant, each with its disposition; or disposition for all.",
        examples=[[{"line": 1, "quantity": 1, "disposition": "restock"}]],
    ),
]
ForAll = Annotated[
    Disposition | None,
    Field(description="For every unit that came and is undecided; instead of lines.", examples=["restock"]),
]


@write_tool(title="Record return disposition", scope="write:returns")
async def record_return_disposition(
    store: Store, rma: RmaReference, disposition: ForAll = None, lines: Decided = None
) -> Answer[BenchView]:
    """Decide what becomes of returned goods on the bench. Use after receive_return. restock puts units on sale again
    (only new or opened ones, never of a recalled SKU); return_to_vendor, liquidate, donate and dispose take them out of
    stock; refurbish and processing_required keep them in quality control, to be decided again; missing gives up units
    that never came. Pays nothing (initiate_refund). Once every unit is decided the return is inspected. Returns the
    return's state and lines."""
    bench = await open_bench(store, rma)
    _require_goods(bench)
    wanted = _wanted(bench, disposition, lines)
    decided: list[tuple[Piece, int]] = []
    for index, entry in enumerate(wanted):
        decided += await _decide(store, bench, index, entry)
    await _move_stock(store, bench, decided)
    await _advance(store, bench)
    place = await store.get(Location, bench.row.location_id)
    view = await bench_view(store, bench, place.code if place else None)
    return Answer(view, _sentence(view, decided))


def _require_goods(bench: Bench) -> None:
    row = bench.row
    if row.status not in ("partially_received", "received", "inspected"):
        hint = "Book what came first: receive_return."
        raise not_in_this_state(row, "and there are no goods to decide on", RETURN_TRANSITIONS, hint=hint)


def _wanted(
    bench: Bench, disposition: Disposition | None, lines: Sequence[DecidedUnits] | None
) -> Sequence[DecidedUnits]:
    if (disposition is None) == (lines is None):
        raise InvalidArgument(
            "Give either disposition, for all units, or lines.",
            hint='For example disposition "restock", or lines [{"line": 1, "disposition": "dispose"}].',
            field="lines",
        )
    if lines is not None:
        return lines
    units: dict[int, int] = {}
    for piece in bench.pieces:
        count = _open_units(piece, str(disposition))
        if count:
            units[piece.sold.position] = units.get(piece.sold.position, 0) + count
    if not units:
        raise StateConflict(
            f"Every unit of {bench.row.number} that came is decided.", hint="get_return shows the dispositions."
        )
    return [
        DecidedUnits(line=line, quantity=count, disposition=disposition)  # type: ignore[arg-type]
        for line, count in units.items()
    ]


def _open_units(piece: Piece, disposition: str) -> int:
    """Units of a piece that this disposition can still be given to."""
    if disposition == "missing":
        return piece.outstanding
    waiting = piece.line.disposition in (None, "refurbish", "processing_required")
    return piece.line.received if waiting and piece.line.disposition != disposition else 0


async def _decide(store: Store, bench: Bench, index: int, entry: DecidedUnits) -> list[tuple[Piece, int]]:
    named = await bench.named(store, index, entry)
    room = sum(_open_units(piece, entry.disposition) for piece in named)
    if entry.quantity > room:
        sample = named[0]
        wants, has = (
            units_text(count, sample.sold.quantity_scale, sample.sold.unit) for count in (entry.quantity, room)
        )
        waiting = "are outstanding" if entry.disposition == "missing" else "came and wait for a decision"
        raise LimitExceeded(
            f"{wants} units of {sample.line.sku} cannot be {entry.disposition}: {has} {waiting}.",
            hint="get_return shows what came; receive_return books more.",
            field=f"lines.{index}",
            details={"open": room, "wanted": entry.quantity},
        )
    left, decided = entry.quantity, []
    for piece in list(named):
        units = min(left, _open_units(piece, entry.disposition))
        if units:
            decided.append((_mark(store, bench, piece, units, entry, index), units))
            left -= units
    return decided


def _mark(store: Store, bench: Bench, piece: Piece, units: int, entry: DecidedUnits, index: int) -> Piece:
    """Give so many units of a piece the disposition, on a line of their own where the others differ."""
    missing = entry.disposition == "missing"
    condition = entry.condition or piece.line.condition
    if entry.disposition == "restock":
        _require_saleable(piece, condition, index)
    if missing:
        if piece.line.received or units < piece.line.quantity:
            piece = bench.split(store, piece, units)
    elif units < piece.line.received:
        piece.line.received -= units
        piece = bench.split(store, piece, units)
        piece.line.received = units
    piece.line.condition = "missing" if missing else condition
    piece.line.disposition = entry.disposition
    return piece


def _require_saleable(piece: Piece, condition: str | None, index: int) -> None:
    if piece.variant.status == "recalled":
        raise StateConflict(
            f"{piece.line.sku} is recalled and cannot be restocked.",
            hint="Use return_to_vendor, dispose or processing_required.",
            field=f"lines.{index}",
        )
    if condition not in AGAIN_FOR_SALE:
        raise StateConflict(
            f"Units of {piece.line.sku} in condition {condition or 'unknown'} cannot be restocked.",
            hint="Give the condition new or opened if that is what you see; otherwise refurbish, liquidate or dispose.",
            field=f"lines.{index}",
            details={"condition": condition},
        )


async def _move_stock(store: Store, bench: Bench, decided: Sequence[tuple[Piece, int]]) -> None:
    place = bench.row.location_id
    if place is None:
        return
    moving = [
        (piece, units)
        for piece, units in decided
        if piece.variant.tracks_stock and (piece.line.disposition == "restock" or piece.line.disposition in LEAVES)
    ]
    levels = await lock_levels(store, [(piece.variant.sku, place) for piece, _ in moving])
    for piece, units in moving:
        level = levels.get((piece.variant.sku, place))
        if level is None:
            raise StateConflict(
                f"The warehouse of {bench.row.number} holds no {piece.variant.sku} in quality control.",
                hint="Correct the stock first: adjust_stock.",
            )
        target = "available" if piece.line.disposition == "restock" else None
        move(store, level, "quality_control", target, units, "return", bench.row.number, piece.line.disposition)  # type: ignore[arg-type]


async def _advance(store: Store, bench: Bench) -> None:
    """Received once nothing is outstanding, inspected once every unit is decided, closed once it is settled too."""
    row = bench.row
    if row.status == "partially_received" and not any(piece.outstanding for piece in bench.pieces):
        step(row, "received", RETURN_TRANSITIONS)
        row.received_at = store.now
    if row.status == "received" and not any(piece.undecided for piece in bench.pieces):
        step(row, "inspected", RETURN_TRANSITIONS)
    await store.session.flush()
    store.emit(
        "return:disposition_recorded",
        row,
        order_id=bench.order.id,
        return_status=row.status,
        lines=[
            {"sku": piece.line.sku, "units": piece.line.received, "disposition": piece.line.disposition}
            for piece in bench.pieces
            if piece.line.disposition
        ],
    )
    await close_if_settled(store, row)
    await store.session.flush()


def _sentence(view: BenchView, decided: Sequence[tuple[Piece, int]]) -> str:
    listed = ", ".join(
        f"{units_text(units, piece.sold.quantity_scale, piece.sold.unit)} x {piece.line.sku}: {piece.line.disposition}"
        for piece, units in decided[:6]
    )
    refund = " A refund is possible (preview_refund)." if view["refundable"] else ""
    return f"{view['rma']} is {view['return_status']}. {listed}.{refund}"


TOOLS = (record_return_disposition,)
