"""The options with which a command says how the hub gets in at a server: written down once, taken by each command that
has a parameter `given` of the type CredentialOptions."""

import functools
import inspect
from collections.abc import Callable, Mapping
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

_OAUTH: Mapping[str, Any] = {
    "oauth": Annotated[
        str | None,
        typer.Option(
            "--oauth",
            help="OAuth: client (client credentials), workspace (somebody agrees once, for all agents) or user (each "
            "person agrees for themselves).",
        ),
    ],
    "client_id": Annotated[str | None, typer.Option("--client-id", help="The hub's client id at the vendor.")],
    "client_secret": Annotated[str | None, typer.Option("--client-secret", help=f"Its secret: {HOW}.")],
    "token_url": Annotated[
        str | None, typer.Option("--token-url", help="Where tokens are, with --oauth client; found out without it.")
    ],
    "issuer": Annotated[
        str | None, typer.Option("--issuer", help="The authorization server, where the server does not say it.")
    ],
    "scopes": Annotated[list[str] | None, typer.Option("--scope", help="A scope to ask for; repeat it.")],
    "resource": Annotated[
        str | None, typer.Option("--resource", help="What the tokens are for; found out without it.")
    ],
}
_EVERY: Mapping[str, Any] = {
    "bearer": Annotated[str | None, typer.Option("--bearer", help=f"A bearer token: {HOW}.")],
    "api_key": Annotated[str | None, typer.Option("--api-key", help=f"An API key: {HOW}.")],
    "api_key_header": Annotated[str, typer.Option("--api-key-header", help="The header that carries the API key.")],
    **_OAUTH,
}


@dataclass(frozen=True, slots=True)
class CredentialOptions:
    """What was given."""

    bearer: str | None = None
    api_key: str | None = None
    api_key_header: str = "X-Api-Key"
    oauth: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    token_url: str | None = None
    issuer: str | None = None
    scopes: list[str] | None = None
    resource: str | None = None

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


NOTHING_GIVEN = CredentialOptions()


def takes_credential(command: Callable[..., None]) -> Callable[..., None]:
    """The command with all these options in place of its parameter `given`."""
    return _with(command, _EVERY)


def takes_oauth(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options of OAuth in place of its parameter `given`."""
    return _with(command, _OAUTH)


def _with(command: Callable[..., None], options: Mapping[str, Any]) -> Callable[..., None]:
    @functools.wraps(command)
    def taking(**values: Any) -> None:
        given = CredentialOptions(**{name: values.pop(name) for name in options})
        command(given=given, **values)

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters: list[inspect.Parameter] = []
    for own in inspect.signature(command).parameters.values():
        if own.name != "given":
            parameters.append(own)
            continue
        parameters += [
            inspect.Parameter(name, kind, default=getattr(NOTHING_GIVEN, name), annotation=annotation)
            for name, annotation in options.items()
        ]
    # What typer looks at: parameters and their annotations.
    taking.__dict__["__signature__"] = inspect.Signature(parameters)
    taking.__annotations__ = {one.name: one.annotation for one in parameters}
    del taking.__dict__["__wrapped__"]
    return taking
