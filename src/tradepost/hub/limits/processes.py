"""Which processes serve one hub, on however many machines: each says now and then that it is there, and so knows its
part of what may run at once. No call asks for that.

Whoever has not been heard of for some seconds is taken for gone, and the others divide its part among them. One that
comes has its part at once; the others learn of it when they look again, two seconds later at most. By the clock of the
database: those of the machines may differ.
"""

import logging
import os
import socket
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.clock import Now
from tradepost.foundation.ids import new_id
from tradepost.foundation.rounds import Rounds
from tradepost.hub.limits.in_flight import WHOLE, Part
from tradepost.hub.limits.models import INSTALLATION, ServingProcess

LOOK_SECONDS = 2.0
GONE = timedelta(seconds=7)  # three looks that did not happen
SWEPT = timedelta(hours=1)

_log = logging.getLogger(__name__)


class Processes:
    """This process among the others. `forked` is its part among the workers of one supervisor: what holds on SQLite,
    where there are no others, and as long as not all of them have said that they are there. `divide` hears of its part
    whenever that is another one."""

    def __init__(
        self, database: Database, divide: Callable[[Part], None], forked: Part = WHOLE, now: Now | None = None
    ) -> None:
        self._database = database
        self._divide = divide
        self._forked = self.part = forked
        self._now = now
        self._id = new_id("proc")
        self._in_trouble = False
        self._looking = Rounds("processes", self._look_again, LOOK_SECONDS)

    async def start(self) -> None:
        """Say that this process is there, and begin to look who else is. On SQLite nothing has to be asked."""
        if not self._database.is_sqlite:
            await self.look()
            self._looking.start()

    async def stop(self) -> None:
        """Say that it is gone: the others need not wait until they miss it."""
        if self._database.is_sqlite:
            return
        await self._looking.stop()
        try:
            async with self._database.system(write=True) as session:
                await session.execute(delete(ServingProcess).where(ServingProcess.id == self._id))
        except (SQLAlchemyError, OSError) as error:
            _log.warning("this process could not say good-bye, it will be missed: %s", type(error).__name__)

    async def look(self) -> None:
        """Say that this process is there, and divide by those that are."""
        async with self._database.system(write=True) as session:
            now = await self._time(session)
            mine = await session.scalar(select(ServingProcess).where(ServingProcess.id == self._id))
            if mine is None:
                await session.execute(delete(ServingProcess).where(ServingProcess.seen_at < now - SWEPT))
                mine = ServingProcess(workspace_id=INSTALLATION, id=self._id, name=_name())
                session.add(mine)
            mine.seen_at = now
        async with self._database.system(write=False) as session:  # what was committed while this one wrote counts, too
            there = select(ServingProcess.id).where(ServingProcess.seen_at.between(now - GONE, now + GONE))
            # Said in the future: the clock was set back since, and whoever is there will say it again.
            ids = (await session.scalars(there.order_by(ServingProcess.id))).all()
        part = self._forked if len(ids) < self._forked.of else Part(ids.index(self._id), len(ids))
        if part != self.part:
            self.part = part
            self._divide(part)

    async def _look_again(self) -> None:
        try:
            await self.look()
        except (SQLAlchemyError, OSError) as error:
            if not self._in_trouble:
                _log.warning("who else serves cannot be asked just now, each keeps its part: %s", type(error).__name__)
            self._in_trouble = True
        else:
            self._in_trouble = False

    async def _time(self, session: AsyncSession) -> datetime:
        if self._now is not None:
            return self._now()
        moment: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
        return moment


def _name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"
