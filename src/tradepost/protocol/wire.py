"""One JSON-RPC exchange with another MCP server: the HTTP request, its bounded answer, and what a failure means.

Never follows redirects, keeps no cookies, and bounds the time of every exchange, whatever trickles in until then.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count

import httpx2
import orjson

from tradepost.protocol.answers import OnMessage, read_body, read_response, rpc_error, rpc_error_of
from tradepost.protocol.jsonrpc import INTERNAL_ERROR, Json
from tradepost.protocol.upstream_errors import UpstreamFailed, UpstreamTimedOut

CREDENTIAL_STATUSES = frozenset({401, 403, 407})
# The request reached the server and was turned down before anything was done.
_REFUSALS = frozenset({400, 401, 403, 404, 405, 406, 407, 410, 411, 413, 414, 415, 421, 422, 429, 431})
# Errors that say nothing about whether the work was done: internal error, and what SDKs say when something broke.
_UNCLEAR_CODES = frozenset({INTERNAL_ERROR, -32000, -32001})


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: for the TCP and TLS connection, for the handshake in all, for one call in all."""

    connect: float = 3.0
    handshake: float = 90.0
    call: float = 60.0


@dataclass(frozen=True, slots=True)
class Answered:
    """A response with a result: the message, the bytes it came in, the id it answers, the HTTP headers."""

    message: Json
    body: bytes
    request_id: int
    headers: Mapping[str, str]


class Wire:
    """HTTP to one URL with one credential."""

    def __init__(self, http: httpx2.AsyncClient, url: str, headers: Mapping[str, str], connect_seconds: float) -> None:
        self._http = http
        self._url = url
        self._headers = dict(headers)
        self._timeout = httpx2.Timeout(None, connect=connect_seconds, pool=connect_seconds)
        self._connect_seconds = connect_seconds
        self._ids = count(1)

    async def request(self, method: str, params: Json, headers: Mapping[str, str], on_message: OnMessage) -> Answered:
        """Send a request, give its response. Raises UpstreamFailed, UpstreamTimedOut."""
        request_id = next(self._ids)
        body = orjson.dumps({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params})
        async with self._exchange("POST", headers, body) as response:
            if response.status_code != 200:
                raise await _http_failure(response)
            message, raw = await read_response(response, request_id, on_message)
            error = rpc_error(message)
            if error is not None:
                raise refused(error)
            return Answered(message, raw, request_id, response.headers)

    async def post(self, message: Json, headers: Mapping[str, str]) -> None:
        """Send a message that has no response: a notification, or a response of ours."""
        async with self._exchange("POST", headers, orjson.dumps(message)) as response:
            if response.status_code >= 300:
                raise await _http_failure(response)

    async def delete(self, headers: Mapping[str, str]) -> None:
        async with self._exchange("DELETE", headers, None):
            return

    @asynccontextmanager
    async def _exchange(
        self, method: str, headers: Mapping[str, str], body: bytes | None
    ) -> AsyncIterator[httpx2.Response]:
        """The response of one HTTP request with its body unread; transport failures as ours."""
        lines = {**self._headers, **headers, "accept": "application/json, text/event-stream"}
        lines["accept-encoding"] = "identity"
        if body is not None:
            lines["content-type"] = "application/json"
        try:
            request = self._http.build_request(method, self._url, headers=lines, content=body, timeout=self._timeout)
            # The HTTP client is shared: a cookie that one credential was given must not travel with another.
            request.headers.pop("cookie", None)
            response = await self._http.send(request, stream=True, follow_redirects=False)
            try:
                yield response
            finally:
                await response.aclose()
        except (httpx2.ConnectTimeout, httpx2.PoolTimeout):
            raise UpstreamTimedOut(
                f"The server could not be reached within {self._connect_seconds:g} seconds.", dispatched=False
            ) from None
        except (httpx2.ConnectError, httpx2.UnsupportedProtocol, httpx2.InvalidURL, httpx2.LocalProtocolError):
            raise UpstreamFailed(
                "The server could not be reached.", dispatched=False, hint="Check its URL, and that it runs."
            ) from None
        except httpx2.HTTPError:
            raise UpstreamFailed(
                "The connection to the server broke before its answer was complete.", dispatched=True
            ) from None


@asynccontextmanager
async def deadline(seconds: float) -> AsyncIterator[None]:
    """An absolute end for what happens inside. Raises UpstreamTimedOut."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise UpstreamTimedOut(f"The server did not answer within {seconds:g} seconds.", dispatched=True) from None


async def _http_failure(response: httpx2.Response) -> UpstreamFailed:
    status = response.status_code
    error = rpc_error_of(await read_body(response))
    if 300 <= status < 400:
        text = f"The server answered with a redirect (HTTP {status}), which is not followed."
    elif status in CREDENTIAL_STATUSES:
        text = f"The server refused the credential (HTTP {status})."
    elif error is not None:
        text = f"The server answered with the error {error['code']} (HTTP {status})."
    else:
        text = f"The server answered with HTTP {status}."
    return UpstreamFailed(
        text,
        dispatched=True,
        answered=status in _REFUSALS or 300 <= status < 400,
        status=status,
        rpc_error=error,
        retry_after_seconds=_retry_after(response.headers.get("retry-after")),
    )


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
