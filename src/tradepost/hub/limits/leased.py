"""Slots that all processes of a hub take from the database, where fewer may run at once than there are processes: a
part of such a cap would be less than one slot. No other cap asks for this.

A slot is a row that its process renews for as long as it is taken. That of a process that died is free again some
seconds later. By the clock of the database, where it is shared by machines.
"""

import asyncio
import logging
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.ids import new_id
from tradepost.hub.limits.models import INSTALLATION, LeasedSlot

LEASE = timedelta(seconds=10)
RENEW_SECONDS = 3.0
FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.2

_log = logging.getLogger(__name__)


class LeasedSlots:
    """The slots of this process. `now` is its clock where it is not the database's."""

    def __init__(self, database: Database, now: Now | None = None) -> None:
        self._database = database
        self._now = now
        self.held: dict[str, list[str]] = {}  # by key; empty nearly always
        self._renewing: asyncio.Task[None] | None = None
        self._under_way: set[asyncio.Task[str | None] | asyncio.Task[None]] = set()

    async def take(self, key: str, most: int, *, patient: bool = True) -> bool:
        """Take one of so many slots of a key, waiting until one is free unless nobody may wait; whether it was taken.
        Raises the database's errors."""
        pause = FIRST_PAUSE_SECONDS
        while not await self._taken(key, most):
            if not patient:
                return False
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        return True

    def give(self, key: str) -> None:
        """Give a slot back, which takes a moment; nobody waits for that."""
        slots = self.held[key]
        slot = slots.pop()
        if not slots:
            del self.held[key]
        task = asyncio.create_task(self._given([slot]), name="slot given back")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def stop(self) -> None:
        """Let what is under way come to its end, and give back what is held still."""
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)
        while self._under_way:  # what was taken for somebody who has gone is given back after it
            await asyncio.gather(*self._under_way, return_exceptions=True)
            await asyncio.sleep(0)
        held, self.held = self.held, {}
        if held:
            await self._given([slot for slots in held.values() for slot in slots])

    async def _taken(self, key: str, most: int) -> bool:
        taking = asyncio.create_task(self._try(key, most), name="slot taken")
        self._under_way.add(taking)
        taking.add_done_callback(self._under_way.discard)
        try:
            slot = await asyncio.shield(taking)
        except asyncio.CancelledError:  # whoever waited has gone: what was taken at the same moment is given back
            taking.add_done_callback(lambda done: self._put_back(key, done))
            raise
        if slot is None:
            return False
        self._keep(key, slot)
        return True

    def _put_back(self, key: str, done: asyncio.Future[str | None]) -> None:
        if not done.cancelled() and done.exception() is None and (slot := done.result()) is not None:
            self._keep(key, slot)
            self.give(key)

    def _keep(self, key: str, slot: str) -> None:
        self.held.setdefault(key, []).append(slot)
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renew(), name="leased slots")

    async def _try(self, key: str, most: int) -> str | None:
        async with self._database.system(write=True) as session:
            if not self._database.is_sqlite:
                # Counting and taking are one step.
                await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))
            now = await self._time(session)
            await session.execute(delete(LeasedSlot).where(LeasedSlot.key == key, LeasedSlot.ends_at <= now))
            taken = await session.scalar(select(func.count()).select_from(LeasedSlot).where(LeasedSlot.key == key))
            if taken is not None and taken >= most:
                return None
            slot = new_id("slot")
            session.add(LeasedSlot(workspace_id=INSTALLATION, id=slot, key=key, ends_at=now + LEASE))
        return slot

    async def _given(self, slots: list[str]) -> None:
        try:
            async with self._database.system(write=True) as session:
                await session.execute(delete(LeasedSlot).where(LeasedSlot.id.in_(slots)))
        except (SQLAlchemyError, OSError) as error:
            _log.warning("a slot could not be given back, it is free in some seconds: %s", type(error).__name__)

    async def _renew(self) -> None:
        while self.held:
            await asyncio.sleep(RENEW_SECONDS)
            mine = [slot for slots in self.held.values() for slot in slots]
            try:
                async with self._database.system(write=True) as session:
                    longer = update(LeasedSlot).where(LeasedSlot.id.in_(mine))
                    await session.execute(longer.values(ends_at=await self._time(session) + LEASE))
            except (SQLAlchemyError, OSError) as error:
                _log.warning("slots could not be renewed just now: %s", type(error).__name__)

    async def _time(self, session: AsyncSession) -> datetime:
        if self._now is not None or self._database.is_sqlite:
            return (self._now or system_now)()
        moment: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
        return moment
