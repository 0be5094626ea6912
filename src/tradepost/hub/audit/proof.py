"""What goes along with an export, so that it can be checked far from the database: the hashes of the links that are not
in the export, and what was signed, as lines of JSON in the order of the chain.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import func, select

from tradepost.database.engine import Database
from tradepost.foundation.errors import NotFound
from tradepost.hub.audit.chain import FIRST
from tradepost.hub.audit.models import AuditLink, AuditSignature
from tradepost.hub.audit.signing import statement_of
from tradepost.hub.audit.verify import last_checkpoint

PROOF = "tradepost-audit-proof/1"
BATCH = 1_000


class Exported:
    """The positions of an export, a bit each."""

    def __init__(self) -> None:
        self.first = self.last = 0
        self._bits = bytearray()

    def add(self, positions: Iterable[int]) -> None:
        """These are in it."""
        for position in positions:
            place, bit = divmod(position, 8)
            if place >= len(self._bits):
                self._bits.extend(bytes(place + 1 - len(self._bits)))
            self._bits[place] |= 1 << bit
            self.first = min(self.first or position, position)
            self.last = max(self.last, position)

    def __contains__(self, position: int) -> bool:
        place, bit = divmod(position, 8)
        return place < len(self._bits) and bool(self._bits[place] >> bit & 1)


async def proof(
    database: Database, workspace_id: str, first: int, last: int, exported: Exported | None = None
) -> AsyncIterator[bytes]:
    """The proof of the rows from one position to another, up to the first signed statement behind them. Raises NotFound
    where these are no rows of the chain."""
    start = await _start(database, workspace_id, first)
    async with database.transaction(workspace_id, write=False) as session:
        newest = await session.scalar(select(func.max(AuditLink.position))) or 0
        behind = select(func.min(AuditSignature.position)).where(AuditSignature.position >= last)
        until = await session.scalar(behind) or newest
    if not first <= last <= newest:
        raise NotFound(f"The chain has rows up to {newest}, not from {first} to {last}.")
    head = {"type": PROOF, "workspace_id": workspace_id, "first": first, "last": last, "until": until}
    yield _line(head | {"before": start})
    position = first - 1
    while position < until:
        rows = await _links(database, workspace_id, position, until)
        lines = []
        for found, row, statement in rows:
            if exported is None or found not in exported:
                lines.append(_line({"position": found, "row_hash": row}))
            if statement is not None:
                lines.append(_line({"statement": statement_of(statement).as_plain()}))
        yield b"".join(lines)
        if not rows:
            return
        position = rows[-1][0]


async def _start(database: Database, workspace_id: str, first: int) -> str:
    """The hash before a position."""
    if first == 1:
        return FIRST
    async with database.transaction(workspace_id, write=False) as session:
        before = await session.scalar(select(AuditLink.chain_hash).where(AuditLink.position == first - 1))
    if before is None:
        checkpoint = await last_checkpoint(database, workspace_id)
        before = checkpoint.chain_hash if checkpoint is not None and checkpoint.position == first - 1 else None
    if before is None:
        raise NotFound(f"There is no row at {first} of the chain.", hint="`tradepost audit verify` says where it is.")
    return before


async def _links(
    database: Database, workspace_id: str, after: int, until: int
) -> Sequence[tuple[int, str, AuditSignature | None]]:
    about = (AuditSignature.workspace_id == AuditLink.workspace_id) & (AuditSignature.position == AuditLink.position)
    async with database.transaction(workspace_id, write=False) as session:
        rows = await session.execute(
            select(AuditLink.position, AuditLink.row_hash, AuditSignature)
            .outerjoin(AuditSignature, about)
            .where(AuditLink.position > after, AuditLink.position <= until)
            .order_by(AuditLink.position)
            .limit(BATCH)
        )
        return [(position, row, statement) for position, row, statement in rows]


def _line(value: Mapping[str, Any]) -> bytes:
    return orjson.dumps(value) + b"\n"
