"""Connecting to the servers of a catalog before their first calls: all beside each other, so that a turn that calls
five of them waits for none to be found first, and one that hangs keeps no other one waiting.

Nothing depends on it. What cannot be reached is tried again after a while, or by the first call that needs it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from time import monotonic

from tradepost.foundation.errors import TradepostError
from tradepost.hub.upstreams.targets import Target

logger = logging.getLogger(__name__)

AT_ONCE = 32
SECONDS = 20.0  # of one
AGAIN_SECONDS = 300.0  # after the last look, whatever came of it
MOST_KNOWN = 10_000

Open = Callable[[str, Target, float], Awaitable[None]]
_Key = tuple[str, str, str | None, int]


class Opening:
    """Opens in the background, with `open` (see Upstreams.open)."""

    def __init__(self, open_: Open, now: Callable[[], float] = monotonic) -> None:
        self._open = open_
        self._now = now
        self._looked: dict[_Key, float] = {}
        self._running: set[asyncio.Task[None]] = set()
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
            self._looked[key] = now
            task = asyncio.create_task(self._one(workspace_id, target), name=f"opening {target.server_slug}")
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def stop(self) -> None:
        """Let go of what is under way."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _one(self, workspace_id: str, target: Target) -> None:
        async with self._turns:
            try:
                await self._open(workspace_id, target, min(SECONDS, target.limits.timeout_seconds))
            except TradepostError as error:
                logger.debug("'%s' is not open yet: %s", target.server_slug, error.message)
            except Exception:
                logger.warning("'%s' could not be opened", target.server_slug, exc_info=True)
