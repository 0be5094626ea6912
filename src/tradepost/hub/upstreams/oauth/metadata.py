"""Finding the authorization server of a server: RFC 9728 for who it is, RFC 8414 or OpenID Connect for what it offers.

A metadata document counts only under the very name that it gives itself: what a server says of a resource must be about
that resource, and an authorization server must call itself what it was called.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tradepost.hub.upstreams.oauth.challenge import Challenge, scopes_in
from tradepost.hub.upstreams.oauth.errors import OAuthFailed
from tradepost.hub.upstreams.oauth.fetching import Json, OAuthHttp

PROTECTED = "/.well-known/oauth-protected-resource"
OF_SERVER = "/.well-known/oauth-authorization-server"
OPENID = "/.well-known/openid-configuration"
BASIC, POST, NONE = "client_secret_basic", "client_secret_post", "none"
KNOWN_METHODS = (BASIC, POST, NONE)
OFFLINE = "offline_access"
MAX_SERVERS = 5
ANOTHER = "Set the server's OAuth up anew if that is meant: its credentials belong to the one before alone."


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where an authorization server is asked for what. `methods` are the ways in which it knows its clients, as far as
    the hub has them, `names_itself` whether its answers to browsers carry its name (RFC 9207), `has_offline` whether it
    wants to be asked for what lasts."""

    issuer: str
    token: str
    authorization: str | None = None
    registration: str | None = None
    revocation: str | None = None
    methods: tuple[str, ...] = (BASIC,)
    has_s256: bool = False
    takes_documents: bool = False
    names_itself: bool = False
    has_offline: bool = False

    def as_record(self) -> dict[str, Any]:
        """As it is kept."""
        record = {name: getattr(self, name) for name in self.__slots__}
        return {**record, "methods": list(self.methods)}


@dataclass(frozen=True, slots=True)
class Found:
    """What discovery found: the authorization server, what the tokens are for, and which scopes there are."""

    endpoints: Endpoints
    resource: str
    scopes: tuple[str, ...] = ()


def endpoints_of(record: dict[str, Any]) -> Endpoints | None:
    """What was kept; None where nothing was found yet."""
    if not record:
        return None
    known = {name: record[name] for name in Endpoints.__slots__ if name in record}
    return Endpoints(**{**known, "methods": tuple(record.get("methods", ()))})


async def discover(http: OAuthHttp, url: str, challenge: Challenge, issuer: str | None = None) -> Found:
    """The authorization server of the server at `url`, which answered with this challenge. Where an `issuer` is known
    already, it has to be that one. Raises OAuthFailed."""
    document = await _protected(http, url, challenge)
    resource = document.get("resource", url) if document is not None else url
    scopes = challenge.scopes or scopes_in((document or {}).get("scopes_supported"))
    named = (document or {}).get("authorization_servers")
    servers = [one for one in named if isinstance(one, str)][:MAX_SERVERS] if isinstance(named, list) else []
    if issuer is None and document is not None and not servers:
        raise OAuthFailed("The server's metadata names no authorization server.")
    if issuer is not None and servers and issuer not in servers:
        raise OAuthFailed("The server names another authorization server than it is set up with.", hint=ANOTHER)
    # Servers from before RFC 9728 are their own authorization servers.
    return Found(
        await authorization_server(http, issuer or (servers[0] if servers else _origin(url))), resource, scopes
    )


async def authorization_server(http: OAuthHttp, issuer: str) -> Endpoints:
    """What an authorization server says of itself. Raises OAuthFailed."""
    await http.check(issuer, "authorization server")
    origin, path = _origin(issuer), urlsplit(issuer).path.rstrip("/")
    places = dict.fromkeys([f"{origin}{OF_SERVER}{path}", f"{origin}{OPENID}{path}", f"{origin}{path}{OPENID}"])
    for place in places:
        answer = await http.get(place, "authorization server")
        if answer.status == 200:
            return await _read(http, answer.json_object("The authorization server"), issuer)
        if answer.status >= 500:
            raise OAuthFailed(f"The authorization server answered with HTTP {answer.status}.")
    raise OAuthFailed(
        f"The authorization server {issuer[:200]} has no metadata (RFC 8414).",
        hint="Ask who runs the server for the token URL, and give it.",
    )


async def _protected(http: OAuthHttp, url: str, challenge: Challenge) -> Json | None:
    """The metadata of the server as a protected resource, None where it has none."""
    origin, path = _origin(url), urlsplit(url).path.rstrip("/")
    places = [f"{origin}{PROTECTED}{path}", f"{origin}{PROTECTED}"]
    if challenge.resource_metadata is not None:
        places = [challenge.resource_metadata]
    for place in dict.fromkeys(places):
        answer = await http.get(place, "resource metadata")
        if answer.status != 200:
            continue
        document = answer.json_object("The server's resource metadata")
        resource = document.get("resource")
        if not isinstance(resource, str) or not _covers(resource, url):
            raise OAuthFailed("The server's resource metadata is about another server, so it is not believed.")
        return document
    if challenge.resource_metadata is not None:
        raise OAuthFailed("The resource metadata that the server names is not there.")
    return None


def _covers(resource: str, url: str) -> bool:
    """Whether a resource is the server, or a folder of its that the server is in."""
    try:
        ours, theirs = urlsplit(url), urlsplit(resource)
        same = (ours.scheme, ours.hostname, ours.port) == (theirs.scheme, theirs.hostname, theirs.port)
    except ValueError:
        return False
    folder = theirs.path.rstrip("/")
    return same and not theirs.fragment and (ours.path.rstrip("/") + "/").startswith(folder + "/")


async def _read(http: OAuthHttp, document: Json, issuer: str) -> Endpoints:
    if document.get("issuer") != issuer:
        raise OAuthFailed("The authorization server calls itself by another name than the server did.")
    named: dict[str, str | None] = {}
    for name in ("authorization", "token", "registration", "revocation"):
        url = document.get(f"{name}_endpoint")
        named[name] = None if url is None and name != "token" else await http.check(url, f"{name} endpoint")
    methods = document.get("token_endpoint_auth_methods_supported", [BASIC])
    challenges = document.get("code_challenge_methods_supported")
    return Endpoints(
        issuer=issuer,
        token=str(named["token"]),
        authorization=named["authorization"],
        registration=named["registration"],
        revocation=named["revocation"],
        methods=tuple(one for one in KNOWN_METHODS if isinstance(methods, list) and one in methods),
        has_s256=isinstance(challenges, list) and "S256" in challenges,
        takes_documents=document.get("client_id_metadata_document_supported") is True,
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
        has_offline=OFFLINE in scopes_in(document.get("scopes_supported")),
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
