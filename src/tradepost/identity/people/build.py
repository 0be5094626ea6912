"""The door of people, joined from its parts. The pages are loaded when somebody asks for one."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from tradepost.database.engine import Database
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import InvalidArgument, SetupError
from tradepost.hub.access.person_sessions import PersonSessions
from tradepost.hub.registration.connecting import Connecting
from tradepost.hub.upstreams.guard import Guard, read_url
from tradepost.hub.vault.vault import Vault
from tradepost.identity.people.approval_desk import ApprovalDesk
from tradepost.identity.people.provider_settings import ProviderSettings

_PATHS = frozenset({"/sign-in", "/sign-out", "/account"})
_FOLDERS = ("/sign-in/", "/welcome/", "/invitation/", "/account/", "/connect/", "/approvals/", "/identity/")


@dataclass(frozen=True, slots=True)
class People:
    """The pages, and who has signed in with them."""

    door: "PeopleDoor"
    sessions: PersonSessions


class PeopleDoor:
    """An ASGI application for the paths of people."""

    def __init__(self, *given: Any) -> None:
        self._given = given
        self._site: ASGIApp | None = None

    def owns(self, path: str) -> bool:
        """Whether the path is one of these."""
        return path in _PATHS or path.startswith(_FOLDERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        site = self._site
        if site is None:
            # Templates, forms and signatures: a start has better things to load.
            site = self._site = import_module("tradepost.identity.people.site").build_site(*self._given)
        await site(scope, receive, send)


def build_people(
    database: Database,
    vault: Vault,
    guard: Guard,
    url: str,
    provider: ProviderSettings | None = None,
    now: Now = system_now,
    connecting: Connecting | None = None,
    approvals: ApprovalDesk | None = None,
) -> People:
    """The pages for people who reach the hub at `url`, with an identity provider if the operator has named one, and
    those on which servers are connected and approvals answered. Raises SetupError where the provider has no usable
    address."""
    if provider is not None:
        try:
            read_url(provider.issuer)
        except InvalidArgument as wrong:
            raise SetupError(
                f"The issuer {provider.issuer} cannot be asked. {wrong.message}", hint="Mend TRADEPOST_OIDC_ISSUER."
            ) from wrong
    sessions = PersonSessions(database, secure=url.startswith("https://"), now=now)
    return People(PeopleDoor(database, vault, guard, sessions, url, provider, now, connecting, approvals), sessions)
