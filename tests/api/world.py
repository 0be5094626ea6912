"""Two workspaces with everything that REST is about, made once per engine; each test gets a copy and a served hub."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

import tradepost.commerce.tables
import tradepost.hub.tables  # noqa: F401
from tradepost.commerce.customers.models import Customer
from tradepost.commerce.servers import build_servers
from tradepost.database import migrate
from tradepost.database.engine import Database
from tradepost.foundation.ids import new_id
from tradepost.hub.access import agents, keys, people, workspaces
from tradepost.hub.access.models import Role
from tradepost.hub.access.oauth.models import OAuthGrant
from tradepost.hub.access.roles import caller_for_user
from tradepost.hub.gateway.activity_server import ActivityServer
from tradepost.hub.gateway.hub_server import HubServer
from tradepost.hub.registration.assignments import assign
from tradepost.hub.registration.builtin import sync_builtin
from tradepost.hub.registration.release import release_mark
from tradepost.protocol.builtin import BuiltinServer

ROLES: tuple[Role, ...] = ("owner", "admin", "operator", "viewer")
CONTACT_TOOLS = ("search_customers", "get_customer", "update_customer")
CONTACT_SCOPES = ("read:customers", "read:customers.pii", "write:customers")
WORKSPACES = ("acme", "rival")

Json = dict[str, Any]


@dataclass(frozen=True)
class Side:
    """What a test knows of one workspace: its id, secrets by role, the agent's key, ids of people."""

    workspace_id: str
    secrets: Mapping[str, str]
    users: Mapping[str, str]
    agent_id: str


def prepare_hub(url: str) -> dict[str, Side]:
    """What is in it, by workspace."""
    migrate.upgrade(url, "hub")
    return asyncio.run(_founded(url))


def prepare_store(url: str) -> None:
    migrate.upgrade(url, "store")


async def _founded(url: str) -> dict[str, Side]:
    database = Database(url)
    try:
        return {slug: await _side(database, slug) for slug in WORKSPACES}
    finally:
        await database.close()


async def _side(database: Database, slug: str) -> Side:
    made = await workspaces.create_workspace(database, slug, slug.title(), f"owner@{slug}.test", "Olga")
    by = caller_for_user(made.owner, new_id("req"))
    bundled: list[BuiltinServer] = [
        HubServer(database),
        ActivityServer(database),
        *build_servers(database),
    ]  # not called here
    await sync_builtin(database, made.workspace.id, bundled, release_mark())
    secrets: dict[str, str] = {}
    users: dict[str, str] = {"owner": made.owner.id}
    async with database.transaction(made.workspace.id, write=True) as session:
        for role in ROLES[1:]:
            users[role] = (await people.create_user(session, by, f"{role}@{slug}.test", role.title(), role)).id
        for who, user_id in users.items():
            secrets[who] = (await keys.mint(session, by, keys.KeyTerms(label=who), user_id=user_id)).secret
        await agents.create_profile(session, by, "internal")
        agent = await agents.create_agent(session, by, "internal", "supply", scopes=CONTACT_SCOPES)
        other = await agents.create_agent(session, by, "internal", "reader")
        for tool in CONTACT_TOOLS:
            await assign(session, by, "customers", tool, agent="supply")
        session.add(
            OAuthGrant(
                id=f"oag_{slug}",
                client_id="https://app.example/client.json",
                client_name="Claude",
                user_id=made.owner.id,
                agent_id=agent.id,
                scopes=["read:customers"],
                resource="/mcp",
            )
        )
        secrets["agent"] = (await keys.mint(session, by, agent_id=agent.id)).secret
        secrets["other_agent"] = (await keys.mint(session, by, agent_id=other.id)).secret
    return Side(made.workspace.id, secrets, users, agent.id)


async def add_customers(store: Database, side: Side, numbers: Iterable[int]) -> None:
    async with store.transaction(side.workspace_id, write=True) as session:
        for number in numbers:
            email = f"jo{number}@buyers.test"
            session.add(
                Customer(
                    id=f"cus_{number}",
                    number=f"C-{number}",
                    first_name="Jo",
                    last_name=f"Buyer{number}",
                    email=email,
                    email_folded=email,
                    address={"line1": "A 1", "city": "Lyon", "postal_code": "69001", "country": "FR"},
                )
            )


class Client:
    """Requests to one served hub with one key."""

    def __init__(self, http: httpx2.AsyncClient, secret: str | None) -> None:
        self._http = http
        self._headers = {"authorization": f"Bearer {secret}"} if secret is not None else {}

    async def send(self, method: str, path: str, body: object = None, **headers: str) -> httpx2.Response:
        given = {**self._headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        options: Json = {"headers": given} if body is None else {"headers": given, "json": body}
        return await self._http.request(method, f"/api/v1{path}", **options)

    async def get(self, path: str, **headers: str) -> Json:
        return good(await self.send("GET", path, **headers), 200)

    async def post(self, path: str, body: object = None, status: int = 201, **headers: str) -> Json:
        return good(await self.send("POST", path, body, **headers), status)

    async def patch(self, path: str, body: object, status: int = 200, **headers: str) -> Json:
        return good(await self.send("PATCH", path, body, **headers), status)


def good(answer: httpx2.Response, status: int) -> Json:
    assert answer.status_code == status, f"{answer.status_code} {answer.text}"
    value: Json = answer.json()
    return value


def problem(answer: httpx2.Response, status: int, code: str) -> Json:
    """The problem of an answer, checked against RFC 9457 and what every problem of the hub has."""
    assert answer.status_code == status, f"{answer.status_code} {answer.text}"
    assert answer.headers["content-type"] == "application/problem+json"
    found: Json = answer.json()
    assert found["code"] == code, found
    assert (found["type"], found["status"]) == (f"urn:tradepost:problem:{code}", status)
    assert found["title"]
    assert found["detail"]
    return found
