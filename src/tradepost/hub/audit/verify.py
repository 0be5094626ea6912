"""Checking the chain of a workspace: nothing changed, nothing removed, nothing slipped in."""

from dataclasses import dataclass

from sqlalchemy import and_, func, select

from tradepost.database.engine import Database
from tradepost.hub.audit.chain import FIRST, chain_hash, row_hash
from tradepost.hub.audit.models import AuditEvent, AuditLink

BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check found. `head` is the hash of the last link: noted elsewhere, it also proves that nothing was cut off
    the end. `unsealed` rows are committed but wait for the sealer."""

    checked: int
    unsealed: int
    head: str
    broken_at: int | None = None
    reason: str | None = None

    @property
    def intact(self) -> bool:
        return self.broken_at is None


async def verify(database: Database, workspace_id: str, expected_head: str | None = None) -> Verification:
    """Recompute every link of a workspace's chain. With `expected_head`, that hash must be one of them."""
    position, before, seen_head = 0, FIRST, expected_head in (None, FIRST)
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
            reason = _fault(link, event, position + 1, before)
            if reason is not None:
                return Verification(position, await _unsealed(database, workspace_id), before, position + 1, reason)
            position, before = link.position, link.chain_hash
            seen_head = seen_head or before == expected_head
        if len(rows) < BATCH:
            break
    unsealed = await _unsealed(database, workspace_id)
    if not seen_head:
        return Verification(position, unsealed, before, position + 1, "rows after this one were cut off")
    return Verification(position, unsealed, before)


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


async def _unsealed(database: Database, workspace_id: str) -> int:
    linked = select(AuditLink.id).where(
        AuditLink.workspace_id == AuditEvent.workspace_id, AuditLink.id == AuditEvent.id
    )
    async with database.transaction(workspace_id, write=False) as session:
        return await session.scalar(select(func.count()).select_from(AuditEvent).where(~linked.exists())) or 0
