"""Resources of servers that are not bundled, watched on behalf of everybody who watches them here.

What one client after the other watches is subscribed to once per server and credential, and ended with the last of
them, with the server, or with its credential: then the next connection takes it over. A resource stands under a topic
of its server and URI; who waits for it is none of this module's business.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from itertools import count

from sqlalchemy.exc import SQLAlchemyError

from tradepost.foundation.errors import TradepostError
from tradepost.hub.upstreams.connection import Connection
from tradepost.hub.upstreams.connections import Connections
from tradepost.hub.upstreams.feed import Feed
from tradepost.protocol.updates import Topic

logger = logging.getLogger(__name__)

EXPECTED_SECONDS = 30.0  # between a subscription and somebody who waits for its updates

# The URL of a server and the version of its credential; None for one that is disabled or gone.
Address = tuple[str, int]
Whereabouts = Callable[[str, str], Awaitable[Address | None]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where what is watched is known and told: `publish` takes a workspace and records, `is_waited` says whether
    anybody waits for a topic, `whereabouts` finds a server by workspace and id, `lists_changed` is told of a server."""

    publish: Callable[[str, Iterable[str]], None]
    is_waited: Callable[[Topic], bool]
    whereabouts: Whereabouts
    lists_changed: Callable[[str, str], None]


_Server = tuple[str, str]


class Watching:
    """The feeds of all servers, by workspace and server. `on_first` is called whenever one more is heard: from then on
    somebody has to call `review` when the registry changes."""

    def __init__(self, connections: Connections, place: Place) -> None:
        self._connections = connections
        self._place = place
        self._feeds: dict[_Server, tuple[Address, Feed]] = {}
        self._expected: dict[Topic, set[int]] = {}
        self._numbers = count()
        self._running: set[asyncio.Task[None]] = set()
        self.on_first: Callable[[], None] | None = None
        connections.on_connected = self._on_connected
        connections.on_replaced = self._on_replaced

    def workspaces(self) -> set[str]:
        """Those with a server that is heard."""
        return {workspace_id for workspace_id, _ in self._feeds}

    async def watch(
        self, workspace_id: str, server_id: str, slug: str, address: Address, connection: Connection, uri: str
    ) -> str | None:
        """Have a server tell of changes of a resource, and the record it stands under; None where the server does not
        tell. Somebody has to wait for the topic soon. Raises LimitExceeded, UpstreamFailed, UpstreamTimedOut."""
        server = (workspace_id, server_id)
        known = self._feeds.get(server)
        if known is None or known[0] != address:
            self._open(server, slug, address, connection)
        if known is not None and known[0] != address:
            self._do(self._take_over(self._feeds[server][1], known[1]))
        topic, number = (workspace_id, _record(server_id, uri)), next(self._numbers)
        self._expected.setdefault(topic, set()).add(number)
        accepted = False
        try:
            accepted = await self._feeds[server][1].add(uri)
        finally:
            if not accepted:
                self._not_expected(topic, number)
        asyncio.get_running_loop().call_later(EXPECTED_SECONDS, self._not_expected, topic, number)
        return topic[1] if accepted else None

    # --- who waits ---------------------------------------------------------------------------------------------

    def begun(self, topic: Topic) -> None:
        """Somebody waits for a topic now."""
        expected = self._expected.get(topic)
        if expected:
            self._not_expected(topic, min(expected))

    def ended(self, topic: Topic) -> None:
        """Nobody waits for a topic any more."""
        self._tidy(topic)

    def _not_expected(self, topic: Topic, number: int) -> None:
        expected = self._expected.get(topic)
        if expected is not None and number in expected:
            expected.discard(number)
            if not expected:
                del self._expected[topic]
            self._tidy(topic)

    def _tidy(self, topic: Topic) -> None:
        if topic not in self._expected and not self._place.is_waited(topic):
            server_id, _, uri = topic[1].partition(" ")
            known = self._feeds.get((topic[0], server_id))
            if known is not None and uri:
                known[1].remove(uri)

    async def _take_over(self, feed: Feed, before: Feed) -> None:
        feed.keep(await before.close())

    # --- servers -----------------------------------------------------------------------------------------------

    def _on_connected(self, workspace_id: str, server_id: str, connection: Connection) -> None:
        """A server of which calls need something may also tell that its lists change."""
        known = self._feeds.get((workspace_id, server_id))
        if known is not None:
            known[1].hear_lists()
            return
        self._do(self._attend(workspace_id, server_id, connection))

    def _on_replaced(self, workspace_id: str, server_id: str, connection: Connection) -> None:
        """What is watched goes on over the connection with the new secret."""
        known = self._feeds.get((workspace_id, server_id))
        if known is not None:
            address, feed = known
            self._open((workspace_id, server_id), feed.name, address, connection)
            self._do(self._take_over(self._feeds[workspace_id, server_id][1], feed))

    async def _attend(self, workspace_id: str, server_id: str, connection: Connection) -> None:
        try:
            address = await self._place.whereabouts(workspace_id, server_id)
        except (TradepostError, SQLAlchemyError, OSError):
            logger.warning("server %s is not listened to: the registry could not be read", server_id, exc_info=True)
            return
        if address is not None and (workspace_id, server_id) not in self._feeds:
            self._open((workspace_id, server_id), server_id, address, connection)

    async def review(self, workspace_id: str) -> None:
        """The registry changed: go on over the connections that count now."""
        for server in [server for server in self._feeds if server[0] == workspace_id]:
            address, feed = self._feeds[server]
            try:
                now = await self._place.whereabouts(*server)
                if now == address or self._feeds.get(server) != (address, feed):
                    continue
                del self._feeds[server]
                uris = await feed.finish()
                if now is None:
                    self._place.publish(workspace_id, [_record(server[1], uri) for uri in uris])
                    continue
                connection = await self._connections.to(*server, *now, slug=feed.name)
                if server not in self._feeds:
                    self._open(server, feed.name, now, connection)
                self._feeds[server][1].keep(uris)
            except TradepostError as error:
                logger.warning("what server %s says could not be heard anew: %s", server[1], error.message)

    def _open(self, server: _Server, slug: str, address: Address, connection: Connection) -> None:
        workspace_id, server_id = server

        def updated(uri: str) -> None:
            self._place.publish(workspace_id, [_record(server_id, uri)])

        def lists_changed() -> None:
            self._place.lists_changed(workspace_id, server_id)

        feed = Feed(connection.client, updated, lists_changed, slug)
        for client in (connection.client, connection.older):
            if client is not None:
                client.on_list_changed = lists_changed
        self._feeds[server] = (address, feed)
        if self.on_first is not None:
            self.on_first()
        feed.hear_lists()

    def _do(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def close(self) -> None:
        """Hear nobody any more."""
        feeds, self._feeds = list(self._feeds.values()), {}
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, *(feed.close() for _, feed in feeds), return_exceptions=True)


def _record(server_id: str, uri: str) -> str:
    return f"{server_id} {uri}"
