"""Warm HTTP connections to servers: per origin, used newest first, bounded in number and in age.

Only addresses that the pool is given are dialled, no proxy and no environment is asked, no redirect is followed. A
request is sent once. The one exception: it is known to be repeatable, it went out on a connection that had been used
before, and the server closed that without a byte of an answer.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Protocol, Self

from tradepost.protocol.http_answer import HttpAnswer
from tradepost.protocol.http_connection import HttpConnection
from tradepost.protocol.http_dial import Addresses, Dialer, Tls
from tradepost.protocol.http_request import HttpUrl, unreachable
from tradepost.protocol.http_turns import Line, Turns
from tradepost.protocol.upstream_errors import UpstreamFailed, UpstreamTimedOut

MOST_AT_ONCE = 512
MOST_PER_ORIGIN = 160  # more than the calls that may run on one server: a call may need a second exchange to go on
IDLE_SECONDS = 60.0
# Many servers close an idle connection after 5 seconds. A request that must not be repeated is not sent into that.
SAFE_IDLE_SECONDS = 4.0
SWEEP_SECONDS = 15.0


class Dispatch(Protocol):
    """Told when the bytes of a request begin to leave."""

    dispatched: bool


@dataclass(slots=True, eq=False)
class _Origin:
    """The exchanges with one origin, and its idle connections, the newest last."""

    line: Line
    end_turn: Callable[[], None]
    idle: list[HttpConnection] = field(default_factory=list)


class HttpPool:
    """Exchanges with servers, over the addresses that `addresses` gives (see Dialer)."""

    def __init__(
        self,
        addresses: Addresses,
        tls: Tls = None,
        *,
        most: int = MOST_AT_ONCE,
        most_per_origin: int = MOST_PER_ORIGIN,
    ) -> None:
        self._dialer = Dialer(addresses, tls)
        self._turns = Turns(most, most_per_origin)
        self._most = most
        self._origins: dict[tuple[str, str, int], _Origin] = {}
        self._connections: set[HttpConnection] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def send(
        self, url: HttpUrl, head: bytes, body: bytes, dispatch: Dispatch, *, connect_seconds: float, repeatable: bool
    ) -> HttpAnswer:
        """Send a request, give its answer once that has begun; the caller closes it. Waits for a turn as long as the
        caller likes, for a connection `connect_seconds`. Raises UpstreamFailed, UpstreamTimedOut."""
        origin = self._origins.get(url.origin)
        if origin is None:
            line = Line()
            origin = self._origins[url.origin] = _Origin(line, partial(self._turns.give_back, line))
        if not self._turns.take_free(origin.line):
            await self._turns.take(origin.line)
        try:
            connection = self._idle(origin, repeatable) or await self._opened(url, origin, connect_seconds)
            dispatch.dispatched = True
            try:
                answer = connection.start(head, body, at_once=not repeatable)
                await answer.begun()
            except UpstreamFailed:
                if not repeatable or connection.served == 1 or connection.heard:
                    raise
                answer = await self._again(url, origin, head, body, connect_seconds)
        except BaseException:
            origin.end_turn()
            raise
        answer.then = origin.end_turn
        return answer

    async def close(self) -> None:
        """Close all connections; what is running breaks."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        ending = list(self._connections)
        for connection in ending:
            connection.abort()
        await asyncio.gather(*(connection.gone for connection in ending))

    async def _again(
        self, url: HttpUrl, origin: _Origin, head: bytes, body: bytes, connect_seconds: float
    ) -> HttpAnswer:
        try:
            connection = await self._opened(url, origin, connect_seconds)
        except (UpstreamFailed, UpstreamTimedOut) as error:
            error.dispatched = True  # the first time
            raise
        answer = connection.start(head, body, at_once=False)
        await answer.begun()
        return answer

    def _idle(self, origin: _Origin, repeatable: bool) -> HttpConnection | None:
        """The connection that was used last, if it may be used again for such a request."""
        now = monotonic()
        while origin.idle:
            connection = origin.idle[-1]
            age = now - connection.idle_since
            fresh = connection.usable and age <= _idle_limit(connection)
            if fresh and not repeatable:
                if age > SAFE_IDLE_SECONDS:
                    return None
                fresh = not connection.has_news()
            origin.idle.pop()
            if fresh:
                return connection
            connection.abort()
        return None

    async def _opened(self, url: HttpUrl, origin: _Origin, seconds: float) -> HttpConnection:
        if len(self._connections) >= self._most:
            self._drop_oldest()

        def lost(connection: HttpConnection) -> None:
            self._connections.discard(connection)
            if connection in origin.idle:
                origin.idle.remove(connection)

        freed = partial(self._freed, origin)
        connection = await self._dialer.dial(url, lambda: HttpConnection(freed, lost), seconds)
        if self._closed:
            connection.abort()
            raise unreachable()
        self._connections.add(connection)
        return connection

    def _freed(self, origin: _Origin, connection: HttpConnection) -> None:
        connection.idle_since = monotonic()
        origin.idle.append(connection)
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._sweep)

    def _sweep(self) -> None:
        """Close what has been idle for too long, forget origins that nobody uses."""
        now = monotonic()
        for key, origin in list(self._origins.items()):
            for connection in list(origin.idle):
                if now - connection.idle_since > _idle_limit(connection):
                    origin.idle.remove(connection)
                    connection.abort()
            if not origin.idle and not origin.line.running and not origin.line.waiting:
                del self._origins[key]
        loop = asyncio.get_running_loop()
        self._sweeper = loop.call_later(SWEEP_SECONDS, self._sweep) if self._origins else None

    def _drop_oldest(self) -> None:
        """Make room: one idle connection, of whichever origin."""
        idle = [origin for origin in self._origins.values() if origin.idle]
        if idle:
            min(idle, key=lambda origin: origin.idle[0].idle_since).idle.pop(0).abort()


def _idle_limit(connection: HttpConnection) -> float:
    """Seconds. Where the server says how long it waits, a second less."""
    said = connection.idle_seconds
    return IDLE_SECONDS if said is None else max(0.0, min(IDLE_SECONDS, said - 1.0))
