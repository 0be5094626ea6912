"""A served hub with its pages, on both engines, and people who have signed in."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from sqlalchemy import select

from tests.api.conftest import acme, as_, configured, database_template, http, hub, rival, url
from tests.api.world import Side
from tests.identity.people.desk import Browser
from tradepost.app import Tradepost
from tradepost.hub.access.models import User

__all__ = ["acme", "as_", "configured", "database_template", "http", "hub", "rival", "url"]

Signed = Callable[..., Awaitable[Browser]]


@pytest.fixture
async def signed(hub: Tradepost, url: str, acme: Side) -> AsyncIterator[Signed]:
    """`await signed("admin")`: a browser in which that person of acme has signed in; `signed("owner", rival)` of the
    other; `signed(None)` in which nobody has."""
    browsers: list[Browser] = []

    async def browser(role: str | None, side: Side = acme) -> Browser:
        made = Browser(url, "127.0.0.1", {})
        browsers.append(made)
        if role is not None:
            sessions = hub.people.sessions
            async with hub.hub.transaction(side.workspace_id, write=True) as session:
                user = (await session.scalars(select(User).where(User.id == side.users[role]))).one()
                cookie = await sessions.begin(session, user, second_factor=False, browser="a test")
            made.http.cookies.set(sessions.cookie, cookie)
        return made

    yield browser
    for made in browsers:
        await made.http.aclose()
