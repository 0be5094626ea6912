"""Reading what an MCP server answers to a POST: JSON or an event stream, bounded while it arrives.

The server is not trusted: bytes are counted as they come in, encodings are refused (a small compressed body may be a
huge one), and only the response to our own id counts.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress

import orjson

from tradepost.protocol.headers import is_visible_ascii
from tradepost.protocol.http_answer import HttpAnswer
from tradepost.protocol.jsonrpc import Json
from tradepost.protocol.upstream_errors import UpstreamFailed

MAX_ANSWER_BYTES = 4 * 1024 * 1024
MAX_EVENT_BYTES = 1024 * 1024
MAX_EVENTS = 10_000
MAX_ID_CHARACTERS = 1024
# What is no MCP and can be named: anything else in the header may be what the server was sent as a secret.
_USUAL_TYPES = frozenset(("", "text/html", "text/plain", "text/xml", "application/xml", "application/octet-stream"))
END_OF_STREAM_SECONDS = 0.01

OnMessage = Callable[[Json], Awaitable[None]]


class EndedEarly(UpstreamFailed):
    """The event stream ended or broke before the response. `after` is the last event that can be gone on from, None
    where there is none; the server wants to be left alone for `pause_seconds` before."""

    def __init__(self, message: str, after: str | None, pause_seconds: float | None) -> None:
        super().__init__(message, dispatched=True)
        self.after = after
        self.pause_seconds = pause_seconds


async def read_response(
    answer: HttpAnswer, request_id: int, on_message: OnMessage, after: str | None = None
) -> tuple[Json, bytes]:
    """The JSON-RPC response to `request_id` and the bytes it came in. Other messages of a stream go to `on_message`. A
    stream that goes on does so `after` an event.

    Raises UpstreamFailed (dispatched).
    """
    coding = answer.headers.get("content-encoding")
    if coding is not None and coding.lower() not in ("", "identity"):
        raise _wrong("answered with a content encoding that was not asked for")
    content_type = answer.headers.get("content-type", "")
    if content_type != "application/json":
        content_type = content_type.partition(";")[0].strip().lower()
    if content_type == "application/json":
        body = await read_body(answer)
        return _matching(_object(body), request_id), body
    if content_type == "text/event-stream":
        return await _from_stream(answer, request_id, on_message, after)
    if content_type in ("text/html", "application/xhtml+xml"):
        raise _wrong("answered with a web page instead of MCP")
    shown = f"the content type '{content_type}'" if content_type in _USUAL_TYPES else "another content type"
    raise _wrong(f"answered with {shown} instead of JSON or an event stream")


def whole_response(answer: HttpAnswer, request_id: int) -> tuple[Json, bytes] | None:
    """The same, where it is plain JSON and all of it is here, as it mostly is; None for any other answer."""
    headers = answer.headers
    if not answer.complete or headers.get("content-type") != "application/json" or "content-encoding" in headers:
        return None
    body = answer.taken()
    if len(body) > MAX_ANSWER_BYTES:
        raise _too_long()
    return _matching(_object(body), request_id), body


async def read_body(answer: HttpAnswer) -> bytes:
    """The whole body, at most MAX_ANSWER_BYTES. Raises UpstreamFailed."""
    whole = answer.taken()
    if not answer.complete:
        pieces, size = [whole], len(whole)
        async for piece in answer:
            size += len(piece)
            if size > MAX_ANSWER_BYTES:
                raise _too_long()
            pieces.append(piece)
        whole = b"".join(pieces)
    if len(whole) > MAX_ANSWER_BYTES:
        raise _too_long()
    return whole


async def _from_stream(
    answer: HttpAnswer, request_id: int, on_message: OnMessage, after: str | None
) -> tuple[Json, bytes]:
    seen, reader = 0, EventReader()
    reader.last_id = after
    async with aclosing(_events(answer, reader)) as events:
        async for data in events:
            message = _object(data)
            seen += 1
            if seen > MAX_EVENTS:
                raise _wrong(f"sent more than {MAX_EVENTS} events")
            if "method" in message:
                await on_message(message)
            elif message.get("id") == request_id:
                await _finish(answer)
                return _matching(message, request_id), data
    raise EndedEarly("The server ended its event stream without a response.", reader.last_id, reader.retry_seconds)


async def _finish(answer: HttpAnswer) -> None:
    """Read the end of a stream that is complete but for its last bytes, so that the connection can be used again. A
    server that keeps the stream open, or breaks it now, costs nothing but that connection."""
    if answer.complete:
        return
    with suppress(TimeoutError, UpstreamFailed):
        async with asyncio.timeout(END_OF_STREAM_SECONDS):
            async for _ in answer:
                continue


async def _events(answer: HttpAnswer, reader: "EventReader") -> AsyncGenerator[bytes, None]:
    """The data of each event of a stream."""
    total = 0
    while True:
        try:
            chunk = await anext(answer)
        except StopAsyncIteration:
            break
        except UpstreamFailed as broken:
            raise EndedEarly(broken.message, reader.last_id, reader.retry_seconds) from broken
        total += len(chunk)
        if total > MAX_ANSWER_BYTES:
            raise _wrong(f"sent an event stream of more than {MAX_ANSWER_BYTES} bytes")
        for event in reader.feed(chunk):
            yield event
    for event in reader.feed(b"\n"):  # ends a last line that was ended by "\r" alone
        yield event


class EventReader:
    """Splits a stream into events; "\\n", "\\r\\n" and "\\r" end a line, an empty line ends an event.

    `last_id` is the id of the last event that had one, `retry_seconds` how long the server wants to be left alone
    before it is asked to go on after that event."""

    def __init__(self) -> None:
        self.last_id: str | None = None
        self.retry_seconds: float | None = None
        self._id: bytes | None = None
        self._rest = bytearray()
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """The events that are complete with this chunk."""
        self._rest += chunk
        if len(self._rest) + self._size > MAX_EVENT_BYTES + len(chunk):
            raise _too_big()
        if b"\n" not in chunk and b"\r" not in chunk and not self._rest.endswith(b"\r"):
            return []
        lines = bytes(self._rest).splitlines(keepends=True)
        # A "\r" at the very end may be the first half of "\r\n": that line is complete with the next chunk.
        self._rest = bytearray(b"" if not lines or lines[-1].endswith(b"\n") else lines.pop())
        return [event for line in lines if (event := self._line(line.rstrip(b"\r\n")))]

    def _line(self, line: bytes) -> bytes | None:
        if line.startswith(b"data:"):
            self._data.append(line[6:] if line[5:6] == b" " else line[5:])
            self._size += len(line)
            if self._size > MAX_EVENT_BYTES:
                raise _too_big()
        elif not line:
            event = b"\n".join(self._data).strip()  # empty data only primes reconnection
            self._data, self._size = [], 0
            if self._id is not None:
                self.last_id, self._id = _usable_id(self._id), None
            return event
        elif line.startswith(b"id:"):
            self._id = line[3:].strip()
        elif line.startswith(b"retry:"):
            self.retry_seconds = _seconds(line[6:].strip())
        return None


def _usable_id(written: bytes) -> str | None:
    """An event's id, None for one that could not be sent back in a header."""
    text = written.decode("latin-1")
    return text if is_visible_ascii(text, MAX_ID_CHARACTERS) else None


