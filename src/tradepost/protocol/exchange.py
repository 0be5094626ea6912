"""One HTTP request and its answer on bare ASGI: bounded body in, ready bytes out.

The endpoint is the hot path, so it works on scope, receive and send directly; everything a web framework would add
(request objects, routing, middleware) is left out.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, Protocol

from tradepost.protocol.at_once import within
from tradepost.protocol.headers import fold
from tradepost.protocol.hosting import Arrival
from tradepost.protocol.jsonrpc import MAX_BODY_BYTES, error_answer

Scope = MutableMapping[str, Any]


class Log(Protocol):
    """Gives the events of a stream their ids, and keeps them where that is of use (see event_log)."""

    @property
    def is_read(self) -> bool: ...

    @property
    def elsewhere(self) -> bool: ...

    def add(self, data: bytes, *, last: bool = False) -> bytes: ...


class Whole(Protocol):
    """An extension of the scope, where the server has it: what came whole and goes out whole needs no messages."""

    def take_body(self) -> bytes | None:
        """The body, taken; None where some of it is still to come."""
        ...

    def answer(self, head: bytes, body: bytes) -> bool:
        """Send an answer: status line and headers but for the content length, and the body. False where it has to go
        out in messages."""
        ...


Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

WHOLE = "tradepost.whole"

DISCARD_BYTES = 16 * 1024 * 1024
DISCARD_SECONDS = 2.0
BODY_SECONDS = 30.0  # a body that takes longer is a slow loris, not a client

_STREAM_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]
_JSON_HEADERS = ((b"content-type", b"application/json"), (b"x-content-type-options", b"nosniff"))
_JSON_HEAD = b"HTTP/1.1 200 OK\r\n" + b"".join(b"%b: %b\r\n" % line for line in _JSON_HEADERS)


@lru_cache(maxsize=256)
def _as_pairs(lines: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """Header lines as ASGI has them."""
    parts = (line.partition(b": ") for line in lines.splitlines())
    return tuple((name, value) for name, _, value in parts)


class Refused(Exception):
    """The HTTP request itself is refused, before any JSON-RPC."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}


class ClientGone(Exception):
    """The client closed the connection before its request was complete."""


