"""Stock under the history: movements of the last sixty days, and what open orders hold.

As in the shop itself, movements tell sixty days and what was before is one opening movement per state. Available units
stay what they were: an opening movement brings in what the week's orders took. Only what open orders hold is added to
the levels.
"""

from collections import defaultdict

from tradepost.commerce.demo.volume.numbers import Numbers
from tradepost.commerce.demo.volume.sheets import Sheet, When

_SHOP, _WAREHOUSE = "system:shop", "user:warehouse"


class Shelf:
    """Writes the movements of one week to its sheet. Times before `since` leave none."""

    def __init__(self, sheet: Sheet, numbers: Numbers, when: When, since: int) -> None:
        self._sheet, self._numbers, self._when, self._since = sheet, numbers, when, since
        self._available: dict[tuple[str, str], int] = defaultdict(int)
        self.held: dict[tuple[str, str], int] = defaultdict(int)  # sku, location id -> units of open orders

    def reserve(self, sku: str, place_id: str, quantity: int, at: int, order: str) -> None:
        """An order takes what it wants."""
        self._record(sku, place_id, "available", -quantity, 0, "reservation", at, order)
        self._record(sku, place_id, "committed", quantity, 0, "reservation", at, order)
        self.held[sku, place_id] += quantity

    def release(self, sku: str, place_id: str, quantity: int, at: int, order: str) -> None:
        """A canceled order gives it back."""
        self._record(sku, place_id, "committed", -quantity, 0, "release", at, order)
        self._record(sku, place_id, "available", quantity, 0, "release", at, order)
        self.held[sku, place_id] -= quantity

    def sell(self, sku: str, place_id: str, quantity: int, at: int, order: str) -> None:
        """What was reserved leaves the house."""
        self._record(sku, place_id, "committed", -quantity, -quantity, "sale", at, order)
        self.held[sku, place_id] -= quantity

    def restock(self, sku: str, place_id: str, quantity: int, at: int, return_number: str) -> None:
        """Goods that came back can be sold again."""
        self._record(sku, place_id, "available", quantity, quantity, "return", at, return_number)

    def open_balance(self, at: int) -> None:
        """What there must have been before: then the movements of a state add up to it."""
        for (sku, place_id), taken in sorted(self._available.items()):
            if taken:
                self._write(sku, place_id, "available", -taken, -taken, "initial", at, None)

    def _record(
        self, sku: str, place_id: str, state: str, delta: int, on_hand: int, cause: str, at: int, reference: str
    ) -> None:
        if state == "available":
            self._available[sku, place_id] += delta
        self._write(sku, place_id, state, delta, on_hand, cause, at, reference)

    def _write(
        self, sku: str, place_id: str, state: str, delta: int, on_hand: int, cause: str, at: int, reference: str | None
    ) -> None:
        actor = _WAREHOUSE if cause == "return" else _SHOP
        row_id = self._numbers.id("mov")
        self._sheet.add(row_id, sku, place_id, state, delta, on_hand, cause, reference, actor, self._when(at))


class NoShelf(Shelf):
    """For orders before the sixty days: all of it came and went long ago."""

    def _record(
        self, sku: str, place_id: str, state: str, delta: int, on_hand: int, cause: str, at: int, reference: str
    ) -> None:
        pass
