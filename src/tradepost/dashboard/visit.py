"""One request for a page, by somebody who has signed in."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from tradepost.dashboard.asking import Asking, Problem, Refused
from tradepost.dashboard.lately import Lately
from tradepost.foundation.clock import Now
from tradepost.hub.access.signed_in import SignedIn
from tradepost.identity.menu import Menu, menu_of
from tradepost.identity.pages import Pages, go_to


@dataclass(frozen=True, slots=True)
class Visit:
    """Who asks for what. `fields` are those of a form that was checked to be our own; none where a page is only looked
    at."""

    request: Request
    person: SignedIn
    rest: Asking
    pages: Pages
    now: Now
    lately: Lately
    fields: Mapping[str, str]

    def part(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def asked(self, name: str, usual: str = "") -> str:
        """A value of the query."""
        return self.request.query_params.get(name, usual)

    @property
    def query(self) -> dict[str, str]:
        """All of the query: filters and the place in a list."""
        return dict(self.request.query_params)

    async def asked_lately(self, what: tuple[str, ...], ask: Callable[[], Awaitable[Any]]) -> Any:
        """What this person was answered in the last half minute; asked now where that was not. Not to be changed."""
        return await self.lately.answer((self.person.session_id, self.person.role, *what), ask)

    @property
    def is_follow_up(self) -> bool:
        """Whether the page's script looks again, for the parts of the page that follow what happens."""
        return self.request.headers.get("tradepost-follows") is not None

    @property
    def may_change(self) -> bool:
        """Whether the role of the person is one that changes registry and access; the routes decide."""
        return self.person.role in ("admin", "owner")

    async def page(self, template: str, status: int = 200, said: Problem | None = None, **facts: Any) -> Response:
        """A page within the frame. `said` is a refusal to show on it."""
        menu = await self.menu()
        shown = {
            "person": self.person,
            "token": self.person.form_token,
            "menu": menu,
            "said": said,
            "query": self.query,
        }
        done = facts.pop("done", None)
        return self.pages.page(template, status, may_change=self.may_change, done=done, **shown, **facts)

    async def menu(self) -> Menu:
        """The menu, with how much waits. Who may not see that has the menu without."""
        try:
            attention = await self.rest.get("attention")
        except Refused:
            attention = None
        return menu_of(urlsplit(str(self.request.url)).path, attention)

    def go(self, where: str) -> Response:
        """On to another page."""
        return go_to(where)
