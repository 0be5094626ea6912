"""A hub's pages for people on a real socket, a clock that the test moves, and browsers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import func, select

from tests.hub.world import World
from tradepost.database.engine import Database
from tradepost.foundation.ids import new_id
from tradepost.hub.access.models import Role, User
from tradepost.hub.access.people import create_user
from tradepost.hub.access.roles import system_caller
from tradepost.hub.tables import METADATA
from tradepost.hub.upstreams.guard import Guard
from tradepost.hub.vault.vault import open_vault
from tradepost.identity.people.build import People, build_people
from tradepost.identity.people.provider_settings import ProviderSettings

_TLS = httpx2.create_ssl_context(trust_env=False)  # nothing here uses it, and making one takes a while

PASSWORD = "correct horse battery"
_TOKEN = re.compile(r'name="form_token" value="([^"]*)"')
_STEP = re.compile(r'name="step" value="([^"]*)"')


@dataclass
class Clock:
    """Stands still until it is moved."""

    moment: datetime = field(default_factory=lambda: datetime(2026, 11, 22, 8, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, **time: float) -> None:
        self.moment += timedelta(**time)


@dataclass
class Desk:
    """The pages, served at `url`, over a database with the workspace `acme`."""

    url: str
    people: People
    world: World
    clock: Clock
    browsers: list[Browser] = field(default_factory=list)

    @property
    def database(self) -> Database:
        return self.world.database

    def browser(self, address: str = "127.0.0.1", **headers: str) -> Browser:
        """A browser with no cookies yet, at a loopback address of its own."""
        made = Browser(self.url, address, headers)
        self.browsers.append(made)
        return made

    async def user(
        self, email: str, role: Role = "operator", *, password: str | None = PASSWORD, world: World | None = None
    ) -> User:
        """A new person."""
        world = world or self.world
        async with world.changing() as session:
            by = system_caller(world.workspace_id, new_id("req"))
            return await create_user(session, by, email, "", role, password)

    async def signed_in(self, email: str = "ann@acme.test", role: Role = "operator", **headers: str) -> Browser:
        """A browser in which a new person has signed in."""
        await self.user(email, role)
        browser = self.browser(**headers)
        await browser.sign_in(email)
        return browser

    async def rows(self) -> dict[str, int]:
        """How many rows each table has."""
        async with self.database.system(write=False) as session:
            tables = METADATA.sorted_tables
            return {table.name: await session.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


class Browser:
    """Keeps cookies, remembers the last page's tokens, follows nothing by itself."""

    def __init__(self, url: str, address: str, headers: dict[str, str]) -> None:
        self.url = url
        transport = httpx2.AsyncHTTPTransport(local_address=address, trust_env=False, verify=_TLS)
        sent = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", **headers}
        self.http = httpx2.AsyncClient(base_url=url, transport=transport, headers=sent, timeout=30)
        self.token = self.step = ""

    @property
    def session(self) -> str | None:
        return self.http.cookies.get("tradepost_session")

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        return self._seen(await self.http.get(path, headers=headers))

    async def post(self, path: str, _headers: dict[str, str] | None = None, **fields: str) -> httpx2.Response:
        """Send a form as the last page would; a field that is given goes before what the page said."""
        known = {"form_token": self.token, **({"step": self.step} if self.step else {})}
        return self._seen(await self.http.post(path, data={**known, **fields}, headers=_headers or {}))

    async def try_sign_in(self, email: str, password: str = PASSWORD, **fields: str) -> httpx2.Response:
        await self.get("/sign-in")
        return await self.post("/sign-in", email=email, password=password, **fields)

    async def sign_in(self, email: str, password: str = PASSWORD, **fields: str) -> httpx2.Response:
        answer = await self.try_sign_in(email, password, **fields)
        assert answer.status_code == 303, answer.text
        return answer

    async def is_in(self) -> bool:
        return (await self.get("/account")).status_code == 200

    def _seen(self, answer: httpx2.Response) -> httpx2.Response:
        for pattern, name in ((_TOKEN, "token"), (_STEP, "step")):
            if found := pattern.search(answer.text):
                setattr(self, name, unescape(found[1]))
        return answer


def said(answer: httpx2.Response) -> str:
    """What a page says went wrong."""
    found = re.search(r'role="alert"><p>([^<]*)', answer.text) or re.search(r"</h1>\s*<p>([^<]*)", answer.text)
    return unescape(found[1]) if found else ""


async def built(
    world: World, clock: Clock, folder: Path, url: str, provider: ProviderSettings | None = None, **options: Any
) -> People:
    """The pages of a process of its own."""
    vault = await open_vault(world.database, folder / "vault.key")
    return build_people(world.database, vault, Guard(**options), url, provider, clock)
