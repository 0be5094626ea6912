"""All pages of people, by path, and what is said when something cannot be done."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tradepost.database.engine import Database
from tradepost.foundation.clock import Now
from tradepost.hub.access.attempts import Attempts
from tradepost.hub.access.passwords import PasswordWork
from tradepost.hub.access.person_sessions import PersonSessions
from tradepost.hub.access.second_factor import SecondFactors, Secrets
from tradepost.hub.access.sign_in_steps import SignInSteps
from tradepost.hub.notices.links import BY_LINK
from tradepost.hub.notices.links import FOLDER as APPROVALS
from tradepost.hub.registration.connecting import Connecting
from tradepost.hub.upstreams.guard import Guard
from tradepost.hub.upstreams.oauth.clients import CALLBACK as OAUTH_CALLBACK
from tradepost.hub.upstreams.oauth.clients import DOCUMENT
from tradepost.identity.assets import FOLDER as ASSETS
from tradepost.identity.assets import asset
from tradepost.identity.pages import Pages, go_to
from tradepost.identity.people.account import Account
from tradepost.identity.people.approval_desk import ApprovalDesk
from tradepost.identity.people.approval_pages import ApprovalPages
from tradepost.identity.people.browser import Browsers
from tradepost.identity.people.connecting import FOLDER, ConnectPages
from tradepost.identity.people.entering import Entering
from tradepost.identity.people.factor_pages import FactorPages
from tradepost.identity.people.links import Links
from tradepost.identity.people.oidc import CALLBACK, ProviderSignIn
from tradepost.identity.people.oidc_fetch import Fetch
from tradepost.identity.people.oidc_provider import Provider
from tradepost.identity.people.parts import Parts
from tradepost.identity.people.provider_settings import ProviderSettings
from tradepost.identity.people.refusing import refusing
from tradepost.identity.people.sign_in import SignIn


def build_site(
    database: Database,
    secrets: Secrets,
    guard: Guard,
    sessions: PersonSessions,
    url: str,
    provider: ProviderSettings | None,
    now: Now,
    connecting: Connecting | None = None,
    approvals: ApprovalDesk | None = None,
) -> Starlette:
    """The pages, as an ASGI application."""
    parts = Parts(
        database=database,
        url=url,
        now=now,
        guard=guard,
        sessions=sessions,
        browsers=Browsers(url, sessions),
        pages=Pages([Path(__file__).parent / "templates"]),
        attempts=Attempts(database, now),
        passwords=PasswordWork(),
        steps=SignInSteps(database, now),
        factors=SecondFactors(secrets, now),
        provider=provider,
    )
    routes = [*_routes(parts), *(_connect_routes(parts, connecting) if connecting is not None else ())]
    if approvals is not None:
        routes += _approval_routes(parts, approvals)
    return Starlette(routes=routes, exception_handlers=refusing(parts.pages))


def _routes(parts: Parts) -> list[Route]:
    entering = Entering(parts)
    sign_in, links, account, factor = (
        SignIn(parts, entering),
        Links(parts, entering),
        Account(parts),
        FactorPages(parts),
    )
    return [
        Route(ASSETS + "{name}", asset),
        Route("/sign-in", sign_in.show, methods=["GET"]),
        Route("/sign-in", sign_in.send, methods=["POST"]),
        Route("/sign-in/workspace", entering.choose_workspace, methods=["POST"]),
        Route("/sign-in/workspace", _to_sign_in, methods=["GET"]),
        Route("/sign-in/code", entering.check_code, methods=["POST"]),
        Route("/sign-in/code", _to_sign_in, methods=["GET"]),
        *_provider_routes(parts, entering),
        Route("/sign-out", sign_in.leave, methods=["POST"]),
        *(Route(f"/{kind}/{{token}}", links.show, methods=["GET"]) for kind in ("welcome", "invitation")),
        *(Route(f"/{kind}/{{token}}", links.send, methods=["POST"]) for kind in ("welcome", "invitation")),
        Route("/account", account.show, methods=["GET"]),
        Route("/account/password", account.change_password, methods=["POST"]),
        Route("/account/sessions", account.end, methods=["POST"]),
        Route("/account/second-factor", factor.show, methods=["GET"]),
        Route("/account/second-factor/begin", factor.begin, methods=["POST"]),
        Route("/account/second-factor/confirm", factor.confirm, methods=["POST"]),
        Route("/account/second-factor/codes", factor.new_codes, methods=["POST"]),
        Route("/account/second-factor/remove", factor.remove, methods=["POST"]),
    ]


def _provider_routes(parts: Parts, entering: Entering) -> list[Route]:
    if parts.provider is None:
        return []
    fetch = Fetch(parts.provider.issuer, parts.guard)
    ways = ProviderSignIn(parts, entering, Provider(parts.provider, fetch, parts.url + CALLBACK, parts.now))
    return [Route("/sign-in/oidc", ways.leave, methods=["GET"]), Route(CALLBACK, ways.come_back, methods=["GET"])]


def _connect_routes(parts: Parts, connecting: Connecting) -> list[Route]:
    pages = ConnectPages(parts, connecting)
    return [
        Route(DOCUMENT, pages.document, methods=["GET"]),
        Route(OAUTH_CALLBACK, pages.come_back, methods=["GET"]),
        Route(FOLDER + "{server}", pages.show, methods=["GET"]),
        Route(FOLDER + "{server}", pages.send, methods=["POST"]),
    ]


def _approval_routes(parts: Parts, desk: ApprovalDesk) -> list[Route]:
    pages = ApprovalPages(parts, desk)
    return [
        Route(BY_LINK + "{token}", pages.show_by_link, methods=["GET"]),
        Route(BY_LINK + "{token}", pages.send_by_link, methods=["POST"]),
        Route(APPROVALS + "{approval}", pages.show, methods=["GET"]),
        Route(APPROVALS + "{approval}", pages.send, methods=["POST"]),
    ]


async def _to_sign_in(_request: Request) -> Response:
    """Somebody has opened the address of a form that was answered with a page."""
    return go_to("/sign-in")
