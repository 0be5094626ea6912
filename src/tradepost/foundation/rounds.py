"""Work that is done again and again in the background, and comes to its end before what it uses is closed."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

GRACE_SECONDS = 10.0

_log = logging.getLogger(__name__)


class Rounds:
    """Does a round, pauses, does the next one, between `start` and `stop`.

    A round that fails is logged, and the next one comes all the same. Whoever has something better to say about a
    failure catches it in the round. The first one comes at once, or after some seconds where others go first.
    """

    def __init__(
        self, name: str, once: Callable[[], Awaitable[object]], pause_seconds: float, first_after_seconds: float = 0
    ) -> None:
        self._name = name
        self._once = once
        self._pause_seconds = pause_seconds
        self._first_after_seconds = first_after_seconds
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_stopping(self) -> bool:
        """For a round of many steps: whether to leave the rest to a later start."""
        return self._stopping.is_set()

    def start(self) -> None:
        """Begin, unless they run already."""
        if self._task is None:
            self._stopping.clear()
            self._task = asyncio.create_task(self._run(), name=self._name)

    async def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Return when the round under way has ended; one that takes longer than the grace is broken off."""
        task, self._task = self._task, None
        if task is None:
            return
        self._stopping.set()
        try:
            await asyncio.wait({task}, timeout=grace_seconds)
        finally:
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        if self._first_after_seconds:
            await self._pause(self._first_after_seconds)
        while not self._stopping.is_set():
            try:
                await self._once()
            except Exception:  # noqa: BLE001 (whatever it is, what is due later must not wait for a restart)
                _log.exception("%s: a round failed; the next one comes", self._name)
            await self._pause(self._pause_seconds)

    async def _pause(self, seconds: float) -> None:
        """Over at once when they are to stop."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
