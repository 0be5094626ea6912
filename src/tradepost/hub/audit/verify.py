"""Checking the chain of a workspace: nothing changed, nothing removed, nothing slipped in.

Rows are sealed soon after they are committed, in about the order they were written. So a row that claims to be older
than what was sealed before it, and was sealed much later than it claims to have happened, was slipped in afterwards.
What was signed on the way (statement.py) has to be there: a chain that was computed anew does not fit it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.clock import system_now, to_rfc3339
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.audit import stored
from tradepost.hub.audit.chain import FIRST, chain_hash
from tradepost.hub.audit.models import AuditCheckpoint, AuditEvent, AuditLink, AuditSignature
from tradepost.hub.audit.signed import NO_TRUST, Signed, Trust
from tradepost.hub.audit.signing import statement_of

PRUNED = "audit:pruned"
BATCH = 1_000
LATE = timedelta(minutes=15)  # longer than any transaction stays open

_LINK = (AuditLink.position, AuditLink.id, AuditLink.row_hash, AuditLink.chain_hash, AuditLink.sealed_at)
_ABOUT_EVENT = and_(AuditEvent.workspace_id == AuditLink.workspace_id, AuditEvent.id == AuditLink.id)
_ABOUT_SIGNED = and_(
    AuditSignature.workspace_id == AuditLink.workspace_id, AuditSignature.position == AuditLink.position
)
_linked = (
    select(*_LINK, AuditSignature, *stored.SELECTED)
    .outerjoin(AuditEvent, _ABOUT_EVENT)
    .outerjoin(AuditSignature, _ABOUT_SIGNED)
    .order_by(AuditLink.position)
    .limit(BATCH)
)
_KEPT = len(_LINK) + 1  # where the columns of the event begin, as the database keeps them


class _Link(NamedTuple):
    """What is known of a link, and what was signed there."""

    position: int
    id: str
    row_hash: str
    chain_hash: str
    sealed_at: datetime
    statement: AuditSignature | None


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check found. `head` is the hash of the last link, at `position`: noted elsewhere, it also proves that
    nothing was cut off the end. `checked` links were recomputed, from the one behind `from_position` on, where the last
    checkpoint stands (0: from the first one). `unsealed` rows are committed but wait for the sealer. Up to
    `signed_position` (0: none) the chain is signed, at `signed_at` with `key`."""

    checked: int
    unsealed: int
    head: str
    broken_at: int | None = None
    reason: str | None = None
    from_position: int = 0
    position: int = 0
    signed_position: int = 0
    signed_at: datetime | None = None
    key: str | None = None

    @property
    def intact(self) -> bool:
        return self.broken_at is None


async def verify(
    database: Database, workspace_id: str, expected_head: str | None = None, trust: Trust = NO_TRUST
) -> Verification:
    """Recompute every link of a workspace's chain, from its last checkpoint on, and look at what was signed on the way.
    With `expected_head`, that hash must be one of them, or the checkpoint's."""
    start = await last_checkpoint(database, workspace_id)
    look = _Look(start, expected_head, trust)
    reason = look.signed.begin()
    while reason is None:
        try:
            async with database.transaction(workspace_id, write=False) as session:
                rows = (await session.execute(_linked.where(AuditLink.position > look.position))).all()
        except ValueError as error:  # SQLite keeps whatever somebody writes into a column
            reason = f"one of the next {BATCH} rows holds what no hub writes: {error}"
            break
        reason = next((fault for row in rows if (fault := look.fault(_link(row), row[_KEPT:]))), None)
        if len(rows) < BATCH:
            break
        await asyncio.sleep(0)
    unsealed = await _unsealed(database, workspace_id)
    broken_at = None if reason is None else look.position + 1
    if reason is None:
        broken_at, reason = await _end(database, workspace_id, look, unsealed)
    last, signed = look.signed.last, look.signed.position
    at, key = (None, None) if last is None else (last.signed_at, last.key)
    if last is None and signed and start is not None:
        at, key = start.made_at, start.key
    walked = look.position - look.first, unsealed, look.before, broken_at, reason
    return Verification(*walked, look.first, look.position, signed, at, key)


