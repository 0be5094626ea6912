"""A hub with its authorization server on a real socket, a person with a browser, and a program that wants in."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, urlencode, urlsplit

import httpx2
from sqlalchemy import select

from tests.hub.gateway.world import Facts, World, opened
from tests.protocol.conftest import modern_headers, modern_meta, served
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import system_now
from tradepost.foundation.ids import new_id
from tradepost.hub.access.models import User, Workspace
from tradepost.hub.access.oauth.registered import AddedClient, add_client
from tradepost.hub.access.oauth.resources import Resources
from tradepost.hub.access.oauth.scopes import BASE
from tradepost.hub.access.roles import caller_for_user
from tradepost.hub.access.signed_in import SignedIn
from tradepost.hub.access.workspaces import create_workspace
from tradepost.hub.upstreams.guard import Guard
from tradepost.identity.oauth.door import OAuthDoor, build_oauth
from tradepost.identity.oauth.fetching import DocumentFetcher
from tradepost.protocol.endpoint import McpEndpoint
from tradepost.protocol.guards import LOCAL_HOSTS
from tradepost.protocol.http_pool import HttpPool

CALLBACK = "https://app.example/callback"
COOKIE = "session"
REGISTRATION_SECRET = b"r" * 32


class Clock:
    """A time that tests move."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return system_now() + self.ahead


class Sessions:
    """SignedInPeople over the real rows of people; the sessions are the test's own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sessions: dict[str, tuple[str, str]] = {}

    def sign_in(self, caller: Caller) -> str:
        cookie = secrets.token_urlsafe(16)
        self._sessions[cookie] = caller.workspace_id, caller.user_id or ""
        return cookie

    async def of(self, headers: Mapping[str, str]) -> SignedIn | None:
        cookie = headers.get("cookie", "").partition(f"{COOKIE}=")[2].partition(";")[0]
        if cookie not in self._sessions:
            return None
        workspace_id, user_id = self._sessions[cookie]
        async with self._database.transaction(workspace_id, write=False) as session:
            user = await session.scalar(select(User).where(User.id == user_id, User.status == "active"))
            status = await session.scalar(select(Workspace.status))
        if user is None or status != "active":
            return None
        token = hashlib.sha256(cookie.encode()).hexdigest()
        return SignedIn(
            f"ses_{token[:10]}", workspace_id, user.id, user.email, user.name, user.role, token,  # type: ignore[arg-type]
            datetime.now(UTC), False,
        )  # fmt: skip

    def sign_in_path(self, back_to: str) -> str:
        return f"/login?to={quote(back_to, safe='')}"


@dataclass
class Shown:
    """The consent page, and its form."""

    answer: httpx2.Response

    @property
    def fields(self) -> dict[str, str]:
        found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', self.answer.text)
        return {name: unescape(value) for name, value in found}

    @property
    def agents(self) -> list[str]:
        return re.findall(r'name="agent" value="([^"]+)"', self.answer.text)


@dataclass
class Program:
    """A client: its name, its PKCE pair, what it sends."""

    client_id: str
    redirect_uri: str = CALLBACK
    secret: str | None = None
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def challenge(self) -> str:
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()

    def asks(self, **more: str | None) -> dict[str, str]:
        """The parameters of its authorization request; None leaves one out."""
        given: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "state": "st-1",
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in {**given, **more}.items() if value is not None}


@dataclass
class Hub:
    """The running hub."""

    url: str
    world: World
    people: Sessions
    clock: Clock
    http: httpx2.AsyncClient

    async def client(self, name: str = "Desk", **options: Any) -> AddedClient:
        """Register a client."""
        options.setdefault("redirect_uris", [CALLBACK])
        async with self.world.changing() as session:
            return await add_client(session, self.world.admin, name, **options)

    async def program(self, **options: Any) -> Program:
        """A program for a client that is registered for it."""
        made = await self.client(**options)
        return Program(made.client_id, secret=made.secret)

    async def browser(self, role: str = "operator") -> Browser:
        """The browser of a new person."""
        return Browser(self, self.people.sign_in(await self.world.user(role)))

    async def token(self, program: Program | None, **form: str) -> httpx2.Response:
        """A request to the token endpoint."""
        if program is not None:
            form.setdefault("client_id", program.client_id)
            if program.secret is not None:
                form.setdefault("client_secret", program.secret)
        return await self.http.post(f"{self.url}/oauth/token", data=form)

    async def redeem(self, program: Program, code: str, **more: str) -> httpx2.Response:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": program.redirect_uri}
        return await self.token(program, **{**form, "code_verifier": program.verifier, **more})

    async def refresh(self, program: Program, token: str, **more: str) -> httpx2.Response:
        return await self.token(program, grant_type="refresh_token", refresh_token=token, **more)

    async def tokens(self, program: Program, browser: Browser, **asks: str | None) -> dict[str, Any]:
        """The whole flow: the answer of the token endpoint."""
        answer = await self.redeem(program, await browser.code(program, **asks))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def mcp(
        self,
        token: str | None,
        method: str = "tools/list",
        path: str = "/mcp",
        headers: Mapping[str, str | bytes] | None = None,
        **params: Any,
    ) -> httpx2.Response:
        """An MCP request."""
        sent: dict[str, Any] = {
            "accept": "application/json, text/event-stream",
            **modern_headers(method, params.get("name")),
        }
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": modern_meta()}}
        return await self.http.post(f"{self.url}{path}", json=body, headers={**sent, **(headers or {})})

    async def works(self, token: str, path: str = "/mcp") -> bool:
        """Whether a token is let in."""
        status = (await self.mcp(token, path=path)).status_code
        assert status in (200, 401)
        return status == 200


@dataclass
class Browser:
    """What a signed-in person uses. Follows no redirect."""

    hub: Hub
    cookie: str | None

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.cookie is None else {"cookie": f"{COOKIE}={self.cookie}"}

    async def authorize(self, parameters: Mapping[str, str] | str) -> httpx2.Response:
        query = parameters if isinstance(parameters, str) else urlencode(parameters)
        return await self.hub.http.get(f"{self.hub.url}/oauth/authorize?{query}", headers=self.headers)

    async def page(self, program: Program, **asks: str | None) -> Shown:
        answer = await self.authorize(program.asks(**asks))
        assert answer.status_code == 200, (answer.status_code, answer.headers.get("location"), answer.text)
        return Shown(answer)

    async def decide(self, shown: Shown, **form: str) -> httpx2.Response:
        given = {**shown.fields, "agent": self.hub.world.facts.agent_id, "access": "change", "decision": "allow"}
        return await self.hub.http.post(f"{self.hub.url}/oauth/consent", data={**given, **form}, headers=self.headers)

    async def code(self, program: Program, **asks: str | None) -> str:
        """The person is asked, whatever they said before, and says yes to all."""
        answer = await self.decide(await self.page(program, **{"prompt": "consent", **asks}))
        return sent_back(answer)["code"]


def sent_back(answer: httpx2.Response, to: str = CALLBACK) -> dict[str, str]:
    """The parameters with which a browser is sent back to a client; each came once."""
    assert answer.status_code in (302, 303), (answer.status_code, answer.text)
    location = answer.headers["location"]
    assert location.startswith(to + "?"), location
    pairs = parse_qsl(urlsplit(location).query, keep_blank_values=True)
    assert len(pairs) == len(parse_qs(urlsplit(location).query, keep_blank_values=True))
    return dict(pairs)


class _App:
    """What the hub's own application does with paths: the endpoint first, then the doors."""

    def __init__(self) -> None:
        self.endpoint: McpEndpoint | None = None
        self.door: OAuthDoor | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert self.endpoint is not None
        assert self.door is not None
        if scope["type"] == "http":
            door = self.door if self.door.owns(scope["path"]) else self.endpoint
            await door(scope, receive, send)


