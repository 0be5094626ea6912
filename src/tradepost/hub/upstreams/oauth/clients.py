"""The hub as a client of foreign authorization servers: the client that an admin has from there, else the hub's own
metadata document, else a registration of its own."""

from tradepost.hub.upstreams.oauth.errors import OAuthFailed
from tradepost.hub.upstreams.oauth.fetching import Json, OAuthHttp, described, error_in
from tradepost.hub.upstreams.oauth.metadata import BASIC, NONE, POST, Endpoints
from tradepost.hub.upstreams.oauth.token_requests import Client

CALLBACK = "/connect/callback"
DOCUMENT = "/connect/client.json"
MAX_ID, MAX_SECRET = 2_048, 2_048


def callback_of(url: str) -> str:
    """Where browsers come back to a hub at `url`."""
    return url + CALLBACK


def client_document(url: str) -> Json:
    """What the hub at `url` says of itself as a client (its address is the client's id)."""
    return {"client_id": url + DOCUMENT, **_described(url), "token_endpoint_auth_method": NONE}


def own_document(url: str, endpoints: Endpoints) -> Client | None:
    """The hub by its own document; None where the authorization server takes none, or cannot fetch this one."""
    if not endpoints.takes_documents or not url.startswith("https://"):
        return None
    return Client(url + DOCUMENT, None, NONE)


async def registered(http: OAuthHttp, endpoints: Endpoints, url: str, scopes: list[str]) -> Client:
    """The hub at `url` as a client that was just registered (RFC 7591). Raises OAuthFailed."""
    if endpoints.registration is None:
        raise OAuthFailed(
            "The authorization server lets no client register itself.",
            hint=f"Register one there with the redirect URI {callback_of(url)} and give its id and secret.",
        )
    method = next((one for one in (NONE, BASIC, POST) if one in endpoints.methods), None)
    if method is None:
        raise OAuthFailed("The authorization server knows its clients in no way that the hub has.")
    asked = {**_described(url), "token_endpoint_auth_method": method}
    if scopes:
        asked["scope"] = " ".join(scopes)
    answer = await http.post_json(endpoints.registration, "registration endpoint", asked)
    value = answer.json_object("The registration endpoint")
    if answer.status not in (200, 201):
        said = described(value)
        raise OAuthFailed(
            f"The authorization server did not register the hub: {error_in(value) or f'HTTP {answer.status}'}"
            f"{f' ({said})' if said else ''}.",
            hint=f"Register a client there with the redirect URI {callback_of(url)} and give its id and secret.",
        )
    return _read(value, method)


def _described(url: str) -> Json:
    return {
        "client_name": "Tradepost",
        "client_uri": url,
        "redirect_uris": [callback_of(url)],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "application_type": "web",
    }


def _read(value: Json, asked: str) -> Client:
    client_id, secret = value.get("client_id"), value.get("client_secret")
    method = value.get("token_endpoint_auth_method", asked)
    if not isinstance(client_id, str) or not 0 < len(client_id) <= MAX_ID or not client_id.isprintable():
        raise OAuthFailed("The authorization server registered the hub without a usable client id.")
    usable = isinstance(secret, str) and 0 < len(secret) <= MAX_SECRET and secret.isprintable()
    if method not in (NONE, BASIC, POST) or (method != NONE and not usable):
        raise OAuthFailed("The authorization server registered the hub in a way that it cannot use.")
    return Client(client_id, None if method == NONE else secret, method)
