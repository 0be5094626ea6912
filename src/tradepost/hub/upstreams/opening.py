"""Connecting to the servers of a catalog before their first calls: beside each other, so that a turn that calls five of
them waits for none to be found first, and one that hangs keeps no other one waiting.

Nothing depends on it, so it steps behind whatever does. Making a connection is work for the processor, and fifty made
in one go would keep a list or a call waiting for as long: one is begun after the other, and the pause between two is as
long as they have taken. Servers that could not be reached the last time are looked for after all others, one at a time.
What cannot be reached is tried again after a while, or by the first call that needs it.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from time import monotonic

from tradepost.foundation.errors import TradepostError
from tradepost.hub.upstreams.targets import Target

logger = logging.getLogger(__name__)

AT_ONCE = 32
FIRST_SECONDS = 0.05  # after the list that asked: its answer goes out first
PAUSE_SECONDS = 0.01  # between two at least
SECONDS = 20.0  # of one
AGAIN_SECONDS = 300.0  # after the last look, whatever came of it
MOST_KNOWN = 10_000

Open = Callable[[str, Target, float], Awaitable[None]]
Rest = Callable[[float], Awaitable[None]]
_Key = tuple[str, str, str | None, int]


class Opening:
    """Opens in the background, with `open` (see Upstreams.open)."""

    def __init__(self, open_: Open, now: Callable[[], float] = monotonic, rest: Rest = asyncio.sleep) -> None:
        self._open = open_
        self._now = now
        self._rest = rest
        self._looked: dict[_Key, float] = {}
        self._down: set[_Key] = set()  # those that could not be reached when last looked for
        self._waiting: deque[tuple[_Key, Target]] = deque()
        self._doubtful: deque[tuple[_Key, Target]] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._beginning: asyncio.Task[None] | None = None
        self._turns = asyncio.Semaphore(AT_ONCE)

    def begin(self, workspace_id: str, servers: Iterable[Target]) -> None:
        """Open those that were not looked at lately; `servers` are any entries of them, one each."""
        now = self._now()
        for target in servers:
            key = (workspace_id, target.server_id, target.server_url, target.credential_version)
            looked = self._looked.get(key)
            if looked is not None and now - looked < AGAIN_SECONDS:
                continue
            if len(self._looked) >= MOST_KNOWN:
                self._looked.clear()
                self._down.clear()
            self._looked[key] = now
            (self._doubtful if key in self._down else self._waiting).append((key, target))
        if (self._waiting or self._doubtful) and (self._beginning is None or self._beginning.done()):
            self._beginning = asyncio.create_task(self._begin(), name="opening servers")

    async def stop(self) -> None:
        """Let go of what is under way."""
        running = [*self._running, *([self._beginning] if self._beginning is not None else [])]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _begin(self) -> None:
        """Begin with those that wait, at a pace that leaves the processor to others."""
        await self._rest(FIRST_SECONDS)
        while self._waiting or self._doubtful:
            if not self._waiting:
                await self._one(*self._doubtful.popleft())
                await self._rest(PAUSE_SECONDS)
                continue
            await self._turns.acquire()
            key, target = self._waiting.popleft()
            task = asyncio.create_task(self._one(key, target), name=f"opening {target.server_slug}")
            self._running.add(task)
            task.add_done_callback(self._ended)
            began = self._now()
            await asyncio.sleep(0)  # what it does before it waits for anything, beside what else was ready
            await self._rest(max(PAUSE_SECONDS, self._now() - began))

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._turns.release()

    async def _one(self, key: _Key, target: Target) -> None:
        self._down.discard(key)
        try:
            await self._open(key[0], target, min(SECONDS, target.limits.timeout_seconds))
        except TradepostError as error:
            self._down.add(key)
            logger.debug("'%s' is not open yet: %s", target.server_slug, error.message)
        except Exception:
            self._down.add(key)
            logger.warning("'%s' could not be opened", target.server_slug, exc_info=True)