class Exchange:
    """One request and its answer."""

    __slots__ = (
        "_also",
        "_log",
        "_open_log",
        "_streaming",
        "_whole",
        "headers",
        "limit_lines",
        "method",
        "path",
        "receive",
        "request_id",
        "revision",
        "scope",
        "send",
        "taken",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.receive = receive
        self.send = send
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers = fold(scope["headers"])
        self.taken = b""
        self.limit_lines = b""  # headers of a good answer that tell of the caller's limit, each with its end of line
        self.request_id: str | int | None = None  # of the JSON-RPC request in the body, once it is read
        self.revision: str | None = None  # of MCP, once it is known which one the request follows
        extensions = scope.get("extensions")
        # Taken out, because what it is holds the scope.
        self._whole: Whole | None = extensions.pop(WHOLE, None) if extensions else None
        self._also: Sequence[tuple[bytes, bytes]] = ()
        self._streaming = False
        self._log: Log | None = None
        self._open_log: Callable[[], Log] | None = None

    def also_say(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Headers that go with the answer, whatever it is."""
        self._also = headers
        self._whole = None  # its head is written already

    def log_events(self, open_log: Callable[[], Log]) -> None:
        """If this becomes an event stream, give its events ids and keep them."""
        self._open_log = open_log

    @property
    def may_be_resumed(self) -> bool:
        """Whether the client may come back for what follows, after its connection was lost."""
        return self._log is not None

    @property
    def is_resumed(self) -> bool:
        """Whether it has come back, and is there."""
        return self._log is not None and self._log.is_read

    @property
    def http_version(self) -> str:
        """Of HTTP: "1.1" or "2"."""
        return str(self.scope.get("http_version", "1.1"))

    def arrival(self) -> Arrival:
        client = self.scope.get("client")
        return Arrival(self.headers, client[0] if client else "", self.path)

    def whole_body(self) -> bytes | None:
        """The body, where all of it is there already; afterwards in `taken`, too."""
        if self._whole is None or self.taken:
            return self.taken or None
        body = self._whole.take_body()
        self.taken = body or b""
        return body

    async def body(self) -> bytes:
        """The whole body, afterwards in `taken`. Raises Refused (413, 400, 408) and ClientGone."""
        if self.taken:  # a request that is served once more
            return self.taken
        declared = self.headers.get("content-length")
        if declared is not None and (not declared.isdigit() or len(declared) > 12):
            raise Refused(400, "The Content-Length header is not a number.")
        if declared is not None and int(declared) > MAX_BODY_BYTES:
            raise await self._too_large()
        first = await self._next(BODY_SECONDS)
        if not first.get("more_body", False):
            self.taken = first.get("body", b"")
        else:
            self.taken = await self._rest(first)
        return self.taken

    async def _rest(self, message: MutableMapping[str, Any]) -> bytes:
        deadline = asyncio.get_running_loop().time() + BODY_SECONDS
        body = bytearray(message.get("body", b""))
        while message.get("more_body", False):
            message = await self._next(deadline - asyncio.get_running_loop().time())
            body += message.get("body", b"")
            if len(body) > MAX_BODY_BYTES:
                raise await self._too_large()
        return bytes(body)

    async def _too_large(self) -> Refused:
        """The refusal of a body. Many clients write all before they read, and would see a broken connection instead of
        the answer: so the rest is read and thrown away first, within bounds."""
        thrown_away = 0
        with suppress(Refused):
            while thrown_away < DISCARD_BYTES:
                message = await self._next(DISCARD_SECONDS)
                thrown_away += len(message.get("body", b""))
                if not message.get("more_body", False):
                    break
        return Refused(413, f"The request body is larger than {MAX_BODY_BYTES} bytes.", {"connection": "close"})

    async def _next(self, seconds: float) -> MutableMapping[str, Any]:
        try:
            message = await within(seconds, self.receive())
        except TimeoutError:
            raise Refused(408, f"The request body did not arrive within {BODY_SECONDS:.0f} seconds.") from None
        if message["type"] == "http.disconnect":
            raise ClientGone
        return message

    def answer_whole(self, body: bytes) -> bool:
        """Send a JSON answer with status 200 in one piece, if that is possible just now."""
        if self._streaming or self._whole is None:
            return False
        return self._whole.answer(_JSON_HEAD + self.limit_lines, body)

    async def respond(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """Send a JSON answer, or one without a body. Where events went out before, it is the last event."""
        if self._streaming:
            event = self._event(body, last=True)
            await self.send({"type": "http.response.body", "body": event})
            return
        lines = list(_JSON_HEADERS) if body else []
        lines.append((b"content-length", str(len(body)).encode()))
        if self.limit_lines and status == 200:
            lines.extend(_as_pairs(self.limit_lines))
        if headers:
            lines.extend((name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items())
        lines.extend(self._also)
        await self.send({"type": "http.response.start", "status": status, "headers": lines})
        await self.send({"type": "http.response.body", "body": body})

    async def start_stream(self) -> None:
        """Turn the answer into an event stream; again and again is once."""
        if not self._streaming:
            self._streaming = True
            if self._open_log is not None:
                self._log = self._open_log()
            await self.send({"type": "http.response.start", "status": 200, "headers": [*_STREAM_HEADERS, *self._also]})

    async def event(self, data: bytes) -> None:
        """Send one event with JSON data."""
        await self.start_stream()
        if event := self._event(data):
            await self.send({"type": "http.response.body", "body": event, "more_body": True})

    def _event(self, data: bytes, *, last: bool = False) -> bytes:
        """An event as it goes out; nothing where the client takes it elsewhere."""
        if self._log is None:
            return b"data: %b\n\n" % data
        event = self._log.add(data, last=last)
        return b"" if self._log.elsewhere else event

    async def ready_events(self, events: bytes) -> None:
        """Send events that have been written before."""
        await self.send({"type": "http.response.body", "body": events, "more_body": True})

    async def keep_alive(self) -> None:
        """Send a comment, so that nothing on the way takes the stream for dead."""
        await self.start_stream()
        await self.send({"type": "http.response.body", "body": b": open\n\n", "more_body": True})

    async def end_stream(self) -> None:
        await self.send({"type": "http.response.body", "body": b""})

    async def disconnected(self) -> None:
        """Return when the client has left."""
        while (await self.receive())["type"] != "http.disconnect":
            continue

    async def refuse(self, refused: Refused) -> None:
        """An HTTP error with a JSON-RPC error body; its code is the HTTP status, outside the reserved range."""
        body = error_answer(self.request_id, refused.status, refused.message)
        await self.respond(refused.status, body, refused.headers)
