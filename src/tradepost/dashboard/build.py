"""The door of the pages, as the application knows it. The pages are loaded when somebody asks for one."""

from importlib import import_module

from starlette.types import ASGIApp, Receive, Scope, Send

from tradepost.dashboard.ports import Counting, Rest
from tradepost.foundation.clock import Now, system_now
from tradepost.hub.access.person_sessions import PersonSessions

_SECTIONS = (
    "/today",
    "/integrations",
    "/agents",
    "/conversations",
    "/knowledge",
    "/store",
    "/activity",
    "/policy",
    "/access",
)
_PATHS = frozenset({"/", "/approvals", *_SECTIONS})
_FOLDERS = tuple(f"{section}/" for section in _SECTIONS)


class DashboardDoor:
    """An ASGI application for the paths of the dashboard."""

    def __init__(
        self, rest: Rest, counting: Counting, sessions: PersonSessions, url: str, now: Now = system_now
    ) -> None:
        self._given = rest, counting, sessions, url, now
        self._site: ASGIApp | None = None

    def owns(self, path: str) -> bool:
        """Whether the path is one of these."""
        return path in _PATHS or path.startswith(_FOLDERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        site = self._site
        if site is None:
            # Templates and pages: a start has better things to load.
            site = self._site = import_module("tradepost.dashboard.site").build_site(*self._given)
        await site(scope, receive, send)
