"""What the hub asks a token endpoint for, as which client, and what an answer has to be like to be believed."""

import re
from dataclasses import dataclass, field

from tradepost.hub.upstreams.oauth.challenge import scopes_in
from tradepost.hub.upstreams.oauth.errors import OAuthFailed
from tradepost.hub.upstreams.oauth.fetching import Json, OAuthHttp, described, error_in
from tradepost.hub.upstreams.oauth.metadata import BASIC, POST, Endpoints
from tradepost.hub.upstreams.redaction import redact

MAX_TOKEN = 7_000  # characters: with `Bearer` it has to fit into a header
MAX_SECONDS = 10 * 365 * 86_400
_TOKEN = re.compile(r"[\x21-\x7e]+")
_WHERE = "token endpoint"


@dataclass(frozen=True, slots=True)
class Client:
    """Who the hub is to an authorization server. `method` is how it proves that."""

    client_id: str
    secret: str | None = field(repr=False)
    method: str

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not come back in an error."""
        return () if self.secret is None or len(self.secret) < 6 else (self.secret,)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What was given: `seconds` is how long the access token lasts, `scopes` what it is good for, None where the
    authorization server did not say."""

    access: str = field(repr=False)
    refresh: str | None = field(repr=False)
    seconds: int | None
    scopes: tuple[str, ...] | None


async def redeem(
    http: OAuthHttp, endpoints: Endpoints, client: Client, code: str, verifier: str, redirect_uri: str, resource: str
) -> Tokens:
    """Tokens for a code that a browser brought. Raises OAuthFailed."""
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier, "redirect_uri": redirect_uri}
    return await _tokens(http, endpoints, client, {**form, "resource": resource}, (code, verifier))


async def renew(http: OAuthHttp, endpoints: Endpoints, client: Client, refresh: str, resource: str) -> Tokens:
    """Tokens for a refresh token, which may be worth nothing afterwards. Raises OAuthFailed."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh, "resource": resource}
    return await _tokens(http, endpoints, client, form, (refresh,))


async def of_client(
    http: OAuthHttp, endpoints: Endpoints, client: Client, scopes: list[str], resource: str | None
) -> Tokens:
    """Tokens for the client itself. Raises OAuthFailed."""
    form = {"grant_type": "client_credentials"}
    form |= {"scope": " ".join(scopes)} if scopes else {}
    form |= {"resource": resource} if resource is not None else {}
    return await _tokens(http, endpoints, client, form, ())


async def revoke(http: OAuthHttp, endpoints: Endpoints, client: Client, token: str) -> None:
    """Tell the authorization server that a token is of no use any more. Raises OAuthFailed."""
    if endpoints.revocation is not None:
        form, basic = _authenticated({"token": token}, client)
        await http.post_form(endpoints.revocation, "revocation endpoint", form, basic)


def method_for(endpoints: Endpoints, secret: str | None, wanted: str | None = None) -> str:
    """How a client proves who it is, best first. Raises OAuthFailed where the server knows none of these ways."""
    if secret is None:
        return "none"
    if wanted is not None:
        return wanted
    for method in (BASIC, POST):
        if method in endpoints.methods:
            return method
    raise OAuthFailed("The authorization server takes a client's secret in no way that the hub has.")


def _authenticated(form: dict[str, str], client: Client) -> tuple[dict[str, str], tuple[str, str] | None]:
    if client.secret is not None and client.method == BASIC:
        return form, (client.client_id, client.secret)
    form = {**form, "client_id": client.client_id}
    return ({**form, "client_secret": client.secret} if client.secret is not None else form), None


async def _tokens(
    http: OAuthHttp, endpoints: Endpoints, client: Client, form: dict[str, str], sent: tuple[str, ...]
) -> Tokens:
    given, basic = _authenticated(form, client)
    answer = await http.post_form(endpoints.token, _WHERE, given, basic)
    value = answer.json_object(f"The {_WHERE}")
    if answer.status != 200:
        hidden = (*client.secrets, *(one for one in sent if len(one) >= 6))
        code = redact(error_in(value), hidden)
        said = redact(described(value), hidden)
        raise OAuthFailed(
            f"The authorization server refused: {code or f'HTTP {answer.status}'}{f' ({said})' if said else ''}.",
            said=code,
        )
    return _read(value)


def _read(value: Json) -> Tokens:
    access, refresh, seconds = value.get("access_token"), value.get("refresh_token"), value.get("expires_in")
    if not _is_token(access):
        raise OAuthFailed(f"The {_WHERE} answered without a usable access token.")
    if not isinstance(value.get("token_type"), str) or value["token_type"].lower() != "bearer":
        raise OAuthFailed(f"The {_WHERE} gave a token that is not a bearer token, which the hub cannot use.")
    if isinstance(seconds, str) and seconds.isdigit() and len(seconds) < 12:
        seconds = int(seconds)
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 < seconds < MAX_SECONDS:
        seconds = None
    return Tokens(
        access=str(access),
        refresh=str(refresh) if _is_token(refresh) else None,
        seconds=int(seconds) if seconds is not None else None,
        scopes=scopes_in(value["scope"]) if isinstance(value.get("scope"), str) else None,
    )


def _is_token(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TOKEN and _TOKEN.fullmatch(value) is not None
