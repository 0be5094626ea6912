"""A hub of one process and of two: whatever a client does, it is the same, whichever process its requests reach."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import types
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from sqlalchemy import text

from tests.engines import DatabaseUrls, Template, chosen_engines
from tests.journeys.live.asking import TOOLS, Asking, registered
from tests.journeys.live.clients import MODES
from tests.processes import Place, Serving
from tests.protocol.conftest import modern_headers, modern_meta, served
from tradepost.database import migrate
from tradepost.database.engine import Database

Json = dict[str, Any]
SECONDS = 30.0
pytestmark = pytest.mark.filterwarnings("ignore:.*(roots|sampling).*deprecated")


@pytest.fixture
def database_template() -> Template:
    return Template(
        "empty", hub=lambda url: migrate.upgrade(url, "hub"), store=lambda url: migrate.upgrade(url, "store")
    )


@dataclass
class Hub:
    """A running hub with an asking server behind it."""

    place: Place
    key: str
    server: Asking
    workers: int
    serving: Serving | None = None
    http: list[httpx2.AsyncClient] = field(default_factory=list)

    async def start(self) -> None:
        private = {"TRADEPOST_ALLOW_PRIVATE": "127.0.0.0/8", "TRADEPOST_WORKERS": str(self.workers)}
        self.serving = await asyncio.to_thread(self.place.start, "serve", env=private)
        await asyncio.to_thread(self.serving.wait_until, lambda: "The hub serves" in self._said())

    def _said(self) -> str:
        return self.serving.said() if self.serving is not None else ""

    async def value(self, statement: str) -> Any:
        """The first value that a statement gives on the hub's database itself."""
        database = Database(self.place.databases["TRADEPOST_HUB_URL"])
        async with database.system(write=False) as session:
            found = (await session.execute(text(statement))).scalar()
        await database.close()
        return found

    def new_client(self, **headers: str) -> httpx2.AsyncClient:
        """HTTP with a connection for each request, so that any process may get it."""
        sent = {"Authorization": f"Bearer {self.key}", "Accept": "application/json, text/event-stream", **headers}
        limits = httpx2.Limits(max_keepalive_connections=0)
        made = httpx2.AsyncClient(base_url=self.place.url, headers=sent, timeout=SECONDS, limits=limits)
        self.http.append(made)
        return made

    async def call(self, client: httpx2.AsyncClient, name: str, asked: Json | None = None, **more: Any) -> Json:
        """A tools/call of 2026-07-28, or the retry that answers what was asked."""
        params: Json = {"name": name, "arguments": {}, **more}
        if asked is not None:
            answer = {"action": "accept", "content": {"answer": "red"}}
            params |= {
                "requestState": asked["requestState"],
                "inputResponses": dict.fromkeys(asked["inputRequests"], answer),
            }
        params["_meta"] = modern_meta(**{"io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}})
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        response = await client.post("/mcp", json=body, headers=modern_headers("tools/call", name))
        said: Json = response.json()
        return said["result"] if "result" in said else said["error"]

    async def session(self, client: httpx2.AsyncClient) -> str:
        """A new session of 2025-11-25."""
        params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
        response = await client.post("/mcp", json=body)
        return response.headers["mcp-session-id"]

    async def sessions_everywhere(self, client: httpx2.AsyncClient) -> list[str]:
        """A session in each process."""
        found: dict[str, str] = {}
        async with asyncio.timeout(SECONDS):
            while len(found) < self.workers:
                session = await self.session(client)
                found.setdefault(session[:8] if self.workers > 1 else "", session)
        return list(found.values())


@pytest.fixture(autouse=True)
def sparing(request: pytest.FixtureRequest, engine_name: str) -> None:
    """Every process costs a second or two: what does not depend on the database is shown on one engine."""
    params = request.node.callspec.params
    spare = params["workers"] == 1 or params.get("mode") == "legacy"
    if spare and engine_name != chosen_engines()[0]:
        pytest.skip("shown on the other engine: it does not depend on the database")


@pytest.fixture
async def asking() -> AsyncIterator[tuple[str, Asking]]:
    server = Asking()
    async with served(server) as base:
        yield f"{base}/mcp", server


@pytest.fixture
async def hub(
    workers: int, asking: tuple[str, Asking], database_urls: DatabaseUrls, tmp_path: Path
) -> AsyncIterator[Hub]:
    url, server = asking
    key = await registered(database_urls.hub, url)
    databases = {"TRADEPOST_HUB_URL": database_urls.hub, "TRADEPOST_STORE_URL": database_urls.store}
    made = Hub(Place(tmp_path / "data", databases=databases), key, server, workers)
    made.place.data.mkdir()
    await made.start()
    yield made
    for client in made.http:
        await client.aclose()
    if made.serving is not None:
        status = await asyncio.to_thread(made.serving.stop)
        assert status in (0, -signal.SIGKILL), made.serving.said()
        assert "Traceback" not in made.serving.said()


ONE_AND_TWO = pytest.mark.parametrize("workers", [1, 2])
TWO = pytest.mark.parametrize("workers", [2])
ONCE = pytest.mark.usefixtures("either_engine")


async def _elicit(_context: Any, _params: Any) -> types.ElicitResult:
    return types.ElicitResult(action="accept", content={"answer": "red"})


async def _sample(_context: Any, _params: Any) -> types.CreateMessageResult:
    return types.CreateMessageResult(role="assistant", content=types.TextContent(type="text", text="Paris"), model="m")


async def _roots(_context: Any) -> types.ListRootsResult:
    return types.ListRootsResult(roots=[types.Root(uri="file:///srv")])


@pytest.mark.two_processes
@ONE_AND_TWO
@pytest.mark.parametrize("mode", MODES)
async def test_questions_of_an_older_server_reach_clients_of_both_eras(hub: Hub, mode: str) -> None:
    http = hub.new_client()
    await hub.sessions_everywhere(http)
    answered = {"quiz": "red", "sample": "Paris", "where": "file:///srv", "act": "red", "work": "[]"}
    told: list[float] = []

    async def hear(progress: float, _total: float | None, _message: str | None) -> None:
        told.append(progress)

    async with Client(
        streamable_http_client(url=f"{hub.place.url}/mcp", http_client=http),
        mode=mode,
        elicitation_callback=_elicit,
        sampling_callback=_sample,
        list_roots_callback=_roots,
    ) as client:
        for name in TOOLS:
            result = await client.call_tool(name, {}, progress_callback=hear)
            assert not result.is_error
            assert answered[name] in result.content[0].text
    assert told == [1, 2, 1, 1, 1]
    assert hub.server.begun == list(TOOLS)
    assert await hub.value("SELECT count(*) FROM actions WHERE state = 'succeeded'") == 1
    for kind in ("intent", "outcome"):
        assert await hub.value(f"SELECT count(*) FROM audit_events WHERE kind = '{kind}'") == 1
    if hub.workers > 1:  # each has sealed
        assert hub.serving is not None
        assert await asyncio.to_thread(hub.serving.stop) == 0
        assert (await asyncio.to_thread(hub.place.ask, "audit", "verify"))["intact"]


@TWO
@ONCE
async def test_a_held_call_is_taken_up_whichever_process_gets_the_retry(hub: Hub) -> None:
    client = hub.new_client()
    await hub.sessions_everywhere(client)  # both serve
    asked = await asyncio.gather(*(hub.call(client, "quiz") for _ in range(8)))
    asked = await asyncio.gather(*(hub.call(client, "quiz", one) for one in asked))
    assert {one["resultType"] for one in asked} == {"input_required"}
    done = await asyncio.gather(*(hub.call(client, "quiz", one) for one in asked))
    assert [one for one in done if "content" not in one] == []
    assert [json.loads(one["content"][0]["text"])[1]["content"] for one in done] == [{"answer": "red"}] * 8
    assert len(hub.server.begun) == 8
    refused = await hub.call(client, "act", asked[0])
    assert refused["code"] == -32602
    keyed = {"arguments": {"idempotency_key": "k1"}}
    await hub.call(client, "act", **keyed)
    lost = await asyncio.gather(*(hub.call(client, "act", **keyed) for _ in range(4)))
    assert {one["resultType"] for one in lost} == {"input_required"}  # the one question, to each who asks again
    assert not (await hub.call(client, "act", lost[0], **keyed))["isError"]
    assert (hub.server.begun.count("act"), hub.server.acted) == (1, 1)


@TWO
@ONCE
async def test_a_session_is_served_whichever_process_gets_its_requests(hub: Hub) -> None:
    client = hub.new_client()
    for session in await hub.sessions_everywhere(client):
        headers = {"Mcp-Session-Id": session, "MCP-Protocol-Version": "2025-11-25"}
        bodies = ({"jsonrpc": "2.0", "id": number, "method": "tools/list"} for number in range(8))
        listed = await asyncio.gather(*(client.post("/mcp", json=body, headers=headers) for body in bodies))
        assert [len(one.json()["result"]["tools"]) for one in listed] == [len(TOOLS) + 2] * 8  # and the hub's
        assert [one.json()["id"] for one in listed] == list(range(8))
        wrong = {**headers, "Authorization": "Bearer tp_wrong"}
        assert (await client.post("/mcp", json={}, headers=wrong)).status_code == 401
        assert (await client.get("/mcp/servers/asking", headers=headers)).status_code == 404
        async with client.stream("GET", "/mcp", headers=headers) as stream:
            assert stream.status_code == 200
            assert await anext(stream.aiter_bytes())
        assert (await client.delete("/mcp", headers=headers)).status_code == 204
        for method in ("GET", "DELETE"):
            assert (await client.request(method, "/mcp", headers=headers)).status_code == 404
    invented = {"Mcp-Session-Id": "0" * 72, "MCP-Protocol-Version": "2025-11-25"}
    assert (await client.delete("/mcp", headers=invented)).status_code == 404


@pytest.mark.two_processes
@TWO
async def test_a_changed_registry_counts_everywhere_on_the_next_call(hub: Hub) -> None:
    client = hub.new_client()
    await hub.sessions_everywhere(client)
    assert [(await hub.call(client, "work"))["isError"] for _ in range(8)] == [False] * 8
    disabled = await asyncio.to_thread(hub.place.run, "server", "disable", "asking", "work")
    disabled.good()
    async with asyncio.timeout(SECONDS):  # PostgreSQL tells the processes; SQLite is asked
        while (await hub.call(client, "work")).get("code") != -32602:
            continue
    if not hub.place.databases["TRADEPOST_HUB_URL"].startswith("postgres"):
        assert {(await hub.call(client, "work")).get("code") for _ in range(8)} == {-32602}


@TWO
@ONCE
async def test_what_may_run_at_once_is_divided_among_processes(hub: Hub) -> None:
    client = hub.new_client()
    await hub.sessions_everywhere(client)
    for cap in (3, 1):  # the second is less than a slot for each
        settings = "server", "settings", "asking", "--set", f"running={cap}", "--set", "waiting=0"
        (await asyncio.to_thread(hub.place.run, *settings)).good()
        hub.server.open.clear()
        calls = [asyncio.create_task(hub.call(client, "work")) for _ in range(16)]
        await until(lambda calls=calls: sum(not call.done() for call in calls) == hub.server.running)
        assert 1 <= hub.server.running <= cap
        hub.server.open.set()
        done = await asyncio.gather(*calls)
        codes = [one["structuredContent"]["code"] for one in done if one["isError"]]
        assert set(codes) == {"unavailable"}
        assert len(codes) >= 16 - cap


def _is_alive(pid: int) -> bool:
    """A zombie counts as gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # the latter where it goes between opening and reading
        return False


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in found.split()]


async def until(condition: Any) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.to_thread(os.sched_yield)


@pytest.mark.two_processes
@TWO
async def test_the_other_process_goes_on_when_one_is_killed(hub: Hub) -> None:
    assert hub.serving is not None
    assert hub.serving.process.pid is not None
    client = hub.new_client()
    sessions = await hub.sessions_everywhere(client)
    limits = httpx2.Limits(max_connections=1)
    headers = {"Authorization": f"Bearer {hub.key}", "Accept": "application/json, text/event-stream"}
    async with httpx2.AsyncClient(base_url=hub.place.url, headers=headers, timeout=SECONDS, limits=limits) as one:
        asked = {name: await hub.call(one, name) for name in ("act", "quiz")}  # on one connection: in one process
        session = await hub.session(one)
    owner = await hub.value("SELECT lease_owner FROM actions WHERE state = 'executing'")
    os.kill(int(owner.split(":")[1]), signal.SIGKILL)
    await until(lambda: not _is_alive(int(owner.split(":")[1])))

    write = await _again(lambda: hub.call(client, "act", asked["act"]))
    assert write["structuredContent"]["details"] == {"state": "unknown"}
    anew = await _again(lambda: hub.call(client, "quiz", asked["quiz"]))
    assert anew["resultType"] == "input_required"
    assert (hub.server.begun, hub.server.acted) == (["act", "quiz", "quiz"], 0)
    for number, known in enumerate([session, *sessions]):
        there = known[:8] != session[:8]
        sent = {"Mcp-Session-Id": known, "MCP-Protocol-Version": "2025-11-25"}
        body = {"jsonrpc": "2.0", "id": number, "method": "ping"}
        answer = await _again(lambda body=body, sent=sent: client.post("/mcp", json=body, headers=sent))
        assert answer.status_code == (200 if there else 404)
    supervisor = hub.serving.process.pid
    await until(lambda: len(_children(supervisor)) == 2)


async def _again(send: Any) -> Any:
    """What is answered; a connection that only the killed process had accepted is lost."""
    for _ in range(20):
        try:
            return await send()
        except httpx2.TransportError:
            continue
    raise AssertionError("no connection holds")


@TWO
@ONCE
async def test_all_end_with_their_parent_also_when_it_is_killed(hub: Hub) -> None:
    assert hub.serving is not None
    assert hub.serving.process.pid is not None
    await hub.sessions_everywhere(hub.new_client())
    children = _children(hub.serving.process.pid)
    assert len(children) == 2
    hub.serving.stop(signal.SIGKILL)
    await until(lambda: not any(_is_alive(child) for child in children))
