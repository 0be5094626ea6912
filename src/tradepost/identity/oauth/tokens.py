"""The endpoints that programs use: token, revocation, introspection and, where it is on, registration."""

from starlette.requests import Request
from starlette.responses import Response

from tradepost.database.engine import Database
from tradepost.foundation.canonical import parse_strict
from tradepost.foundation.clock import Now
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.rotating import Rotating
from tradepost.hub.access.oauth import dynamic
from tradepost.hub.access.oauth.client_auth import ClientAuthentication
from tradepost.hub.access.oauth.client_metadata import read_metadata
from tradepost.hub.access.oauth.clients import Client
from tradepost.hub.access.oauth.errors import (
    INVALID_CLIENT_METADATA,
    INVALID_REQUEST,
    UNSUPPORTED_GRANT_TYPE,
    OAuthError,
    invalid_client,
)
from tradepost.hub.access.oauth.issuing import Issued, Issuing
from tradepost.hub.access.oauth.looking import introspect, revoke_token
from tradepost.hub.access.oauth.resources import Resources
from tradepost.hub.access.oauth.scopes import read_scopes
from tradepost.identity.oauth.answers import json_answer, refusal
from tradepost.identity.oauth.parameters import Parameters, body_of, credentials_of, form_of

MAX_REGISTRATION = 16 * 1024


class Tokens:
    """For clients, which prove who they are at each. Errors have the shape of RFC 6749."""

    def __init__(
        self,
        database: Database,
        proving: ClientAuthentication,
        resources: Resources,
        now: Now,
        dynamic_secrets: Rotating | None,
    ) -> None:
        self._database = database
        self._proving = proving
        self._resources = resources
        self._now = now
        self._dynamic_secrets = dynamic_secrets
        self._issuing = Issuing(database, now)

    @property
    def registers(self) -> bool:
        """Whether clients may register themselves."""
        return self._dynamic_secrets is not None

    async def token(self, request: Request) -> Response:
        """POST /oauth/token."""
        try:
            form, client = await self._proven(request)
            issued = await self._issued(form, client)
        except OAuthError as error:
            return refusal(error)
        return json_answer(issued.as_body())

    async def revoke(self, request: Request) -> Response:
        """POST /oauth/revoke: 200 whether there was such a token or not (RFC 7009)."""
        try:
            form, client = await self._proven(request)
            await revoke_token(self._database, client, _token(form), self._now)
        except OAuthError as error:
            return refusal(error)
        return json_answer({})

    async def introspect(self, request: Request) -> Response:
        """POST /oauth/introspect: for clients that can prove who they are, about their own tokens."""
        try:
            form, client = await self._proven(request)
            if not client.is_confidential:
                raise invalid_client()
            found = await introspect(self._database, client, _token(form), self._resources, self._now())
        except OAuthError as error:
            return refusal(error)
        return json_answer(found)

    async def register(self, request: Request) -> Response:
        """POST /oauth/register (RFC 7591): a public client, which gets a name for what it says and nothing else."""
        try:
            if self._dynamic_secrets is None:
                raise OAuthError(INVALID_REQUEST, "Registration is off: use a client metadata document.", status=404)
            if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
                raise OAuthError(INVALID_REQUEST, "Send the body as Content-Type: application/json.", status=415)
            name, redirect_uris = read_metadata(_json(await body_of(request, MAX_REGISTRATION)), itself=True)
            client_id = dynamic.seal(name, redirect_uris, self._dynamic_secrets()[0])
        except OAuthError as error:
            return refusal(error)
        registered = {
            "client_id": client_id,
            "client_id_issued_at": int(self._now().timestamp()),
            "client_name": name,
            "redirect_uris": redirect_uris,
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        }
        return json_answer(registered, 201)

    async def _proven(self, request: Request) -> tuple[Parameters, Client]:
        form = await form_of(request)
        address = request.client.host if request.client is not None else ""
        return form, await self._proving.prove(credentials_of(form, request.headers), address)

    async def _issued(self, form: Parameters, client: Client) -> Issued:
        kind, named = form.get("grant_type"), form.all("resource")
        resource = self._resources.read(named) if named else None
        if kind == "authorization_code":
            return await self._issuing.for_code(
                client, _needed(form, "code"), form.get("redirect_uri"), form.get("code_verifier"), resource
            )
        if kind == "refresh_token":
            scopes = read_scopes(form.get("scope")) if form.get("scope") else None
            return await self._issuing.for_refresh(client, _needed(form, "refresh_token"), scopes, resource)
        if kind == "client_credentials":
            return await self._issuing.for_itself(client, read_scopes(form.get("scope")), resource)
        raise OAuthError(UNSUPPORTED_GRANT_TYPE, "This grant type is not served.")


def _needed(form: Parameters, name: str) -> str:
    value = form.get(name)
    if not value:
        raise OAuthError(INVALID_REQUEST, f"{name} is missing.")
    return value


def _token(form: Parameters) -> str:
    return _needed(form, "token")


def _json(body: bytes) -> object:
    try:
        return parse_strict(body)
    except InvalidArgument as error:
        raise OAuthError(INVALID_CLIENT_METADATA, error.message) from None
