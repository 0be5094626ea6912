"""Waiting for what becomes of an action: whoever asked is woken by what the outbox tells, in whichever process it was
committed. Nobody holds a database session meanwhile, and one follower looks for all who wait.

Waiting is a favour that takes a slot of the hub's own server: at most half of a workspace's slots are given to it, and
a quarter of that to one principal. Whoever is one too many is answered at once.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from tradepost.foundation.caller import Caller
from tradepost.hub.limits.in_flight import WHOLE, Part
from tradepost.hub.limits.settings import DEFAULTS
from tradepost.protocol.updates import Updates

MOST_SECONDS = 25

Confirm = Callable[[Caller], Awaitable[object]]  # raises Unauthenticated for a caller that may not act any more


class Waiting:
    """One who waits. What is told while nobody looks is not forgotten."""

    def __init__(self, ends_at: float) -> None:
        self._ends_at = ends_at
        self._told = asyncio.Event()
        self._is_over = False

    def tell(self, uri: str) -> None:
        """See Listener."""
        self._told.set()

    def end(self) -> None:
        """Wait no longer."""
        self._is_over = True
        self._told.set()

    async def stirred(self) -> bool:
        """Return when something was told: whether it is worth another look. False when the time is over."""
        try:
            async with asyncio.timeout_at(self._ends_at):
                await self._told.wait()
        except TimeoutError:
            return False
        self._told.clear()
        return not self._is_over


class Waits:
    """Who waits in this process. `confirm` says whether a caller may still act: it may have been shut out while it
    waited. `part` is this process's of what a workspace may have running at once."""

    def __init__(self, updates: Updates, confirm: Confirm, part: Part = WHOLE) -> None:
        self._updates = updates
        self._most = max(1, part.share(DEFAULTS.running) // 2)
        self._most_of_one = max(1, self._most // 4)
        self._taken: Counter[tuple[str, ...]] = Counter()
        self._waiting: set[Waiting] = set()
        self._ended = False
        self._confirm = confirm

    @asynccontextmanager
    async def wait(self, caller: Caller, action_id: str, seconds: float) -> AsyncIterator[Waiting | None]:
        """Who waits for an action, from when the block begins; None where there is no room. Raises Unavailable."""
        takes = (caller.workspace_id,), (caller.workspace_id, caller.principal.kind, caller.principal.id)
        if self._ended or self._taken[takes[0]] >= self._most or self._taken[takes[1]] >= self._most_of_one:
            yield None
            return
        waiting, topic = Waiting(asyncio.get_running_loop().time() + seconds), (caller.workspace_id, action_id)
        self._taken.update(takes)
        self._waiting.add(waiting)
        try:
            await self._updates.add(topic, action_id, waiting)
            try:
                yield waiting
            finally:
                self._updates.remove(topic, action_id, waiting)
        finally:
            self._waiting.discard(waiting)
            self._taken.subtract(takes)
            self._taken += Counter()  # without those who wait for nothing

    async def confirm(self, caller: Caller) -> None:
        """Raises Unauthenticated for a caller that may not act any more, whatever held when its call came."""
        await self._confirm(replace(caller, seen=None))

    def end(self) -> None:
        """Let everybody go with what is known now: the process stops."""
        self._ended = True
        for waiting in self._waiting:
            waiting.end()
