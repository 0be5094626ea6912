"""Following an outbox: every process that has listeners hears of every committed event, its own and those of others.

Nothing is marked as read, because each replica tells its own clients. A place in the sequence is kept instead. On
SQLite writers queue, so numbers are committed in order. On PostgreSQL a lower number may be committed after a higher
one: a number that is missing stays open until it appears, or until every transaction that may hold it has ended. So no
event is missed; one may be told twice.

A commit of this process is told at once; those of others are found by looking, five times a second, and only while
somebody listens. NOTIFY would be quicker by a tenth of a second, but it makes all writers of a database commit one
after the other (docs/decisions/0007).
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import bindparam, event, func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from tradepost.database.engine import Database
from tradepost.database.lookups import Lookup
from tradepost.database.outbox import TOUCHED, OutboxRow
from tradepost.database.scoping import EVERY_WORKSPACE, ScopedSession
from tradepost.foundation.errors import Unavailable

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.2
BATCH = 500
BEHIND = 10_000  # numbers before the newest that may still be held by a transaction when following begins
LEAST_OPEN_SECONDS = 5.0  # a transaction has a number shortly before the database counts it as a writing one
_SNAPSHOT = text(
    "SELECT pg_snapshot_xmin(now)::text::bigint, pg_snapshot_xmax(now)::text::bigint FROM pg_current_snapshot() AS now"
)

Tell = Callable[[str, Iterable[str]], None]  # workspace id, ids of the records that were touched


class OutboxFollower:
    """Follows the outbox of one database while `wanted()` says so. `tell` is called with what each event touched."""

    def __init__(self, database: Database, model: type[OutboxRow], tell: Tell, wanted: Callable[[], bool]) -> None:
        self._database = database
        self._model = model
        self._tell = tell
        self._wanted = wanted
        self._columns = model.sequence, model.workspace_id, model.subject, model.payload
        newer = select(*self._columns).where(model.sequence > bindparam("seen"))
        self._newer = Lookup(newer.order_by(model.sequence).limit(BATCH))  # asked all the time: built once
        self._seen = 0
        self._open: dict[int, tuple[int, float]] = {}  # missing number: the first transaction after it, since when
        self._wake = asyncio.Event()
        self._starting = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_following(self) -> bool:
        """Whether commits are looked for now."""
        return self._task is not None

    async def follow(self) -> None:
        """Return when every event that is committed from now on will be told. Raises Unavailable."""
        async with self._starting:
            if self._task is not None:
                return
            try:
                await self._take_place()
            except (SQLAlchemyError, OSError) as error:
                raise Unavailable(
                    "Changes cannot be followed now: the database is not reachable.",
                    hint="Subscribe again in a moment.",
                    retry_after_seconds=5,
                ) from error
            self._listen()
            self._task = asyncio.create_task(self._follow(), name=f"follow {self._model.__name__}")

    async def stop(self) -> None:
        """Look no more."""
        task = self._task
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    # ---

    async def _take_place(self) -> None:
        sequence = self._model.sequence
        async with self._reading() as session:
            newest = await session.scalar(select(func.max(sequence)))
            self._seen = newest or 0
            self._open = {}
            if not self._database.is_sqlite:
                first = max(self._seen - BEHIND, 0)
                numbers = await session.scalars(select(sequence).where(sequence > first))
                there = {number for number in numbers if number is not None}
                self._seen = max(there, default=self._seen)
                missing = (number for number in range(first + 1, self._seen) if number not in there)
                await self._keep_open(session, missing)

    async def _follow(self) -> None:
        try:
            while self._wanted():
                self._wake.clear()
                try:
                    while await self._look():
                        continue
                except (SQLAlchemyError, OSError):
                    logger.warning("the outbox could not be read; it is looked at again", exc_info=True)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), LOOK_SECONDS)
        finally:
            # Nothing is awaited since `wanted` was asked, so whoever begins to listen now starts a new round.
            self._task = None
            self._unlisten()

    async def _look(self) -> bool:
        """Tell what is new. True when there may be more."""
        async with self._reading() as session:
            late: Sequence[Sequence[Any]] = ()
            if self._open:
                # Asked before looking: whoever commits in between is found by this look or by the next one.
                ended = await self._without_a_transaction(session)
                among = self._model.sequence.in_(list(self._open))
                late = [tuple(row) for row in await session.execute(select(*self._columns).where(among))]
                for number in ended:
                    del self._open[number]
            rows = await self._newer.rows(session, {"seen": self._seen})
            missing = _missing(self._seen, [row[0] for row in rows]) if not self._database.is_sqlite else []
            if missing:
                await self._keep_open(session, missing)
        for sequence, workspace_id, subject, payload in (*late, *rows):
            self._open.pop(sequence, None)
            self._seen = max(self._seen, sequence)
            self._tell(workspace_id, [subject, *payload.get(TOUCHED, ())])
        return len(rows) == BATCH

    async def _keep_open(self, session: AsyncSession, missing: Iterable[int]) -> None:
        """Remember missing numbers with the first transaction that cannot hold them: they were missing before it."""
        _, following = (await session.execute(_SNAPSHOT)).one()
        now = time.monotonic()
        self._open.update((number, (following, now)) for number in missing)

    async def _without_a_transaction(self, session: AsyncSession) -> list[int]:
        """Those of the missing numbers that no running transaction can hold any more."""
        oldest, _ = (await session.execute(_SNAPSHOT)).one()
        now = time.monotonic()
        return [
            number
            for number, (first_after, since) in self._open.items()
            if oldest >= first_after and now - since >= LEAST_OPEN_SECONDS
        ]

    def _reading(self) -> contextlib.AbstractAsyncContextManager[AsyncSession]:
        return self._database.transaction(EVERY_WORKSPACE, write=False, quick=True)

    # --- commits of this process

    def _listen(self) -> None:
        event.listen(ScopedSession, "after_flush", self._on_flush)
        event.listen(ScopedSession, "after_commit", self._on_commit)

    def _unlisten(self) -> None:
        event.remove(ScopedSession, "after_flush", self._on_flush)
        event.remove(ScopedSession, "after_commit", self._on_commit)

    def _on_flush(self, session: Session, _context: Any) -> None:
        if any(isinstance(row, self._model) for row in session.new):
            session.info[self._model.__name__] = True

    def _on_commit(self, session: Session) -> None:
        if session.info.get(self._model.__name__) and session.get_bind().engine.url == self._database.url:
            self._wake.set()


def _missing(seen: int, numbers: Sequence[int]) -> list[int]:
    """The numbers between the last one seen and the last of these that are not among them."""
    there = set(numbers)
    return [number for number in range(seen + 1, numbers[-1]) if number not in there] if numbers else []
