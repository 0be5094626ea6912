"""Looks at what runs were given, after they were given it, and keeps what was found with the run.

No call waits for it but one that people are asked about, or whose rules name the signal: what its agent has read
before is looked at first. What this process found, every process finds in the table.
"""

import asyncio
import logging
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.database.lookups import Lookup
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.detection.detector import Finding
from tradepost.foundation.detection.kinds import LEVELS
from tradepost.hub.trust.looking import Looker
from tradepost.hub.trust.models import RunSignal
from tradepost.hub.trust.signal import Signal, joined
from tradepost.hub.trust.taint import NO_RUN, UNNAMED_LASTS, holder_of, lasts

AFTER = 0.02  # seconds: the call that was read has been answered by then
RATE = 10_000  # characters a second while nobody waits: a hundredth of a processor, whatever is read
MOST_WAITING = 500  # results; more are not looked at, and counted so
MOST_KEPT = 10_000
WAIT_SECONDS = 2.0
SKIPPED = "skipped"

_FOUND = select(RunSignal.level, RunSignal.kind, RunSignal.server, RunSignal.tool, RunSignal.at)
_FOUND = _FOUND.where(RunSignal.holder == bindparam("holder")).limit(200)
_OF_RUN = Lookup(_FOUND.where(RunSignal.until > bindparam("now"), RunSignal.run.in_((NO_RUN, bindparam("run")))))
_OF_ANY_RUN = Lookup(_FOUND.where(RunSignal.at > bindparam("since")))

Place = tuple[str, str, str]  # workspace, holder, run
Counted = Callable[[str, str, str, str], None]  # workspace, server, tool, level

_log = logging.getLogger(__name__)


def to_nobody(workspace: str, server: str, tool: str, level: str) -> None:
    """Counts nothing."""


class _Read(NamedTuple):
    place: Place
    server: str
    tool: str
    texts: Iterable[str]


