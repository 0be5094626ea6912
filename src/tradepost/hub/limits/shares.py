"""The one way of this process to the windows in the database. Whoever asks while another question is under way goes
with the next one, so that a thousand who come at once cost a few statements, not a thousand."""

import asyncio
import logging

from sqlalchemy import delete
from sqlalchemy.exc import SQLAlchemyError

from tradepost.database.engine import Database
from tradepost.database.windows import Ask, Share
from tradepost.foundation.clock import Now, system_now
from tradepost.hub.limits.models import RateWindow

MOST_AT_ONCE = 200
SWEEP_SECONDS = 600.0
KEPT_MS = 3_600_000  # after its end: a clock that is set back finds the window again

_log = logging.getLogger(__name__)

Answer = asyncio.Future[Share]


class Shares:
    """Takes shares of windows. It does nothing while nobody asks."""

    def __init__(self, database: Database, now: Now | None = None) -> None:
        self._database = database
        self._now = now
        self._waiting: list[tuple[Ask, Answer]] = []
        self._asking: asyncio.Task[None] | None = None
        self._swept_at = 0.0
        self._in_trouble = False

    def ask(self, ask: Ask) -> Answer:
        """What is given for a wish, as soon as it is known. The database's errors are raised in the answer."""
        answer: Answer = asyncio.get_running_loop().create_future()
        self._waiting.append((ask, answer))
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_all(), name="shares of limits")
        return answer

    async def stop(self) -> None:
        """Let what is under way come to its end."""
        if self._asking is not None:
            await asyncio.gather(self._asking, return_exceptions=True)

    async def _ask_all(self) -> None:
        try:
            while self._waiting:
                await self._ask_some(self._next())
                if not self._waiting:
                    await self._sweep_when_due()
        finally:
            self._asking = None
            waiting, self._waiting = self._waiting, []
            for _, answer in waiting:  # there are some only when this task was canceled
                answer.cancel()

    def _next(self) -> dict[tuple[str, str], tuple[Ask, Answer]]:
        """The next ones, each window once: one statement cannot change a row twice."""
        now: dict[tuple[str, str], tuple[Ask, Answer]] = {}
        later = []
        for asked in self._waiting:
            key = asked[0].workspace_id, asked[0].id
            if len(now) < MOST_AT_ONCE and key not in now:
                now[key] = asked
            else:
                later.append(asked)
        self._waiting = later
        return now

    async def _ask_some(self, asked: dict[tuple[str, str], tuple[Ask, Answer]]) -> None:
        try:
            shares = await self._database.take_shares([ask for ask, _ in asked.values()], self._now)
        except (SQLAlchemyError, OSError) as error:
            if not self._in_trouble:
                _log.warning("limits cannot be shared just now, each process counts for itself: %s", error)
            self._in_trouble = True
            for _, answer in asked.values():
                if not answer.done():
                    answer.set_exception(error)
                    answer.exception()  # whoever asked may have gone: that is no error of its own
            return
        self._in_trouble = False
        for key, (_, answer) in asked.items():
            if not answer.done():
                answer.set_result(shares[key])

    async def _sweep_when_due(self) -> None:
        """Forget windows that ended long ago."""
        loop = asyncio.get_running_loop()
        if self._swept_at and loop.time() - self._swept_at < SWEEP_SECONDS:
            return
        self._swept_at = loop.time()
        try:
            await self.sweep()
        except (SQLAlchemyError, OSError) as error:
            _log.warning("old windows of limits were not swept: %s", error)

    async def sweep(self) -> None:
        """Forget windows that ended more than an hour ago."""
        before = int((self._now or system_now)().timestamp() * 1_000) - KEPT_MS
        async with self._database.system(write=True) as session:
            old = delete(RateWindow).where(RateWindow.ends_ms < before)
            await session.execute(old.execution_options(synchronize_session=False))
