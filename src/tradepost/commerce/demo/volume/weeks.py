"""A week of the history: new customers, the orders they and the others placed, and the provider's payout for them.

Each week is whole by itself: what it tells refers to nothing that a later week would have to bring.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from tradepost.commerce.demo.volume.aftermath import tell_return, tell_trouble
from tradepost.commerce.demo.volume.buyers import ORDERS_PER_BUYER, Buyers
from tradepost.commerce.demo.volume.fates import fate_of
from tradepost.commerce.demo.volume.ground import Ground
from tradepost.commerce.demo.volume.numbers import Numbers
from tradepost.commerce.demo.volume.pages import empty_sheets
from tradepost.commerce.demo.volume.parcels import tell_parcel
from tradepost.commerce.demo.volume.sheets import DAY, Sheet, When
from tradepost.commerce.demo.volume.stock import NoShelf, Shelf
from tradepost.commerce.demo.volume.telling import Pen, Told, tell_order, write_order

WEEK = 7 * DAY
WEEKS = 104
MOVES_DAYS = 60
_ARRIVES_AFTER = 3 * DAY
_LAST_ORDER_BEFORE_NOW = 300


@dataclass(frozen=True, slots=True)
class Week:
    """What one week adds: rows, the units that its open orders hold, how many orders there are, and the names that no
    customer of an earlier week had."""

    sheets: dict[str, Sheet]
    held: dict[tuple[str, str], int]
    orders: int
    names: list[str]


def tell_weeks(ground: Ground, numbers: Numbers, when: When, now: int, seed: int, orders: int) -> Iterator[Week]:
    """So many orders, spread evenly over the weeks up to now, the oldest week first."""
    end = (now // DAY + 1) * DAY
    first = end - WEEKS * WEEK
    buyers = Buyers(ground, numbers, when)
    everyone = max(orders // ORDERS_PER_BUYER, 1)
    for index in range(WEEKS):
        placed = orders * (index + 1) // WEEKS - orders * index // WEEKS
        if not placed:
            continue
        chance = Random(f"{seed}:{numbers.tag}:week:{index}")
        start = first + index * WEEK
        sheets = {**empty_sheets(ground.workspace_id), **buyers.sheets()}
        joining = -(-everyone * (index + 1) // WEEKS) - len(buyers.known)
        buyers.join(sheets, joining, start, chance)
        pen = Pen(ground, sheets, numbers, when, now, chance)
        yield _week(pen, buyers, start, placed, buyers.new_names(sheets))


def _week(pen: Pen, buyers: Buyers, start: int, count: int, names: list[str]) -> Week:
    make = Shelf if start > pen.now - MOVES_DAYS * DAY else NoShelf
    shelf = make(pen.sheets["moves"], pen.numbers, pen.when, start)
    last = min(start + WEEK, pen.now - _LAST_ORDER_BEFORE_NOW) - 120
    moments = sorted(pen.chance.randrange(start, max(last, start + 1)) for _ in range(count))
    payout = _Payout(pen, start)
    for placed in moments:
        buyer = pen.chance.choice(buyers.known)
        told = tell_order(pen, buyer, fate_of(placed, pen.now, buyer, pen.chance), shelf)
        shipment_id = tell_parcel(pen, told)
        write_order(pen, told)
        tell_return(pen, told, shelf)
        tell_trouble(pen, told, shipment_id)
        payout.settle(told)
    payout.close()
    shelf.open_balance(start - 1)
    held = {place: units for place, units in shelf.held.items() if units}
    return Week(pen.sheets, held, count, names)


class _Payout:
    """The provider's statement of a week's card payments."""

    def __init__(self, pen: Pen, start: int) -> None:
        self._pen, self._start, self._end = pen, start, start + WEEK
        self._id = pen.numbers.id("out")
        self._gross = self._fees = self._position = 0

    def settle(self, told: Told) -> None:
        """A line for the order's payment, if it was captured and ran through the provider."""
        if told.psp_reference is None or told.fate.canceled is not None:
            return
        amount = told.total_minor
        fee = amount * 14 // 1000 + 25
        self._gross, self._fees, self._position = self._gross + amount, self._fees + fee, self._position + 1
        pen, closed = self._pen, self._pen.when(self._end)
        pen.sheets["settled"].add(
            *(pen.numbers.id("stl"), self._id, self._position, "charge", told.psp_reference, pen.ground.currency),
            *(amount, fee, amount - fee, pen.when(told.fate.placed + 60), closed, closed),
        )

    def close(self) -> None:
        """The payout with its sums."""
        if not self._position:
            return
        pen, arrives = self._pen, self._end + _ARRIVES_AFTER
        paid = arrives < pen.now
        closed = pen.when(self._end)
        pen.sheets["payouts"].add(
            *(
                self._id,
                pen.numbers.next("OUT-"),
                "paid" if paid else "in_transit" if self._end < pen.now else "pending",
            ),
            *(pen.ground.currency, self._gross, self._fees, self._gross - self._fees, pen.when(self._start), closed),
            *(pen.when(arrives), pen.when(arrives) if paid else None, closed, closed),
        )
