"""Secrets are planted wherever they can be put, used, echoed and refused, and then searched for in everything that
comes out: REST, MCP, logs at their most talkative, both databases, the audit, the commands.

S0.5, S0.6; security.md §2 rows 26, 27, §3.3 F42.
"""

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from tests.api.conftest import As
from tests.api.world import Client, Side
from tests.engines import chosen_engines
from tests.hub.bundled import tool
from tests.hub.remote import running
from tests.hub.upstreams.test_dispatch import SECRET, Talkative
from tests.hub.vault.managers.doubles import VaultDouble
from tests.hub.vault.managers.doubles import running as managing
from tests.processes import Place
from tests.protocol.conftest import modern_headers, modern_meta
from tradepost import settings
from tradepost.app import Tradepost
from tradepost.commerce.tables import METADATA as STORE
from tradepost.hub.access.second_factor import SecondFactors
from tradepost.hub.tables import METADATA as HUB
from tradepost.hub.vault.key_source import KEYS_VARIABLE
from tradepost.hub.vault.keyring import key_line, new_key

IN_MANAGER, TOKEN_OF_MANAGER, WRONG = "CANARY-in-the-manager", "CANARY-of-the-hub-there", "CANARY-not-accepted"
KEYS = "\n".join(key_line(version, new_key()) for version in (1, 2))


@pytest.fixture
async def manager() -> AsyncIterator[VaultDouble]:
    async with managing(VaultDouble()) as double:
        double.tokens, double.secrets = {TOKEN_OF_MANAGER}, {"kv/data/acme/echo": {"token": IN_MANAGER}}
        yield double


@pytest.fixture
def configured(configured: settings.Settings, manager: VaultDouble, tmp_path: Path) -> settings.Settings:
    """Keys from the environment, and a secrets manager."""
    file = tmp_path / "managers.json"
    safe = {"kind": "openbao", "url": manager.url, "token": TOKEN_OF_MANAGER, "allow": {"acme": ["kv/acme"]}}
    file.write_text(json.dumps({"managers": {"safe": safe}}))
    return configured.model_copy(update={"vault_keys": SecretStr(KEYS), "secret_managers_file": file})


class Search:
    """The owner of acme at work: what was planted, and everything that came out."""

    def __init__(self, owner: Client, http: httpx2.AsyncClient) -> None:
        self.owner = owner
        self.http = http
        self.planted = [SECRET, IN_MANAGER, TOKEN_OF_MANAGER, WRONG, *(line.split()[1] for line in KEYS.splitlines())]
        self.seen: list[str] = []

    async def said(self, method: str, path: str, body: object = None) -> httpx2.Response:
        answer = await self.owner.send(method, path, body, idempotency_key=f"{method}-{len(self.seen)}")
        self.seen.append(f"{answer.headers} {answer.text}")
        return answer

    def nothing_came_out(self) -> None:
        everything = "\n".join(self.seen)
        for secret in self.planted:
            for spelling in _spellings(secret):
                assert spelling not in everything, spelling