class _Look:
    """Goes along the chain, link by link."""

    def __init__(self, start: AuditCheckpoint | None, expected_head: str | None, trust: Trust) -> None:
        self.start = start
        self.first, self.before = (0, FIRST) if start is None else (start.position, start.chain_hash)
        self.position = self.first
        self.newest = Newest()
        self.signed = Signed(trust, start)
        self.seen_head = expected_head in (None, self.before)
        self._expected_head = expected_head

    def fault(self, link: _Link, kept: Sequence[Any]) -> str | None:
        """Why the next link is not what it has to be; `kept` are the columns of its event."""
        if link.position != self.position + 1:
            return "a link is missing"
        if kept[stored.ID] is None:
            return f"the row {link.id} was removed"
        row = _hash_of(kept)
        if row != link.row_hash:
            return f"the row {link.id} was changed"
        if chain_hash(self.before, link.position, row) != link.chain_hash:
            return f"the link of the row {link.id} was changed"
        occurred_at = stored.moment(kept[stored.OCCURRED_AT])
        reason = self.newest.fault(link.id, kept[stored.SEQUENCE], occurred_at, link.sealed_at)
        if reason is None and link.statement is not None:
            reason = self.signed.statement(statement_of(link.statement), link.chain_hash)
        reason = reason or self.signed.link(link.position, link.chain_hash, link.sealed_at)
        if reason is None:
            self.position, self.before = link.position, link.chain_hash
            self.seen_head = self.seen_head or self.before == self._expected_head
        return reason


def _link(row: Sequence[Any]) -> _Link:
    return _Link(*row[:_KEPT])


def _hash_of(kept: Sequence[Any]) -> str | None:
    try:
        return stored.stored_hash(kept)
    except (TypeError, ValueError, InvalidArgument):  # a text where a number was, JSON that is none
        return None


async def _end(database: Database, workspace_id: str, look: _Look, unsealed: int) -> tuple[int | None, str | None]:
    """What is wrong with a chain whose links are all right: where, and why."""
    behind = look.position + 1
    slipped_in = await _slipped_in(database, workspace_id, look.newest) if unsealed else None
    if slipped_in is not None:
        return behind, slipped_in
    if look.position == unsealed == 0:
        return 1, "the log is empty, though making a workspace writes its first row"
    start = look.start
    async with database.transaction(workspace_id, write=False) as session:
        told = start is None or await _is_told(session, start)
        newest = await session.scalar(select(func.max(AuditSignature.position))) or 0
    if not told:
        return look.first, f"the checkpoint at {look.first} is not in the chain: it was made up or changed"
    missing = look.signed.end(newest)
    if missing is not None:
        return behind, missing
    if not look.seen_head:
        older = f", or it was noted before the checkpoint at {look.first}" if start is not None else ""
        return behind, f"rows after this one were cut off: the noted head is not there{older}"
    return None, None


async def _is_told(session: AsyncSession, start: AuditCheckpoint) -> bool:
    """Whether a linked row of the chain, which was looked at, says what the checkpoint says."""
    linked = select(AuditEvent).join(AuditLink, _ABOUT_EVENT)
    event = await session.scalar(linked.where(AuditEvent.id == start.id, AuditLink.position > start.position))
    return event is not None and says(event, start)


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


class Newest:
    """The newest row on the way along the chain, by number and by time."""

    def __init__(self) -> None:
        self.sequence = 0
        self.occurred_at: datetime | None = None

    def fault(self, row_id: str, sequence: int | None, occurred_at: datetime, sealed_at: datetime) -> str | None:
        """Why a row that was sealed then does not belong behind the ones before it."""
        number = sequence or 0
        older = number < self.sequence
        if self.occurred_at is not None and occurred_at < self.occurred_at - LATE:
            older = True
        if older and sealed_at - occurred_at > LATE:
            return f"the row {row_id} was slipped in: it says it is older than the rows sealed before it"
        self.sequence = max(self.sequence, number)
        self.occurred_at = max(self.occurred_at or occurred_at, occurred_at)
        return None


async def _slipped_in(database: Database, workspace_id: str, newest: Newest) -> str | None:
    """Why a row that waits for the sealer is not a new one."""
    linked = select(AuditLink.id).where(
        AuditLink.workspace_id == AuditEvent.workspace_id, AuditLink.id == AuditEvent.id
    )
    async with database.transaction(workspace_id, write=False) as session:
        rows = select(AuditEvent).where(~linked.exists()).order_by(AuditEvent.sequence)
        for event in await session.scalars(rows):
            reason = newest.fault(event.id, event.sequence, event.occurred_at, system_now())
            if reason is not None:
                return reason
    return None


async def _unsealed(database: Database, workspace_id: str) -> int:
    linked = select(AuditLink.id).where(
        AuditLink.workspace_id == AuditEvent.workspace_id, AuditLink.id == AuditEvent.id
    )
    async with database.transaction(workspace_id, write=False) as session:
        return await session.scalar(select(func.count()).select_from(AuditEvent).where(~linked.exists())) or 0
