"""Credentials by command: where secrets come from, and that none of them comes back. S0.4-S0.6; §2 rows 26, 27."""

from __future__ import annotations

import asyncio
import base64
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.hub.bundled import Bundled, tool
from tests.hub.oauth.vendor import running as vendor_running
from tests.hub.remote import OPERATOR
from tests.processes import Place, Result
from tests.protocol.conftest import served as served_at
from tradepost.foundation.clock import system_now
from tradepost.protocol.builtin import ToolResult
from tradepost.protocol.standalone import sdk_server

CANARY = "CANARY-5f0a8d1e-5b7c"
LOCAL = {"TRADEPOST_ALLOW_PRIVATE": "127.0.0.0/8"}


class Echo(Bundled):
    """Tells its own address, a secret, in its tools."""

    async def call(self, *_arguments: Any, **_options: Any) -> ToolResult:
        return ToolResult([{"type": "text", "text": CANARY}])


async def ran(place: Place, *arguments: object, **env: str) -> Result:
    return await asyncio.to_thread(place.run, *arguments, env={**LOCAL, **env})


@pytest.mark.behaviour("S0.5", "S0.6")
async def test_a_url_that_is_a_secret_is_never_seen_again(place: Place, tmp_path: Path):
    """From a file or the environment into the vault; only its origin is shown, stored in clear, or audited."""
    echoing = {**tool("read_it"), "description": f"Listens at /{CANARY}/mcp.", "annotations": {"readOnlyHint": True}}
    app = sdk_server(Echo(slug="echo", tools=[echoing]), OPERATOR).streamable_http_app(json_response=True)

    async def hidden(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"].startswith(f"/{CANARY}/"):
            path = scope.get("path", "").removeprefix(f"/{CANARY}")
            await app({**scope, "path": path} if scope["type"] == "http" else scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with served_at(hidden) as origin:
        written = tmp_path / "url"
        written.write_text(f"{origin}/{CANARY}/mcp\n")
        said = [
            await ran(place, "server", "add", "echo", f"@{written}", "--secret-url"),
            await ran(place, "server", "test", "echo"),
            await ran(place, "server", "tools", "echo", "--json"),
            await ran(place, "server", "list", "--json"),
            await ran(place, "audit", "tail", "--json"),
        ]
        assert said[1].good().out.startswith("echo answers: Orders, 1 tools")
        assert "[redacted]" in said[2].good().out
        assert said[3].json()[-1]["url"].startswith(f"{origin}/•")
        wrong = f"{origin}/{CANARY}-2/mcp"
        said.append(await ran(place, "server", "url", "echo", "env:ELSEWHERE", "--secret-url", ELSEWHERE=wrong))
        said.append(await ran(place, "server", "test", "echo", TRADEPOST_LOG_LEVEL="DEBUG"))
        assert "HTTP 404" in said[-1].err
        for one in (*said, await ran(place, "server", "remove", "echo", "--yes")):
            assert CANARY not in one.out + one.err, one
    with sqlite3.connect(place.data / "hub.db") as database:
        dump = "\n".join(database.iterdump())
    for spelling in (CANARY, base64.b64encode(CANARY.encode()).decode(), CANARY[::-1]):
        assert spelling not in dump
    with sqlite3.connect(place.data / "hub.db") as database:
        assert database.execute("SELECT count(*) FROM sealed_values").fetchone() == (0,)


@pytest.mark.behaviour("S0.4")
async def test_each_kind_of_credential(place: Place, tmp_path: Path):
    """Bearer, API key, client credentials, a person's consent; the one before is gone each time."""
    (tmp_path / "key").write_text("api-key-of-ours")
    async with vendor_running(system_now) as vendor:
        vendor.client("us", "s3cret-of-ours", "client_secret_basic")
        vendor.tokens["bearer-of-ours"] = ("itself", "read", system_now().replace(year=2100))
        said = [await ran(place, "server", "add", "shop", vendor.url, "--bearer", "env:SHOP", SHOP="bearer-of-ours")]
        assert "2 tools" in (await ran(place, "server", "test", "shop")).good().out
        said.append(await ran(place, "server", "credential", "shop", "--api-key", f"@{tmp_path / 'key'}"))
        assert "HTTP 401" in (await ran(place, "server", "test", "shop")).refusal()
        secret = ("--client-secret", "env:SHOP_SECRET")
        client = ("credential", "shop", "--oauth", "client", "--client-id", "us", *secret, "--scope", "read")
        said.append(await ran(place, "server", *client, SHOP_SECRET="s3cret-of-ours"))
        assert "2 tools" in (await ran(place, "server", "test", "shop")).good().out
        said.append(await ran(place, "server", "credential", "shop", "--oauth", "workspace"))
        assert "Connect it next: tradepost server connect shop" in said[-1].good().out
        assert "Nobody has connected" in (await ran(place, "server", "test", "shop")).refusal()
        link = await ran(place, "server", "connect", "shop")
        assert f"{place.url}/connect/servers/shop" in link.good().out
        shown = next(row for row in place.ask("server", "list") if row["slug"] == "shop")
        assert (shown["credential"], shown["connection"]) == ("oauth_workspace", "not_connected")
        assert "was not connected" in (await ran(place, "server", "disconnect", "shop")).good().out
        said.append(await ran(place, "server", "credential", "shop", "--none"))
        assert "wants a credential (HTTP 401)" in (await ran(place, "server", "test", "shop")).refusal()
        assert "not a server that people connect" in (await ran(place, "server", "connect", "shop")).refusal()
        said.append(await ran(place, "audit", "tail", "--json"))
    for one in said:
        text = one.good().out
        assert not any(secret in text for secret in ("bearer-of-ours", "api-key-of-ours", "s3cret-of-ours"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--bearer", "env:NOTHING_THERE"), "The environment has no NOTHING_THERE."),
        (("--bearer", "x" * 20, "--api-key", "y"), "A server has one credential."),
        (("--oauth", "magic"), "There is no OAuth 'magic'."),
        (("--oauth", "user", "--secret", "Authorization: x"), "carries the token"),
        (("--oauth", "user", "--secret-url"), "the whole credential"),
        (("--agent", "helper"), "go with --yes"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_registers_nothing(made: Place, arguments: tuple[str, ...], words: str):
    add = ("server", "add", "shop", "http://127.0.0.1:18099/mcp")
    assert words in made.run(*add, *arguments, env=LOCAL).refusal()
    assert "shop" not in {row["slug"] for row in made.ask("server", "list")}
