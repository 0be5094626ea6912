"""What the client needs of a transport, and what the transports share in which many requests go one way and their
answers come another (standard input and output, the event stream of the oldest servers).

There answers are told apart by id. What a server sends besides names no call, but for progress, which has a token;
anything else goes to the call under way if it is the only one, and to nobody otherwise: it may be another caller's.
"""

from abc import ABC, abstractmethod
from asyncio import CancelledError, Queue
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from time import monotonic
from typing import Any, Generic, Protocol, TypeVar

from tradepost.protocol.answers import MAX_EVENTS, OnMessage, rpc_error
from tradepost.protocol.deadlines import Deadline
from tradepost.protocol.jsonrpc import METHOD_NOT_FOUND, Json
from tradepost.protocol.notices import NOTICES, Notices, ends, subscription_of
from tradepost.protocol.server_identity import Transport
from tradepost.protocol.upstream_errors import UpstreamFailed, UpstreamTimedOut
from tradepost.protocol.wire import Answered, refused

Opened = TypeVar("Opened")

MAX_STRAY_MESSAGES = 1_000
MOST_GIVEN_UP = 10_000  # requests whose late answers are known as such
MOST_UNREAD = 1_000  # messages beside the answer that one call may have before it; more are dropped

CALLS = frozenset({"tools/call", "prompts/get", "resources/read", "completion/complete"})


class Link(Protocol):
    """A way to one server with one credential. `generation` counts the connections that ended and took with them
    what had been agreed over them."""

    @property
    def transport(self) -> Transport: ...

    @property
    def generation(self) -> int: ...

    async def request(
        self,
        method: str,
        params: Json,
        headers: Mapping[str, str],
        on_message: OnMessage,
        deadline: Deadline,
        *,
        repeatable: bool,
    ) -> Answered: ...

    async def post(self, message: Json, headers: Mapping[str, str], deadline: Deadline) -> None: ...

    async def open(
        self, method: str | None, params: Json, headers: Mapping[str, str], deadline: Deadline, after: str | None = None
    ) -> Notices:
        """The stream of what the server says of its own accord: that of the session, after the event `after`, or the
        answer to a request that listens. Raises UpstreamFailed, UpstreamTimedOut."""
        ...

    async def delete(self, headers: Mapping[str, str], deadline: Deadline) -> None: ...

    async def close(self) -> None: ...


@dataclass(slots=True, eq=False)
class _Waiting:
    """A request that was sent, and what came for it."""

    to: object
    token: Any
    is_call: bool
    hears: bool = False  # what the server says of its own accord, and for nobody in particular
    inbox: "Queue[tuple[Json, bytes] | UpstreamFailed]" = field(default_factory=Queue)


