"""Requests that their clients end before they are answered.

In the newer era a client that closes its connection has canceled; in the older one it sends `notifications/cancelled`,
and a lost connection means nothing. Either way the task of the request is canceled: a read stops at the server behind
it, a write that is under way is the host's to shield. Who leaves is looked at only for requests that take a while, so
that a quick one costs two steps in a set.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from tradepost.foundation.running import running_task
from tradepost.protocol.exchange import ClientGone, Exchange

Result = TypeVar("Result")
Key = tuple[str, str | int]

LOOK_SECONDS = 0.05  # a request older than once or twice this is watched


class Canceled(Exception):
    """The client has canceled this request."""


class _Request:
    """One that may be ended."""

    __slots__ = ("_level", "_task", "ended", "exchange", "watching")

    def __init__(self, exchange: Exchange | None = None) -> None:
        _, self._task = running_task()
        self.exchange = exchange
        self.ended = False
        self.watching: asyncio.Task[None] | None = None

    def end(self) -> None:
        if not self.ended:
            self.ended = True
            self._level = self._task.cancelling()
            self._task.cancel()

    def ended_by_us(self) -> bool:
        """Whether the CancelledError that just arrived is ours alone: somebody else's at the same moment goes on."""
        return self.ended and self._task.uncancel() <= self._level

    async def watch(self, exchange: Exchange) -> None:
        await exchange.disconnected()
        self.end()


class WhileConnected:
    """Ends requests whose clients leave."""

    def __init__(self) -> None:
        self._new: set[_Request] = set()
        self._older: set[_Request] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def run(self, exchange: Exchange, work: Awaitable[Result]) -> Result:
        """The result of `work`. Raises ClientGone when the client has left before."""
        request = _Request(exchange)
        self._new.add(request)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)
        try:
            return await work
        except asyncio.CancelledError:
            if request.ended_by_us():
                raise ClientGone from None
            raise
        finally:
            self._new.discard(request)
            self._older.discard(request)
            if request.watching is not None:
                request.watching.cancel()

    def _look(self) -> None:
        for request in self._older:
            if request.exchange is not None:
                request.watching = asyncio.create_task(request.watch(request.exchange), name="waiting for a client")
        self._older, self._new = self._new, set()
        self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look) if self._older else None


class Cancelable:
    """Ends requests that their clients name, each by its session and id."""

    def __init__(self) -> None:
        self._running: dict[Key, _Request] = {}

    async def run(self, session_id: str, request_id: str | int, work: Awaitable[Result]) -> Result:
        """The result of `work`. Raises Canceled when the client has canceled it before."""
        key = (session_id, request_id)
        request = self._running[key] = _Request()
        try:
            return await work
        except asyncio.CancelledError:
            if request.ended_by_us():
                raise Canceled from None
            raise
        finally:
            if self._running.get(key) is request:
                del self._running[key]

    def cancel(self, session_id: str, request_id: object) -> None:
        """End a request, if it is still running."""
        if isinstance(request_id, str | int):
            request = self._running.get((session_id, request_id))
            if request is not None:
                request.end()
