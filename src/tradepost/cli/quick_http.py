"""The short way of the usual request: its body came whole, and its answer is sent whole.

ASGI takes a request apart into messages and puts an answer together from them. For a call that is most of what the HTTP
server does. So a POST that is nothing special carries an extension of its scope (see `protocol.exchange.Whole`), which
gives the body and takes the answer at once; everything else, and whoever does not know the extension, goes the
ordinary way.
"""

import asyncio
import re
from functools import lru_cache
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from tradepost.cli.known_heads import END, Head, KnownHeads
from tradepost.cli.one_write import OneWriteProtocol, OneWriteTransport
from tradepost.protocol.exchange import WHOLE

HEAD_SECONDS = 30.0  # a head that takes longer is a slow loris, not a client
MOST_HEAD_BYTES = 1_250_000  # more than any credential: even one of a megabyte is told that it is wrong
_TOO_MUCH_HEAD = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_LONGEST = 200  # bytes of a path that is kept for the next who asks for it
_SMALL = 64 * 1024  # bytes of a body
_ABSOLUTE = re.compile(rb"[^/?#]+://([^/?#]*)")
_NOT_PLAIN = frozenset(b"%?#")


class QuickProtocol(OneWriteProtocol):
    """Uvicorn's, with that way, with one timer for a connection that is idle instead of one for each pause, and with
    bounds of time and size on the head of a request."""

    _idle_since: float | None = None
    _head_since: float | None = None
    _head_bytes = 0
    _is_new = True
    _is_between = True  # the parser has nothing of a request
    _idle_timer: asyncio.TimerHandle | None = None

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self._heads = KnownHeads()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head_since = self.loop.time()
        self._idle_timer = self.loop.call_later(HEAD_SECONDS, self._look)

    def data_received(self, data: bytes) -> None:
        end = data.find(END) if self._is_between and not self._is_busy() else -1
        if end <= 0:
            self._read(data)
            return
        head = self._heads.find(data, end)
        if head is not None and not self.transport.is_closing():
            self._begin_again(head, data[end + len(END) :])
            return
        self._read(data)
        cycle = self.cycle
        if self._is_between and type(cycle) is WholeCycle and cycle.keep_alive and not cycle.response_complete:
            self._heads.keep(data, end, self.url, cycle.scope["path"], self.headers)

    def _read(self, data: bytes) -> None:
        super().data_received(data)
        if self._head_since is not None:  # all of it was head, and there is more to come
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES and not self.transport.is_closing():
                self.transport.write(_TOO_MUCH_HEAD)
                self.transport.close()

    def _begin_again(self, head: Head, body: bytes) -> None:
        """What parser and callbacks do with a request, when its head is known."""
        self._idle_since = self._head_since = None
        self._head_bytes = 0
        self.url, self.headers, self.expect_100_continue = head.url, head.headers, False
        self.scope = {  # type: ignore[typeddict-item]  # the rest is added where the parser's is, too
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": "1.1",
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,  # type: ignore[typeddict-item]
            "root_path": "",
            "headers": head.headers,
            "state": self.app_state.copy(),
        }
        cycle = self._begin(head.path, keep_alive=True)
        cycle.body += body
        cycle.more_body = False
        cycle.message_event.set()

    def on_message_begin(self) -> None:
        self._is_between = False
        super().on_message_begin()
        if self._head_since is None:
            self._head_since = self.loop.time()

    def on_headers_complete(self) -> None:
        self._head_since = None
        self._head_bytes = 0
        parser = self.parser
        path = _plain_path(self.url) if len(self.url) <= _LONGEST else None
        if (
            path is None
            or parser.get_method() != b"POST"
            or parser.get_http_version() != "1.1"
            or parser.should_upgrade()
            or self.expect_100_continue
            or self._is_busy()
            or self.limit_concurrency is not None
            or self.root_path
            or self.server_state.default_headers
        ):
            if path is None:
                self._take_host()
            super().on_headers_complete()
            return
        self._begin(path, keep_alive=parser.should_keep_alive())

    def _begin(self, path: str, *, keep_alive: bool) -> "WholeCycle":
        scope = self.scope
        scope["method"], scope["path"], scope["raw_path"], scope["query_string"] = "POST", path, self.url, b""
        cycle = self.cycle = WholeCycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=[],
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=keep_alive,
            on_response=self.on_response_complete,
        )
        if not self.access_log:
            scope["extensions"] = {WHOLE: cycle}  # type: ignore[dict-item]  # an object, in place of a description
        self._start_asgi_task(cycle, self.app)
        return cycle

    def _take_host(self) -> None:
        """A target in absolute form names the host, whatever `Host` says beside it (RFC 9112 section 3.2.2)."""
        found = _ABSOLUTE.match(self.url)
        if found is not None:
            self.headers[:] = [pair for pair in self.headers if pair[0] != b"host"]
            self.headers.append((b"host", found[1]))

    def on_body(self, body: bytes) -> None:
        cycle = self.cycle
        if type(cycle) is WholeCycle and not cycle.response_complete and len(cycle.body) + len(body) <= _SMALL:
            cycle.body += body
            cycle.message_event.set()
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._is_between = True
        cycle = self.cycle
        if type(cycle) is WholeCycle and not cycle.response_complete:
            cycle.more_body = False
            cycle.message_event.set()
        else:
            super().on_message_complete()

    def _is_busy(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = None

    def on_response_complete(self) -> None:
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        self._idle_since = self.loop.time()
        if self._is_new:
            self._is_new = False
            self._stop_timer()  # it is set for the first head
        if self._idle_timer is None:
            self._idle_timer = self.loop.call_later(self.timeout_keep_alive, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop_timer()

    def _stop_timer(self) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None

    def _look(self) -> None:
        """Close a connection that has been idle for its time, or that dribbles the head of a request; look again when
        it can have been so at the earliest."""
        self._idle_timer = None
        if self._head_since is not None:
            left = self._head_since + HEAD_SECONDS - self.loop.time()
        elif self._idle_since is not None:
            left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        else:
            return  # a request is under way; its end sets the timer again
        if left <= 0:
            self.timeout_keep_alive_handler()
        else:
            self._idle_timer = self.loop.call_later(left, self._look)


class WholeCycle(RequestResponseCycle):
    """One request, whose body may be taken and whose answer may be given in one piece."""

    transport: OneWriteTransport

    def take_body(self) -> bytes | None:
        """The body, if all of it is here; it is taken then, as `receive` would."""
        if self.more_body or self.disconnected or len(self.body) > _SMALL:
            return None
        body = bytes(self.body)
        self.body.clear()
        self.message_event.clear()
        return body

    def answer(self, head: bytes, body: bytes) -> bool:
        """Send the whole answer: `head` is status line and headers but for the content length. False where it cannot
        leave just now; nothing was sent then."""
        if self.flow.write_paused or self.disconnected or self.response_started:
            return False
        self.response_started = self.response_complete = True
        last = b"\r\n\r\n" if self.keep_alive else b"\r\nconnection: close\r\n\r\n"
        self.transport.write_whole(b"%bcontent-length: %d%b%b" % (head, len(body), last, body))
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
        return True


@lru_cache(maxsize=512)
def _plain_path(url: bytes) -> str | None:
    """The path of a target that has nothing to decode and nothing behind it."""
    if not url.startswith(b"/") or not url.isascii() or not _NOT_PLAIN.isdisjoint(url):
        return None
    return url.decode("ascii")
