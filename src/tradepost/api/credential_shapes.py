"""The credentials that a client may give a server. Every secret in them is for writing alone."""

from typing import Annotated, Any, Literal

from pydantic import Field

from tradepost.api.shapes import Given
from tradepost.hub.registration.credentials import bearer
from tradepost.hub.registration.oauth_terms import MAX_SCOPES, MAX_TEXT, Method, OAuthTerms
from tradepost.hub.vault.header_rules import MAX_VALUE, Header

HEADER_NAME = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$"
_WRITE_ONLY: dict[str, Any] = {"writeOnly": True}
_VISIBLE = r"^[\x21-\x7e]+$"

Secret = Annotated[str, Field(min_length=1, max_length=MAX_VALUE - 10, pattern=_VISIBLE, json_schema_extra=_WRITE_ONLY)]
Scopes = Annotated[
    list[Annotated[str, Field(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]{1,200}$")]], Field(max_length=MAX_SCOPES)
]
Address = Annotated[str, Field(min_length=1, max_length=2048, examples=["https://login.example.com"])]
ClientId = Annotated[str, Field(min_length=1, max_length=MAX_TEXT, pattern=r"^[\x20-\x7e]+$")]
ClientSecret = Annotated[
    str, Field(min_length=1, max_length=MAX_TEXT, pattern=r"^[\x20-\x7e]+$", json_schema_extra=_WRITE_ONLY)
]


class BearerGiven(Given):
    """A token that the vendor gave."""

    kind: Literal["bearer"]
    token: Secret


class ApiKeyGiven(Given):
    """A key in a header of its own."""

    kind: Literal["api_key"]
    header: str = Field("X-Api-Key", pattern=HEADER_NAME)
    value: Secret


class ClientCredentialsGiven(Given):
    """OAuth 2.1 as a client of its own. Without `token_url` the server says where tokens are."""

    kind: Literal["client_credentials"]
    client_id: ClientId
    client_secret: ClientSecret
    method: Method | None = None
    token_url: Address | None = None
    issuer: Address | None = None
    scopes: Scopes = Field(default_factory=list)
    resource: Address | None = Field(None, description="What the tokens are for; found out without it.")


class AuthorizationCodeGiven(Given):
    """OAuth 2.1 by consent: a person agrees in a browser, once for all agents or each person for themselves. Without a
    client the hub brings its own."""

    kind: Literal["authorization_code"]
    per_user: bool = False
    client_id: ClientId | None = None
    client_secret: ClientSecret | None = None
    method: Method | None = None
    issuer: Address | None = None
    scopes: Scopes = Field(default_factory=list)
    resource: Address | None = Field(None, description="What the tokens are for; found out without it.")


CredentialGiven = Annotated[
    BearerGiven | ApiKeyGiven | ClientCredentialsGiven | AuthorizationCodeGiven, Field(discriminator="kind")
]


def stored(given: CredentialGiven | None) -> Header | OAuthTerms | None:
    """As the services take it."""
    if given is None:
        return None
    if isinstance(given, BearerGiven):
        return bearer(given.token)
    if isinstance(given, ApiKeyGiven):
        return Header(given.header, given.value)
    fields = given.model_dump(exclude={"kind", "scopes"})
    return OAuthTerms(flow=given.kind, scopes=tuple(given.scopes), **fields)
