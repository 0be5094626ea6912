"""Resources of servers that are not bundled, watched by clients of either era on servers of either era."""

import asyncio
import ipaddress
import os
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import Response

from tests.hub.upstreams.asking_server import event, result
from tests.hub.upstreams.test_dispatch import Entry
from tests.hub.upstreams.watched_server import MODERN, ONE, REFUSED, SECONDS, TWO, WatchedServer
from tests.protocol.conftest import Desk, HeardUpdates, served, warm
from tests.protocol.fake_host import FakeHost
from tests.protocol.listeners import listening, opened, session_stream, subscribe
from tradepost.foundation.caller import Caller
from tradepost.hub.upstreams import feed
from tradepost.hub.upstreams.connections import Connections
from tradepost.hub.upstreams.dispatch import Upstreams
from tradepost.hub.upstreams.guard import Guard
from tradepost.hub.upstreams.programs import Program, Starter
from tradepost.hub.upstreams.watching import Place, Watching
from tradepost.hub.vault.header_rules import Header
from tradepost.hub.vault.vault import Vault
from tradepost.protocol.client import McpClient
from tradepost.protocol.endpoint import McpEndpoint
from tradepost.protocol.guards import LOCAL_HOSTS
from tradepost.protocol.stdio_link import StdioLink
from tradepost.protocol.upstream_errors import UpstreamFailed

Json = dict[str, Any]
ERAS = [("modern",), ("legacy",), ("oldest",)]


@dataclass
class Hub(FakeHost):
    """A host all of whose resources are those of one server."""

    upstreams: Upstreams
    watching: Watching
    updates: HeardUpdates
    entry: Entry
    relisted: asyncio.Event

    def __post_init__(self) -> None:
        super().__init__()

    async def watch(self, caller: Caller, server: str | None, uri: str) -> str | None:
        return await self.upstreams.watched(caller, self.entry, uri)


class NoCredentials:
    """A vault without any; or, where a test sets it, with a secret that is kept elsewhere and is good until then."""

    headers: Sequence[Header] = ()
    now = 0.0

    @property
    def references(self) -> "NoCredentials":
        return self

    def clock(self) -> float:
        return self.now

    async def hidden_url(self, _workspace: str, _server: str) -> None:
        return None

    async def headers_for(self, workspace_id: str, server_id: str) -> list[Header]:
        return list(self.headers)


@asynccontextmanager
async def hub_before(server: WatchedServer, vault: NoCredentials | None = None) -> AsyncIterator[tuple[Hub, Desk]]:
    """An endpoint with the server behind it, and a client of its."""
    connections = Connections(cast(Vault, vault or NoCredentials()), Guard([ipaddress.ip_network("127.0.0.0/8")]))
    updates, relisted = HeardUpdates(), asyncio.Event()
    hub: Hub

    async def where(_workspace: str, _server: str) -> tuple[str, int] | None:
        return None if hub.entry.server_url is None else (hub.entry.server_url, hub.entry.credential_version)

    def publish(workspace_id: str, records: Iterable[str]) -> None:
        updates.publish(workspace_id, records)

    place = Place(publish, updates.is_waited, where, lambda *_: relisted.set())
    watching = Watching(connections, place)
    updates.tell_of_topics(watching)
    hub = Hub(Upstreams({}, connections, watching), watching, updates, Entry(server_url=server.url), relisted)
    async with (
        served(McpEndpoint(hub, allowed_hosts=LOCAL_HOSTS, updates=updates)) as url,
        httpx2.AsyncClient(timeout=SECONDS) as http,
    ):
        try:
            yield hub, Desk(url, http)
        finally:
            await hub.upstreams.close()


@pytest.fixture(params=ERAS, ids=lambda eras: eras[0])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[WatchedServer]:
    async with WatchedServer(*request.param).serving() as made:
        yield made


async def test_clients_of_both_eras_hear_a_server_of_any(server: WatchedServer) -> None:
    async with hub_before(server) as (_hub, desk):
        session = await opened(desk)
        async with session_stream(desk, session) as older, listening(desk, ONE, TWO) as newer:
            await newer.next()
            assert (await subscribe(desk, session, ONE))["result"] == {}
            await server.until_watched(ONE, TWO)
            await server.change(ONE)
            assert [await older.uri(), await newer.uri()] == [ONE, ONE]
            await server.change(TWO)
            assert await newer.uri() == TWO
            await subscribe(desk, session, ONE, "resources/unsubscribe")
            await server.change(ONE)
            assert await newer.uri() == ONE
        assert [uri for method, uri in server.asked if method == "resources/subscribe"].count(ONE) <= 1
        await server.until_watched()


@pytest.mark.parametrize("older", [False, True])
async def test_a_program_is_heard_too(older: bool) -> None:
    root = str(Path(__file__).parents[3])
    program = Program(
        command=sys.executable,
        args=["-m", "tests.hub.upstreams.watched_server"],
        env={"PYTHONPATH": os.pathsep.join((root, f"{root}/src"))},
    )
    link = StdioLink(Starter("watched", program), "watched")
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with warm() as http:
        client = McpClient(http, "watched", program=link, older=older)
        hearing = feed.Feed(client, heard.put_nowait, lambda: None, "watched")
        async with asyncio.timeout(SECONDS):
            assert await hearing.add(ONE)
            assert await heard.get() == ONE
            with pytest.raises(UpstreamFailed):
                await hearing.add(REFUSED)
            assert await hearing.add(TWO)
            while await heard.get() != TWO:
                continue
            assert await hearing.finish() == [ONE, TWO]
        await client.close()


