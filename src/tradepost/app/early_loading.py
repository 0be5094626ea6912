"""Loading what the first page would wait for, once the hub serves: REST and its framework take seconds to import, and
whoever opens the dashboard after a start should not be the one who pays for it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

AFTER_SECONDS = 1.0  # clients that wait for the hub come first

_log = logging.getLogger(__name__)


class EarlyLoading:
    """Runs `loads`, one after the other, a moment after the start. What fails is loaded with its first request, as
    without this, and says there what is wrong."""

    def __init__(self, loads: Sequence[Callable[[], Awaitable[None]]]) -> None:
        self._loads = loads
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin soon."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="loading pages and REST")

    async def loaded(self) -> None:
        """Returns when everything is there, or could not be loaded."""
        if self._task is not None:
            await asyncio.wait((self._task,))

    async def stop(self) -> None:
        """Load nothing more. A module that is being imported is imported to its end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        await asyncio.sleep(AFTER_SECONDS)
        for load in self._loads:
            try:
                await load()
            except Exception:  # noqa: BLE001  whatever it is, whoever asks first hears of it
                _log.warning("what pages need could not be loaded ahead of them", exc_info=True)
