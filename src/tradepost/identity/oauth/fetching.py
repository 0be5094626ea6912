"""Fetching a client's metadata document: over connections that are dialled to checked addresses alone, small, quickly,
without following a redirect."""

import asyncio

from tradepost.hub.access.oauth.documents import Fetched
from tradepost.hub.access.oauth.errors import INVALID_CLIENT, OAuthError
from tradepost.hub.upstreams.guard import Guard, read_url
from tradepost.protocol.deadlines import Deadline
from tradepost.protocol.http_answer import HttpAnswer
from tradepost.protocol.http_pool import HttpPool
from tradepost.protocol.http_request import header_lines, read_http_url
from tradepost.protocol.upstream_errors import UpstreamFailed, UpstreamTimedOut

MAX_BYTES = 5_120
SECONDS = 10.0
CONNECT_SECONDS = 3.0
MOST_AT_ONCE = 8

_TYPES = ("application/json", "application/cimd+json")


class DocumentFetcher:
    """Fetches over a pool of its own. Raises OAuthError, UpstreamFailed or InvalidArgument (all TradepostError)."""

    def __init__(self, guard: Guard, pool: HttpPool | None = None) -> None:
        self._guard = guard
        self._pool = pool
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)

    async def __call__(self, url: str) -> Fetched:
        """The document at an https URL."""
        try:
            async with asyncio.timeout(SECONDS), self._turns:
                read_url(url)  # its addresses are checked where they are dialled
                return await self._fetched(url)
        except TimeoutError:
            raise _wrong(f"It did not come within {SECONDS:g} seconds.") from None
        except (UpstreamFailed, UpstreamTimedOut):
            raise _wrong(
                "It cannot be fetched. A hub that cannot reach the internet needs TRADEPOST_CLIENT_DOCUMENTS=false: "
                "then programs register themselves."
            ) from None

    async def close(self) -> None:
        """Close its connections."""
        if self._pool is not None:
            await self._pool.close()

    async def _fetched(self, url: str) -> Fetched:
        if self._pool is None:
            self._pool = self._guard.http_pool()
        to = read_http_url(url)
        headers = {"host": to.authority, "accept": "application/json", "accept-encoding": "identity"}
        head = f"GET {to.target} HTTP/1.1\r\n".encode() + header_lines(headers) + b"\r\n"
        answer = await self._pool.send(
            to, head, b"", Deadline(SECONDS), connect_seconds=CONNECT_SECONDS, repeatable=True
        )
        try:
            return Fetched(await _body(answer), answer.headers.get("cache-control", ""))
        finally:
            answer.close()


async def _body(answer: HttpAnswer) -> bytes:
    if answer.status != 200:
        raise _wrong(f"It was answered with the status {answer.status}, not 200.")
    if answer.headers.get("content-type", "").partition(";")[0].strip().lower() not in _TYPES:
        raise _wrong("It is not JSON by its content type.")
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise _wrong("It came with a Content-Encoding that nobody asked for.")
    whole = await answer.whole(MAX_BYTES)
    if whole is None:
        raise _wrong(f"It is larger than {MAX_BYTES} bytes.")
    return whole


def _wrong(why: str) -> OAuthError:
    return OAuthError(INVALID_CLIENT, why)