async def test_a_server_that_was_lost_is_asked_again() -> None:
    for era in ("modern", "legacy"):
        async with (
            WatchedServer(era).serving() as server,
            hub_before(server) as (_, desk),
            listening(desk, ONE) as ear,
        ):
            await ear.next()
            await server.restart()
            await server.until_watched(ONE)
            assert await ear.uri() == ONE, "what may have been missed counts as changed"
            await server.change(ONE)
            assert await ear.uri() == ONE


async def test_what_a_server_refuses_is_refused_and_the_rest_goes_on(server: WatchedServer) -> None:
    async with hub_before(server) as (_, desk):
        session = await opened(desk)
        async with session_stream(desk, session) as ear:
            await subscribe(desk, session, ONE)
            assert "error" in await subscribe(desk, session, REFUSED)
            await server.until_watched(ONE)
            await server.change(ONE)
            assert await ear.uri() == ONE


async def test_a_changed_credential_takes_the_subscriptions_along(server: WatchedServer) -> None:
    async with (
        WatchedServer(*server.eras).serving() as other,
        hub_before(server) as (hub, desk),
        listening(desk, ONE) as ear,
    ):
        await ear.next()
        hub.entry = Entry(server_url=other.url, credential_version=2)
        await hub.watching.review("ws_1")
        await other.until_watched(ONE)
        await server.until_watched()
        assert await ear.uri() == ONE
        await other.change(ONE)
        assert await ear.uri() == ONE


async def test_what_is_watched_goes_on_with_the_secret_that_its_manager_has_now(server: WatchedServer) -> None:
    vault = NoCredentials()
    vault.headers = [Header("X-Key", "first", reference="secret://safe/kv/x#key", until=60.0)]
    async with hub_before(server, vault) as (hub, desk), listening(desk, ONE) as ear:
        await ear.next()
        vault.now, vault.headers = 60.0, [Header("X-Key", "second", reference="secret://safe/kv/x#key", until=120.0)]
        server.keys.clear()
        await hub.upstreams.open("ws_1", hub.entry, SECONDS)
        assert await ear.uri() == ONE  # it may have changed in between
        await server.until_watched(ONE)
        assert "second" in server.keys
        server.keys.clear()
        await server.change(ONE)
        assert await ear.uri() == ONE
        if server.eras != ("oldest",):  # whose event stream outlives its application here
            await server.restart()
            await server.until_watched(ONE)
        assert set(server.keys) <= {"second"}


async def test_a_server_that_is_gone_is_heard_no_more(server: WatchedServer) -> None:
    async with hub_before(server) as (hub, desk), listening(desk, ONE) as ear:
        await ear.next()
        hub.entry = Entry(server_url=None)
        hub.unreadable.add(ONE)
        await hub.watching.review("ws_1")
        await server.until_watched()
        async with asyncio.timeout(SECONDS):
            await hub.updates.idle.wait()


async def test_a_server_that_tells_nothing_cannot_be_watched() -> None:
    class Silent(WatchedServer):
        def _made(self) -> Any:
            made = super()._made()
            for method in ("resources/subscribe", "resources/unsubscribe", "subscriptions/listen"):
                made._request_handlers.pop(method)
            return made

    for era in ("modern", "legacy"):
        async with Silent(era).serving() as server, hub_before(server) as (_, desk):
            answer = await subscribe(desk, await opened(desk), ONE)
            assert "cannot be watched" in answer["error"]["message"]


async def test_one_server_is_watched_so_much_and_no_more(
    server: WatchedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MOST_WATCHED", 1)
    async with hub_before(server) as (_, desk):
        session = await opened(desk)
        assert "result" in await subscribe(desk, session, ONE)
        assert (await subscribe(desk, session, TWO))["error"]["code"] == 422


async def test_a_stream_that_is_ended_to_be_asked_again_is_gone_on_with() -> None:
    """A server of the older era that keeps no connection open: it says where it was and when to come back."""
    told = event({"method": "notifications/resources/updated", "params": {"uri": ONE}}).decode()
    gets: list[str | None] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        if request.method == "GET":
            gets.append(request.headers.get("last-event-id"))
            number = len(gets)
            said = f"id: {number}\nretry: 10\ndata:\n\n" + (f"id: {number}b\n{told}" if number > 2 else "")
            await Response(said, media_type="text/event-stream")(scope, receive, send)
            return
        message = await request.json()
        if request.headers.get("mcp-protocol-version") == MODERN:
            await Response(status_code=400)(scope, receive, send)
        elif "id" not in message:
            await Response(status_code=202)(scope, receive, send)
        else:
            info = {"name": "polled", "version": "1"}
            agreed = {"protocolVersion": "2025-11-25", "capabilities": {"resources": {"subscribe": True}}}
            value = {**agreed, "serverInfo": info} if message["method"] == "initialize" else {}
            await result(message, value)(scope, receive, send)

    heard: asyncio.Queue[str] = asyncio.Queue()
    async with served(app) as base, warm() as http, asyncio.timeout(SECONDS):
        hearing = feed.Feed(McpClient(http, f"{base}/mcp"), heard.put_nowait, lambda: None, "polled")
        assert await hearing.add(ONE)
        assert await heard.get() == ONE
        assert gets[:4] == [None, "1", "2", "3b"][: len(gets)]
        await hearing.close()
