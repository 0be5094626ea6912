"""The ledger of taint: in memory what this process has noted, in the table what any process has, by run and source.

The first such text of a run is given out only once its row is there, so that a write of that run finds it whichever
process it comes to. After that a read costs no statement: the row counts for longer than it has to, and is renewed in
the background well before that time is over. Rows of several runs go out together.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.database.lookups import Lookup
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import Now, system_now
from tradepost.hub.trust.models import RunTaint
from tradepost.hub.trust.taint import KNOWN, NO_RUN, UNNAMED_LASTS, Taint, holder_of, lasts

MOST_KEPT = 20_000
RENEW = timedelta(minutes=5)  # a row counts for this much longer, and is not written anew before it is over
MOMENT = timedelta(seconds=1)
RETRY_SECONDS = 0.5
WAIT_SECONDS = 2.0  # for a database that does not take the row: reads go on, as without their audit rows
PRUNE_EVERY = timedelta(minutes=10)

_FOUND = (
    select(RunTaint.what, RunTaint.server, RunTaint.tool, RunTaint.at, RunTaint.source)
    .where(RunTaint.holder == bindparam("holder"), RunTaint.source != bindparam("but"))
    .order_by(RunTaint.at.desc())
    .limit(1)
)
_OF_ANY_RUN = Lookup(_FOUND.where(RunTaint.at > bindparam("since")))
_OF_RUN = Lookup(
    _FOUND.where(RunTaint.until > bindparam("now"), or_(RunTaint.run == bindparam("run"), RunTaint.run == NO_RUN))
)

Place = tuple[str, str, str]  # workspace, holder, run

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Mark:
    """What a run has of one source. `stored` is the time of the taint that its row has."""

    taint: Taint
    stored: datetime | None = None

    def says(self, what: str, tool: str, now: datetime) -> bool:
        """Whether this was noted a moment ago: an agent that reads on reads the same kind of thing as a rule."""
        known = self.taint
        return self.stored is not None and now - known.at < MOMENT and known.tool == tool and known.what == what


class TaintLedger:
    """Notes and finds taint. Rows are written by a task that ends when nothing waits; `stop` waits for it."""

    def __init__(self, database: Database, now: Now = system_now) -> None:
        self._database = database
        self._now = now
        self._marks: OrderedDict[Place, dict[str, _Mark]] = OrderedDict()  # by source
        self._latest: OrderedDict[tuple[str, str], dict[str, Taint]] = OrderedDict()  # of any run of a holder
        self._waiting: dict[tuple[Place, str], _Mark] = {}
        self._written: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._pruned: dict[str, datetime] = {}
        self._stops = False
        self._is_away = False  # the database did not take the last rows

    def note(
        self, caller: Caller, run: str | None, what: str, server: str, tool: str, source: str
    ) -> Awaitable[None] | None:
        """A run is about to be given such text. What to wait for before it is, if anything."""
        now, run = self._now(), run or NO_RUN
        place = caller.workspace_id, holder_of(caller), run
        marks = self._marks.get(place)
        if marks is not None and (just := marks.get(source)) is not None and just.says(what, tool, now):
            return None
        marks = self._marks.setdefault(place, {})
        taint = Taint(what, server, tool, now, source)
        mark = marks.get(source)
        if mark is None:
            mark = marks[source] = _Mark(taint)
        mark.taint = self._latest.setdefault(place[:2], {})[source] = taint
        self._marks.move_to_end(place)
        self._latest.move_to_end(place[:2])
        if len(self._marks) > MOST_KEPT:
            self._forget()
        if mark.stored is not None and now - mark.stored < RENEW:
            return None
        is_covered = mark.stored is not None and now - mark.stored < lasts(run)
        self._waiting[place, source] = mark
        written = self._soon()
        return None if is_covered or self._is_away else self._until(written)

    def at_hand(self, caller: Caller, run: str | None) -> Taint | None:
        """The taint of a run, as far as this process has noted any. A call that names no run may belong to any of its
        holder's; what was read in no run may be known in any."""
        return self._latest_but(KNOWN, caller, run)

    async def look(self, session: AsyncSession, caller: Caller, run: str | None) -> Taint | None:
        """The taint of a run, whichever process noted it."""
        return self.at_hand(caller, run) or await self._look_but(KNOWN, session, caller, run)

    def beside_at_hand(self, caller: Caller, run: str | None, source: str) -> Taint | None:
        """What a run has of other sources than this one, as far as this process knows: the shop's own words, too."""
        return self._latest_but(source, caller, run)

    async def look_beside(self, session: AsyncSession, caller: Caller, run: str | None, source: str) -> Taint | None:
        """The same, whichever process noted it."""
        return self.beside_at_hand(caller, run, source) or await self._look_but(source, session, caller, run)

    def _latest_but(self, source: str, caller: Caller, run: str | None) -> Taint | None:
        found = (taint for taint in self._noted(caller, run) if taint.source != source)
        return max(found, key=lambda taint: taint.at, default=None)

    def _noted(self, caller: Caller, run: str | None) -> Iterator[Taint]:
        """What this process has noted of a run and still counts."""
        who = caller.workspace_id, holder_of(caller)
        if not run:
            latest = self._latest.get(who, {})
            yield from (taint for taint in latest.values() if self._counts(taint, NO_RUN))
            return
        for one in (run, NO_RUN):
            marks = self._marks.get((*who, one), {})
            yield from (mark.taint for mark in marks.values() if self._counts(mark.taint, one))

    async def _look_but(self, source: str, session: AsyncSession, caller: Caller, run: str | None) -> Taint | None:
        now, asked = self._now(), {"holder": holder_of(caller), "but": source}
        if run:
            rows = await _OF_RUN.rows(session, {**asked, "now": now, "run": run})
        else:
            rows = await _OF_ANY_RUN.rows(session, {**asked, "since": now - UNNAMED_LASTS - RENEW})
        return Taint(*rows[0]) if rows else None

    async def stop(self) -> None:
        """Write what waits, once more if need be."""
        self._stops = True
        if self._task is not None:
            await self._task

    def _counts(self, taint: Taint, run: str) -> bool:
        return self._now() - taint.at < lasts(run)

    def _forget(self) -> None:
        """The oldest that the table has: a look finds them there."""
        for place, marks in list(self._marks.items())[: MOST_KEPT // 10]:
            if any(mark.stored is None or (place, source) in self._waiting for source, mark in marks.items()):
                continue
            del self._marks[place]
            latest = self._latest.get(place[:2], {})
            for source, mark in marks.items():
                if latest.get(source) is mark.taint:
                    del latest[source]
            if not latest:
                self._latest.pop(place[:2], None)

    def _soon(self) -> asyncio.Future[None]:
        if self._written is None:
            self._written = asyncio.get_running_loop().create_future()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write(), name="taint of runs")
        return self._written

    async def _until(self, written: asyncio.Future[None]) -> None:
        done, _ = await asyncio.wait((written,), timeout=WAIT_SECONDS)
        if not done:
            self._is_away = True
            _log.warning("what a run has read is not stored yet: another process would not know of it")

    async def _write(self) -> None:
        owed: list[asyncio.Future[None]] = []
        while self._waiting:
            batch, self._waiting = self._waiting, {}
            if self._written is not None:
                owed.append(self._written)
                self._written = None
            try:
                await self._store(batch)
            except (SQLAlchemyError, OSError) as error:
                _log.warning("what runs have read could not be stored: %s", error)
                self._is_away = True
                self._waiting = {**batch, **self._waiting}
                if self._stops:
                    return
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self._is_away = False
            for written in owed:
                written.set_result(None)
            owed.clear()

    async def _store(self, batch: dict[tuple[Place, str], _Mark]) -> None:
        by_workspace: dict[str, dict[tuple[Place, str], _Mark]] = {}
        for place, mark in batch.items():
            by_workspace.setdefault(place[0][0], {})[place] = mark
        for workspace_id, marks in by_workspace.items():
            taints = {place: mark.taint for place, mark in sorted(marks.items())}
            async with self._database.transaction(workspace_id, write=True) as session:
                for ((_, holder, run), _), taint in taints.items():
                    await _upsert(session, holder, run, taint)
                await self._prune(session, workspace_id)
            for place, taint in taints.items():
                marks[place].stored = taint.at

    async def _prune(self, session: AsyncSession, workspace_id: str) -> None:
        now, last = self._now(), self._pruned.get(workspace_id)
        if last is not None and now - last < PRUNE_EVERY:
            return
        self._pruned[workspace_id] = now
        old = delete(RunTaint).where(RunTaint.until <= now)
        await session.execute(old.execution_options(synchronize_session=False))


async def _upsert(session: AsyncSession, holder: str, run: str, taint: Taint) -> None:
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    said: dict[str, Any] = {"server": taint.server, "tool": taint.tool, "what": taint.what, "at": taint.at}
    said["until"] = taint.at + lasts(run) + RENEW
    row = f"{holder}|{run}|{taint.source}"
    statement = dialect.insert(RunTaint).values(
        workspace_id=str(session.info["workspace_id"]),
        id=row,
        holder=holder,
        run=run,
        source=taint.source,
        **said,
    )
    # Of two processes the one that read last: a row never counts for less long than it did.
    later = RunTaint.at < taint.at
    await session.execute(
        statement.on_conflict_do_update(index_elements=("workspace_id", "id"), set_=said, where=later)
    )
