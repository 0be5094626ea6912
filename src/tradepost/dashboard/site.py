"""All pages, by path: who may come in, forms that are our own, and what is said when something cannot be done."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tradepost.dashboard.asking import Asking, Problem, Refused
from tradepost.dashboard.lately import Lately
from tradepost.dashboard.pages import (
    access,
    activity,
    agent,
    agents,
    approvals,
    call,
    conversations,
    first,
    from_registry,
    handovers,
    integrations,
    knowledge,
    new_server,
    policy,
    profile,
    server,
    settings,
    store,
    swap,
    today,
    tool,
    tool_test,
)
from tradepost.dashboard.ports import Counting, Rest
from tradepost.dashboard.visit import Visit
from tradepost.dashboard.words import TESTS, WORDS
from tradepost.foundation.clock import Now
from tradepost.foundation.errors import ForbiddenScope
from tradepost.foundation.ids import new_id
from tradepost.hub.access.person_sessions import PersonSessions
from tradepost.identity.pages import Pages, go_to
from tradepost.identity.people.browser import HOME, Browsers, headers_of
from tradepost.identity.people.refusing import refusing

MAX_FIELDS = 1_000  # a form about all tools of a server has a few for each
Handler = Callable[[Visit], Awaitable[Response]]
_ALL = (
    today,
    first,
    approvals,
    integrations,
    new_server,
    from_registry,
    server,
    swap,
    tool,
    tool_test,
    agents,
    agent,
    profile,
    conversations,
    handovers,
    knowledge,
    activity,
    call,
    store,
    policy,
    access,
    settings,
)
PAGES: tuple[tuple[str, str, Handler], ...] = tuple(line for page in _ALL for line in page.PAGES)


def build_site(rest: Rest, counting: Counting, sessions: PersonSessions, url: str, now: Now) -> Starlette:
    """The pages, as an ASGI application, for a hub at `url`."""
    pages = Pages([Path(__file__).parent / "templates"])
    pages.add(filters=WORDS, tests=TESTS, values={"now": now, "hub_url": url})
    door = _Entrance(rest, counting, sessions, Browsers(url, sessions), pages, now)
    routes = [Route(path, door.leading_to(handler, method), methods=[method]) for path, method, handler in PAGES]
    start = Route("/", _start, methods=["GET"])
    return Starlette(routes=[start, *routes], exception_handlers=refusing(pages))


class _Entrance:
    """What every page passes first."""

    def __init__(
        self, rest: Rest, counting: Counting, sessions: PersonSessions, browsers: Browsers, pages: Pages, now: Now
    ) -> None:
        self._rest = rest
        self._counting = counting
        self._sessions = sessions
        self._browsers = browsers
        self._pages = pages
        self._now = now
        self._lately = Lately()

    def leading_to(self, handler: Handler, method: str) -> Callable[[Request], Awaitable[Response]]:
        """The endpoint of a route."""

        async def endpoint(request: Request) -> Response:
            held = await self._sessions.held(headers_of(request))
            if held is None or not held.complete:
                return self._elsewhere(request, signed_in=held is not None)
            person = held.person
            caller = person.caller(new_id("req"))
            await self._counting.count(caller)
            fields = await self._browsers.form(request, person.form_token, MAX_FIELDS) if method == "POST" else {}
            visit = Visit(request, person, Asking(self._rest, caller), self._pages, self._now, self._lately, fields)
            try:
                return await handler(visit)
            except Refused as refused:
                return await _say(visit, refused.problem)

        return endpoint

    def _elsewhere(self, request: Request, *, signed_in: bool) -> Response:
        """To the sign-in and from there back, or to set up the second factor."""
        if request.method == "POST":
            raise ForbiddenScope("You are not signed in any more.", hint="Sign in, then do it again.")
        query = f"?{request.url.query}" if request.url.query else ""
        back_to = self._sessions.sign_in_path(request.url.path + query)
        return go_to("/account/second-factor" if signed_in else back_to)


async def _say(visit: Visit, problem: Problem) -> Response:
    """A refusal for which no page has a better place."""
    page = await visit.page("refused.html", problem.status, said=problem)
    if problem.retry_after is not None:
        page.headers["Retry-After"] = problem.retry_after
    return page


async def _start(_request: Request) -> Response:
    return go_to(HOME)
