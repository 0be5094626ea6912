"""One HTTP/1.1 connection to a server, one exchange at a time.

The server is not trusted: the head of an answer is bounded, its body is read no faster than it is consumed, and a
connection on which anything odd happened is not used again. Failures of the answer are UpstreamFailed (dispatched).
"""

import asyncio
import re
import select
import sys
from collections.abc import Callable
from typing import Protocol, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from tradepost.protocol.http_answer import HttpAnswer
from tradepost.protocol.turn_writes import writes_of
from tradepost.protocol.upstream_errors import UpstreamFailed

MAX_HEAD_BYTES = 64 * 1024
MAX_HEADERS = 128
BROKE = "The connection to the server broke before its answer was complete."

_KEEP_ALIVE = re.compile(r"(?:^|[,\s])timeout\s*=\s*([0-9]{1,6})(?![0-9])", re.IGNORECASE)


class HttpConnection(asyncio.Protocol):
    """The client's end. `freed` is called when it can serve another exchange, `lost` once when it is gone."""

    def __init__(self, freed: Callable[["HttpConnection"], None], lost: Callable[["HttpConnection"], None]) -> None:
        self.served = 0  # exchanges that were begun
        self.heard = False  # whether a byte of the running exchange's answer came
        self.idle_since = 0.0
        self.idle_seconds: float | None = None  # how long the server says it keeps an idle connection
        self._loop = asyncio.get_running_loop()  # kept: on some Pythons each look-up is a system call
        self.gone: asyncio.Future[None] = self._loop.create_future()
        self._writes = writes_of(self._loop)
        self._freed = freed
        self._lost = lost
        self._sent_after = -1  # the request has left once more than so many turns' writes have
        self._transport: asyncio.Transport | None = None
        self._poll: _Poll | None = None
        self._parser: HttpResponseParser | None = HttpResponseParser(self)
        self._answer: HttpAnswer | None = None
        self._refusal: str | None = None
        self._headers: dict[str, str] = {}
        self._header_count = 0
        self._header_bytes = 0
        self._bodyless = 0  # bytes since the last piece of a body: head, framing, trailers
        self._interim = False
        self._reusable = False
        self._until_close = False
        self._paused = False
        self._aborted = False

    # --- for the pool ------------------------------------------------------------------------------------------

    @property
    def usable(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def has_news(self) -> bool:
        """Whether the socket of an idle connection has anything to read, which can only be its end: seen here even
        before the event loop has come round to it."""
        return self._poll is not None and bool(self._poll.poll(0))

    def start(self, head: bytes, body: bytes, *, at_once: bool) -> HttpAnswer:
        """Send a request on a usable connection that is idle, `at_once` or with the others of this turn. From here on
        it may have reached the server."""
        if self._transport is None or self._answer is not None:
            raise RuntimeError("An exchange was started on a connection that is not idle.")
        answer = self._answer = HttpAnswer(self._loop, self._resume, self._end)
        self.served += 1
        self.heard = self._reusable = self._until_close = self._interim = False
        self._header_count = self._header_bytes = self._bodyless = 0
        self._refusal = None
        if at_once:
            self._sent_after = -1
            self._transport.write(head + body)
        else:
            self._sent_after = self._writes.sent
            self._writes.write(self._transport, head + body)
        return answer

    def abort(self) -> None:
        """Close at once, whatever is on the way."""
        self._aborted = True
        if self._transport is not None:
            self._transport.abort()

    def _end(self, answer: HttpAnswer) -> None:
        """The exchange is over; saying so again does nothing."""
        if self._answer is not answer:
            return
        self._answer = None
        transport = self._transport
        # An answer that came before all of the request had left would leave the rest of it in the next one's way.
        if answer.complete and self._reusable and self.usable and transport and not transport.get_write_buffer_size():
            self._resume()
            self._freed(self)
        else:
            self.abort()

    def _resume(self) -> None:
        if self._paused and self._transport is not None and self.usable:
            self._paused = False
            self._transport.resume_reading()

    # --- for the event loop ------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if sys.platform != "win32":
            self._poll = select.poll()
            self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        answer, parser = self._answer, self._parser
        if answer is None or answer.complete or parser is None or self._writes.sent == self._sent_after:
            self.abort()  # nobody asked yet: whatever it is, it is no answer to what comes next
            return
        self.heard = True
        self._bodyless += len(data)
        try:
            parser.feed_data(data)
        except HttpParserUpgrade:
            self._fail("switched to another protocol, which nobody asked for")
        except HttpParserError:
            self._fail(self._refusal or "answered with something that is not HTTP")
        else:
            if self._bodyless > MAX_HEAD_BYTES and not answer.complete:
                self._fail(_TOO_MUCH_HEAD)

    def connection_lost(self, exc: Exception | None) -> None:
        answer, self._parser = self._answer, None
        if answer is not None and not answer.complete:
            if self._until_close and exc is None and not self._aborted:
                answer.finish()
            else:
                answer.fail(UpstreamFailed(BROKE, dispatched=True))
        self._lost(self)
        if not self.gone.done():
            self.gone.set_result(None)

    def _fail(self, what: str) -> None:
        """The rest cannot be understood. An answer that was complete before stays one."""
        if self._answer is not None and not self._answer.complete:
            self._answer.fail(UpstreamFailed(f"The server {what}.", dispatched=True))
        self.abort()

    # --- for the parser ----------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._answer is None or self._answer.complete:
            raise _Unwanted("a second answer to one request")
        self._headers = {}

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_count += 1
        self._header_bytes += len(name) + len(value)
        if self._header_count > MAX_HEADERS or self._header_bytes > MAX_HEAD_BYTES:
            self._refuse(_TOO_MUCH_HEAD)
        headers, key, text = self._headers, name.decode("latin-1").lower(), value.decode("latin-1").strip(" \t")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text

    def on_headers_complete(self) -> None:
        answer, parser, headers = self._answer, self._parser, self._headers
        if answer is None or parser is None:
            raise _Unwanted("an answer to no request")
        status = parser.get_status_code()
        if status < 200:
            if status < 100 or status == 101:
                self._refuse("switched to another protocol, which nobody asked for")
            self._interim = True
            return
        coding = headers.get("transfer-encoding")
        if coding is not None and coding.lower() != "chunked":
            self._refuse("answered with a transfer coding that was not asked for")
        self._reusable = parser.should_keep_alive()
        self._until_close = coding is None and "content-length" not in headers and status not in (204, 304)
        kept = _KEEP_ALIVE.search(headers.get("keep-alive", ""))
        self.idle_seconds = float(kept[1]) if kept else None
        self._headers = {}  # what still comes are trailers, which mean nothing here
        answer.begin(status, headers)

    def on_body(self, piece: bytes) -> None:
        self._bodyless = 0
        if self._answer is None or self._answer.feed(piece) or self._paused or not self.usable:
            return
        if self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        if self._interim:
            self._interim = False
        elif self._answer is not None:
            self._answer.finish()

    def _refuse(self, what: str) -> None:
        self._refusal = what
        raise _Unwanted(what)


class _Unwanted(Exception):
    """Stops the parser."""


class _Poll(Protocol):
    def register(self, descriptor: int, events: int, /) -> None: ...
    def poll(self, milliseconds: float, /) -> list[tuple[int, int]]: ...


_TOO_MUCH_HEAD = f"sent more than {MAX_HEADERS} headers or {MAX_HEAD_BYTES} bytes of them"