def _seconds(milliseconds: bytes) -> float | None:
    return int(milliseconds) / 1000 if milliseconds.isdigit() and len(milliseconds) < 10 else None


def _object(body: bytes) -> Json:
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise _wrong("answered with something that is not JSON") from None
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        raise _wrong("answered with something that is not a JSON-RPC message")
    return message


def _matching(message: Json, request_id: int) -> Json:
    error = message.get("error")
    if error is not None and message.get("id") in (request_id, None):
        return message
    if message.get("id") != request_id or not isinstance(message.get("result"), dict):
        raise _wrong("answered with a message that is not the response to the request")
    return message


def rpc_error(message: Json) -> Json | None:
    """The error object of a response, None where it has none. Raises UpstreamFailed for a misshapen one."""
    error = message.get("error")
    if error is None:
        return None
    if not isinstance(error, dict) or type(error.get("code")) is not int or not isinstance(error.get("message"), str):
        raise _wrong("answered with an error that has no code or message")
    return error


def rpc_error_of(body: bytes) -> Json | None:
    """The JSON-RPC error in the body of an HTTP error, None where there is none."""
    try:
        return rpc_error(_object(body))
    except UpstreamFailed:
        return None


def _too_long() -> UpstreamFailed:
    return _wrong(f"sent more than {MAX_ANSWER_BYTES} bytes")


def _too_big() -> UpstreamFailed:
    return _wrong(f"sent an event of more than {MAX_EVENT_BYTES} bytes")


def _wrong(what: str) -> UpstreamFailed:
    return UpstreamFailed(f"The server {what}.", dispatched=True)