@asynccontextmanager
async def running(
    facts: Facts,
    *,
    documents: HttpPool | None = None,
    registration: bool = False,
    reads_documents: bool = True,
    public: bool = True,
    public_url: str | None = None,
) -> AsyncIterator[Hub]:
    """A hub over the world of some facts. `documents` are the connections to who describes clients."""
    app, clock = _App(), Clock()
    async with opened(facts, now=clock) as world, served(app) as base, httpx2.AsyncClient(timeout=60) as http:
        url = public_url or base
        people = Sessions(world.database)
        app.door = build_oauth(
            world.database,
            people,
            DocumentFetcher(Guard(), documents),
            url,
            dynamic_secrets=(lambda: (REGISTRATION_SECRET,)) if registration else None,
            documents=reads_documents,
            public=public,
            now=clock,
        )
        app.endpoint = McpEndpoint(
            world.gateway,
            allowed_hosts=LOCAL_HOSTS,
            resource_metadata_url=Resources(url).metadata_url,
            base_scope=BASE,
        )
        yield Hub(base, world, people, clock, http)
        await app.door.close()


async def other_workspace(database: Database, owner_email: str = "other@x.test") -> Caller:
    """The owner of another workspace in the same hub."""
    made = await create_workspace(database, f"w-{secrets.token_hex(4)}", "Other", owner_email)
    return caller_for_user(made.owner, new_id("req"))
