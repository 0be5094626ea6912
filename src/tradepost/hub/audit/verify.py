"""Checking the chain of a workspace: nothing changed, nothing removed, nothing slipped in.

Rows are sealed soon after they are committed, in about the order they were written. So a row that claims to be older
than what was sealed before it, and was sealed much later than it claims to have happened, was slipped in afterwards.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, select

from tradepost.database.engine import Database
from tradepost.foundation.clock import system_now, to_rfc3339
from tradepost.hub.audit.chain import FIRST, chain_hash, row_hash
from tradepost.hub.audit.models import AuditCheckpoint, AuditEvent, AuditLink

PRUNED = "audit:pruned"
BATCH = 1_000
LATE = timedelta(minutes=15)  # longer than any transaction stays open


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check found. `head` is the hash of the last link, at `position`: noted elsewhere, it also proves that
    nothing was cut off the end. `checked` links were recomputed, from the one behind `from_position` on, where the last
    checkpoint stands (0: from the first one). `unsealed` rows are committed but wait for the sealer."""

    checked: int
    unsealed: int
    head: str
    broken_at: int | None = None
    reason: str | None = None
    from_position: int = 0
    position: int = 0

    @property
    def intact(self) -> bool:
        return self.broken_at is None


async def verify(database: Database, workspace_id: str, expected_head: str | None = None) -> Verification:
    """Recompute every link of a workspace's chain, from its last checkpoint on. With `expected_head`, that hash must be
    one of them, or the checkpoint's."""
    start = await last_checkpoint(database, workspace_id)
    first, before = (0, FIRST) if start is None else (start.position, start.chain_hash)
    position, told = first, start is None
    seen_head = expected_head in (None, before)
    newest = _Newest()

    async def result(broken_at: int | None = None, reason: str | None = None) -> Verification:
        unsealed = await _unsealed(database, workspace_id)
        return Verification(position - first, unsealed, before, broken_at, reason, first, position)

    while True:
        async with database.transaction(workspace_id, write=False) as session:
            rows = (
                await session.execute(
                    select(AuditLink, AuditEvent)
                    .outerjoin(
                        AuditEvent,
                        and_(AuditEvent.workspace_id == AuditLink.workspace_id, AuditEvent.id == AuditLink.id),
                    )
                    .where(AuditLink.position > position)
                    .order_by(AuditLink.position)
                    .limit(BATCH)
                )
            ).all()
        for link, event in rows:
            reason = _fault(link, event, position + 1, before) or newest.fault(event, link.sealed_at)
            if reason is not None:
                return await result(position + 1, reason)
            position, before = link.position, link.chain_hash
            seen_head = seen_head or before == expected_head
            told = told or (start is not None and link.id == start.id and says(event, start))
        if len(rows) < BATCH:
            break
    slipped_in = await _slipped_in(database, workspace_id, newest)
    if slipped_in is not None:
        return await result(position + 1, slipped_in)
    found = await result()
    if position == found.unsealed == 0:
        return await result(1, "the log is empty, though making a workspace writes its first row")
    if not told:
        return await result(first, f"the checkpoint at {first} is not in the chain: it was made up or changed")
    if not seen_head:
        older = f", or it was noted before the checkpoint at {first}" if start is not None else ""
        return await result(position + 1, f"rows after this one were cut off: the noted head is not there{older}")
    return found


async def last_checkpoint(database: Database, workspace_id: str) -> AuditCheckpoint | None:
    """The checkpoint from which a chain has to be checked."""
    async with database.transaction(workspace_id, write=False) as session:
        newest = select(AuditCheckpoint).order_by(AuditCheckpoint.position.desc()).limit(1)
        return (await session.scalars(newest)).one_or_none()


def said_of(checkpoint: AuditCheckpoint) -> dict[str, Any]:
    """What the row in the chain says of a checkpoint."""
    return {
        "position": checkpoint.position,
        "chain_hash": checkpoint.chain_hash,
        "rows": checkpoint.rows,
        "first_at": to_rfc3339(checkpoint.first_at),
        "last_at": to_rfc3339(checkpoint.last_at),
    }


def says(event: AuditEvent, checkpoint: AuditCheckpoint) -> bool:
    """Whether a row of the chain is the one that was written with a checkpoint."""
    return event.tag == PRUNED and event.details == said_of(checkpoint)


class _Newest:
    """The newest row on the way along the chain, by number and by time."""

    def __init__(self) -> None:
        self.sequence = 0
        self.occurred_at: datetime | None = None

    def fault(self, event: AuditEvent | None, sealed_at: datetime) -> str | None:
        """Why a row that was sealed then does not belong behind the ones before it."""
        if event is None:
            return None
        sequence = event.sequence or 0
        older = sequence < self.sequence
        if self.occurred_at is not None and event.occurred_at < self.occurred_at - LATE:
            older = True
        if older and sealed_at - event.occurred_at > LATE:
            return f"the row {event.id} was slipped in: it says it is older than the rows sealed before it"
        self.sequence = max(self.sequence, sequence)
        self.occurred_at = max(self.occurred_at or event.occurred_at, event.occurred_at)
        return None


def _fault(link: AuditLink, event: AuditEvent | None, position: int, before: str) -> str | None:
    if link.position != position:
        return "a link is missing"
    if event is None:
        return f"the row {link.id} was removed"
    row = row_hash(event)
    if row != link.row_hash:
        return f"the row {link.id} was changed"
    if chain_hash(before, position, row) != link.chain_hash:
        return f"the link of the row {link.id} was changed"
    return None


async def _slipped_in(database: Database, workspace_id: str, newest: _Newest) -> str | None:
    """Why a row that waits for the sealer is not a new one."""
    linked = select(AuditLink.id).where(
        AuditLink.workspace_id == AuditEvent.workspace_id, AuditLink.id == AuditEvent.id
    )
    async with database.transaction(workspace_id, write=False) as session:
        rows = select(AuditEvent).where(~linked.exists()).order_by(AuditEvent.sequence)
        for event in await session.scalars(rows):
            reason = newest.fault(event, system_now())
            if reason is not None:
                return reason
    return None


async def _unsealed(database: Database, workspace_id: str) -> int:
    linked = select(AuditLink.id).where(
        AuditLink.workspace_id == AuditEvent.workspace_id, AuditLink.id == AuditEvent.id
    )
    async with database.transaction(workspace_id, write=False) as session:
        return await session.scalar(select(func.count()).select_from(AuditEvent).where(~linked.exists())) or 0
