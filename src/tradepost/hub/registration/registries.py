"""Reading registries that speak the official MCP Registry's API: over checked addresses alone, small, in time, without
following a redirect. What they say is data."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from tradepost.foundation.canonical import parse_strict
from tradepost.foundation.errors import InvalidArgument, NotFound, UpstreamError
from tradepost.foundation.untrusted import clean
from tradepost.hub.registration.offers import Offer, read_offer
from tradepost.hub.upstreams.guard import Guard
from tradepost.protocol.deadlines import Deadline
from tradepost.protocol.http_answer import HttpAnswer
from tradepost.protocol.http_pool import HttpPool
from tradepost.protocol.http_request import header_lines, read_http_url
from tradepost.protocol.upstream_errors import UpstreamFailed, UpstreamTimedOut

OFFICIAL_URL = "https://registry.modelcontextprotocol.io"
MAX_BYTES = 4 * 1024 * 1024
SECONDS = 15.0
CONNECT_SECONDS = 5.0
DEFAULT_LIMIT = 30
MAX_LIMIT = 100
MAX_CURSOR = 2_000
VERSIONS = ("v0.1", "v0")  # the newest is asked first

_HINT = "Check the registry's URL: it is what stands before /v0.1/servers."


@dataclass(frozen=True, slots=True)
class Offers:
    """A page of a registry's list. `more` is the cursor of the next one."""

    items: tuple[Offer, ...]
    more: str | None


class Registries:
    """Asks registries. `bearer` is sent to those that want a key, where the operator gave one."""

    def __init__(self, guard: Guard, bearer: str | None = None) -> None:
        self._guard = guard
        self._bearer = bearer
        self._pool: HttpPool | None = None

    async def browse(
        self, registry: str, search: str = "", cursor: str | None = None, limit: int = DEFAULT_LIMIT
    ) -> Offers:
        """The latest versions of servers whose names hold a text. Raises InvalidArgument, UpstreamError."""
        if not 1 <= limit <= MAX_LIMIT:
            raise InvalidArgument(f"A page has 1 to {MAX_LIMIT} servers.", field="limit")
        query = {"limit": str(limit), "version": "latest", "search": search, "cursor": cursor or ""}
        asked = urlencode({name: value for name, value in query.items() if value})
        found = await self._ask(registry, f"servers?{asked}")
        entries = found.get("servers")
        if not isinstance(entries, list):
            raise _failed("its answer has no list of servers")
        items = [offer for offer in map(read_offer, entries[:MAX_LIMIT]) if offer is not None]
        metadata = found.get("metadata")
        said = metadata.get("nextCursor") or metadata.get("next_cursor") if isinstance(metadata, Mapping) else None
        more = said if isinstance(said, str) and 0 < len(said) <= MAX_CURSOR and said.isprintable() else None
        return Offers(tuple(items), more)

    async def offer(self, registry: str, name: str, version: str | None = None) -> Offer:
        """One server, in its latest version if none is named. Raises NotFound, InvalidArgument, UpstreamError."""
        path = f"servers/{quote(name, safe='')}/versions/{quote(version or 'latest', safe='')}"
        try:
            found = read_offer(await self._ask(registry, path))
        except NotFound:
            found = None
        if found is None or found.name != name:
            raise NotFound(
                f"The registry has no server '{clean(name, 100)}'" + (f" {clean(version, 40)}." if version else "."),
                hint="Look for its name: tradepost server browse TEXT",
            )
        return found

    async def close(self) -> None:
        """Close its connections."""
        if self._pool is not None:
            await self._pool.close()

    async def _ask(self, registry: str, path: str) -> Mapping[str, Any]:
        base, versions = await self._checked(registry)
        for version in versions:
            status, value = await self._get(f"{base}/{version}/{path}")
            if status == 200 and isinstance(value, Mapping):
                return value
            if status != 404:
                raise _failed(f"it answered with the status {status}" if status != 200 else "its answer is no object")
        raise NotFound("The registry has nothing there.", hint=_HINT)

    async def _checked(self, registry: str) -> tuple[str, tuple[str, ...]]:
        """The base and the versions of the API to ask for: one alone, where the URL names it."""
        base = registry.strip().rstrip("/").removesuffix("/servers")
        versions: tuple[str, ...] = VERSIONS
        for version in VERSIONS:
            if base.endswith(f"/{version}"):
                base, versions = base.removesuffix(f"/{version}"), (version,)
        try:
            origin = await self._guard.check(base)
        except InvalidArgument as error:
            raise InvalidArgument(error.message, field="registry", hint=error.hint) from None
        if "?" in base or "#" in base:
            raise InvalidArgument("The registry's URL has a query.", field="registry", hint=_HINT)
        if self._bearer is not None and origin.scheme != "https":
            addresses = await self._guard.addresses(origin.host, origin.port)
            if not self._guard.may_use_plain_http(origin, addresses):
                raise InvalidArgument("The key would travel over plain http.", field="registry", hint="Use https.")
        return base, versions

    async def _get(self, url: str) -> tuple[int, Any]:
        try:
            async with asyncio.timeout(SECONDS):
                return await self._fetched(url)
        except TimeoutError:
            raise _failed(f"it did not answer within {SECONDS:g} seconds") from None
        except (UpstreamFailed, UpstreamTimedOut):
            raise _failed("it cannot be reached") from None

    async def _fetched(self, url: str) -> tuple[int, Any]:
        if self._pool is None:
            self._pool = self._guard.http_pool()
        to = read_http_url(url)
        headers = {"host": to.authority, "accept": "application/json", "accept-encoding": "identity"}
        if self._bearer is not None:
            headers["authorization"] = f"Bearer {self._bearer}"
        head = f"GET {to.target} HTTP/1.1\r\n".encode() + header_lines(headers) + b"\r\n"
        answer = await self._pool.send(
            to, head, b"", Deadline(SECONDS), connect_seconds=CONNECT_SECONDS, repeatable=True
        )
        try:
            if answer.status != 200:
                return answer.status, None
            return 200, _value(await _body(answer))
        finally:
            answer.close()


async def _body(answer: HttpAnswer) -> bytes:
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise _failed("it compressed its answer, which nobody asked for")
    whole = await answer.whole(MAX_BYTES)
    if whole is None:
        raise _failed(f"its answer is larger than {MAX_BYTES // 1024 // 1024} MiB")
    return whole


def _value(body: bytes) -> Any:
    try:
        return parse_strict(body)
    except InvalidArgument:
        raise _failed("its answer is no JSON that can be read") from None


def _failed(why: str) -> UpstreamError:
    return UpstreamError(f"The registry cannot be read: {why}.", hint=_HINT)
