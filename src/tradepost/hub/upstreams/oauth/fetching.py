"""Asking authorization servers: over connections that are dialled to checked addresses alone, small answers, in time,
no redirect, no cookies. What goes wrong is said without anything that was sent."""

import asyncio
import base64
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote_plus, urlencode

import orjson

from tradepost import __version__
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.untrusted import clean
from tradepost.hub.upstreams.guard import Guard, read_url
from tradepost.hub.upstreams.oauth.errors import OAuthFailed
from tradepost.protocol import legacy
from tradepost.protocol.deadlines import Deadline
from tradepost.protocol.http_answer import HttpAnswer
from tradepost.protocol.http_pool import HttpPool
from tradepost.protocol.http_request import header_lines, read_http_url
from tradepost.protocol.upstream_errors import UpstreamFailed, UpstreamTimedOut

SECONDS = 10.0
CONNECT_SECONDS = 3.0
MAX_BYTES = 65_536
MAX_SAID = 300

Json = dict[str, Any]
Found = TypeVar("Found")
_CODE = re.compile(r"[a-z0-9_]{1,60}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status and body."""

    status: int
    content_type: str
    body: bytes

    def json_object(self, whose: str) -> Json:
        """The JSON object in the body. Raises OAuthFailed."""
        if self.content_type in ("text/html", "application/xhtml+xml"):
            raise OAuthFailed(f"{whose} answered with a web page instead of JSON (HTTP {self.status}).")
        try:
            value = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise OAuthFailed(f"{whose} answered with something that is not JSON (HTTP {self.status}).") from None
        if not isinstance(value, dict):
            raise OAuthFailed(f"{whose} answered with something that is not a JSON object (HTTP {self.status}).")
        return value


class OAuthHttp:
    """Requests over a pool of its own."""

    def __init__(self, guard: Guard, pool: HttpPool | None = None) -> None:
        self._guard = guard
        self._pool = pool

    @property
    def pool(self) -> HttpPool:
        """The connections."""
        if self._pool is None:
            self._pool = self._guard.http_pool()
        return self._pool

    async def check(self, url: object, what: str) -> str:
        """The URL, where it may be asked and a secret may travel to it. Raises OAuthFailed."""
        if not isinstance(url, str):
            raise OAuthFailed(f"The server names no {what}.")
        try:
            origin = read_url(url)
            await self._guard.check(url)
            if origin.scheme != "https":
                addresses = await self._guard.addresses(origin.host, origin.port)
                if not self._guard.may_use_plain_http(origin, addresses):
                    raise InvalidArgument("It is not https.")
        except (InvalidArgument, OSError) as refused:
            why = refused.message if isinstance(refused, InvalidArgument) else "It cannot be resolved."
            raise OAuthFailed(f"The {what} that the server names cannot be used. {why}") from None
        return url

    async def challenge(self, url: str) -> str | None:
        """How the server at `url` refuses somebody without a credential; None where it does not. It is asked what any
        client asks first, and nothing of its answer but that is read. Raises OAuthFailed."""
        params = {
            "protocolVersion": legacy.VERSIONS[0],
            "capabilities": {},
            "clientInfo": {"name": "tradepost", "version": __version__},
        }
        asked = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
        headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}

        async def read(answer: HttpAnswer) -> str | None:
            return answer.headers.get("www-authenticate") if answer.status == 401 else None

        return await self._exchanged("POST", url, "server", headers, orjson.dumps(asked), read)

    async def get(self, url: str, what: str) -> Answer:
        """What is there. Raises OAuthFailed."""
        return await self._ask("GET", await self.check(url, what), what, {}, b"")

    async def post_form(
        self, url: str, what: str, form: Mapping[str, str], basic: tuple[str, str] | None = None
    ) -> Answer:
        """What a form is answered with. Raises OAuthFailed."""
        headers = {"content-type": "application/x-www-form-urlencoded"}
        if basic is not None:
            joined = ":".join(quote_plus(part) for part in basic)
            headers["authorization"] = f"Basic {base64.b64encode(joined.encode()).decode('ascii')}"
        return await self._ask("POST", await self.check(url, what), what, headers, urlencode(form).encode())

    async def post_json(self, url: str, what: str, value: Json) -> Answer:
        """What JSON is answered with. Raises OAuthFailed."""
        headers = {"content-type": "application/json"}
        return await self._ask("POST", await self.check(url, what), what, headers, orjson.dumps(value))

    async def close(self) -> None:
        """Close its connections."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

    async def _ask(self, method: str, url: str, what: str, headers: Mapping[str, str], body: bytes) -> Answer:
        async def read(answer: HttpAnswer) -> Answer:
            return await _taken(answer, what)

        return await self._exchanged(method, url, what, headers, body, read)

    async def _exchanged(
        self,
        method: str,
        url: str,
        what: str,
        headers: Mapping[str, str],
        body: bytes,
        read: Callable[[HttpAnswer], Awaitable[Found]],
    ) -> Found:
        to = read_http_url(url)
        sent = {"host": to.authority, "accept": "application/json", "accept-encoding": "identity", **headers}
        if method == "POST":
            sent["content-length"] = str(len(body))
        head = f"{method} {to.target} HTTP/1.1\r\n".encode() + header_lines(sent) + b"\r\n"
        try:
            async with asyncio.timeout(SECONDS):
                options: Any = {"connect_seconds": CONNECT_SECONDS, "repeatable": method == "GET"}
                answer = await self.pool.send(to, head, body, Deadline(SECONDS), **options)
                try:
                    return await read(answer)
                finally:
                    answer.close()
        except (TimeoutError, UpstreamTimedOut):
            raise OAuthFailed(f"The {what} did not answer within {SECONDS:g} seconds.") from None
        except OAuthFailed:
            raise
        except UpstreamFailed:
            raise OAuthFailed(f"The {what} could not be reached.", hint="Try again in a while.") from None


async def _taken(answer: HttpAnswer, what: str) -> Answer:
    if 300 <= answer.status < 400:
        raise OAuthFailed(f"The {what} answered with a redirect (HTTP {answer.status}), which is not followed.")
    if answer.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
        raise OAuthFailed(f"The {what} answered with a content encoding that was not asked for.")
    whole = await answer.whole(MAX_BYTES)
    if whole is None:
        raise OAuthFailed(f"The {what} answered with more than {MAX_BYTES} bytes.")
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return Answer(answer.status, kind, whole)


def error_in(value: Json) -> str | None:
    """The error code in an answer of OAuth, None where there is none that could be one."""
    code = value.get("error")
    return code if isinstance(code, str) and _CODE.fullmatch(code) else None


def described(value: Json) -> str:
    """What an authorization server says of its error, as outsiders' text."""
    said = value.get("error_description")
    return clean(said, MAX_SAID) if isinstance(said, str) else ""
