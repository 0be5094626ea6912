"""What a server does in use that its definitions do not say: an answer that contradicts what was approved, another
name or release than the one that was looked at. It is written down for a person, and the server is looked at
again, over the connection over which its calls go, too."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from tradepost.database.engine import Database
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import TradepostError
from tradepost.foundation.ids import new_id
from tradepost.hub.access.changes import note
from tradepost.hub.access.roles import system_caller
from tradepost.hub.registration.history import Scribe, identity_of, last_server
from tradepost.hub.registry.models import EntryKind, Server
from tradepost.hub.upstreams.connection import Connection
from tradepost.hub.upstreams.connections import Connections

logger = logging.getLogger(__name__)

CAUSE = "in_use"
AGAIN_SECONDS = 300.0  # until the same is written down, and the same server looked at, once more
MOST_KNOWN = 10_000

Relist = Callable[[str, str, str], Awaitable[object]]  # workspace id, server id, cause


class InUse:
    """Hears of calls and connections; `relist` looks at a server again (Discovery.relist)."""

    def __init__(
        self,
        database: Database,
        relist: Relist,
        now: Now = system_now,
        seconds: Callable[[], float] = monotonic,
    ) -> None:
        self._database = database
        self._relist = relist
        self._now = now
        self._seconds = seconds
        self._said: dict[tuple[str, ...], float] = {}
        self._running: set[asyncio.Task[None]] = set()

    def attend(self, connections: Connections) -> None:
        """Hear of connections, beside whoever hears of them already."""
        earlier = connections.on_connected

        def connected(workspace_id: str, server_id: str, connection: Connection) -> None:
            if earlier is not None:
                earlier(workspace_id, server_id, connection)
            self._begin(self._compare(workspace_id, server_id, connection))

        connections.on_connected = connected

    def contradicted(self, workspace_id: str, server_id: str, kind: EntryKind, name: str, says: str) -> None:
        """An answer was not what had been approved, in the way that `says` tells. Costs the call nothing. What stood in
        the answer is the business of its caller, and not written down."""
        if self._is_news(workspace_id, server_id, kind, name):
            self._begin(self._notice(workspace_id, server_id, name, {"says": says}, kind))

    async def stop(self) -> None:
        """Let go of what is under way."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def settled(self) -> None:
        """Return when what was heard so far is dealt with."""
        await asyncio.gather(*self._running)

    def _begin(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _compare(self, workspace_id: str, server_id: str, connection: Connection) -> None:
        found = connection.client.identity
        if found is None:
            return
        identity = identity_of(found, connection.secrets)
        try:
            async with self._database.transaction(workspace_id, write=False) as session:
                known = await last_server(session, server_id)
        except (SQLAlchemyError, OSError):
            logger.warning("who server %s is could not be compared", server_id, exc_info=True)
            return
        if known is None or not identity.differs_from(known.details):
            return
        before, now = (
            f"{one[0]} {one[1]}".strip() for one in (_pair(known.details), (identity.name, identity.release))
        )
        if self._is_news(workspace_id, server_id, "identity", now):
            says = f"It calls itself '{now}' where calls go; when it was looked at, it was '{before}'."
            await self._notice(workspace_id, server_id, None, {"says": says})

    async def _notice(
        self, workspace_id: str, server_id: str, name: str | None, details: dict[str, Any], kind: EntryKind = "tool"
    ) -> None:
        try:
            async with self._database.transaction(workspace_id, write=True) as session:
                if await session.scalar(select(Server.id).where(Server.id == server_id)) is None:
                    return  # it was deleted meanwhile
                scribe = await Scribe(session, server_id, CAUSE, self._now()).open()
                scribe.noticed(name, details, kind)
                await scribe.close()
                by = system_caller(workspace_id, new_id("req"))
                note(session, by, "server:noticed", server_id, {kind: name, **details})
            if self._is_news(workspace_id, server_id, "looked"):
                await self._relist(workspace_id, server_id, CAUSE)
        except TradepostError as error:
            logger.warning("server %s was not looked at again: %s", server_id, error.message)
        except (SQLAlchemyError, OSError):
            logger.warning("what server %s did in use could not be written down", server_id, exc_info=True)

    def _is_news(self, *what: str) -> bool:
        now, said = self._seconds(), self._said.get(what)
        if said is not None and now - said < AGAIN_SECONDS:
            return False
        if len(self._said) >= MOST_KNOWN:
            self._said.clear()
        self._said[what] = now
        return True


def _pair(details: dict[str, Any]) -> tuple[str, str]:
    return str(details.get("name", "")), str(details.get("release", ""))
