"""What a server says of its own accord: that a watched resource changed, or one of its lists.

In the older era it comes on the session's own stream (a GET), in the newer one on the answer to `subscriptions/listen`;
over standard input and output, and with the oldest servers, between everything else. Such a stream may stay open for
ever, so only each message is bounded, and how fast they are taken.
"""

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import Any, Protocol

import orjson

from tradepost.protocol.answers import EventReader, rpc_error
from tradepost.protocol.http_answer import HttpAnswer
from tradepost.protocol.jsonrpc import Json
from tradepost.protocol.upstream_errors import UpstreamFailed

UPDATED = "notifications/resources/updated"
TOOLS_CHANGED = "notifications/tools/list_changed"
RESOURCES_CHANGED = "notifications/resources/list_changed"
PROMPTS_CHANGED = "notifications/prompts/list_changed"
LISTS_CHANGED = frozenset({TOOLS_CHANGED, RESOURCES_CHANGED, PROMPTS_CHANGED})
ACKNOWLEDGED = "notifications/subscriptions/acknowledged"
NOTICES = frozenset({UPDATED, ACKNOWLEDGED, *LISTS_CHANGED})
SUBSCRIPTION_META = "io.modelcontextprotocol/subscriptionId"

MOST_AT_ONCE = 100  # messages that are taken before the server has to wait
REST_SECONDS = 0.1


class Notices(Protocol):
    """An open stream. `last_id` is that of the last event that had one; `retry_seconds` how long the server wants to be
    left alone before one comes back, if it said so; `heard_at` (monotonic) when anything came."""

    @property
    def last_id(self) -> str | None: ...

    @property
    def retry_seconds(self) -> float | None: ...

    @property
    def heard_at(self) -> float: ...

    async def next(self) -> Json | None:
        """The next message; None when the server has ended the stream. Raises UpstreamFailed when it broke."""
        ...

    def close(self) -> None:
        """Hear no more."""
        ...


class HttpNotices:
    """The event stream that is the answer to an HTTP request. `request_id` is that of a listening POST."""

    def __init__(self, answer: HttpAnswer, request_id: int | None = None, after: str | None = None) -> None:
        self._answer = answer
        self._request_id = request_id
        self._reader = EventReader()
        self._reader.last_id = after
        self._events: list[bytes] = []
        self._taken = 0
        self.heard_at = monotonic()

    @property
    def last_id(self) -> str | None:
        """See Notices."""
        return self._reader.last_id

    @property
    def retry_seconds(self) -> float | None:
        """See Notices."""
        return self._reader.retry_seconds

    async def next(self) -> Json | None:
        """See Notices."""
        while True:
            while self._events:
                await self._rest()
                message = message_in(self._events.pop(0))
                if message is not None and ends(message, self._request_id):
                    return None
                if message is not None and "method" in message:
                    return message
            try:
                chunk = await anext(self._answer)
            except StopAsyncIteration:
                return None
            self.heard_at = monotonic()
            self._events = self._reader.feed(chunk)

    def close(self) -> None:
        """See Notices."""
        self._answer.close()

    async def _rest(self) -> None:
        """Take no more than so many messages in a time: what comes faster waits in the server."""
        if self._taken == MOST_AT_ONCE:
            await asyncio.sleep(REST_SECONDS)
            self._taken = 0
        self._taken += 1


def ends(message: Json, request_id: int | None) -> bool:
    """Whether a message is the response to the request that listens. Raises UpstreamFailed where it is an error."""
    if request_id is None or "method" in message or message.get("id") != request_id:
        return False
    error = rpc_error(message)
    if error is not None:
        raise UpstreamFailed(
            f"The server answered with the error {error['code']}.",
            dispatched=True,
            answered=True,
            status=200,
            rpc_error=error,
        )
    return True


def message_in(event: bytes) -> Json | None:
    """The JSON-RPC message in an event, None for anything else."""
    try:
        message = orjson.loads(event)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        return None
    return message if isinstance(message.get("method"), str) or "id" in message else None


def params_of(message: Mapping[str, Any]) -> Json:
    """The params of a notification, {} where there are none."""
    params = message.get("params")
    return params if isinstance(params, dict) else {}


def subscription_of(message: Mapping[str, Any]) -> Any:
    """The id of the listening request that a notification belongs to, None without one."""
    meta = params_of(message).get("_meta")
    return meta.get(SUBSCRIPTION_META) if isinstance(meta, dict) else None


async def acknowledged(stream: Notices) -> frozenset[str]:
    """The resources whose changes the server promised to tell, by the first message of its stream. Raises
    UpstreamFailed, and closes the stream then."""
    try:
        first = await stream.next()
        if first is None or first["method"] != ACKNOWLEDGED:
            raise UpstreamFailed("The server listens without saying to what.", dispatched=True)
        honored = params_of(first).get("notifications")
        uris = honored.get("resourceSubscriptions") if isinstance(honored, dict) else None
        return frozenset(uri for uri in uris if isinstance(uri, str)) if isinstance(uris, list) else frozenset()
    except BaseException:
        stream.close()
        raise
