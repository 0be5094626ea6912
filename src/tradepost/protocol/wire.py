"""One JSON-RPC exchange with another MCP server: the HTTP request, its bounded answer, and what a failure means.

Never follows redirects, keeps no cookies, and bounds the time of every exchange, whatever trickles in until then.
"""

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import NamedTuple

import orjson

from tradepost import __version__
from tradepost.protocol.answers import (
    EndedEarly,
    OnMessage,
    read_body,
    read_response,
    rpc_error,
    rpc_error_of,
    whole_response,
)
from tradepost.protocol.deadlines import Deadline
from tradepost.protocol.http_answer import HttpAnswer
from tradepost.protocol.http_pool import HttpPool
from tradepost.protocol.http_request import HttpUrl, header_lines, origin_in, read_http_url
from tradepost.protocol.jsonrpc import INTERNAL_ERROR, Json
from tradepost.protocol.notices import HttpNotices, Notices
from tradepost.protocol.server_identity import Transport
from tradepost.protocol.upstream_errors import UpstreamFailed, UpstreamTimedOut

logger = logging.getLogger(__name__)

METHOD_HEADER = "mcp-method"
RESUME_SECONDS = 1.0  # before a stream is gone on with, where the server says nothing else
LEAST_RESUME_SECONDS = 0.05
MOST_IDLE_RESUMPTIONS = 100  # without any event; the time of the call is the other bound

CREDENTIAL_STATUSES = frozenset({401, 403, 407})
# The request reached the server and was turned down before anything was done.
_REFUSALS = frozenset({400, 401, 403, 404, 405, 406, 407, 410, 411, 413, 414, 415, 421, 422, 429, 431})
# Errors that say nothing about whether the work was done: internal error, and what SDKs say when something broke.
_UNCLEAR_CODES = frozenset({INTERNAL_ERROR, -32000, -32001})
# A compressed answer is refused: a small one may be a huge one.
_ALWAYS = {
    "accept": "application/json, text/event-stream",
    "accept-encoding": "identity",
    "connection": "keep-alive",
}


_EVERY_CALLS = 3


