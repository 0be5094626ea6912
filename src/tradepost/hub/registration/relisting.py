"""Discovers a server again that says its lists have changed: soon, but only once for many such words, and never more
often than every half minute, however often it says so."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from sqlalchemy.exc import SQLAlchemyError

from tradepost.foundation.errors import TradepostError

logger = logging.getLogger(__name__)

QUIET_SECONDS = 1.0
LEAST_SECONDS = 30.0

Server = tuple[str, str]  # workspace id, server id


class Relisting:
    """`discover` lays a server's lists over the registry, as for an admin: what is new or changed is not shown."""

    def __init__(self, discover: Callable[[str, str], Awaitable[object]]) -> None:
        self._discover = discover
        self._waiting: dict[Server, asyncio.Task[None]] = {}
        self._again: set[Server] = set()

    def soon(self, workspace_id: str, server_id: str) -> None:
        """A server said that a list changed."""
        server = (workspace_id, server_id)
        if server in self._waiting:
            self._again.add(server)
            return
        self._waiting[server] = asyncio.create_task(self._look(server), name=f"lists of {server_id}")

    async def stop(self) -> None:
        """Look no more."""
        tasks = list(self._waiting.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self, server: Server) -> None:
        try:
            while True:
                await asyncio.sleep(QUIET_SECONDS)
                self._again.discard(server)
                try:
                    await self._discover(*server)
                except TradepostError as error:
                    logger.warning("the lists of server %s changed but were not had: %s", server[1], error.message)
                except (SQLAlchemyError, OSError):
                    logger.warning("the lists of server %s could not be stored", server[1], exc_info=True)
                await asyncio.sleep(LEAST_SECONDS - QUIET_SECONDS)
                if server not in self._again:
                    return
        finally:
            self._again.discard(server)
            self._waiting.pop(server, None)
