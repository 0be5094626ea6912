"""Deleting the oldest rows of a chain, so that the rest can still be proven.

First a checkpoint: up to which link, and which hash stood there. It is a row of the log like any other and gets its own
link. Then the rows before it go, in small steps; a step that is not made is made by the next run. The database lets
nobody delete what lies behind no such checkpoint.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import StateConflict
from tradepost.hub.audit.fact import AuditFact
from tradepost.hub.audit.models import AuditCheckpoint, AuditEvent, AuditLink, AuditSignature
from tradepost.hub.audit.seal import Sealer
from tradepost.hub.audit.signed import NO_TRUST
from tradepost.hub.audit.signing import Signer
from tradepost.hub.audit.usage import roll_up
from tradepost.hub.audit.verify import PRUNED, last_checkpoint, said_of, verify

STEP = 2_000  # links in one transaction


@dataclass(frozen=True, slots=True)
class Prunable:
    """What would be deleted: so many rows, up to a link, from the first to the last moment in them."""

    position: int
    chain_hash: str
    rows: int
    first_at: datetime
    last_at: datetime


async def prunable(database: Database, workspace_id: str, before: datetime) -> Prunable | None:
    """The rows at the beginning of the chain that are older than a moment; None where there are none."""
    async with database.transaction(workspace_id, write=False) as session:
        kept = await session.scalar(_linked(func.min(AuditLink.position)).where(AuditEvent.occurred_at >= before))
        statement = _linked(
            func.max(AuditLink.position),
            func.count(),
            func.min(AuditEvent.occurred_at),
            func.max(AuditEvent.occurred_at),
        )
        if kept is not None:
            statement = statement.where(AuditLink.position < kept)
        until, rows, first_at, last_at = (await session.execute(statement)).one()
        if not rows:
            return None
        chain_hash = await session.scalar(select(AuditLink.chain_hash).where(AuditLink.position == until))
    return Prunable(until, str(chain_hash), rows, first_at, last_at)


async def prune(
    database: Database, by: Caller, before: datetime, now: datetime, signer: Signer | None = None
) -> Prunable | None:
    """Delete the rows older than a moment, as far as they stand at the beginning of the chain, and what an earlier run
    left over. Returns what that was, None for nothing. Raises StateConflict for a chain that is broken: what shows that
    must not be deleted; and Unavailable where the checkpoint cannot be signed."""
    workspace_id = by.workspace_id
    await Sealer(database).seal()
    checked = await verify(
        database, workspace_id, trust=NO_TRUST if signer is None else await signer.trust(workspace_id)
    )
    if not checked.intact:
        raise StateConflict(
            f"The chain is broken at row {checked.broken_at}: {checked.reason}. So nothing is deleted.",
            hint="Find out what happened first: `tradepost audit verify`.",
        )
    await finish(database, workspace_id)
    await roll_up(database, workspace_id)  # what is deleted still counts in the usage
    found = await prunable(database, workspace_id, before)
    if found is None:
        return None
    async with database.transaction(workspace_id, write=True) as session:
        made = _checkpoint(session, by, found, now)
        if signer is not None:
            await signer.sign_checkpoint(made)
    await Sealer(database).seal()
    await finish(database, workspace_id)
    if signer is not None:
        await signer.sign(workspace_id)
    return found


async def finish(database: Database, workspace_id: str, between: Callable[[], Awaitable[object]] | None = None) -> int:
    """Delete what lies behind the last checkpoint, in steps; `between` is awaited after each. Returns how many links
    that were."""
    checkpoint = await last_checkpoint(database, workspace_id)
    deleted = 0
    while checkpoint is not None:
        async with database.transaction(workspace_id, write=True) as session:
            step = await _step(session, checkpoint.position)
        deleted += step
        if step < STEP:
            break
        if between is not None:
            await between()
    if checkpoint is not None:
        async with database.transaction(workspace_id, write=True) as session:
            await _forget_statements(session, checkpoint.position)
    return deleted


async def _step(session: AsyncSession, until: int) -> int:
    first = await session.scalar(select(func.min(AuditLink.position)))
    if first is None or first > until:
        return 0
    last = min(until, first + STEP - 1)
    ids = select(AuditLink.id).where(AuditLink.position <= last)
    await session.execute(
        delete(AuditEvent).where(AuditEvent.id.in_(ids)), execution_options={"synchronize_session": False}
    )
    await session.execute(
        delete(AuditLink).where(AuditLink.position <= last), execution_options={"synchronize_session": False}
    )
    return int(last - first + 1)


async def _forget_statements(session: AsyncSession, until: int) -> None:
    """Statements behind a checkpoint say nothing any more; the last one stays, because the next one names it."""
    behind = select(func.max(AuditSignature.position)).where(AuditSignature.position <= until)
    last = await session.scalar(behind)
    if last is not None:
        gone = delete(AuditSignature).where(AuditSignature.position < last)
        await session.execute(gone, execution_options={"synchronize_session": False})


def _checkpoint(session: AsyncSession, by: Caller, found: Prunable, now: datetime) -> AuditCheckpoint:
    checkpoint = AuditCheckpoint(
        workspace_id=by.workspace_id,
        position=found.position,
        chain_hash=found.chain_hash,
        rows=found.rows,
        first_at=found.first_at,
        last_at=found.last_at,
        made_at=now,
        made_by=f"{by.principal.kind}:{by.user_id or by.principal.id}",
    )
    row = AuditFact.of(by, "admin", PRUNED, outcome="ok", details=said_of(checkpoint)).as_row(now)
    checkpoint.id = row.id
    session.add_all((row, checkpoint))
    return checkpoint


def _linked(*columns: Any) -> Select[Any]:
    return select(*columns).join(
        AuditEvent, (AuditEvent.workspace_id == AuditLink.workspace_id) & (AuditEvent.id == AuditLink.id)
    )
