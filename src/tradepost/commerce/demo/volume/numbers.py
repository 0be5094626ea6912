"""Ids and numbers of the long history. The numbers of each kind are reserved before anything is written, above all
that were given: nobody else gets them, and the shop's own count goes on behind them."""

import hashlib
from collections import defaultdict

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.commerce.store.models import NumberRange

# Kinds of records, and of how many orders at least one has one.
_ORDERS_PER_NUMBER = {
    "": 1,
    "PAY-": 1,
    "SHP-": 1,
    "CUST-": 1,
    "D-": 1,
    "RMA-": 4,
    "REF-": 4,
    "CLM-": 50,
    "DSP-": 50,
    "OUT-": 1_000_000_000,
}
WEEKS_AT_MOST = 120  # one payout each
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


class Numbers:
    """Counts per kind; ids that follow from seed, shop and count, in the order in which they are made."""

    def __init__(self, seed: int, shop: str, firsts: dict[str, int], reserved: dict[str, int]) -> None:
        self._next = dict(firsts)
        self._ends = {kind: first + reserved[kind] - 1 for kind, first in firsts.items()}
        self._left = dict(reserved)
        self._ids: dict[str, int] = defaultdict(int)
        digest = hashlib.blake2b(f"{seed}:{shop}:{firsts['']}".encode(), digest_size=10).digest()
        self.tag = "".join(_ALPHABET[byte % 32] for byte in digest)

    def next(self, kind: str) -> str:
        """The next number of a kind ("RMA-"; plain digits for orders)."""
        self._left[kind] -= 1
        number = self._next[kind]
        self._next[kind] = number + 1
        return f"{kind}{number}"

    def has(self, kind: str) -> bool:
        """Whether a number of the kind is left of what was reserved."""
        return self._left[kind] > 0

    async def give_back(self, session: AsyncSession) -> None:
        """Return what was reserved and not used, where nobody took a number above it meanwhile."""
        statement = select(NumberRange).where(NumberRange.id.in_(self._ends)).order_by(NumberRange.id)
        for row in await session.scalars(statement.with_for_update()):
            if row.last == self._ends[row.id]:
                row.last = self._next[row.id] - 1

    def id(self, prefix: str) -> str:
        """A new id: shaped as ids are, and the rows of a table in the order of their making."""
        count = self._ids[prefix] = self._ids[prefix] + 1
        return f"{prefix}_{self.tag}{count:013d}"


async def reserve(session: AsyncSession, seed: int, shop: str, orders: int) -> Numbers:
    """Take as many numbers of each kind as so many orders can need."""
    wanted = {kind: orders // per + WEEKS_AT_MOST for kind, per in _ORDERS_PER_NUMBER.items()}
    statement = select(NumberRange).where(NumberRange.id.in_(wanted)).order_by(NumberRange.id).with_for_update()
    ranges = {row.id: row for row in await session.scalars(statement)}
    firsts: dict[str, int] = {}
    for kind, count in wanted.items():
        row = ranges.get(kind)
        if row is None:
            row = NumberRange(id=kind, last=1000)
            session.add(row)
        firsts[kind] = row.last + 1
        row.last += count
    await session.flush()
    return Numbers(seed, shop, firsts, wanted)
