"""Asking the identity provider: small JSON answers, in time, from where it may live; redirects are not followed."""

import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx2
import orjson

from tradepost.foundation.errors import InvalidArgument, UpstreamError
from tradepost.hub.upstreams.guard import Guard, Origin, read_url

SECONDS = 10.0
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
        try:
            async with (
                httpx2.AsyncClient(verify=self._tls, trust_env=False, timeout=SECONDS) as client,
                client.stream(method, url, headers=sent, data=form, auth=basic or httpx2.USE_CLIENT_DEFAULT) as answer,
            ):
                body = await _bounded(answer)
        except httpx2.HTTPError as error:
            raise failed(f"it cannot be reached ({type(error).__name__})") from error
        if answer.status_code != 200:
            raise failed(f"{urlsplit(url).path} answered with {answer.status_code}")
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise failed("its answer is no JSON") from error
        if not isinstance(value, dict):
            raise failed("its answer is no JSON object")
        return value


async def _bounded(answer: httpx2.Response) -> bytes:
    body = b""
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > MAX_ANSWER:
            raise failed("its answer is too long")
    return body


def failed(why: str) -> UpstreamError:
    """The provider did not do its part."""
    return UpstreamError(
        f"The identity provider did not sign you in: {why}.",
        hint="Try again. If it stays so, the operator finds how to set it up in docs/how-to/let-people-in.md.",
    )
