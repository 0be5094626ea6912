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
from tests.api.world import Side
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


@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_no_planted_secret_comes_out(
    as_: As,
    hub: Tradepost,
    http: httpx2.AsyncClient,
    acme: Side,
    configured: settings.Settings,
    engine_name: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    owner = as_("owner")
    seen: list[str] = []

    async def said(method: str, path: str, body: object = None) -> httpx2.Response:
        answer = await owner.send(method, path, body, idempotency_key=f"{method}-{len(seen)}")
        seen.append(f"{answer.headers} {answer.text}")
        return answer

    offered = Talkative(slug="echo", title=f"Echo {SECRET}", tools=[tool("track", number={"type": "string"})])
    planted = [SECRET, IN_MANAGER, TOKEN_OF_MANAGER, WRONG]
    async with running(offered, bearer=SECRET) as remote:
        hidden = {"name": "Authorization", "value": f"Bearer {SECRET}"}
        (await said("POST", "/servers", {"slug": "echo", "url": remote.url, "headers": [hidden]})).raise_for_status()
        for slug, value in (
            ("elsewhere", "Bearer secret://safe/kv/acme/echo#token"),
            ("missing", "Bearer secret://safe/kv/acme/none#token"),
            ("refusing", f"Bearer {WRONG}"),
            ("bad", f"{WRONG}\r\nX: 1"),
            ("foreign", f"{WRONG} secret://safe/kv/other/echo#token"),
        ):
            body = {"slug": slug, "url": remote.url, "headers": [hidden | {"value": value}]}
            await said("POST", "/servers", body)
        for slug in ("echo", "elsewhere", "missing", "refusing"):
            for what in ("test", "discover"):
                await said("POST", f"/servers/{slug}/{what}")
        for slug in ("elsewhere", "missing"):
            tested = (await said("GET", f"/servers/{slug}")).json()
            assert (tested["status"], bool(tested["last_error"])) == ("failing", True)
        assert (await said("POST", "/servers/missing/discover")).status_code == 424
        digest = (await said("GET", "/servers/echo/tools")).json()["items"][0]["digest"]
        approved = {"class": "read", "scope": "read:orders", "digest": digest}
        (await said("POST", "/servers/echo/tools/track/approve", approved)).raise_for_status()
        assigned = {"server": "echo", "tool": "track", "agent": "reader"}
        (await said("POST", "/assignments", assigned)).raise_for_status()
        await said("PATCH", "/agents/reader", {"scopes": ["read:orders"]})
        key = (await owner.post("/keys", {"agent": "reader"}))["key"]
        planted.append(key)
        for method, params in (
            ("tools/list", {}),
            ("tools/call", {"name": "track", "arguments": {"number": "1"}}),
        ):
            sent = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params | {"_meta": modern_meta()}}
            headers = modern_headers(method, "track" if "name" in params else None) | {"authorization": f"Bearer {key}"}
            answer = await http.post("/mcp", json=sent, headers=headers)
            seen.append(f"{answer.headers} {answer.text}")
        assert "[redacted]" in seen[-1]
        await said("PUT", "/servers/echo/url", {"url": f"http://{WRONG}@127.0.0.1:1/"})
    async with hub.hub.transaction(acme.workspace_id, write=True) as session:
        await hub.vault.keep(session, acme.users["owner"], SecondFactors.__name__, "CANARY-totp")
        planted.append("CANARY-totp")

    document = (await http.get("/api/v1/openapi.json")).json()
    for path, routes in document["paths"].items():
        if "get" in routes and "{" not in path:
            await said("GET", path.removeprefix("/api/v1"))
    for path in ("/servers/echo/headers", "/servers/elsewhere/headers", "/servers/echo/tools/track"):
        await said("GET", path)
    assert '"managers":[{"name":"safe","paths":["kv/acme"]}]' in next(one for one in seen if '"managers"' in one)
    await hub.audit.drain()
    for database, metadata in ((hub.hub, HUB), (hub.store, STORE)):
        async with database.system(write=False) as session:
            for table in metadata.sorted_tables:
                seen.append(str((await session.execute(text(f'SELECT * FROM "{table.name}"'))).all()))
    seen.extend(f"{record.getMessage()} {record.exc_text}" for record in caplog.records)
    if engine_name == chosen_engines()[0]:
        databases = {"TRADEPOST_HUB_URL": configured.hub_url, "TRADEPOST_STORE_URL": configured.store_url}
        given = {"TRADEPOST_SECRET_MANAGERS_FILE": str(configured.secret_managers_file), KEYS_VARIABLE: KEYS}
        place = Place(configured.data, databases=databases)
        commands = ["vault status", "server list -w acme --json", "server test echo -w acme", "audit tail -w acme"]
        begun = [place.begin(*one.split(), env={**given, "TRADEPOST_LOG_LEVEL": "DEBUG"}) for one in commands]
        for command in begun:
            result = await asyncio.to_thread(command.result)
            seen.append(f"{result.out} {result.err}")
        assert "The variable TRADEPOST_VAULT_KEYS: key version 2 seals." in seen[-len(commands)]
    planted += [line.split()[1] for line in KEYS.splitlines()]
    everything = "\n".join(seen)
    for secret in planted:
        for spelling in _spellings(secret):
            assert spelling not in everything, spelling


def _spellings(secret: str) -> set[str]:
    encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
    return {secret, secret[::-1], encoded, quote(secret, safe=""), json.dumps(secret)[1:-1], secret.encode().hex()}
