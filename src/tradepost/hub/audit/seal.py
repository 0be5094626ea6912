"""The sealer: gives every committed audit row its place in the chain of its workspace.

Rows are linked after they are committed, in the order of their numbers, as far as they are there; one whose transaction
took long leaves its number out, and gets its place when it comes. Two sealers cannot give the same place twice:
positions are unique, the slower one starts over.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from tradepost.database.appending import Appending
from tradepost.database.engine import Database
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.rounds import Rounds
from tradepost.hub.audit import stored
from tradepost.hub.audit.chain import FIRST, chain_hash
from tradepost.hub.audit.fact import COLUMNS
from tradepost.hub.audit.late import LATE_ROWS, MissingNumbers
from tradepost.hub.audit.models import AuditLink
from tradepost.hub.audit.written import JustWritten, Row

PAUSE_SECONDS = 1.0

BATCH = 250  # what is linked and written in one go: a millisecond or two, in which nothing else is done
_LINKS = Appending(AuditLink, ("workspace_id", "id", "position", "row_hash", "chain_hash", "sealed_at"), BATCH)
LATE_AT_ONCE = BATCH

_WORKSPACE_ID, _ID = COLUMNS.index("workspace_id"), COLUMNS.index("id")

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Look:
    """What was found without a link: workspace, id and hash of rows, and their numbers. `seen` is how far the look went
    and `passed` the numbers on the way, of linked rows too."""

    seen: int
    rows: list[tuple[str, str, str]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    passed: list[int] = field(default_factory=list)
    is_last: bool = False

    def add(self, found: Sequence[Sequence[Any]]) -> None:
        self.rows += [(row[stored.WORKSPACE_ID], row[stored.ID], stored.stored_hash(row)) for row in found]
        self.numbers += [row[stored.SEQUENCE] for row in found]

    def add_given(self, given: Sequence[Row], numbers: Sequence[int]) -> None:
        for row, number in zip(given, numbers, strict=True):
            self.rows.append((row[_WORKSPACE_ID], row[_ID], stored.given_hash(row, number)))
        self.numbers += numbers


class Sealer:
    """Seals what is committed, again and again."""

    def __init__(
        self,
        database: Database,
        now: Now = system_now,
        pause_seconds: float = PAUSE_SECONDS,
        just_written: JustWritten | None = None,
    ) -> None:
        self._database = database
        self._just_written = JustWritten() if just_written is None else just_written
        self._now = now
        self._start: int | None = None  # rows up to this number are older than the sealer
        self._seen = -1  # every row up to this number was looked at
        self._missing = MissingNumbers()
        self._heads: dict[str, tuple[int, str]] = {}  # as far as they are known in this run
        self.sealed_at = time.monotonic()  # when it was last done
        self._sealing = Rounds("audit sealer", self._round, pause_seconds)

    @property
    def seen(self) -> int:
        """The number up to which rows were looked at."""
        return self._seen

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
        self._heads = {}
        missing = self._missing.waited_for()
        for first in range(0, len(missing), LATE_AT_ONCE):
            look = await self._linked(partial(self._look_for, missing[first : first + LATE_AT_ONCE]))
            self._missing.came(look.numbers)
            linked += len(look.rows)
        is_last = False
        while not is_last:
            look = await self._linked(self._look_on)
            self._missing.note(max(self._seen, await self._older_than_this()), look.passed)
            self._missing.came(look.numbers)
            self._seen, is_last = look.seen, look.is_last
            linked += len(look.rows)
        self.sealed_at = time.monotonic()
        return linked

    async def _round(self) -> None:
        try:
            await self.seal()
        except (SQLAlchemyError, OSError) as error:
            _log.warning("audit rows stay unsealed for now: %s", error)

    async def _look_for(self, numbers: Sequence[int]) -> _Look:
        """For late rows: those of these numbers."""
        look = _Look(self._seen)
        async with self._database.system(write=False) as session:
            look.add(await stored.UNSEALED_AMONG.rows(session, {"numbers": numbers}))
        return look

    async def _look_on(self) -> _Look:
        """For rows behind those that were seen, as many as are linked at once."""
        look = _Look(self._seen)
        start = await self._older_than_this()
        while len(look.rows) <= BATCH - stored.PAGE and not look.is_last:
            await (self._older_page(look, start) if look.seen < start else self._page(look))
            await asyncio.sleep(0)  # calls come first
        return look

    async def _older_than_this(self) -> int:
        """The number up to which no row is awaited any more: on SQLite they are given in the order of commits."""
        if self._start is None:
            async with self._database.system(write=False) as session:
                [[newest]] = await stored.NEWEST.rows(session, {})
            self._start = max((newest or 0) - (0 if self._database.is_sqlite else LATE_ROWS), 0)
        return self._start

    async def _older_page(self, look: _Look, start: int) -> None:
        """What was left over. All but the last few rows have their links: on the way to them, nothing is read."""
        async with self._database.system(write=False) as session:
            found = await stored.LEFT_OVER.rows(session, {"after": look.seen, "until": start})
        look.add(found)
        look.seen = look.numbers[-1] if len(found) == stored.PAGE else start

    async def _page(self, look: _Look) -> None:
        async with self._database.system(write=False, quick=True) as session:
            found = await stored.NUMBERS.rows(session, {"after": look.seen})
            numbers = [number for number, _ in found]
            if numbers:
                given = self._just_written.take([event_id for _, event_id in found])
                if given is not None:  # where they have their links by now, the look is repeated
                    look.add_given(given, numbers)
                else:
                    look.add(await stored.UNSEALED.rows(session, {"after": look.seen, "until": numbers[-1]}))
                look.seen = numbers[-1]
        look.passed += numbers
        look.is_last = len(numbers) < stored.PAGE

    async def _linked(self, looked: Callable[[], Awaitable[_Look]]) -> _Look:
        """Link what a look finds; another process may do so at the same moment, then look again."""
        while True:
            look = await looked()
            try:
                await self._link(look.rows)
            except IntegrityError:
                self._heads = {}  # its links are ours to continue from
            else:
                return look

    async def _link(self, rows: Sequence[tuple[str, str, str]]) -> None:
        if not rows:
            return
        now = self._now()
        heads = await self._heads_of({workspace_id for workspace_id, _, _ in rows})
        links = []
        for workspace_id, event_id, row in rows:
            position, before = heads[workspace_id]
            position, chained = position + 1, chain_hash(before, position + 1, row)
            heads[workspace_id] = position, chained
            links.append((workspace_id, event_id, position, row, chained, now))
        await self._database.append_everywhere(_LINKS, links)
        self._heads |= heads

    async def _heads_of(self, workspaces: set[str]) -> dict[str, tuple[int, str]]:
        """Position and hash of the last link of each chain."""
        heads = {workspace_id: self._heads[workspace_id] for workspace_id in workspaces & self._heads.keys()}
        if len(heads) == len(workspaces):
            return heads
        async with self._database.system(write=False, quick=True) as session:
            for workspace_id in workspaces - heads.keys():
                found = await stored.HEAD.rows(session, {"workspace": workspace_id})
                heads[workspace_id] = (found[0][0], found[0][1]) if found else (0, FIRST)
        return heads
