"""Two hubs started by themselves, as on two machines: with nothing in common but PostgreSQL and the vault's key."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.engines import DatabaseUrls, Template
from tests.journeys.live.asking import Asking, registered
from tests.processes import Place, Serving
from tests.protocol.conftest import served
from tradepost.database import migrate

SECONDS = 30.0
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
WORK: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "work", "arguments": {}}}
SETTINGS = {"TRADEPOST_ALLOW_PRIVATE": "127.0.0.0/8", "TRADEPOST_METRICS_TOKEN": "metrics"}


@pytest.fixture
def database_template(engine_name: str) -> Template:
    if engine_name != "postgres":
        pytest.skip("processes on several machines share a PostgreSQL")
    return Template(
        "empty", hub=lambda url: migrate.upgrade(url, "hub"), store=lambda url: migrate.upgrade(url, "store")
    )


@pytest.fixture
async def asking() -> AsyncIterator[tuple[str, Asking]]:
    server = Asking()
    async with served(server) as base:
        yield f"{base}/mcp", server


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    """A connection for each request."""
    limits = httpx2.Limits(max_keepalive_connections=0)
    async with httpx2.AsyncClient(timeout=SECONDS, limits=limits, trust_env=False) as client:
        yield client


async def share(http: httpx2.AsyncClient, place: Place) -> float:
    """What part of everything that may run at once this hub has, as it tells its operator."""
    told = (await http.get(f"{place.url}/metrics", headers={"Authorization": "Bearer metrics"})).text
    return float(re.findall(r"^tradepost_calls_share (\S+)$", told, re.MULTILINE)[0])


async def wait_for_share(http: httpx2.AsyncClient, place: Place, part: float) -> None:
    async with asyncio.timeout(SECONDS):
        while await share(http, place) != part:
            await asyncio.to_thread(place.pause)


@pytest.mark.two_processes
async def test_two_hubs_on_one_database_keep_every_limit_together(
    asking: tuple[str, Asking], database_urls: DatabaseUrls, tmp_path: Path, http: httpx2.AsyncClient
) -> None:
    """Security.md row 38, F44: what may run at once is divided by those who are there, what may come in a minute is
    counted together, and a key that is revoked at one of them is refused by the other."""
    url, server = asking
    key = await registered(database_urls.hub, url)
    databases = {"TRADEPOST_HUB_URL": database_urls.hub, "TRADEPOST_STORE_URL": database_urls.store}
    first = Place(tmp_path / "data", databases=databases)
    first.data.mkdir()
    second = Place(first.data, databases=databases)  # the same keys, another port
    headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}

    def send(body: Any, times: int) -> list[asyncio.Task[httpx2.Response]]:
        """So many requests at once, in turns to the two."""
        urls = [f"{(first, second)[number % 2].url}/mcp" for number in range(times)]
        return [asyncio.create_task(http.post(url, json=body, headers=headers)) for url in urls]

    settings = "server", "settings", "asking", "--set", "running=4", "--set", "waiting=0"
    for command in (settings, ("limits", "set", "calls_per_minute=100")):
        (await asyncio.to_thread(first.run, *command)).good()
    with ExitStack() as running:

        async def start(place: Place) -> Serving:
            hub = running.enter_context(await asyncio.to_thread(place.start, "serve", env=SETTINGS))
            return await asyncio.to_thread(hub.wait_ready)

        one = await start(first)
        assert await share(http, first) == 1
        other = await start(second)
        assert await share(http, second) == 0.5  # from its first call on
        await wait_for_share(http, first, 0.5)

        server.open.clear()
        calls = send(WORK, 24)
        async with asyncio.timeout(SECONDS):
            while sum(not call.done() for call in calls) > 4 or server.running < 4:
                await asyncio.to_thread(first.pause)
        server.open.set()
        answers = [(await call).json()["result"] for call in calls]
        assert Counter(answer["isError"] for answer in answers) == {True: 20, False: 4}
        assert {answer["structuredContent"]["code"] for answer in answers if answer["isError"]} == {"unavailable"}

        statuses = [(await call).status_code for call in send(LIST, 150)]
        assert set(statuses) == {200, 429}
        assert 90 <= len(calls) + statuses.count(200) <= 110

        (revoked,) = await asyncio.to_thread(first.ask, "key", "list")
        (await asyncio.to_thread(first.run, "key", "revoke", revoked["prefix"])).good()
        async with asyncio.timeout(SECONDS):  # told by the database
            while {(await call).status_code for call in send(LIST, 4)} != {401}:
                continue

        assert await asyncio.to_thread(other.stop) == 0, other.said()
        await wait_for_share(http, first, 1)
        assert await asyncio.to_thread(one.stop) == 0, one.said()
    assert "Traceback" not in one.said() + other.said()