class SignalLedger:
    """Takes texts in, looks at them in a task that ends when nothing waits; `stop` waits for it."""

    def __init__(self, database: Database, now: Now = system_now, counted: Counted = to_nobody) -> None:
        self._database = database
        self._now = now
        self._counted = counted
        self._looker = Looker()
        self._waiting: deque[_Read] = deque()
        self._open: Counter[tuple[str, str]] = Counter()  # what waits of each holder
        self._found: OrderedDict[Place, Signal] = OrderedDict()
        self._hurry = asyncio.Event()
        self._asking = 0
        self._looked = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    def read(self, caller: Caller, run: str | None, server: str, tool: str, texts: Iterable[str]) -> None:
        """A run is being given texts. They must not change any more."""
        place = caller.workspace_id, holder_of(caller), run or NO_RUN
        if len(self._waiting) >= MOST_WAITING:
            self._counted(place[0], server, tool, SKIPPED)
            return
        self._waiting.append(_Read(place, server, tool, texts))
        self._open[place[:2]] += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look(), name="signs in what runs have read")

    async def settled(self, caller: Caller) -> None:
        """Wait until all is looked at that the runs of a caller have read, for a while."""
        who = caller.workspace_id, holder_of(caller)
        if not self._open[who]:
            return
        self._asking += 1
        self._hurry.set()
        try:
            async with asyncio.timeout(WAIT_SECONDS), self._looked:
                await self._looked.wait_for(lambda: not self._open[who])
        except TimeoutError:
            _log.warning("what a run has read is not looked at yet: its signal may be missing")
        finally:
            self._asking -= 1
            if not self._asking:
                self._hurry.clear()

    def at_hand(self, caller: Caller, run: str | None) -> Signal | None:
        """The signal of a run, as far as this process has found any."""
        now, who = self._now(), (caller.workspace_id, holder_of(caller))
        if run:
            there = [(one, self._found.get((*who, one))) for one in (run, NO_RUN)]
            return joined(one for name, one in there if one is not None and now - one.at < lasts(name))
        since = now - UNNAMED_LASTS
        return joined(one for place, one in self._found.items() if place[:2] == who and one.at > since)

    async def look(self, session: AsyncSession, caller: Caller, run: str | None) -> Signal | None:
        """The signal of a run, whichever process found it."""
        holder, now = holder_of(caller), self._now()
        if run:
            rows = await _OF_RUN.rows(session, {"holder": holder, "now": now, "run": run})
        else:
            rows = await _OF_ANY_RUN.rows(session, {"holder": holder, "since": now - UNNAMED_LASTS})
        here = self.at_hand(caller, run)
        stored = [Signal(level, (kind,), server, tool, at) for level, kind, server, tool, at in rows]
        return joined([*stored, *([here] if here is not None else [])])

    async def stop(self) -> None:
        """Look at what waits, and write down what was found."""
        self._asking += 1  # for good
        self._hurry.set()
        if self._task is not None:
            await self._task

    async def _look(self) -> None:
        await self._pause(AFTER)
        while self._waiting:
            new: dict[Place, Signal] = {}
            while self._waiting:
                one, before = self._waiting.popleft(), self._looker.looked_at
                try:
                    found = await self._looker.look(one.texts)
                    self._take(one, found, new)
                finally:
                    self._open[one.place[:2]] -= 1
                    if not self._open[one.place[:2]]:
                        del self._open[one.place[:2]]
                        async with self._looked:
                            self._looked.notify_all()
                await self._pause((self._looker.looked_at - before) / RATE)
            if new:
                await self._store(new)

    async def _pause(self, seconds: float) -> None:
        """As long as nobody is in a hurry."""
        if seconds and not self._hurry.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._hurry.wait()

    def _take(self, read: _Read, found: Finding, new: dict[Place, Signal]) -> None:
        self._counted(read.place[0], read.server, read.tool, found.level)
        if not found.signs:
            return
        signal = Signal(found.level, found.kinds, read.server, read.tool, self._now())
        if found.level != "none":
            _log.info("a run was given what looks like instructions", extra={"level": found.level, "tool": read.tool})
        for kept in (self._found, new):
            known = kept.get(read.place)
            kept[read.place] = (known is not None and joined((known, signal))) or signal
        self._found.move_to_end(read.place)
        if len(self._found) > MOST_KEPT:
            self._found.popitem(last=False)

    async def _store(self, new: dict[Place, Signal]) -> None:
        """What cannot be stored counts in this process: a signal is no gate."""
        by_workspace: dict[str, dict[Place, Signal]] = {}
        for place, signal in sorted(new.items()):
            by_workspace.setdefault(place[0], {})[place] = signal
        for workspace_id, signals in by_workspace.items():
            try:
                async with self._database.transaction(workspace_id, write=True) as session:
                    await _prune(session, self._now())
                    for (_, holder, run), signal in signals.items():
                        await _upsert(session, holder, run, signal)
            except (SQLAlchemyError, OSError) as error:
                _log.warning("signs in what runs have read could not be stored: %s", error)


async def _prune(session: AsyncSession, now: datetime) -> None:
    old = delete(RunSignal).where(RunSignal.until <= now)
    await session.execute(old.execution_options(synchronize_session=False))


async def _upsert(session: AsyncSession, holder: str, run: str, signal: Signal) -> None:
    """A row per kind. One that was sure stays so until its time is over."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    until: datetime = signal.at + lasts(run) + timedelta(minutes=5)
    for kind in signal.kinds:
        said = {"level": signal.level, "server": signal.server, "tool": signal.tool, "at": signal.at, "until": until}
        statement = dialect.insert(RunSignal).values(
            workspace_id=str(session.info["workspace_id"]),
            id=f"{holder}|{run}|{kind}",
            holder=holder,
            run=run,
            kind=kind,
            **said,
        )
        graver = RunSignal.level.in_(LEVELS[: LEVELS.index(signal.level) + 1])
        await session.execute(
            statement.on_conflict_do_update(index_elements=("workspace_id", "id"), set_=said, where=graver)
        )
