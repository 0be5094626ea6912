"""The units of a return on the bench: which of its lines they belong to, what state they are in, what becomes of them.

A return line has one condition and one disposition. Units of a line that differ in either are split off onto a line of
their own, so that every unit is told apart and the sums stay.
"""

from dataclasses import dataclass

from sqlalchemy import select
from typing_extensions import TypedDict

from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.flows.settling.order_units import UnitsOf, find_variants
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.orders.policy import load_rules
from tradepost.commerce.returns.models import Return, ReturnLine
from tradepost.commerce.returns.states import REFUNDABLE, REFUNDABLE_ON_APPROVAL, RETURN_TRANSITIONS
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument, NotFound
from tradepost.foundation.ids import new_id
from tradepost.foundation.untrusted import clean


@dataclass(frozen=True, slots=True)
class Piece:
    """A line of a return, with the order line and the variant it is about."""

    line: ReturnLine
    sold: OrderLine
    variant: Variant

    @property
    def outstanding(self) -> int:
        """Units that have not come; none where they were given up."""
        return 0 if self.line.disposition == "missing" else self.line.quantity - self.line.received

    @property
    def undecided(self) -> int:
        """Units that came and wait for a disposition."""
        return self.line.received if self.line.disposition is None else 0


@dataclass(slots=True)
class Bench:
    """A locked return with its pieces."""

    order: Order
    row: Return
    pieces: list[Piece]

    async def named(self, store: Store, index: int, entry: UnitsOf) -> list[Piece]:
        """The pieces that an entry names. Raises InvalidArgument or NotFound, naming the entry."""
        place = f"lines.{index}"
        if (entry.line is None) == (entry.variant is None):
            raise InvalidArgument(
                "Each entry names either a line or a variant of the return.",
                hint='Write {"line": 1} or {"variant": "SKU-1"}, not both.',
                field=place,
            )
        if entry.variant is None:
            found = [piece for piece in self.pieces if piece.sold.position == entry.line]
        else:
            variant = (await find_variants(store, [entry.variant], place))[entry.variant]
            found = [piece for piece in self.pieces if piece.variant.id == variant.id]
        if not found:
            called = f"line {entry.line}" if entry.variant is None else clean(entry.variant, 60)
            known = ", ".join(f"{piece.sold.position}: {piece.line.sku}" for piece in self.pieces[:10])
            raise NotFound(f"{self.row.number} has no {called}.", hint=f"Its lines: {known}.", field=place)
        return found

    def split(self, store: Store, piece: Piece, quantity: int) -> Piece:
        """Take `quantity` units off a piece onto a line of their own, which has neither come nor been decided."""
        piece.line.quantity -= quantity
        line = store.add(
            ReturnLine(
                id=new_id(ReturnLine.prefix),
                return_id=self.row.id,
                position=max(one.line.position for one in self.pieces) + 1,
                order_line_id=piece.line.order_line_id,
                variant_id=piece.line.variant_id,
                sku=piece.line.sku,
                quantity=quantity,
                received=0,
                reason=piece.line.reason,
                customer_note=piece.line.customer_note,
            )
        )
        made = Piece(line, piece.sold, piece.variant)
        self.pieces.append(made)
        return made


async def open_bench(store: Store, rma: str) -> Bench:
    """The return and its lines, locked after the order, as in every write on it."""
    seen = await store.find(Return, rma, field="rma")
    order = await store.lock(Order, seen.order_id)
    row = await store.primary(Return, seen.id, field="rma")
    lines = await store.lock_all(select(ReturnLine).where(ReturnLine.return_id == row.id).order_by(ReturnLine.id))
    sold_ids = sorted({line.order_line_id for line in lines})
    sold = {
        line.id: line
        for line in await store.lock_all(select(OrderLine).where(OrderLine.id.in_(sold_ids)).order_by(OrderLine.id))
    }
    variant_ids = sorted({line.variant_id for line in lines})
    variants = {row.id: row for row in await store.all(select(Variant).where(Variant.id.in_(variant_ids)))}
    ordered = sorted(lines, key=lambda line: line.position)
    return Bench(order, row, [Piece(line, sold[line.order_line_id], variants[line.variant_id]) for line in ordered])


class BenchLineView(TypedDict):
    """Units of a return: `line` is the order line's position."""

    line: int
    sku: str
    quantity: int
    received: int
    outstanding: int
    condition: str | None
    disposition: str | None


class BenchView(TypedDict):
    """A return on the bench. `refundable`: the shop's policy allows the refund from this state on."""

    return_id: str
    rma: str
    version: int
    return_status: str
    allowed_next: list[str]
    order_number: str
    resolution: str
    warehouse: str | None
    refundable: bool
    lines: list[BenchLineView]


async def bench_view(store: Store, bench: Bench, warehouse: str | None) -> BenchView:
    """The return as a step on the bench leaves it."""
    row, rules = bench.row, await load_rules(store)
    refundable = REFUNDABLE_ON_APPROVAL if rules.refund_from() == "approved" else REFUNDABLE
    return {
        "return_id": row.id,
        "rma": row.number,
        "version": row.version,
        "return_status": row.status,
        "allowed_next": list(RETURN_TRANSITIONS.get(row.status, ())),
        "order_number": bench.order.number,
        "resolution": row.resolution,
        "warehouse": warehouse,
        "refundable": row.status in refundable and row.resolution != "exchange",
        "lines": [
            {
                "line": piece.sold.position,
                "sku": piece.line.sku,
                "quantity": piece.line.quantity,
                "received": piece.line.received,
                "outstanding": piece.outstanding,
                "condition": piece.line.condition,
                "disposition": piece.line.disposition,
            }
            for piece in bench.pieces
        ],
    }
