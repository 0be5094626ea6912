"""What is loaded behind a start: parts of the program that the first answers do without, in a thread, one after the
other, when this process has nothing better to do.

Tables are no such part: the ORM may not be asked for anything while another thread declares some.
"""

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import tradepost.commerce.tables
import tradepost.hub.tables  # noqa: F401

# How long a thread that loads may keep the others waiting: a call crosses several threads, and would wait at each.
SWITCH_SECONDS = 0.0005
# Clients come in crowds after a start. They go first, but not for ever: who needs a part before then loads it.
QUIET_SHARE, LOOK_SECONDS, LOOKS = 0.3, 0.1, 600
_USUAL_SECONDS = sys.getswitchinterval()

log = logging.getLogger(__name__)


class Behind:
    """Does its steps between `start` and `stop`; `on_end` hears when the last one is done."""

    on_end: Callable[[], None] | None = None

    def __init__(self, *steps: Callable[[], Awaitable[object]]) -> None:
        self._steps = steps
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin, and do not wait."""
        self._task = asyncio.create_task(self._run(), name="what is loaded behind the start")

    async def loaded(self) -> None:
        """Return when everything is there, or could not be loaded."""
        if self._task is not None:
            await asyncio.wait((self._task,))

    async def stop(self) -> None:
        """Return when the step under way has ended; those after it are left out."""
        self._stopping.set()
        if self._task is not None:
            await self._task

    async def _quiet(self) -> None:
        """Return when this process had next to nothing to do for a moment, or is stopping."""
        for _ in range(LOOKS):
            used = time.process_time()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), LOOK_SECONDS)
            if self._stopping.is_set() or time.process_time() - used < LOOK_SECONDS * QUIET_SHARE:
                return

    async def _run(self) -> None:
        await self._quiet()
        sys.setswitchinterval(SWITCH_SECONDS)
        try:
            for step in self._steps:
                if self._stopping.is_set():
                    return
                await _done(step)
        finally:
            sys.setswitchinterval(_USUAL_SECONDS)
        if self.on_end is not None:
            self.on_end()


async def _done(step: Callable[[], Awaitable[object]]) -> None:
    """Nobody waits for it: whoever needs the part loads it, and hears why it fails."""
    try:
        await step()
    except Exception:
        log.exception("a part of the program could not be loaded behind the start")
