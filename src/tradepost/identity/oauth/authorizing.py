"""`/oauth/authorize` and the consent page: a person who has signed in decides which client works as which agent."""

import hmac
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.clock import Now
from tradepost.foundation.ids import new_id
from tradepost.hub.access.models import Agent
from tradepost.hub.access.oauth import consent
from tradepost.hub.access.oauth.clients import Clients
from tradepost.hub.access.oauth.consent import Asked, Consented
from tradepost.hub.access.oauth.errors import ACCESS_DENIED, INVALID_SCOPE, OAuthError
from tradepost.hub.access.oauth.models import OAuthRequest
from tradepost.hub.access.oauth.redirects import is_certain, shown
from tradepost.hub.access.oauth.resources import Resources
from tradepost.hub.access.oauth.scopes import BASE, grantable, is_open
from tradepost.hub.access.scopes import in_words
from tradepost.hub.access.signed_in import SignedIn, SignedInPeople
from tradepost.identity.oauth.answers import back, error_page, page
from tradepost.identity.oauth.asking import NotSent, read_request
from tradepost.identity.oauth.parameters import MAX_QUERY, form_of

AGAIN = "Go back to the program and start again from there."


@dataclass(frozen=True, slots=True)
class _Choice:
    """An agent on the page, with what the client would get from it."""

    agent: Agent
    look: list[str]
    change: list[str]
    chosen: bool


class Authorizing:
    """The part of the authorization server that people see."""

    def __init__(
        self, database: Database, people: SignedInPeople, clients: Clients, resources: Resources, now: Now
    ) -> None:
        self._database = database
        self._people = people
        self._clients = clients
        self._resources = resources
        self._now = now

    async def authorize(self, request: Request) -> Response:
        """GET: to the client at once where the person has said yes to just that before, else the page."""
        person = await self._people.of(request.headers)
        query = request.scope["query_string"].decode("latin-1")
        if len(query) > MAX_QUERY:
            return error_page("The request is too long.", 400, AGAIN)
        if person is None:
            to = self._people.sign_in_path(f"{self._resources.prefix}/oauth/authorize?{query}")
            return RedirectResponse(to, 302, {"cache-control": "no-store"})
        try:
            asked = await read_request(request, self._clients, self._resources, person.workspace_id)
        except NotSent as failed:
            return self._error(failed.error, failed.redirect_uri, failed.state)
        except OAuthError as error:
            return error_page(error.message, 400, AGAIN)
        async with self._database.transaction(person.workspace_id, write=True) as session:
            before = await consent.remembered(session, person, asked)
            if before is not None:
                code = await consent.grant(session, _caller(person), _about(asked), before[0], before[1], self._now)
                return self._code(code, asked.redirect_uri, asked.state, 302)
            agents = await consent.agents_for(session)
            chosen = await consent.agent_before(session, person, asked.client.client_id)
            choices = _choices(agents, asked.scopes, person, chosen)
            if not choices:
                missing = OAuthError(
                    INVALID_SCOPE, "No agent of the workspace has any of these scopes for this person."
                )
                return self._error(missing, asked.redirect_uri, asked.state)
            kept = await consent.keep(session, person, asked, self._now)
        return self._page(person, asked, choices, kept)

    async def decide(self, request: Request) -> Response:
        """POST of the page's form."""
        person = await self._people.of(request.headers)
        try:
            form = await form_of(request)
            token = form.get("form_token")
            if person is None or not hmac.compare_digest(token.encode(), person.form_token.encode()):
                return error_page("Your session has ended, or this form is not from it.", 403, AGAIN)
            async with self._database.transaction(person.workspace_id, write=True) as session:
                kept = await consent.take(session, person, form.get("request"), self._now)
                if kept is None:
                    return error_page("This was decided already, or it took more than ten minutes.", 400, AGAIN)
                if form.get("decision") != "allow":
                    denied = OAuthError(ACCESS_DENIED, "The person did not allow it.")
                    return self._error(denied, kept.redirect_uri, kept.state, 303)
                agents = {agent.id: agent for agent in await consent.agents_for(session)}
                agent = agents.get(form.get("agent"))
                if agent is None:
                    return error_page("This agent is not there any more.", 400, AGAIN)
                changes = form.get("access") == "change"
                scopes = grantable(kept.asked, agent.scopes, person.role, changes=changes)
                if not scopes and not is_open(kept.asked):
                    missing = OAuthError(INVALID_SCOPE, "The agent has none of these scopes for this person.")
                    return self._error(missing, kept.redirect_uri, kept.state, 303)
                code = await consent.grant(session, _caller(person), _about_kept(kept), agent, scopes, self._now)
        except OAuthError as error:
            return error_page(error.message, error.status, AGAIN)
        return self._code(code, kept.redirect_uri, kept.state, 303)

    def _page(self, person: SignedIn, asked: Asked, choices: list[_Choice], kept: str) -> Response:
        values: dict[str, Any] = {
            "person": person,
            "client": asked.client,
            "resource": self._resources.uri(asked.resource),
            "redirect_uri": asked.redirect_uri,
            "redirect_host": shown(asked.redirect_uri),
            "on_this_machine": not is_certain(asked.redirect_uri),
            "action": f"{self._resources.prefix}/oauth/consent",
            "request": kept,
            "choices": choices,
            "is_open": is_open(asked.scopes),
            "may_change": any(choice.change for choice in choices),
            "named": [in_words(scope) for scope in asked.scopes if scope != BASE],
        }
        return page("consent.html", **values)

    def _code(self, code: str, redirect_uri: str, state: str | None, status: int) -> Response:
        return back(redirect_uri, self._resources.url, state, {"code": code}, status)

    def _error(self, error: OAuthError, redirect_uri: str, state: str | None, status: int = 302) -> Response:
        return back(redirect_uri, self._resources.url, state, error.as_body(), status)


def _choices(agents: list[Agent], asked: list[str], person: SignedIn, before: str | None) -> list[_Choice]:
    """The agents with something to give, the one of last time chosen, else the first."""
    found = []
    for agent in agents:
        look = grantable(asked, agent.scopes, person.role, changes=False)
        change = sorted(set(grantable(asked, agent.scopes, person.role, changes=True)) - set(look))
        if is_open(asked) or look:
            found.append((agent, [in_words(scope) for scope in look], [in_words(scope) for scope in change]))
    ids = [agent.id for agent, _, _ in found]
    chosen = before if before in ids else next(iter(ids), None)
    return [_Choice(agent, look, change, agent.id == chosen) for agent, look, change in found]


def _caller(person: SignedIn) -> Caller:
    return Caller(person.workspace_id, Principal("user", person.user_id), new_id("req"), user_id=person.user_id)


def _about(asked: Asked) -> Consented:
    client = asked.client
    return Consented(
        client_id=client.client_id,
        client_name=client.name,
        redirects_digest=client.redirects_digest,
        redirect_uri=asked.redirect_uri,
        challenge=asked.challenge,
        resource=asked.resource,
        asked=asked.scopes,
        needs_key=client.jwks is not None,
    )


def _about_kept(kept: OAuthRequest) -> Consented:
    return Consented(
        client_id=kept.client_id,
        client_name=kept.client_name,
        redirects_digest=kept.redirects_digest,
        redirect_uri=kept.redirect_uri,
        challenge=kept.challenge,
        resource=kept.resource,
        asked=kept.asked,
        needs_key=kept.needs_key,
    )
