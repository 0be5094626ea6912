"""Resources of servers that are not bundled, watched on behalf of everybody who watches them here.

What one client after the other watches is subscribed to once per server and credential, and ended with the last of
them, with the server, or with its credential: then the next connection takes it over. A resource stands under a topic
of its server and URI; who waits for it is none of this module's business.

Where people have accounts of their own at a server, the credential is that of one person, and so are feed and topic:
nobody else can come to wait for it. It ends when they disconnect, or are no longer let in there.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from tradepost.foundation.errors import TradepostError
from tradepost.hub.limits.settings import DEFAULTS, Limits
from tradepost.hub.upstreams.connection import Connection
from tradepost.hub.upstreams.connections import Connections
from tradepost.hub.upstreams.feed import Feed
from tradepost.hub.upstreams.oauth.errors import NotConnected
from tradepost.hub.upstreams.oauth.models import EVERYBODY
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


_Server = tuple[str, str, str]  # workspace, server, the holder of the account where each person has their own


class _Heard(NamedTuple):
    """A feed, and the connection over which it goes."""

    address: Address
    limits: Limits
    feed: Feed


class Watching:
    """The feeds of all servers, by workspace, server and holder. `on_first` is called whenever one more is heard: from
    then on somebody has to call `review` when the registry changes."""

    def __init__(self, connections: Connections, place: Place) -> None:
        self._connections = connections
        self._place = place
        self._feeds: dict[_Server, _Heard] = {}
        self._expected: dict[Topic, set[int]] = {}
        self._numbers = count()
        self._running: set[asyncio.Task[None]] = set()
        self.on_first: Callable[[], None] | None = None
        connections.on_connected = self._on_connected
        connections.on_replaced = self._on_replaced
        connections.on_over = self._on_over

    def workspaces(self) -> set[str]:
        """Those with a server that is heard."""
        return {workspace_id for workspace_id, _, _ in self._feeds}

    async def watch(
        self,
        workspace_id: str,
        server_id: str,
        slug: str,
        address: Address,
        connection: Connection,
        uri: str,
        limits: Limits = DEFAULTS,
    ) -> str | None:
        """Have a server tell of changes of a resource, and the record it stands under; None where the server does not
        tell. Somebody has to wait for the topic soon. Raises LimitExceeded, UpstreamFailed, UpstreamTimedOut."""
        server = (workspace_id, server_id, connection.holder)
        known = self._feeds.get(server)
        goes_on = known is not None and known.address == address
        if known is not None and connection.holder:  # with another consent, there is another connection
            goes_on = goes_on and known.feed.client is connection.client
        if not goes_on:
            self._open(server, slug, address, connection, limits)
            if known is not None:
                self._do(self._take_over(self._feeds[server].feed, known.feed))
        topic, number = (workspace_id, _record(server, uri)), next(self._numbers)
        self._expected.setdefault(topic, set()).add(number)
        accepted = False
        try:
            accepted = await self._feeds[server].feed.add(uri)
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
            place, _, uri = topic[1].partition(" ")
            server_id, _, holder = place.partition("@")
            known = self._feeds.get((topic[0], server_id, holder))
            if known is not None and uri:
                known.feed.remove(uri)

    async def _take_over(self, feed: Feed, before: Feed) -> None:
        feed.keep(await before.close())

    # --- servers -----------------------------------------------------------------------------------------------

    def _on_connected(self, workspace_id: str, server_id: str, connection: Connection) -> None:
        """A server of which calls need something may also tell that its lists change."""
        known = self._feeds.get((workspace_id, server_id, EVERYBODY))
        if known is not None:
            known.feed.hear_lists()
            return
        self._do(self._attend(workspace_id, server_id, connection))

    def _on_replaced(self, workspace_id: str, server_id: str, connection: Connection) -> None:
        """What is watched goes on over the connection with the new secret."""
        server = (workspace_id, server_id, connection.holder)
        known = self._feeds.get(server)
        if known is not None:
            self._open(server, known.feed.name, known.address, connection, known.limits)
            self._do(self._take_over(self._feeds[server].feed, known.feed))

    async def _attend(self, workspace_id: str, server_id: str, connection: Connection) -> None:
        try:
            address = await self._place.whereabouts(workspace_id, server_id)
        except (TradepostError, SQLAlchemyError, OSError):
            logger.warning("server %s is not listened to: the registry could not be read", server_id, exc_info=True)
            return
        server = (workspace_id, server_id, EVERYBODY)
        if address is not None and server not in self._feeds:
            self._open(server, server_id, address, connection)

    async def review(self, workspace_id: str) -> None:
        """The registry changed: go on over the connections that count now."""
        self._forget_idle()
        for server in [server for server in self._feeds if server[0] == workspace_id]:
            known = self._feeds.get(server)
            if known is None:
                continue
            try:
                now = await self._place.whereabouts(*server[:2])
                if server[2]:
                    await self._review_person(server, known, now)
                    continue
                if now == known.address or self._feeds.get(server) is not known:
                    continue
                del self._feeds[server]
                uris = await known.feed.finish()
                if now is None:
                    self._place.publish(workspace_id, [_record(server, uri) for uri in uris])
                    continue
                connection = await self._connections.to(*server[:2], *now, known.limits, slug=known.feed.name)
                if server not in self._feeds:
                    self._open(server, known.feed.name, now, connection, known.limits)
                self._feeds[server].feed.keep(uris)
            except TradepostError as error:
                logger.warning("what server %s says could not be heard anew: %s", server[1], error.message)

    async def _review_person(self, server: _Server, known: _Heard, now: Address | None) -> None:
        """What somebody watches over an account of their own ends with the account."""
        connection = None
        if now is not None:
            try:
                place = (*server[:2], *now, known.limits)
                connection = await self._connections.to(*place, slug=known.feed.name, holder=server[2])
            except NotConnected:
                connection = None
        if self._feeds.get(server) is not known:
            return
        if connection is None or now is None or not connection.holder:
            del self._feeds[server]
            await self._end(server, known.feed)
        elif connection.client is not known.feed.client:
            self._open(server, known.feed.name, now, connection, known.limits)
            await self._take_over(self._feeds[server].feed, known.feed)

    def _on_over(self, workspace_id: str, server_id: str, holder: str) -> None:
        """The authorization server has ended what somebody had agreed to."""
        known = self._feeds.get((workspace_id, server_id, holder)) if holder else None
        if known is not None:
            del self._feeds[workspace_id, server_id, holder]
            self._do(self._end((workspace_id, server_id, holder), known.feed))

    async def _end(self, server: _Server, feed: Feed) -> None:
        """Whoever watches reads it again and sees for himself."""
        uris = await feed.close()
        self._place.publish(server[0], [_record(server, uri) for uri in uris])

    def _forget_idle(self) -> None:
        """People come and go: their feeds are not kept once nothing is watched."""
        for server in [server for server, known in self._feeds.items() if server[2] and known.feed.is_idle]:
            del self._feeds[server]

    def _open(
        self, server: _Server, slug: str, address: Address, connection: Connection, limits: Limits = DEFAULTS
    ) -> None:
        workspace_id, server_id, holder = server

        def updated(uri: str) -> None:
            self._place.publish(workspace_id, [_record(server, uri)])

        def lists_changed() -> None:
            if not holder:  # what one person's account hears is not for the others
                self._place.lists_changed(workspace_id, server_id)

        if holder:
            self._forget_idle()
        feed = Feed(connection.client, updated, lists_changed, slug, of_person=bool(holder))
        self._feeds[server] = _Heard(address, limits, feed)
        if self.on_first is not None:
            self.on_first()
        if holder:
            return
        for client in (connection.client, connection.older):
            if client is not None:
                client.on_list_changed = lists_changed
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
        await asyncio.gather(*self._running, *(known.feed.close() for known in feeds), return_exceptions=True)


def _record(server: _Server, uri: str) -> str:
    _, server_id, holder = server
    return f"{server_id}@{holder} {uri}" if holder else f"{server_id} {uri}"
