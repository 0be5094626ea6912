"""Who asks for tokens: a public client by its name alone, a confidential one by its secret or a signed assertion."""

import hmac
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from tradepost.database.engine import Database
from tradepost.foundation.clock import Now
from tradepost.hub.access.oauth.assertions import TYPE, check_assertion, subject_of
from tradepost.hub.access.oauth.clients import Client, Clients
from tradepost.hub.access.oauth.errors import INVALID_REQUEST, OAuthError, invalid_client
from tradepost.hub.access.oauth.values import MAX_SECRET
from tradepost.hub.access.tokens import digest_of

METHODS = ("none", "client_secret_basic", "client_secret_post", "private_key_jwt")
MOST_FAILURES = 10
FAILURES_IN = timedelta(minutes=5)
MAX_REMEMBERED = 10_000
_NO_DIGEST = "0" * 64


@dataclass(frozen=True, slots=True)
class Credentials:
    """What came with a request to prove a client. `from_header` are name and secret of HTTP Basic."""

    client_id: str = ""
    secret: str = ""
    assertion_type: str = ""
    assertion: str = ""
    from_header: tuple[str, str] | None = None


class ClientAuthentication:
    """Proves clients. After ten failures of one client from one address in five minutes both are told to wait; how many
    are remembered is bounded."""

    def __init__(self, database: Database, clients: Clients, audiences: frozenset[str], now: Now) -> None:
        self._database = database
        self._clients = clients
        self._audiences = audiences
        self._now = now
        self._failures: OrderedDict[tuple[str, str], list[datetime]] = OrderedDict()

    async def prove(self, given: Credentials, address: str) -> Client:
        """The client. Raises OAuthError."""
        client_id = _one_way(given)
        mark, now = (address, digest_of(client_id)), self._now()
        recent = [moment for moment in self._failures.get(mark, []) if moment > now - FAILURES_IN]
        if len(recent) >= MOST_FAILURES:
            wait = (recent[0] + FAILURES_IN - now).total_seconds()
            raise OAuthError(
                "temporarily_unavailable", "Too many failures: wait.", status=429, retry_after_seconds=max(1.0, wait)
            )
        try:
            client = await self._proven(client_id, given)
        except OAuthError:
            self._failures[mark] = [*recent, now]
            self._failures.move_to_end(mark)
            while len(self._failures) > MAX_REMEMBERED:
                self._failures.popitem(last=False)
            raise
        self._failures.pop(mark, None)
        return client

    async def _proven(self, client_id: str, given: Credentials) -> Client:
        try:
            client = await self._clients.known(client_id)
        except OAuthError:
            _fits(given, _NO_DIGEST)  # the same work for one that is not there
            raise
        if given.assertion or given.assertion_type:
            if given.assertion_type != TYPE:
                raise invalid_client()
            client = await self._clients.with_keys(client)
            await check_assertion(self._database, client, given.assertion, self._audiences, self._now())
            return client
        secret = given.from_header[1] if given.from_header is not None else given.secret
        if client.jwks is not None or bool(secret) != client.is_confidential or not self._clients.lets_in(client):
            raise invalid_client()
        if client.secret_digest is not None and not _fits(given, client.secret_digest):
            raise invalid_client()
        return client


def _one_way(given: Credentials) -> str:
    """The client's name. One way to prove it at a time (RFC 6749 section 2.3). Raises OAuthError."""
    ways = [given.from_header is not None, bool(given.secret), bool(given.assertion or given.assertion_type)]
    if sum(ways) > 1:
        raise OAuthError(INVALID_REQUEST, "The client may prove itself in one way only.")
    if given.from_header is not None:
        if given.client_id and given.client_id != given.from_header[0]:
            raise OAuthError(INVALID_REQUEST, "Two different clients are named.")
        return given.from_header[0]
    named = given.client_id or subject_of(given.assertion)  # RFC 7521 section 4.2: the assertion may name it alone
    if not named:
        raise invalid_client()
    return named


def _fits(given: Credentials, digest: str) -> bool:
    secret = given.from_header[1] if given.from_header is not None else given.secret
    return hmac.compare_digest(digest_of(secret[: MAX_SECRET + 1]), digest)