class SharedLink(ABC, Generic[Opened]):
    """Requests over one connection that all of them share, opened with the first and again after it ended."""

    def __init__(self) -> None:
        self.generation = 0
        self._ids = count(1)
        self._waiting: dict[int, _Waiting] = {}
        self._strays = 0
        self._given_up: OrderedDict[int, None] = OrderedDict()

    @abstractmethod
    async def _opened(self) -> Opened:
        """The connection. Raises UpstreamFailed, UpstreamTimedOut."""

    @abstractmethod
    async def _send(self, to: Opened, message: Json, headers: Mapping[str, str], deadline: Deadline) -> None:
        """Send a message, with those of the headers that mean something here. Raises UpstreamFailed."""

    @abstractmethod
    def _tell(self, to: Opened, message: Json) -> None:
        """Send a message if that goes without waiting; whether it arrives makes no difference."""

    async def request(
        self,
        method: str,
        params: Json,
        headers: Mapping[str, str],
        on_message: OnMessage,
        deadline: Deadline,
        *,
        repeatable: bool,
    ) -> Answered:
        """Send a request, give its response. Raises UpstreamFailed."""
        try:
            to = await self._opened()
        except (UpstreamFailed, UpstreamTimedOut) as error:
            error.dispatched = False  # not this request
            raise
        request_id = next(self._ids)
        token = (params.get("_meta") or {}).get("progressToken")
        waiting = self._waiting[request_id] = _Waiting(to, token, is_call=method in CALLS)
        try:
            deadline.dispatched = True
            message = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}
            await self._send(to, message, headers, deadline)
            message, raw = await _answer(waiting, on_message)
        except CancelledError:
            self._tell(to, _cancelled(request_id))
            self._give_up(request_id)
            raise
        finally:
            del self._waiting[request_id]
        refusal = rpc_error(message)
        if refusal is not None:
            raise refused(refusal)
        if not isinstance(message.get("result"), dict):
            raise wrong("sent a response without a result")
        return Answered(message, raw, request_id, {})

    async def post(self, message: Json, headers: Mapping[str, str], deadline: Deadline) -> None:
        """Send a message that has no response."""
        await self._send(await self._opened(), message, headers, deadline)

    async def open(
        self, method: str | None, params: Json, headers: Mapping[str, str], deadline: Deadline, after: str | None = None
    ) -> Notices:
        """See Link. `after` means nothing here."""
        to = await self._opened()
        request_id = next(self._ids)
        waiting = self._waiting[request_id] = _Waiting(to, None, is_call=False, hears=method is None)
        if method is None:
            return _SharedNotices(waiting, None, partial(self._waiting.pop, request_id, None))

        def close() -> None:
            if self._waiting.pop(request_id, None) is not None:
                self._tell(to, _cancelled(request_id))

        try:
            message = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}
            await self._send(to, message, headers, deadline)
        except BaseException:
            self._waiting.pop(request_id, None)
            raise
        return _SharedNotices(waiting, request_id, close)

    def _hand_out(self, to: Opened, message: Json | None, raw: bytes) -> None:
        """Give a message to whom it is for. Raises UpstreamFailed for too much that is for nobody."""
        if message is not None and "method" not in message and self._is_late(message["id"]):
            return
        listener = None if message is None else self._listener(message)
        if message is None or (listener is None and "method" not in message):
            self._strays += 1
            if self._strays > MAX_STRAY_MESSAGES:
                self._strays = 0
                raise wrong("sent a thousand messages that nobody asked for")
        elif listener is None and "id" in message:
            error = {"code": METHOD_NOT_FOUND, "message": "No call is under way that this could belong to."}
            reply: Json = {"result": {}} if message["method"] == "ping" else {"error": error}
            self._tell(to, {"jsonrpc": "2.0", "id": message["id"], **reply})
        elif listener is not None and ("id" in message or listener.inbox.qsize() < MOST_UNREAD):
            listener.inbox.put_nowait((message, raw))

    def _give_up(self, request_id: int) -> None:
        """Its answer may still come, and is then no fault of the server."""
        self._given_up[request_id] = None
        if len(self._given_up) > MOST_GIVEN_UP:
            self._given_up.popitem(last=False)

    def _is_late(self, request_id: Any) -> bool:
        if not isinstance(request_id, int) or request_id not in self._given_up:
            return False
        del self._given_up[request_id]
        return True

    def _listener(self, message: Json) -> _Waiting | None:
        if "method" not in message:
            return self._waiting.get(message["id"]) if isinstance(message["id"], int) else None
        if message["method"] == "notifications/progress":
            params = message.get("params")
            token = params.get("progressToken") if isinstance(params, dict) else None
            return next((one for one in self._waiting.values() if token is not None and one.token == token), None)
        if message["method"] in NOTICES:
            listening = self._waiting.get(subscription_of(message)) if type(subscription_of(message)) is int else None
            return listening or next((one for one in self._waiting.values() if one.hears), None)
        calls = [one for one in self._waiting.values() if one.is_call]
        return calls[0] if len(calls) == 1 else None

    def _fail_all(self, to: Opened, failure: UpstreamFailed) -> None:
        """Nothing more comes for what was sent there."""
        for waiting in self._waiting.values():
            if waiting.to is to:
                waiting.inbox.put_nowait(failure)


@dataclass(slots=True)
class _SharedNotices:
    """See Notices: what was handed out to one who hears."""

    _waiting: _Waiting
    _request_id: int | None
    _end: Callable[[], object]

    @property
    def last_id(self) -> None:
        """Such a connection has no memory of what it carried."""
        return

    @property
    def retry_seconds(self) -> None:
        """Nothing is said of that there."""
        return

    @property
    def heard_at(self) -> float:
        """A connection that ended is known to have."""
        return monotonic()

    async def next(self) -> Json | None:
        """See Notices."""
        while True:
            item = await self._waiting.inbox.get()
            if isinstance(item, UpstreamFailed):
                raise item
            if ends(item[0], self._request_id):
                return None
            if "method" in item[0]:
                return item[0]

    def close(self) -> None:
        """See Notices."""
        self._end()


def _cancelled(request_id: int) -> Json:
    params = {"requestId": request_id, "reason": "Nobody waits for it any more."}
    return {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}


async def _answer(waiting: _Waiting, on_message: OnMessage) -> tuple[Json, bytes]:
    for _ in range(MAX_EVENTS):
        item = await waiting.inbox.get()
        if isinstance(item, UpstreamFailed):
            raise item
        if "method" not in item[0]:
            return item
        await on_message(item[0])
    raise wrong(f"sent more than {MAX_EVENTS} messages for one request")


def as_message(value: Any) -> Json | None:
    """A JSON-RPC message; None for anything else."""
    if not isinstance(value, dict) or value.get("jsonrpc") != "2.0":
        return None
    return value if isinstance(value.get("method"), str) or "id" in value else None


def wrong(what: str) -> UpstreamFailed:
    """A server that does not keep to the protocol."""
    return UpstreamFailed(f"The server {what}.", dispatched=True)
