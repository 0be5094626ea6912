"""JSON-RPC with an MCP server of the oldest kind: a GET opens an event stream, whose first event names the address that
messages are posted to, and all answers come on the stream."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from urllib.parse import urljoin

import orjson

from tradepost.protocol.answers import EventReader
from tradepost.protocol.deadlines import Deadline
from tradepost.protocol.http_answer import HttpAnswer
from tradepost.protocol.http_pool import HttpPool
from tradepost.protocol.http_request import origin_in, read_http_url
from tradepost.protocol.jsonrpc import Json
from tradepost.protocol.link import SharedLink, as_message, wrong
from tradepost.protocol.server_identity import Transport
from tradepost.protocol.upstream_errors import UpstreamFailed
from tradepost.protocol.wire import Wire

logger = logging.getLogger(__name__)

NO_HEADERS: Mapping[str, str] = {}


@dataclass(slots=True, eq=False)
class _Stream:
    """An open event stream and where to post."""

    answer: HttpAnswer
    events: AsyncGenerator[bytes, None]
    post: Wire
    telling: set[asyncio.Task[None]] = field(default_factory=set)


class SseLink(SharedLink[_Stream]):
    """One stream; opened with the first request, and again after it ended."""

    transport: Transport = "sse"

    def __init__(
        self,
        http: HttpPool,
        url: str,
        headers: Mapping[str, str],
        connect_seconds: float,
        ambient: Mapping[str, str] = NO_HEADERS,
    ) -> None:
        """`ambient` goes with what is no request of the client's, which has its own headers."""
        super().__init__()
        self._ambient = ambient
        self._http = http
        self._url = url
        self._headers = headers
        self._connect_seconds = connect_seconds
        self._stream: _Stream | None = None
        self._reading: asyncio.Task[None] | None = None
        self._opening = asyncio.Lock()

    async def delete(self, headers: Mapping[str, str], deadline: Deadline) -> None:
        """The session is the stream."""

    async def close(self) -> None:
        """End the stream, if one is open."""
        stream, self._stream = self._stream, None
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if stream is not None:
            await asyncio.gather(*stream.telling, return_exceptions=True)

    async def _opened(self) -> _Stream:
        if self._stream is not None:
            return self._stream
        async with self._opening:
            if self._stream is None:
                stream = await self._open()
                self._stream = stream
                self._reading = asyncio.create_task(self._read(stream), name=f"events of {origin_in(self._url)}")
            return self._stream

    async def _open(self) -> _Stream:
        wire = Wire(self._http, self._url, self._headers, self._connect_seconds)
        answer = await wire.stream(Deadline(self._connect_seconds), self._ambient)
        try:
            events = _events(answer)
            address = await anext(events, b"")
            url = _seen_from(self._url, address)
            if not address or read_http_url(url).origin != read_http_url(self._url).origin:
                # Elsewhere, it would be given the credential.
                raise wrong("named no address of its own to post to")
        except BaseException:
            answer.close()
            raise
        return _Stream(answer, events, Wire(self._http, url, self._headers, self._connect_seconds))

    async def _send(self, to: _Stream, message: Json, headers: Mapping[str, str], deadline: Deadline) -> None:
        # Those of the protocol came later than such servers.
        known = {name: value for name, value in headers.items() if not name.startswith("mcp-")}
        try:
            await to.post.post(message, known, deadline)
        except UpstreamFailed as error:
            if error.status in (404, 410) and self._stream is to:  # it has forgotten the session
                self._stream = None
                self.generation += 1
                if self._reading is not None:
                    self._reading.cancel()
            raise

    def _tell(self, to: _Stream, message: Json) -> None:
        task = asyncio.create_task(self._told(to, message), name="a message that nobody waits for")
        to.telling.add(task)
        task.add_done_callback(to.telling.discard)

    async def _told(self, to: _Stream, message: Json) -> None:
        try:
            async with Deadline(self._connect_seconds) as deadline:
                await to.post.post(message, self._ambient, deadline)
        except Exception as error:  # noqa: BLE001 (nobody waits for it, whatever became of it)
            logger.debug("%s did not take a message: %s", origin_in(self._url), error)

    async def _read(self, stream: _Stream) -> None:
        failure = UpstreamFailed("The server ended its event stream.", dispatched=True)
        try:
            async with aclosing(stream.events) as events:
                async for event in events:
                    self._hand_out(stream, _message(event), event)
        except UpstreamFailed as error:
            failure = error
        finally:
            stream.answer.close()
            if self._stream is stream:
                self._stream = None
                self.generation += 1
            self._fail_all(stream, failure)


def _seen_from(url: str, address: bytes) -> str:
    """The URL that a stream at `url` means by an address. Raises UpstreamFailed for what is none."""
    try:
        return urljoin(url, address.decode("utf-8", "replace"))
    except ValueError:
        raise wrong("named an address to post to that is none") from None


async def _events(answer: HttpAnswer) -> AsyncGenerator[bytes, None]:
    """The data of each event, however long the stream lasts."""
    reader = EventReader()
    async for chunk in answer:
        for event in reader.feed(chunk):
            yield event


def _message(event: bytes) -> Json | None:
    try:
        return as_message(orjson.loads(event))
    except orjson.JSONDecodeError:
        return None
