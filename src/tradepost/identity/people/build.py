"""The door of people, joined from its parts. The pages are loaded when somebody asks for one."""

from dataclasses import dataclass
from importlib import import_module

from starlette.types import ASGIApp

from tradepost.database.engine import Database
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import InvalidArgument, SetupError
from tradepost.hub.access.person_sessions import PersonSessions
from tradepost.hub.registration.connecting import Connecting
from tradepost.hub.upstreams.guard import Guard, read_url
from tradepost.hub.vault.vault import Vault
from tradepost.identity.late_door import LateDoor
from tradepost.identity.people.approval_desk import ApprovalDesk
from tradepost.identity.people.provider_settings import ProviderSettings

_PATHS = ("/sign-in", "/sign-out", "/account")
_FOLDERS = ("/sign-in/", "/welcome/", "/invitation/", "/account/", "/connect/", "/approvals/", "/identity/")


@dataclass(frozen=True, slots=True)
class People:
    """The pages, and who has signed in with them."""

    door: LateDoor
    sessions: PersonSessions


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
    given = database, vault, guard, sessions, url, provider, now, connecting, approvals

    def load() -> ASGIApp:
        site: ASGIApp = import_module("tradepost.identity.people.site").build_site(*given)
        return site

    return People(LateDoor(_PATHS, _FOLDERS, load), sessions)
