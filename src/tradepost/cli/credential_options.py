"""The options with which a command says how the hub gets in at a server."""

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from tradepost.cli.secret_values import HOW, secret_value
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.registration.credentials import bearer
from tradepost.hub.registration.oauth_terms import Flow, OAuthTerms
from tradepost.hub.vault.header_rules import Header

FLOWS: dict[str, tuple[Flow, bool]] = {
    "client": ("client_credentials", False),
    "workspace": ("authorization_code", False),
    "user": ("authorization_code", True),
}

BearerOption = Annotated[str | None, typer.Option("--bearer", help=f"A bearer token: {HOW}.")]
ApiKeyOption = Annotated[str | None, typer.Option("--api-key", help=f"An API key: {HOW}.")]
ApiKeyHeaderOption = Annotated[str, typer.Option("--api-key-header", help="The header that carries the API key.")]
OAuthOption = Annotated[
    str | None,
    typer.Option(
        "--oauth",
        help="OAuth: client (client credentials), workspace (somebody agrees once, for all agents) or user (each "
        "person agrees for themselves).",
    ),
]
ClientIdOption = Annotated[str | None, typer.Option("--client-id", help="The hub's client id at the vendor.")]
ClientSecretOption = Annotated[str | None, typer.Option("--client-secret", help=f"Its secret: {HOW}.")]
TokenUrlOption = Annotated[
    str | None, typer.Option("--token-url", help="Where tokens are, with --oauth client; found out without it.")
]
IssuerOption = Annotated[
    str | None, typer.Option("--issuer", help="The authorization server, where the server does not say it.")
]
ScopeOption = Annotated[list[str] | None, typer.Option("--scope", help="A scope to ask for; repeat it.")]
ResourceOption = Annotated[
    str | None, typer.Option("--resource", help="What the tokens are for; found out without it.")
]


@dataclass(frozen=True, slots=True)
class CredentialOptions:
    """What was given."""

    bearer: str | None
    api_key: str | None
    api_key_header: str
    oauth: str | None
    client_id: str | None
    client_secret: str | None
    token_url: str | None
    issuer: str | None
    scopes: list[str] | None
    resource: str | None

    def credential(self) -> Header | OAuthTerms | None:
        """The credential; None where none was given. Raises InvalidArgument."""
        if sum(one is not None for one in (self.bearer, self.api_key, self.oauth)) > 1:
            raise InvalidArgument("A server has one credential.", hint="Use one of --bearer, --api-key and --oauth.")
        if self.oauth is None:
            for_oauth = (self.client_id, self.client_secret, self.token_url, self.issuer, self.scopes, self.resource)
            if any(one is not None for one in for_oauth):
                raise InvalidArgument("Clients, scopes and such are for OAuth.", hint="Say which kind with --oauth.")
        if self.bearer is not None:
            return bearer(secret_value(self.bearer, "the bearer token"))
        if self.api_key is not None:
            return Header(self.api_key_header, secret_value(self.api_key, "the API key"))
        return self._terms() if self.oauth is not None else None

    def _terms(self) -> OAuthTerms:
        if self.oauth not in FLOWS:
            raise InvalidArgument(f"There is no OAuth '{self.oauth}'.", hint=f"It is one of: {', '.join(FLOWS)}.")
        flow, per_user = FLOWS[self.oauth]
        secret = None
        if self.client_secret is not None:
            secret = secret_value(self.client_secret, "the client's secret")
        known: dict[str, Any] = {"token_url": self.token_url, "issuer": self.issuer, "resource": self.resource}
        scopes = tuple(self.scopes or ())
        return OAuthTerms(flow, per_user, client_id=self.client_id, client_secret=secret, scopes=scopes, **known)
