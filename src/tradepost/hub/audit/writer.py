"""Recording facts. A read is noted and written with its neighbours (group commit), so it costs the caller nothing; what
belongs to a write goes into the caller's own transaction, or is durable before anything else happens.

Where reads come in more quickly than their rows go out, they wait for room: rows do not pile up.
If the database cannot take rows, notes wait in a bounded buffer while reads go on, and writes stop because their
intent cannot be stored. What did not fit in the buffer is counted and recorded as a gap.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable
from contextlib import suppress
from datetime import datetime
from itertools import islice

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.appending import Appending
from tradepost.database.engine import Database
from tradepost.database.types import as_sqlite_keeps
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import Unavailable
from tradepost.foundation.ids import new_id, new_ids
from tradepost.hub.audit.fact import COLUMNS, AuditFact
from tradepost.hub.audit.keeping import ArgumentRules, Said, Versions
from tradepost.hub.audit.models import AuditEvent
from tradepost.hub.audit.written import JustWritten

GROUP_SECONDS = 0.1  # a commit waits for the disk, however few rows it holds
RETRY_SECONDS = 1.0
CAPACITY = 50_000
GROUP = 272  # rows that do not wait for more
MOST = 2 * GROUP  # in one commit, where so many wait
CROWDED = 3 * MOST
ROOM_SECONDS = 1.0

_EVENTS = Appending(AuditEvent, COLUMNS, MOST, numbered="sequence")

Noted = tuple[AuditFact, datetime, Said | None]

_log = logging.getLogger(__name__)


class AuditWriter:
    """Writes facts. `start` and `stop` are for the process that serves; without them `drain` writes what was noted."""

    def __init__(
        self,
        database: Database,
        now: Now = system_now,
        capacity: int = CAPACITY,
        versions: Versions | None = None,
        just_written: JustWritten | None = None,
    ) -> None:
        self._database = database
        self._just_written = just_written
        self._now = now
        self._capacity = capacity
        self.rules = ArgumentRules(database, versions)
        self._noted: deque[Noted] = deque()
        self._lost: dict[str, int] = {}
        self._some = asyncio.Event()
        self._full = asyncio.Event()
        self._room = asyncio.Event()
        self._is_away = False  # the database did not take the last rows
        self._writing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def note(self, fact: AuditFact, said: Said | None = None) -> None:
        """Record a read soon, together with others. Never waits, never fails."""
        waiting = len(self._noted)
        if waiting >= self._capacity:
            self._lost[fact.workspace_id] = self._lost.get(fact.workspace_id, 0) + 1
            return
        if waiting >= CROWDED and said is not None:  # what waits long shall be small
            fact, said = self._settled(fact, said), None
        self._noted.append((fact, self._now(), said))
        self._some.set()
        if waiting >= GROUP - 1:
            self._full.set()

    @property
    def waiting(self) -> int:
        """How many rows wait to be written."""
        return len(self._noted)

    @property
    def lost(self) -> int:
        """How many rows did not fit and are not yet recorded as a gap."""
        return sum(self._lost.values())

    async def prepare(self, workspace_id: str) -> None:
        """To be called before `record` with what was said: so that the workspace's rules are at hand."""
        await self.rules.prepare(workspace_id)

    def _settled(self, fact: AuditFact, said: Said) -> AuditFact:
        rules = self.rules.last_known(fact.workspace_id)
        return fact.keeping(self.rules.kept(rules, said, fact.server, fact.tool, fact.definition_digest))

    def room(self) -> Awaitable[None] | None:
        """What to wait for after a note: nothing, unless very many rows wait, and the database takes them."""
        if len(self._noted) < CROWDED or self._is_away or self._task is None:
            return None
        self._room.clear()
        return self._until_room()

    async def _until_room(self) -> None:
        with suppress(TimeoutError):  # reads go on where the database has come to a halt
            await asyncio.wait_for(self._room.wait(), ROOM_SECONDS)

    def record(self, session: AsyncSession, fact: AuditFact, said: Said | None = None) -> None:
        """Record a fact in the caller's transaction: it stands exactly if the change does."""
        session.add((fact if said is None else self._settled(fact, said)).as_row(self._now()))

    async def intent(self, fact: AuditFact) -> None:
        """Record a fact durably, in a transaction of its own. Raises Unavailable when it cannot be stored."""
        try:
            async with self._database.transaction(fact.workspace_id, write=True) as session:
                self.record(session, fact)
        except (SQLAlchemyError, OSError) as error:
            raise Unavailable(
                "The audit log cannot be written, so no write is carried out.",
                hint="Nothing was changed. Try again when the hub's database is back.",
                retry_after_seconds=5,
            ) from error

    async def drain(self) -> None:
        """Write everything noted so far. Raises what the database raises; the notes are kept then."""
        async with self._writing:
            while self._noted or self._lost:
                await self._write_group()

    async def start(self) -> None:
        """Write groups in the background from now on."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="audit writer")

    async def stop(self) -> None:
        """Write what is left and stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
            self._room.set()
        await self.drain()

    async def _run(self) -> None:
        while True:
            await self._some.wait()
            with suppress(TimeoutError):  # not full by then: the group goes out as it is
                await asyncio.wait_for(self._full.wait(), GROUP_SECONDS)
            self._some.clear()
            self._full.clear()
            try:
                await asyncio.shield(self.drain())
            except (SQLAlchemyError, OSError) as error:
                self._is_away = True
                self._room.set()
                _log.warning("%d audit rows wait: the database does not take them (%s)", len(self._noted), error)
                self._some.set()
                await asyncio.sleep(RETRY_SECONDS)

    async def _write_group(self) -> None:
        lost = dict(islice(self._lost.items(), GROUP // 2))
        group = list(islice(self._noted, MOST - len(lost)))
        now = self._now()
        facts = [*group, *((_gap(workspace_id, count), now, None) for workspace_id, count in lost.items())]
        ids = new_ids("aud", len(facts))
        found = {workspace_id: await self.rules.prepare(workspace_id) for workspace_id in _workspaces(group)}
        kept = self.rules.kept
        as_kept = as_sqlite_keeps if self._database.is_sqlite else _itself  # once for the row and for its hash
        rows = [
            fact.as_values(
                event_id,
                as_kept(moment),
                said and kept(found[fact.workspace_id], said, fact.server, fact.tool, fact.definition_digest),
            )
            for event_id, (fact, moment, said) in zip(ids, facts, strict=True)
        ]
        await self._database.append_everywhere(_EVENTS, rows)
        if self._just_written is not None and self._database.is_sqlite:
            self._just_written.add(rows)
        self._is_away = False
        for _ in group:
            self._noted.popleft()
        if len(self._noted) < CROWDED:
            self._room.set()
        for workspace_id, count in lost.items():
            self._lost[workspace_id] -= count
            if self._lost[workspace_id] == 0:
                del self._lost[workspace_id]


def _itself(moment: datetime) -> datetime:
    return moment


def _workspaces(group: list[Noted]) -> set[str]:
    return {fact.workspace_id for fact, _, said in group if said is not None}


def _gap(workspace_id: str, count: int) -> AuditFact:
    return AuditFact(
        workspace_id, "admin", "audit:gap", new_id("req"), "system", "audit", details={"rows_not_recorded": count}
    )