@lru_cache(maxsize=512)
def _same_lines(items: tuple[tuple[str, str], ...]) -> bytes:
    return header_lines(dict(items))


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: for the TCP and TLS connection, for the handshake in all, for one call in all, for a person's answer to
    a question of the server during a call."""

    connect: float = 3.0
    handshake: float = 90.0
    call: float = 60.0
    question: float = 300.0


class Answered(NamedTuple):
    """A response with a result: the message, the bytes it came in, the id it answers, the HTTP headers."""

    message: Json
    body: bytes
    request_id: int
    headers: Mapping[str, str]


class ToolAnswer(NamedTuple):
    """A CallToolResult (or an input_required one)."""

    result: Json
    answered: Answered


class Wire:
    """HTTP to one URL with one credential. Its exchanges share nothing, so what was agreed in one holds in the next."""

    transport: Transport = "streamable-http"
    generation = 0

    def __init__(
        self,
        http: HttpPool,
        url: str,
        headers: Mapping[str, str],
        connect_seconds: float,
        staying: HttpPool | None = None,
    ) -> None:
        self._http = http
        self._staying = staying or http
        self._url = url
        given = {name.lower(): value for name, value in headers.items()}
        self._headers = {"user-agent": f"tradepost/{__version__}", **given, **_ALWAYS}
        self._connect_seconds = connect_seconds
        self._to: HttpUrl | None = None
        self._start = self._lines = b""
        self._ids = count(1)
        self._telling: set[asyncio.Task[None]] = set()

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
        """Send a request, give its response. `repeatable`: a second time does no harm, so that it may be sent again
        where a warm connection turns out to have been closed. Raises UpstreamFailed, UpstreamTimedOut."""
        request_id = next(self._ids)
        body = orjson.dumps({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params})
        try:
            answer = await self._send(b"POST", headers, body, deadline, repeatable)
            try:
                message, raw = _at_once(answer, request_id) or await _response(answer, request_id, on_message)
            except EndedEarly as ended:
                if METHOD_HEADER in headers:  # of the newer era, which knows no going on
                    raise
                message, raw = await self._resumed(ended, request_id, headers, on_message, deadline)
        except asyncio.CancelledError:
            if deadline.dispatched and _is_told_of_the_end(headers):
                self._tell_canceled(request_id, headers)
            raise
        error = rpc_error(message)
        if error is not None:
            raise refused(error)
        return Answered(message, raw, request_id, answer.headers)

    async def _resumed(
        self,
        ended: EndedEarly,
        request_id: int,
        headers: Mapping[str, str],
        on_message: OnMessage,
        deadline: Deadline,
    ) -> tuple[Json, bytes]:
        """The response on the same stream, where the server lets one go on after an event: it may end a stream to be
        asked again later. Raises what ended the stream first when it cannot be gone on with."""
        first, idle = ended, 0
        while ended.after is not None and idle < MOST_IDLE_RESUMPTIONS:
            pause = RESUME_SECONDS if ended.pause_seconds is None else ended.pause_seconds
            await asyncio.sleep(max(LEAST_RESUME_SECONDS, pause))
            after = ended.after
            try:
                answer = await self._send(b"GET", {**headers, "last-event-id": after}, b"", deadline, repeatable=True)
            except (UpstreamFailed, UpstreamTimedOut):
                idle += 1
                continue
            if answer.status != 200:
                answer.close()
                break
            try:
                return await _response(answer, request_id, on_message, after)
            except EndedEarly as again:
                if again.pause_seconds is None:
                    again.pause_seconds = ended.pause_seconds
                idle = idle + 1 if again.after == after else 0
                ended = again
        raise first

    async def post(self, message: Json, headers: Mapping[str, str], deadline: Deadline) -> None:
        """Send a message that has no response: a notification, or a response of ours."""
        answer = await self._send(b"POST", headers, orjson.dumps(message), deadline, repeatable=False)
        try:
            if answer.status >= 300:
                raise await _http_failure(answer)
        finally:
            answer.close()

    async def delete(self, headers: Mapping[str, str], deadline: Deadline) -> None:
        """End what the headers name."""
        (await self._send(b"DELETE", headers, b"", deadline, repeatable=False)).close()

    async def stream(self, deadline: Deadline, headers: Mapping[str, str] | None = None) -> HttpAnswer:
        """The event stream that a GET opens, which the caller closes. Raises UpstreamFailed, UpstreamTimedOut."""
        return await _streaming(await self._send(b"GET", headers or {}, b"", deadline, repeatable=True))

    async def open(
        self, method: str | None, params: Json, headers: Mapping[str, str], deadline: Deadline, after: str | None = None
    ) -> Notices:
        """See Link. Streams have connections of their own: they stay, and calls must not wait for them."""
        if method is None:
            more = {"last-event-id": after} if after is not None else {}
            answer = await self._send(b"GET", {**headers, **more}, b"", deadline, repeatable=True, stays=True)
            return HttpNotices(await _streaming(answer), after=after)
        request_id = next(self._ids)
        body = orjson.dumps({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params})
        answer = await self._send(b"POST", headers, body, deadline, repeatable=True, stays=True)
        return HttpNotices(await _streaming(answer), request_id)

    async def close(self) -> None:
        """Wait for what is still being told. The pool's connections are not this one's to close."""
        await asyncio.gather(*self._telling, return_exceptions=True)

    def _tell_canceled(self, request_id: int, headers: Mapping[str, str]) -> None:
        """Nobody waits for an answer any more, whether because of the time or because of the client."""
        task = asyncio.create_task(self._told_canceled(request_id, dict(headers)), name="telling of a cancellation")
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _told_canceled(self, request_id: int, headers: Mapping[str, str]) -> None:
        params = {"requestId": request_id, "reason": "Nobody waits for it any more."}
        try:
            async with Deadline(self._connect_seconds) as deadline:
                await self.post(
                    {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}, headers, deadline
                )
        except (UpstreamFailed, UpstreamTimedOut) as error:
            logger.debug("%s did not take a cancellation: %s", origin_in(self._url), error.message)

    def _send(
        self,
        verb: bytes,
        headers: Mapping[str, str],
        body: bytes,
        deadline: Deadline,
        repeatable: bool,
        stays: bool = False,
    ) -> Awaitable[HttpAnswer]:
        """The answer to one HTTP request, its body unread."""
        to = self._to
        if to is None:
            to, self._lines = read_http_url(self._url), header_lines(self._headers)
            self._to, self._start = to, f" {to.target} HTTP/1.1\r\nhost: {to.authority}\r\n".encode()
        size = b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) if body else b"\r\n"
        # A call with values of its own in its headers has more than version, method and name.
        lines = _same_lines(tuple(headers.items())) if len(headers) <= _EVERY_CALLS else header_lines(headers)
        head = b"".join((verb, self._start, self._lines, lines, size))
        http = self._staying if stays else self._http
        return http.send(to, head, body, deadline, connect_seconds=self._connect_seconds, repeatable=repeatable)


def _at_once(answer: HttpAnswer, request_id: int) -> tuple[Json, bytes] | None:
    """The response in an answer that is whole; it is closed then. None for any other. Raises UpstreamFailed."""
    if answer.status != 200:
        return None
    try:
        response = whole_response(answer, request_id)
    except BaseException:
        answer.close()
        raise
    if response is not None:
        answer.close()
    return response


async def _response(
    answer: HttpAnswer, request_id: int, on_message: OnMessage, after: str | None = None
) -> tuple[Json, bytes]:
    """The response in an answer, which is closed. Raises UpstreamFailed, EndedEarly."""
    try:
        if answer.status != 200:
            raise await _http_failure(answer)
        return await read_response(answer, request_id, on_message, after)
    finally:
        answer.close()


async def _streaming(answer: HttpAnswer) -> HttpAnswer:
    """The answer, if it is an event stream. Raises UpstreamFailed, and closes the answer then."""
    try:
        if answer.status != 200:
            raise await _http_failure(answer)
        if answer.headers.get("content-type", "").split(";")[0].strip().lower() != "text/event-stream":
            error = rpc_error_of(await read_body(answer))
            if error is not None:
                raise refused(error)
            raise UpstreamFailed("The server opened no event stream.", dispatched=True, answered=True)
    except BaseException:
        answer.close()
        raise
    return answer


def _is_told_of_the_end(headers: Mapping[str, str]) -> bool:
    """Whether a server hears of a cancellation by a notification: in the older era, and not of the handshake itself. In
    the newer one the end of the connection says it."""
    return "mcp-protocol-version" in headers and "mcp-method" not in headers


async def _http_failure(answer: HttpAnswer) -> UpstreamFailed:
    status = answer.status
    error = rpc_error_of(await read_body(answer))
    if 300 <= status < 400:
        text = f"The server answered with a redirect (HTTP {status}), which is not followed."
    elif status in CREDENTIAL_STATUSES:
        text = f"The server refused the credential (HTTP {status})."
    elif error is not None:
        text = f"The server answered with the error {error['code']} (HTTP {status})."
    else:
        text = f"The server answered with HTTP {status}."
    failure = UpstreamFailed(
        text,
        dispatched=True,
        answered=status in _REFUSALS or 300 <= status < 400,
        status=status,
        rpc_error=error,
        retry_after_seconds=_retry_after(answer.headers.get("retry-after")),
    )
    failure.challenge = answer.headers.get("www-authenticate")
    failure.location = answer.headers.get("location") if 300 <= status < 400 else None
    return failure


def refused(error: Json) -> UpstreamFailed:
    """What an error of the server's own means."""
    return UpstreamFailed(
        f"The server answered with the error {error['code']}.",
        dispatched=True,
        answered=error["code"] not in _UNCLEAR_CODES,
        status=200,
        rpc_error=error,
    )


def _retry_after(value: str | None) -> float | None:
    return float(value) if value is not None and value.isdigit() and len(value) <= 6 else None
