"""Codex and Claude Code as their makers publish them, by their metadata documents: nothing registers. What stands here
for their makers' sites answers under their names, with the redirect URIs that such programs use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.engines import DatabaseUrls, Template
from tests.foreign.installed import programs
from tests.foreign.model import model
from tests.foreign.programs import ClaudeCode, Codex, Program, Setting
from tests.hub.gateway.world import Facts, copied, founding, guard
from tests.identity.oauth.documents import Host, documents_host
from tests.identity.oauth.world import Shown, running
from tradepost.protocol.http_pool import HttpPool
from tradepost.protocol.http_request import HttpUrl

pytestmark = pytest.mark.foreign

LOOPBACK = ["http://localhost/callback", "http://127.0.0.1/callback"]
MAKERS = [
    (Codex, "chatgpt.com", "/oauth/codex/client.json"),
    (ClaudeCode, "claude.ai", "/oauth/claude-code-client-metadata"),
]


@pytest.fixture
def database_template() -> Template:
    return Template("gateway", hub=founding, store=lambda _url: None)


@pytest.fixture
async def facts(database_urls: DatabaseUrls, tmp_path: Path) -> Facts:
    return await guard(copied(database_urls.known, database_urls.hub, tmp_path / "ledger.db"))


def nearby(host: Host, monkeypatch: pytest.MonkeyPatch) -> HttpPool:
    """Connections that end at `host` whatever port is meant: the maker's is 443."""
    pool = host.pool()
    send = pool.send

    async def sent(url: HttpUrl, *how: Any, **more: Any) -> Any:
        return await send(replace(url, port=host.port), *how, **more)

    monkeypatch.setattr(pool, "send", sent)
    return pool


@pytest.mark.parametrize(("kind", "maker", "path"), MAKERS)
async def test_it_is_known_by_its_document(
    kind: Callable[[Setting], Program],
    maker: str,
    path: str,
    facts: Facts,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    home, client_id = tmp_path / "home", f"https://{maker}{path}"
    home.mkdir()
    installed = await asyncio.to_thread(programs)
    async with documents_host(tmp_path, maker) as host:
        host.put(path, client_id=client_id, client_name=kind.__name__, redirect_uris=LOOPBACK)
        pool = nearby(host, monkeypatch)
        with model("get_stock", {"sku": "A1"}) as standing_in:
            async with running(facts, documents=pool, registration=True) as hub:
                browser, loop = await hub.browser(), asyncio.get_running_loop()

                async def answer(url: str) -> None:
                    query = urlsplit(url).query
                    assert parse_qs(query)["client_id"] == [client_id]
                    page = Shown(await browser.authorize(query))
                    assert client_id in page.answer.text
                    back = await browser.decide(page)
                    await hub.http.get(back.headers["location"])

                def opened(url: str) -> None:
                    asyncio.run_coroutine_threadsafe(answer(url), loop).result(30)

                setting = Setting(installed, hub.url, home, standing_in.url, standing_in.told)
                program = await asyncio.to_thread(kind, setting)
                await asyncio.to_thread(program.connect, opened)
                said = await asyncio.to_thread(program.call)
        assert said is not None
        assert "A1" in said
        assert host.asked == [path]
