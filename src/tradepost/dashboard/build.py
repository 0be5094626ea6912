"""The door of the pages, as the application knows it."""

from importlib import import_module

from starlette.types import ASGIApp

from tradepost.dashboard.ports import Counting, Rest
from tradepost.foundation.clock import Now, system_now
from tradepost.hub.access.person_sessions import PersonSessions
from tradepost.identity.late_door import LateDoor

_SECTIONS = (
    "/today",
    "/first",
    "/integrations",
    "/agents",
    "/profiles",
    "/conversations",
    "/handovers",
    "/knowledge",
    "/store",
    "/activity",
    "/policy",
    "/access",
    "/settings",
)


def build_dashboard(
    rest: Rest, counting: Counting, sessions: PersonSessions, url: str, now: Now = system_now
) -> LateDoor:
    """The pages of a hub at `url`, for those who have signed in with `sessions`."""

    def load() -> ASGIApp:
        site: ASGIApp = import_module("tradepost.dashboard.site").build_site(rest, counting, sessions, url, now)
        return site

    # One approval is at /approvals/…, with the pages of people: links of mails lead there without a sign-in.
    return LateDoor(("/", "/approvals", *_SECTIONS), tuple(f"{one}/" for one in _SECTIONS), load)
