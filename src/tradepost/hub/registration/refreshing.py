"""Looks at every server now and then, unasked: what changed behind a definition is found even where nobody presses
Refresh and the server says nothing.

Each look is due at a time of its own, so that they do not come all at once, and the process that moves that time on is
the one that looks. Servers that were never discovered are left alone.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, exists, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from tradepost.database.engine import Database
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import TradepostError
from tradepost.foundation.rounds import Rounds
from tradepost.hub.registry.models import Server, ServerLook, ToolEntry

logger = logging.getLogger(__name__)

ROUND_SECONDS = 20.0
AT_ONCE = 4
JITTER = 0.1  # of the pause
CAUSE = "schedule"
MAX_PROBLEM = 500  # characters

Relist = Callable[[str, str, str], Awaitable[object]]  # workspace id, server id, cause
Spread = Callable[[float, float], float]


@dataclass(frozen=True, slots=True)
class _Due:
    workspace_id: str
    server_id: str
    due_at: datetime | None


class Refreshing:
    """`relist` looks at one server (Discovery.relist). `minutes` are between two looks at the same one; 0 is never."""

    def __init__(
        self, database: Database, relist: Relist, minutes: int, now: Now = system_now, spread: Spread = random.uniform
    ) -> None:
        self._database = database
        self._relist = relist
        self._pause = timedelta(minutes=minutes)
        self._now = now
        self._spread = spread
        self._rounds = Rounds("looking at servers", self.once, ROUND_SECONDS)

    async def start(self) -> None:
        """Begin, unless it is switched off."""
        if self._pause:
            self._rounds.start()

    async def stop(self) -> None:
        """Look no more."""
        await self._rounds.stop()

    async def once(self) -> None:
        """Look at all servers that are due now."""
        turns = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(self._look(due, turns) for due in await self._due()))

    async def _due(self) -> list[_Due]:
        statement = (
            select(Server.workspace_id, Server.id, ServerLook.due_at)
            .outerjoin(ServerLook, and_(ServerLook.workspace_id == Server.workspace_id, ServerLook.id == Server.id))
            .where(
                Server.kind != "builtin",
                Server.status != "disabled",
                exists().where(ToolEntry.workspace_id == Server.workspace_id, ToolEntry.server_id == Server.id),
            )
        )
        async with self._database.system(write=False) as session:
            found = [_Due(*row) for row in await session.execute(statement)]
        return [one for one in found if one.due_at is None or one.due_at <= self._now()]

    async def _look(self, due: _Due, turns: asyncio.Semaphore) -> None:
        async with turns:
            if self._rounds.is_stopping or not await self._claim(due):
                return
            problem = None
            try:
                await self._relist(due.workspace_id, due.server_id, CAUSE)
            except TradepostError as error:
                problem = error.message[:MAX_PROBLEM]
                logger.warning("the scheduled look at server %s failed: %s", due.server_id, problem)
            except (SQLAlchemyError, OSError):
                problem = "What it offers could not be stored."
                logger.warning("what server %s offers could not be stored", due.server_id, exc_info=True)
            async with self._database.transaction(due.workspace_id, write=True) as session:
                look = await session.scalar(select(ServerLook).where(ServerLook.id == due.server_id))
                if look is not None:
                    look.looked_at, look.problem = self._now(), problem

    async def _claim(self, due: _Due) -> bool:
        """Whether this process is the one that looks. The first look at a server comes half a pause later at least."""
        try:
            async with self._database.transaction(due.workspace_id, write=True) as session:
                if due.due_at is None:
                    first = self._now() + self._pause * self._spread(0.5, 1.0)
                    session.add(ServerLook(id=due.server_id, due_at=first))
                    return False
                following = self._now() + self._pause * self._spread(1 - JITTER, 1 + JITTER)
                moved = await session.scalar(
                    update(ServerLook)
                    .where(ServerLook.id == due.server_id, ServerLook.due_at == due.due_at)
                    .values(due_at=following)
                    .returning(ServerLook.id)
                )
                return moved is not None
        except IntegrityError:
            return False  # another process was first, or the server was deleted
