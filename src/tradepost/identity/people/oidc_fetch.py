"""Asking the identity provider: small JSON answers, in time, from where it may live; redirects are not followed."""

import asyncio
import base64
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx2
import orjson

from tradepost.foundation.errors import InvalidArgument, UpstreamError
from tradepost.hub.upstreams.guard import Guard, Origin, read_url, resolve
from tradepost.protocol.deadlines import Deadline
from tradepost.protocol.http_answer import HttpAnswer
from tradepost.protocol.http_pool import HttpPool
from tradepost.protocol.http_request import header_lines, read_http_url
from tradepost.protocol.upstream_errors import UpstreamFailed, UpstreamTimedOut

SECONDS = 10.0  # of one request in all
MAX_ANSWER = 262_144


class Fetch:
    """Requests to the provider. The operator named its issuer, so that may be anywhere, also in a private network; what
    the issuer names on other hosts passes the guard."""

    def __init__(self, issuer: str, guard: Guard) -> None:
        self._issuer: Origin = read_url(issuer)
        self._guard = guard
        self._tls: ssl.SSLContext | None = None

    async def get(self, url: str, bearer: str | None = None) -> dict[str, Any]:
        """A JSON object. Raises UpstreamError."""
        headers = {"Authorization": f"Bearer {bearer}"} if bearer is not None else {}
        return await self._ask("GET", url, headers)

    async def post(self, url: str, form: Mapping[str, str], basic: tuple[str, str] | None) -> dict[str, Any]:
        """The JSON object that a form is answered with. Raises UpstreamError."""
        return await self._ask("POST", url, {}, form, basic)

    async def check(self, url: str) -> str:
        """The URL, where the hub may send requests and browsers. Raises UpstreamError."""
        try:
            origin = read_url(url)
            if origin.scheme != self._issuer.scheme and origin.scheme != "https":
                raise InvalidArgument("It would be asked without TLS.")
            if origin.host != self._issuer.host:
                await self._guard.check(url)
        except InvalidArgument as refused:
            raise failed(f"it names an address that cannot be used ({refused.message})") from refused
        return url

    async def _dialled(self, host: str, port: int) -> list[str]:
        """The addresses to connect to, resolved once for the check and the connection: all of the issuer's host, on
        others those that the guard lets through."""
        if host == self._issuer.host:
            return await resolve(host, port)
        return [str(address) for address in await self._guard.addresses(host, port)]

    async def _ask(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        form: Mapping[str, str] | None = None,
        basic: tuple[str, str] | None = None,
    ) -> dict[str, Any]:
        await self.check(url)
        if self._tls is None:
            self._tls = httpx2.create_ssl_context(trust_env=False)
        sent = {"Accept": "application/json", "Accept-Encoding": "identity", **headers}
        body = urlencode(form).encode() if form is not None else b""
        if form is not None:
            sent |= {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body))}
        if basic is not None:
            sent["Authorization"] = "Basic " + base64.b64encode(":".join(basic).encode()).decode("ascii")
        try:
            async with asyncio.timeout(SECONDS), HttpPool(self._dialled, self._tls) as pool:
                status, answered = await _answered(pool, method, url, sent, body)
        except TimeoutError:
            raise failed(f"it did not answer within {SECONDS:g} seconds") from None
        except (UpstreamFailed, UpstreamTimedOut) as error:
            raise failed(f"it cannot be reached ({error.message})") from error
        if status != 200:
            raise failed(f"{urlsplit(url).path} answered with {status}")
        try:
            value = orjson.loads(answered)
        except orjson.JSONDecodeError as error:
            raise failed("its answer is no JSON") from error
        if not isinstance(value, dict):
            raise failed("its answer is no JSON object")
        return value


async def _answered(
    pool: HttpPool, method: str, url: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, bytes]:
    to = read_http_url(url)
    head = f"{method} {to.target} HTTP/1.1\r\n".encode() + header_lines({"Host": to.authority, **headers}) + b"\r\n"
    answer = await pool.send(to, head, body, Deadline(SECONDS), connect_seconds=SECONDS, repeatable=method == "GET")
    try:
        return answer.status, await _bounded(answer)
    finally:
        answer.close()


async def _bounded(answer: HttpAnswer) -> bytes:
    body = await answer.whole(MAX_ANSWER)
    if body is None:
        raise failed("its answer is too long")
    return body


def failed(why: str) -> UpstreamError:
    """The provider did not do its part."""
    return UpstreamError(
        f"The identity provider did not sign you in: {why}.",
        hint="Try again. If it stays so, the operator finds how to set it up in docs/how-to/let-people-in.md.",
    )
