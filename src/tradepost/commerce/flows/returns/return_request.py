"""Making a return: the row, its lines, and the counters of the order lines. Shared by returns and exchanges; no money
moves and no stock moves by a request alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, NoReturn, TypeVar

from pydantic import Field

from tradepost.commerce.flows.returns.eligibility import Verdict, judge
from tradepost.commerce.flows.settling.order_units import (
    Taken,
    UnitPool,
    UnitsOf,
    find_variants,
    named_variants,
    order_lines,
)
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.orders.policy import OrderRules, load_rules
from tradepost.commerce.orders.views import units_text
from tradepost.commerce.returns.models import Return, ReturnLine, ReturnReason
from tradepost.commerce.store.rows import label_of
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import StateConflict
from tradepost.foundation.ids import new_id

MAX_NOTE = 1000


class ReturnUnits(UnitsOf):
    """Units to send back, and why; `note` are the customer's words."""

    reason: ReturnReason = "unknown"
    note: str | None = Field(default=None, max_length=MAX_NOTE)


Entry = TypeVar("Entry", bound=ReturnUnits)


@dataclass(frozen=True)
class WantedUnits(Generic[Entry]):
    """Units that a customer wants to send back, entry by entry."""

    rules: OrderRules
    verdict: Verdict
    pool: UnitPool
    entries: Sequence[Entry]

    @property
    def taken(self) -> list[Taken]:
        """The units, line by line."""
        return self.pool.taken

    def fee_minor(self) -> int:
        """The restocking fee over all of them; a waived reason costs nothing."""
        return sum(
            self.verdict.of(taken.line).fee_minor(taken.quantity)
            for taken in self.taken
            if not self.rules.fee_waived(self.entries[taken.index].reason)
        )


async def judge_wanted(
    store: Store, order: Order, entries: Sequence[Entry] | None, everything: Callable[[OrderLine, int], Entry]
) -> WantedUnits[Entry]:
    """Take the entries' units from what may be returned of a locked order; without entries, all that may, each line by
    an entry that `everything` makes. Raises StateConflict with the rule and its clause where a unit may not."""
    lines = await order_lines(store, order, lock=True)
    rules = await load_rules(store)
    verdict = await judge(store, order, lines, rules)
    if entries is None:
        entries = [everything(one.line, one.units) for one in verdict.lines if one.units]
        if not entries:
            _refuse(order, verdict, lines, "lines")
    variants = await find_variants(store, named_variants(entries), "lines")
    pool = UnitPool(order, lines, variants, verdict.free, "the rest is not delivered or was returned before")
    for index, entry in enumerate(entries):
        candidates = pool.named(index, entry)
        if all(verdict.of(line).why_not for line in candidates):
            _refuse(order, verdict, candidates, f"lines.{index}")
        pool.take(index, entry)
    return WantedUnits(rules, verdict, pool, entries)


async def add_return(
    store: Store,
    order: Order,
    wanted: WantedUnits[Entry],
    *,
    resolution: str,
    refund_method_id: str | None = None,
    payment_method_id: str | None = None,
    price_difference_minor: int | None = None,
    customer_note: str | None = None,
) -> tuple[Return, list[ReturnLine]]:
    """The return with its lines, one per order line and entry."""
    ends = [wanted.verdict.of(taken.line).window_ends for taken in wanted.taken]
    row = store.add(
        Return(
            id=new_id(Return.prefix),
            number=await store.next_number("RMA-"),
            order_id=order.id,
            customer_id=order.customer_id,
            status="requested",
            resolution=resolution,
            refund_method_id=refund_method_id,
            payment_method_id=payment_method_id,
            price_difference_minor=price_difference_minor,
            currency=order.currency,
            location_id=order.warehouse_id,
            window_ends_at=min((end for end in ends if end is not None), default=None),
            requested_at=store.now,
            fee_minor=wanted.fee_minor(),
            customer_note=customer_note,
        )
    )
    await store.session.flush()
    lines: list[ReturnLine] = []
    for position, taken in enumerate(wanted.taken, start=1):
        line = taken.line
        line.return_requested = min(line.return_requested + taken.quantity, line.quantity)
        lines.append(
            store.add(
                ReturnLine(
                    id=new_id(ReturnLine.prefix),
                    return_id=row.id,
                    position=position,
                    order_line_id=line.id,
                    variant_id=line.variant_id,
                    sku=line.sku,
                    quantity=taken.quantity,
                    received=0,
                    reason=wanted.entries[taken.index].reason,
                    customer_note=wanted.entries[taken.index].note,
                )
            )
        )
    await store.session.flush()
    store.emit("return:requested", row, order_id=order.id, resolution=resolution)
    return row, lines


def units_words(taken: Sequence[Taken]) -> str:
    """ "1 x SKU-1, 2 x SKU-2"."""
    shown = [f"{units_text(one.quantity, one.line.quantity_scale, one.line.unit)} x {one.line.sku}" for one in taken]
    more = f" and {len(shown) - 4} more" if len(shown) > 4 else ""
    return ", ".join(shown[:4]) + more


def _refuse(order: Order, verdict: Verdict, candidates: Sequence[OrderLine], field: str) -> NoReturn:
    """Say why, where no unit of these lines may come back."""
    if not candidates:
        raise StateConflict(f"The {label_of(order)} has no lines.", field=field)
    line = candidates[0]
    blocked = verdict.of(line)
    clause = f" ({blocked.clause})" if blocked.clause else ""
    raise StateConflict(
        f"{line.sku} of {label_of(order)} cannot be returned: {blocked.why_not}{clause}.",
        hint="check_return_eligibility shows what may be returned and why not.",
        field=field,
        details={"sku": line.sku, "clause": blocked.clause, "open_returns": verdict.open_returns},
    )
