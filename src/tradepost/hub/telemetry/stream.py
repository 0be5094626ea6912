"""The audit as a stream to somewhere else, in the order of each workspace's chain.

Rows are read from the chain, not from memory: what could not be passed on is passed on later, after a restart too, and
the database is the only buffer there is. How far each workspace came is kept (AuditMark) after the other side has
taken the rows.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from sqlalchemy import and_, select
from sqlalchemy.exc import SQLAlchemyError

from tradepost.database.engine import Database
from tradepost.foundation.rounds import Rounds
from tradepost.foundation.trouble import Trouble
from tradepost.hub.audit.chain import as_shown
from tradepost.hub.audit.models import AuditEvent, AuditLink, AuditMark

PAUSE_SECONDS = 1.0
BATCH = 500

_log = logging.getLogger(__name__)

Workspaces = Callable[[], Awaitable[Sequence[str]]]


class Streamed(NamedTuple):
    """One row with its place in the chain."""

    workspace_id: str
    position: int
    row: Mapping[str, Any]


class Sink(Protocol):
    """Where rows go. All of it runs in threads and may raise OSError: then the same rows come again."""

    name: str

    def open(self) -> Mapping[str, int] | None:
        """Begin, unless another process does it: None then. What it has already, by workspace, as far as it knows."""
        ...

    def write(self, rows: Sequence[Streamed]) -> None:
        """Take rows. On return they are safe."""
        ...

    def close(self) -> None: ...


class AuditStream:
    """Passes linked rows on to one sink."""

    def __init__(
        self, database: Database, workspaces: Workspaces, sink: Sink, pause_seconds: float = PAUSE_SECONDS
    ) -> None:
        self._database = database
        self._workspaces = workspaces
        self._sink = sink
        self.name = sink.name
        self._mark = f"stream:{sink.name}"
        self._one = asyncio.Lock()
        self._passed: dict[str, int] | None = None  # None: it is not ours, or not yet
        self._is_writing = False
        self._trouble = Trouble(_log, f"The audit is passed on to {sink.name}")
        self._rounds = Rounds(f"audit stream to {sink.name}", self._once, pause_seconds)

    @property
    def is_failing(self) -> bool:
        """Whether the last attempt to pass rows on failed."""
        return self._trouble.is_there

    async def start(self) -> None:
        """Begin."""
        self._rounds.start()

    async def stop(self) -> None:
        """Pass on what is linked, as far as it is taken, and end. What is not taken now waits for the next start."""
        await self._rounds.stop()
        if self._passed is not None:
            if not self.is_failing:
                await self._once()
            self._passed = None
        if not self._is_writing:
            await asyncio.to_thread(self._sink.close)

    async def pass_on(self) -> int:
        """Pass on every linked row that was not yet. Returns how many; 0 where another process does it. Raises OSError
        and what the database raises."""
        async with self._one:
            if self._passed is None:
                has = await asyncio.to_thread(self._sink.open)
                if has is None:
                    return 0
                self._passed = dict(has)
            passed = 0
            for workspace_id in await self._workspaces():
                passed += await self._of(workspace_id, self._passed)
            return passed

    async def _of(self, workspace_id: str, places: dict[str, int]) -> int:
        passed = 0
        while True:
            rows = await self._next(workspace_id, places)
            if not rows:
                return passed
            await asyncio.to_thread(self._write, rows)
            places[workspace_id] = rows[-1].position
            await self._keep(workspace_id, rows[-1])
            passed += len(rows)
            if len(rows) < BATCH:
                return passed

    def _write(self, rows: Sequence[Streamed]) -> None:
        """In a thread, which goes on where the round that began it was broken off."""
        if self._is_writing:
            raise OSError("the rows before are still being written")
        self._is_writing = True
        try:
            self._sink.write(rows)
        finally:
            self._is_writing = False

    async def _next(self, workspace_id: str, places: Mapping[str, int]) -> list[Streamed]:
        joined = and_(AuditLink.workspace_id == AuditEvent.workspace_id, AuditLink.id == AuditEvent.id)
        async with self._database.transaction(workspace_id, write=False) as session:
            mark = await session.get(AuditMark, (workspace_id, self._mark))
            after = max(places.get(workspace_id, 0), mark.position if mark is not None else 0)
            linked = select(AuditEvent, AuditLink.position, AuditLink.chain_hash).join(AuditLink, joined)
            found = await session.execute(
                linked.where(AuditLink.position > after).order_by(AuditLink.position).limit(BATCH)
            )
            return [
                Streamed(workspace_id, position, as_shown(event) | {"position": position, "chain_hash": chain_hash})
                for event, position, chain_hash in found
            ]

    async def _keep(self, workspace_id: str, last: Streamed) -> None:
        async with self._database.transaction(workspace_id, write=True) as session:
            mark = await session.get(AuditMark, (workspace_id, self._mark))
            if mark is None:
                mark = AuditMark(id=self._mark, position=0, sequence=0)
                session.add(mark)
            mark.position, mark.sequence = last.position, int(last.row["sequence"])

    async def _once(self) -> None:
        try:
            await self.pass_on()
        except (SQLAlchemyError, OSError) as error:
            self._trouble.failed(error)
        else:
            self._trouble.over("Nothing was lost: the rows had waited in the database.")