@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_no_planted_secret_comes_out(
    as_: As,
    hub: Tradepost,
    http: httpx2.AsyncClient,
    acme: Side,
    configured: settings.Settings,
    engine_name: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    search = Search(as_("owner"), http)
    offered = Talkative(slug="echo", title=f"Echo {SECRET}", tools=[tool("track", number={"type": "string"})])
    async with running(offered, bearer=SECRET) as remote:
        await _keep_in_headers(search, remote.url)
        await _reach_the_servers(search)
        await _call_a_tool(search)
        await search.said("PUT", "/servers/echo/url", {"url": f"http://{WRONG}@127.0.0.1:1/"})
    await _keep_a_second_factor(search, hub, acme)
    await _read_every_list(search)
    await _read_the_databases(search, hub)
    search.seen.extend(f"{record.getMessage()} {record.exc_text}" for record in caplog.records)
    if engine_name == chosen_engines()[0]:
        await _run_commands(search, configured)
    search.nothing_came_out()


async def _keep_in_headers(search: Search, url: str) -> None:
    """Good ones, references into the manager, and values that are refused."""
    hidden = {"name": "Authorization", "value": f"Bearer {SECRET}"}
    (await search.said("POST", "/servers", {"slug": "echo", "url": url, "headers": [hidden]})).raise_for_status()
    for slug, value in (
        ("elsewhere", "Bearer secret://safe/kv/acme/echo#token"),
        ("missing", "Bearer secret://safe/kv/acme/none#token"),
        ("refusing", f"Bearer {WRONG}"),
        ("bad", f"{WRONG}\r\nX: 1"),
        ("foreign", f"{WRONG} secret://safe/kv/other/echo#token"),
    ):
        await search.said("POST", "/servers", {"slug": slug, "url": url, "headers": [hidden | {"value": value}]})


async def _reach_the_servers(search: Search) -> None:
    for slug in ("echo", "elsewhere", "missing", "refusing"):
        for what in ("test", "discover"):
            await search.said("POST", f"/servers/{slug}/{what}")
    for slug in ("elsewhere", "missing"):
        tested = (await search.said("GET", f"/servers/{slug}")).json()
        assert (tested["status"], bool(tested["last_error"])) == ("failing", True)
    assert (await search.said("POST", "/servers/missing/discover")).status_code == 424


async def _call_a_tool(search: Search) -> None:
    """One that says the secret it was reached with, through MCP with a key of an agent."""
    digest = (await search.said("GET", "/servers/echo/tools")).json()["items"][0]["digest"]
    approved = {"class": "read", "scope": "read:orders", "digest": digest}
    (await search.said("POST", "/servers/echo/tools/track/approve", approved)).raise_for_status()
    assigned = {"server": "echo", "tool": "track", "agent": "reader"}
    (await search.said("POST", "/assignments", assigned)).raise_for_status()
    await search.said("PATCH", "/agents/reader", {"scopes": ["read:orders"]})
    key = (await search.owner.post("/keys", {"agent": "reader"}))["key"]
    search.planted.append(key)
    for method, params in (
        ("tools/list", {}),
        ("tools/call", {"name": "track", "arguments": {"number": "1"}}),
    ):
        sent = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params | {"_meta": modern_meta()}}
        headers = modern_headers(method, "track" if "name" in params else None) | {"authorization": f"Bearer {key}"}
        answer = await search.http.post("/mcp", json=sent, headers=headers)
        search.seen.append(f"{answer.headers} {answer.text}")
    assert "[redacted]" in search.seen[-1]


async def _keep_a_second_factor(search: Search, hub: Tradepost, acme: Side) -> None:
    async with hub.hub.transaction(acme.workspace_id, write=True) as session:
        await hub.vault.keep(session, acme.users["owner"], SecondFactors.__name__, "CANARY-totp")
        search.planted.append("CANARY-totp")


async def _read_every_list(search: Search) -> None:
    document = (await search.http.get("/api/v1/openapi.json")).json()
    for path, routes in document["paths"].items():
        if "get" in routes and "{" not in path:
            await search.said("GET", path.removeprefix("/api/v1"))
    for path in ("/servers/echo/headers", "/servers/elsewhere/headers", "/servers/echo/tools/track"):
        await search.said("GET", path)
    managers = next(one for one in search.seen if '"managers"' in one)
    assert '"managers":[{"name":"safe","paths":["kv/acme"]}]' in managers


async def _read_the_databases(search: Search, hub: Tradepost) -> None:
    await hub.audit.drain()
    for database, metadata in ((hub.hub, HUB), (hub.store, STORE)):
        async with database.system(write=False) as session:
            for table in metadata.sorted_tables:
                search.seen.append(str((await session.execute(text(f'SELECT * FROM "{table.name}"'))).all()))


async def _run_commands(search: Search, configured: settings.Settings) -> None:
    """At once, as processes of their own at their most talkative."""
    databases = {"TRADEPOST_HUB_URL": configured.hub_url, "TRADEPOST_STORE_URL": configured.store_url}
    given = {"TRADEPOST_SECRET_MANAGERS_FILE": str(configured.secret_managers_file), KEYS_VARIABLE: KEYS}
    place = Place(configured.data, databases=databases)
    commands = ["vault status", "server list -w acme --json", "server test echo -w acme", "audit tail -w acme"]
    begun = [place.begin(*one.split(), env={**given, "TRADEPOST_LOG_LEVEL": "DEBUG"}) for one in commands]
    for command in begun:
        result = await asyncio.to_thread(command.result)
        search.seen.append(f"{result.out} {result.err}")
    assert "The variable TRADEPOST_VAULT_KEYS: key version 2 seals." in search.seen[-len(commands)]


def _spellings(secret: str) -> set[str]:
    encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
    return {secret, secret[::-1], encoded, quote(secret, safe=""), json.dumps(secret)[1:-1], secret.encode().hex()}
