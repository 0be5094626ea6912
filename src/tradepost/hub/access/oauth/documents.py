"""Client ID Metadata Documents: a client is the URL of a JSON document about it.

The document is fetched by whoever this is given (through the guard of addresses), kept as long as its headers allow
within bounds, and asked for again after that. What cannot be fetched or read is never kept. Where it says that the
client proves itself with a key, the public keys are read with it.
"""

import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tradepost.foundation.canonical import parse_strict
from tradepost.foundation.errors import InvalidArgument, TradepostError
from tradepost.hub.access.oauth.assertions import ALGORITHMS, checked_keys
from tradepost.hub.access.oauth.client_metadata import KEY, read_metadata
from tradepost.hub.access.oauth.clients import MAX_CLIENT_ID, Client
from tradepost.hub.access.oauth.errors import INVALID_CLIENT, OAuthError

DEFAULT_SECONDS = 300.0
MOST_SECONDS = 86_400.0
MAX_KEPT = 500

_DOTS = re.compile(r"/(\.|%2e){1,2}(/|$)", re.IGNORECASE)
_MAX_AGE = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?(-?[0-9]{1,12})\"?(?:$|[,\s])", re.IGNORECASE)
_NEVER = re.compile(r"(?:^|[,\s])(no-store|no-cache|private)(?:$|[=,\s])", re.IGNORECASE)


class Fetched(NamedTuple):
    """A document as it came, and what its header `Cache-Control` says ("" for none)."""

    body: bytes
    cache_control: str


Fetch = Callable[[str], Awaitable[Fetched]]


class ClientDocuments:
    """Reads clients from their documents. `fetch` raises TradepostError."""

    def __init__(self, fetch: Fetch, clock: Callable[[], float] = monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._kept: OrderedDict[str, tuple[Client, float]] = OrderedDict()

    async def read(self, url: str) -> Client:
        """See Documents."""
        check_url(url)
        kept = self._kept.get(url)
        if kept is not None and kept[1] > self._clock():
            return kept[0]
        self._kept.pop(url, None)
        try:
            fetched = await self._fetch(url)
            said = parse_strict(fetched.body)
        except TradepostError as error:
            raise _unusable(error.message) from None
        if not isinstance(said, dict) or said.get("client_id") != url:
            raise _unusable("The client_id in the document is not its URL.")
        name, redirect_uris = read_metadata(said, itself=False)
        jwks, seconds = (
            await self._keys(said) if said.get("token_endpoint_auth_method") == KEY else (None, MOST_SECONDS)
        )
        client = Client(url, name, redirect_uris, "document", jwks=jwks)
        seconds = min(seconds, kept_seconds(fetched.cache_control))
        if seconds > 0:
            self._kept[url] = (client, self._clock() + seconds)
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return client

    async def _keys(self, said: dict[str, Any]) -> tuple[dict[str, Any], float]:
        """The public keys of a client, out of its document or where that points, and how long they may be kept."""
        given, at = said.get("jwks"), said.get("jwks_uri")
        if (given is None) == (at is None):
            raise _unusable("With private_key_jwt it has jwks or jwks_uri, and not both.")
        named = said.get("token_endpoint_auth_signing_alg")
        if named is not None and named not in ALGORITHMS:
            raise _unusable(f"token_endpoint_auth_signing_alg is one of {', '.join(ALGORITHMS)}.")
        try:
            if given is not None:
                return _read_keys(given), MOST_SECONDS
            if not isinstance(at, str):
                raise _unusable("Its jwks_uri is no URL.")
            check_url(at)
            fetched = await self._fetch(at)
            return _read_keys(parse_strict(fetched.body)), kept_seconds(fetched.cache_control)
        except TradepostError as error:
            raise _unusable(f"Its keys: {error.message}") from None


def _read_keys(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise InvalidArgument("A key set is a JSON object.", field="jwks")
    return checked_keys(given)


def check_url(url: str) -> None:
    """A client's URL in its one spelling: https, a path, nothing that could be read in two ways. Raises OAuthError."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme == "https" and bool(parts.hostname) and parts.netloc == parts.netloc.lower()
    except ValueError:
        fits = False
        parts = urlsplit("")
    plain = url.isascii() and url.isprintable() and not set(url) & set(' \\#@"<>^`{|}')
    if not fits or not plain or len(url) > MAX_CLIENT_ID or parts.path in ("", "/") or _DOTS.search(parts.path):
        raise _unusable("Its URL is not a plain https URL with a path.")


def kept_seconds(cache_control: str) -> float:
    """How long a document may be kept."""
    if _NEVER.search(cache_control):
        return 0.0
    found = _MAX_AGE.search(cache_control)
    return DEFAULT_SECONDS if found is None else max(0.0, min(float(found[1]), MOST_SECONDS))


def _unusable(why: str) -> OAuthError:
    return OAuthError(INVALID_CLIENT, f"The client's metadata document cannot be used. {why}")
