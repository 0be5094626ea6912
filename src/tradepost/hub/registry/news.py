"""Says when the registry of a workspace has changed, to those who keep something that was made from it and that nobody
asks for: open streams.

It looks twice a second, in memory or by one indexed read, and rests while nobody listens. Changes that come in a row
are said once, when it is quiet, or after some seconds.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from time import monotonic

from sqlalchemy.exc import SQLAlchemyError

from tradepost.foundation.errors import TradepostError
from tradepost.hub.access.changes import Versions

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 5.0

Tell = Callable[[str], Awaitable[None]]


class RegistryNews:
    """`wanted` gives the workspaces that somebody listens for, `tell` is called with one that changed, and with each
    one when it begins to be wanted."""

    def __init__(self, versions: Versions, wanted: Callable[[], Iterable[str]], tell: Tell) -> None:
        self._versions = versions
        self._wanted = wanted
        self._tell = tell
        self._told: dict[str, int] = {}
        self._pending: dict[str, tuple[int, float]] = {}
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Somebody listens now."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._follow(), name="news of the registry")

    async def stop(self) -> None:
        """Say nothing more."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _follow(self) -> None:
        while wanted := set(self._wanted()):
            for workspace_id in self._told.keys() - wanted:
                del self._told[workspace_id]
            for workspace_id in wanted:
                try:
                    await self._look(workspace_id)
                except (SQLAlchemyError, OSError, TradepostError):
                    logger.warning("the registry could not be looked at; it is looked at again", exc_info=True)
            await asyncio.sleep(LOOK_SECONDS)
        self._told.clear()
        self._pending.clear()

    async def _look(self, workspace_id: str) -> None:
        version = await self._versions.version(workspace_id)
        if self._told.get(workspace_id) == version:
            return
        seen, since = self._pending.get(workspace_id, (None, monotonic()))
        is_new = workspace_id not in self._told
        if seen == version or is_new or monotonic() - since > LONGEST_WAIT_SECONDS:
            await self._tell(workspace_id)
            self._told[workspace_id] = version
            self._pending.pop(workspace_id, None)
        else:
            self._pending[workspace_id] = (version, since)
