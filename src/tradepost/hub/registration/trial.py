"""Trying a server: what was found when somebody connected for real, or one sentence about what is wrong."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from tradepost.foundation.errors import InvalidArgument, UpstreamError, UpstreamTimeout
from tradepost.foundation.untrusted import clean
from tradepost.hub.upstreams.connection import Connection
from tradepost.hub.upstreams.diagnosis import why_unreachable
from tradepost.hub.upstreams.feed import tells_of_updates
from tradepost.hub.upstreams.guard import Guard
from tradepost.hub.upstreams.oauth.challenge import read_challenge
from tradepost.hub.upstreams.oauth.errors import NotConnected, OAuthFailed
from tradepost.hub.upstreams.programs import SCHEME
from tradepost.hub.upstreams.redaction import redact
from tradepost.protocol.http_request import origin_in
from tradepost.protocol.upstream_errors import UpstreamFailed, UpstreamTimedOut


@dataclass(frozen=True, slots=True)
class TestReport:
    """What a test found: how the server is reached and what it offers, or one sentence about what is wrong.
    `scopes_missing` are those that the server wants, or that were asked for, and that the credential does not have."""

    ok: bool
    era: str | None = None
    protocol_version: str | None = None
    transport: str | None = None
    latency_ms: float | None = None
    server_name: str | None = None
    tools: int | None = None
    watches: bool = False
    scopes_missing: Sequence[str] = ()
    problem: str | None = None
    hint: str | None = None
    __test__ = False  # not a test class, whatever a collector thinks of its name


async def tried(connection: Connection) -> TestReport:
    """Connect anew and list the tools. Raises UpstreamError, UpstreamTimeout."""
    identity = await connection.client.probe()
    tools = await connection.client.list_tools()
    offers_more = any(kind in identity.capabilities for kind in ("resources", "prompts"))
    is_empty = not tools and not offers_more
    account = connection.account
    return TestReport(
        ok=not is_empty,
        era=identity.era,
        protocol_version=identity.version,
        transport=identity.transport,
        latency_ms=identity.latency_ms,
        server_name=clean(redact(identity.title or identity.name, connection.secrets), 100),
        tools=len(tools),
        watches=tells_of_updates(identity),
        scopes_missing=account.missing if account is not None else (),
        problem="The server answers, but it offers this credential no tools." if is_empty else None,
        hint="Look at its owner's side what the credential may see." if is_empty else None,
    )


async def failure(
    guard: Guard, slug: str, url: str, connection: Connection, error: UpstreamError | UpstreamTimeout
) -> TestReport:
    """What is wrong with the server at `url` (of a secret one, the origin)."""
    if isinstance(error, OAuthFailed | NotConnected):
        return TestReport(ok=False, problem=error.message, hint=error.hint)
    status = error.status if isinstance(error, UpstreamFailed) else None
    if isinstance(error, UpstreamFailed) and status in (401, 403):
        return _refused(slug, connection, error)
    if isinstance(error, UpstreamFailed) and error.location is not None:
        hint = _leads_to(url, redact(error.location, connection.secrets))
        return TestReport(ok=False, problem=error.message, hint=hint)
    unreached = isinstance(error, UpstreamFailed | UpstreamTimedOut) and not error.dispatched and status is None
    unreached = unreached and not isinstance(error.__cause__, ssl.SSLCertVerificationError)  # that is said already
    if unreached and not url.startswith(SCHEME):
        try:
            await guard.check(url)
        except InvalidArgument as refused:
            return TestReport(ok=False, problem=refused.message, hint=refused.hint)
        why = await why_unreachable(guard, url)
        if why is not None:
            return TestReport(ok=False, problem=why, hint="Check its URL, and that it runs.")
    return TestReport(ok=False, problem=error.message, hint=error.hint)


def _leads_to(url: str, location: str) -> str:
    """What to do about a redirect. One to another origin is not even named: the credential was not meant for it."""
    try:
        there = urljoin(url, location)
    except ValueError:
        there = ""
    if not there.startswith(("http://", "https://")) or origin_in(there) != origin_in(url):
        return "It leads to another origin. Ask its owner for the address of the endpoint itself."
    return f"It leads to {clean(origin_in(there) + urlsplit(there).path, 300)}: register that address."


def _refused(slug: str, connection: Connection, error: UpstreamFailed) -> TestReport:
    challenge = read_challenge(error.challenge)
    if challenge.error == "insufficient_scope" and challenge.scopes:
        has = connection.account.scopes if connection.account is not None else ()
        missing = [clean(scope, 200) for scope in challenge.scopes if scope not in has] or list(challenge.scopes)
        return TestReport(
            ok=False,
            scopes_missing=missing,
            problem=f"The credential lacks the scopes {', '.join(missing)} (HTTP {error.status}).",
            hint="Get a credential with these scopes, or connect again with them.",
        )
    if connection.account is None and not connection.own and error.status == 401:
        oauth = challenge.resource_metadata is not None or bool(challenge.scopes)
        how = f"credential {slug} {'--oauth workspace' if oauth else '--bearer, --api-key or --oauth'}"
        if connection.is_api:
            how = f"api {slug} --credential SCHEME, or tradepost server credential {slug} --oauth client"
        return TestReport(
            ok=False,
            problem="The server wants a credential (HTTP 401).",
            hint=f"Give it one: tradepost server {how}.",
        )
    return TestReport(ok=False, problem=error.message, hint=error.hint or "Check the credential, or get a new one.")
