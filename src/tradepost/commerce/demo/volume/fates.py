"""What becomes of an order, by its age and by chance: the plan that its rows then tell.

Whoever ordered in the last two days waits; what is older is on its way, and after five days it has arrived. So about
one order in a hundred of a two years' history is open, and next to none of those is late.
"""

from dataclasses import dataclass
from random import Random
from typing import Literal

from tradepost.commerce.demo.volume.buyers import Buyer
from tradepost.commerce.demo.volume.sheets import DAY

Kind = Literal["waiting", "moving", "arrived", "canceled", "returned"]

HOUR = 3_600
WAITS_DAYS, ARRIVES_AFTER_DAYS, RETURNED_AFTER_DAYS = 2, 5, 20
PROMISE_DAYS = 6
_PICKED_BEFORE = 3 * HOUR
PROMISE_HOUR = 17
CANCELED_SHARE = 0.025
RETURNED_SHARE = 0.28  # of those who pay by transfer: about four in a hundred of all
LATE_SHARE = 0.06
DELAYED_SHARE = 0.004  # of those on their way


@dataclass(frozen=True, slots=True)
class Fate:
    """An order's life in seconds since 1970; None: that did not happen (yet)."""

    kind: Kind
    placed: int
    promised: int
    shipped: int | None = None
    arrived: int | None = None
    eta: int | None = None
    canceled: int | None = None
    is_delayed: bool = False

    @property
    def picked(self) -> int | None:
        """Some hours before it left."""
        return None if self.shipped is None else self.shipped - _PICKED_BEFORE


def fate_of(placed: int, now: int, buyer: Buyer, chance: Random) -> Fate:
    """What becomes of an order that this buyer placed then."""
    promised = (placed // DAY + PROMISE_DAYS) * DAY + PROMISE_HOUR * HOUR
    age = now - placed
    if age < WAITS_DAYS * DAY:
        return Fate("waiting", placed, promised)
    if age < ARRIVES_AFTER_DAYS * DAY:
        delayed = chance.random() < DELAYED_SHARE
        eta = promised + DAY if delayed else max(now + 3 * HOUR, promised - chance.randrange(HOUR, 20 * HOUR))
        return Fate("moving", placed, promised, placed + DAY + chance.randrange(12 * HOUR), eta=eta, is_delayed=delayed)
    if chance.random() < CANCELED_SHARE:
        return Fate("canceled", placed, promised, canceled=placed + chance.randrange(HOUR, 20 * HOUR))
    shipped = placed + chance.randrange(12 * HOUR, 36 * HOUR)
    arrived = shipped + chance.randrange(DAY, 3 * DAY)
    if chance.random() < LATE_SHARE and age > 2 * ARRIVES_AFTER_DAYS * DAY:
        arrived = promised + chance.randrange(6 * HOUR, 2 * DAY)
    back = age > RETURNED_AFTER_DAYS * DAY and buyer.pays_by_transfer and not buyer.is_business
    kind: Kind = "returned" if back and chance.random() < RETURNED_SHARE else "arrived"
    return Fate(kind, placed, promised, shipped, arrived, eta=min(arrived, promised))
