"""The sealer: gives every committed audit row its place in the chain of its workspace.

Rows are linked after they are committed, in the order they are found, so that a row whose transaction took long still
gets its place. Two sealers cannot give the same place twice: positions are unique, the slower one starts over.
"""

import logging
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.rounds import Rounds
from tradepost.hub.audit.chain import FIRST, chain_hash, row_hash
from tradepost.hub.audit.models import AuditEvent, AuditLink

BATCH = 500
PAUSE_SECONDS = 1.0
# How far behind the newest sealed row a late commit is still looked for; a restart looks at everything again.
LATE_ROWS = 10_000

_log = logging.getLogger(__name__)


class Sealer:
    """Seals what is committed, again and again."""

    def __init__(self, database: Database, now: Now = system_now, pause_seconds: float = PAUSE_SECONDS) -> None:
        self._database = database
        self._now = now
        self._look_from = 0
        self._sealing = Rounds("audit sealer", self._round, pause_seconds)

    async def start(self) -> None:
        """Seal in the background from now on."""
        self._sealing.start()

    async def stop(self) -> None:
        """Stop, then seal what is there."""
        await self._sealing.stop()
        await self.seal()

    async def seal(self) -> int:
        """Link every committed row that has no link yet. Returns how many were linked."""
        linked = 0
        while True:
            try:
                count = await self._seal_batch()
            except IntegrityError:
                continue  # another process sealed at the same moment; its links are ours to continue from
            linked += count
            if count < BATCH:
                return linked

    async def _round(self) -> None:
        try:
            await self.seal()
        except (SQLAlchemyError, OSError) as error:
            _log.warning("audit rows stay unsealed for now: %s", error)

    async def _seal_batch(self) -> int:
        async with self._database.system(write=False) as session:
            if not await self._unsealed(session, 1):
                return 0
        async with self._database.system(write=True) as session:
            events = await self._unsealed(session, BATCH)
            heads: dict[str, tuple[int, str]] = {}
            for event in events:
                workspace_id = event.workspace_id
                position, before = heads.get(workspace_id) or await _head(session, workspace_id)
                row = row_hash(event)
                heads[workspace_id] = position + 1, chain_hash(before, position + 1, row)
                session.add(
                    AuditLink(
                        workspace_id=workspace_id,
                        id=event.id,
                        position=position + 1,
                        row_hash=row,
                        chain_hash=heads[workspace_id][1],
                        sealed_at=self._now(),
                    )
                )
        if events:
            newest = max(event.sequence or 0 for event in events)
            self._look_from = max(self._look_from, newest - LATE_ROWS)
        return len(events)

    async def _unsealed(self, session: AsyncSession, most: int) -> Sequence[AuditEvent]:
        linked = select(AuditLink.id).where(
            AuditLink.workspace_id == AuditEvent.workspace_id, AuditLink.id == AuditEvent.id
        )
        statement = (
            select(AuditEvent)
            .where(AuditEvent.sequence >= self._look_from, ~linked.exists())
            .order_by(AuditEvent.sequence)
            .limit(most)
        )
        return (await session.scalars(statement)).all()


async def _head(session: AsyncSession, workspace_id: str) -> tuple[int, str]:
    """Position and hash of a chain's last link."""
    last = select(func.max(AuditLink.position)).where(AuditLink.workspace_id == workspace_id).scalar_subquery()
    found = await session.execute(
        select(AuditLink.position, AuditLink.chain_hash).where(
            AuditLink.workspace_id == workspace_id, AuditLink.position == last
        )
    )
    row = found.one_or_none()
    return (row.position, row.chain_hash) if row else (0, FIRST)
