"""Several processes behind one port. What one of them holds, a session or a call that waits for an answer, is named
after it; a request for it that another one gets goes on to it, over a local socket, and its answer comes back that way.

Only the processes themselves may speak there: the folder of the sockets is the user's alone, and each request carries a
secret that they were given when they were started.
"""

import asyncio
import hmac
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import httptools

from tradepost.protocol.exchange import ClientGone, Exchange, Receive, Refused, Scope, Send

NAME_CHARACTERS = 8
_NAMED_SESSION = re.compile(rf"(?P<name>[0-9a-f]{{{NAME_CHARACTERS}}})[0-9a-f]{{64}}")
_OURS = b"x-tradepost-"
_SECRET, _CLIENT = b"x-tradepost-secret", b"x-tradepost-client"
# Of the connection it came on, not of the request.
_OF_CONNECTION = frozenset(
    {b"connection", b"keep-alive", b"transfer-encoding", b"te", b"upgrade", b"expect", b"content-length", b"trailer"}
)
_CHUNK_BYTES = 65_536
_OPEN = "The process that worked on this request ended: whether it took effect is unknown."

App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Elsewhere(Exception):
    """What a request is about is held by another process. `otherwise` is raised where that one is gone, unless the
    request does no harm when it `may_repeat`: then it is served once more, by whoever has it."""

    def __init__(self, process: str, otherwise: Exception, *, may_repeat: bool = False) -> None:
        super().__init__(process)
        self.process = process
        self.otherwise = otherwise
        self.may_repeat = may_repeat


class _Ended(Exception):
    """The other process ended before it answered."""


class Peers:
    """This process, called `name` (8 hexadecimal digits), among those whose sockets are in `folder`: the one at `place`
    of so many."""

    def __init__(self, name: str, folder: Path, secret: str, place: int = 0, of: int = 1) -> None:
        self.name = name
        self.place, self.of = place, of
        self._folder = folder
        self._secret = secret.encode()

    @property
    def folder(self) -> Path:
        """What the processes share."""
        return self._folder

    def socket_of(self, process: str) -> Path:
        """Where a process listens for the others."""
        return self._folder / f"{process}.sock"

    def other_holder(self, session_id: str) -> str | None:
        """The process that a session id names, when that is another one."""
        found = _NAMED_SESSION.fullmatch(session_id)
        return found["name"] if found is not None and found["name"] != self.name else None

    async def is_there(self, process: str) -> bool:
        """Whether another process serves now."""
        if process == self.name or not re.fullmatch(rf"[0-9a-f]{{{NAME_CHARACTERS}}}", process):
            return False
        try:
            _, writer = await asyncio.open_unix_connection(self.socket_of(process))
        except OSError:
            return False
        writer.close()
        return True

    async def forward(self, exchange: Exchange, there: Elsewhere) -> bool:
        """Have another process answer. False where it is gone, before or meanwhile, and the request may be repeated.
        Otherwise raises what `there` says where it is gone, Refused where it went meanwhile. Raises ClientGone."""
        try:
            reader, writer = await asyncio.open_unix_connection(self.socket_of(there.process))
        except OSError:
            if there.may_repeat:
                return False
            raise there.otherwise from None
        gone = asyncio.ensure_future(exchange.disconnected())
        answering = asyncio.ensure_future(_relay(exchange, reader))
        try:
            writer.write(self._request(exchange))
            await asyncio.wait((gone, answering), return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                raise ClientGone
            answering.result()
        except _Ended:
            if there.may_repeat:
                return False
            raise Refused(502, _OPEN) from None
        finally:
            gone.cancel()
            answering.cancel()
            writer.close()  # to the other process, the client has left
        return True

    def _request(self, exchange: Exchange) -> bytes:
        scope, body = exchange.scope, exchange.taken
        target = scope.get("raw_path") or scope["path"].encode()
        if scope.get("query_string"):
            target = b"%b?%b" % (target, scope["query_string"])
        client = scope.get("client")
        lines = [
            b"%b %b HTTP/1.1" % (scope["method"].encode(), target),
            *(
                b"%b: %b" % (name, value)
                for name, value in scope["headers"]
                if name.lower() not in _OF_CONNECTION and not name.lower().startswith(_OURS)
            ),
            b"%b: %b" % (_SECRET, self._secret),
            b"%b: %b" % (_CLIENT, client[0].encode() if client else b""),
            b"connection: close",
            b"content-length: %d" % len(body),
        ]
        return b"\r\n".join(lines) + b"\r\n\r\n" + body

    def door(self, app: App) -> App:
        """The application as the other processes reach it."""

        async def checked(scope: Scope, receive: Receive, send: Send) -> None:
            headers = dict(scope["headers"]) if scope["type"] == "http" else {}
            if not hmac.compare_digest(headers.get(_SECRET, b""), self._secret):
                await send({"type": "http.response.start", "status": 403, "headers": [(b"content-length", b"0")]})
                await send({"type": "http.response.body", "body": b""})
                return
            kept = [(name, value) for name, value in scope["headers"] if not name.startswith(_OURS)]
            address = headers.get(_CLIENT, b"").decode("latin-1")
            await app({**scope, "headers": kept, "client": (address, 0) if address else None}, receive, send)

        return checked


class _Answer:
    """What httptools read of an answer since it was asked."""

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.pieces: list[bytes] = []
        self.has_head = self.is_complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.has_head = True

    def on_body(self, body: bytes) -> None:
        self.pieces.append(body)

    def on_message_complete(self) -> None:
        self.is_complete = True

    @property
    def is_stream(self) -> bool:
        return any(name == b"content-type" and value.startswith(b"text/event-stream") for name, value in self.headers)

    def taken(self) -> bytes:
        pieces, self.pieces = self.pieces, []
        return b"".join(pieces)


async def _relay(exchange: Exchange, reader: asyncio.StreamReader) -> None:
    """Pass an answer on: a stream as it comes, anything else whole. Raises _Ended where nothing was passed on."""
    answer = _Answer()
    parser = httptools.HttpResponseParser(answer)
    has_begun = False
    while not answer.is_complete and (chunk := await _next(reader)):
        parser.feed_data(chunk)
        if answer.has_head and answer.is_stream and not answer.is_complete:
            if not has_begun:
                await _begin(exchange, parser.get_status_code(), answer)
                has_begun = True
            if piece := answer.taken():
                await exchange.send({"type": "http.response.body", "body": piece, "more_body": True})
    if not has_begun:
        if not answer.is_complete:
            raise _Ended
        await _begin(exchange, parser.get_status_code(), answer)
    await exchange.send({"type": "http.response.body", "body": answer.taken()})  # a stream that broke ends, too


async def _next(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(_CHUNK_BYTES)
    except OSError:
        return b""


async def _begin(exchange: Exchange, status: int, answer: _Answer) -> None:
    kept = [line for line in answer.headers if line[0] not in _OF_CONNECTION or line[0] == b"content-length"]
    await exchange.send({"type": "http.response.start", "status": status, "headers": kept})
