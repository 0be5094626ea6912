"""resources/subscribe of the handshake era: told on the session's own stream, and gone with the session."""

import asyncio

import pytest

from tests.protocol.conftest import Desk, HeardUpdates, served
from tests.protocol.fake_host import CLOSED, UNWATCHED, FakeHost
from tests.protocol.listeners import SECONDS, opened, session_stream, subscribe
from tradepost.protocol import sessions
from tradepost.protocol import updates as updates_module
from tradepost.protocol.endpoint import McpEndpoint
from tradepost.protocol.guards import LOCAL_HOSTS
from tradepost.protocol.sessions import IDLE_SECONDS, MemorySessionStore

ONE, TWO = "shop://orders/1", "shop://orders/2"


@pytest.mark.parametrize("watches", [True, False])
async def test_updates_are_announced_where_there_are_any(desk: Desk, host: FakeHost, watches: bool):
    host.watches = watches
    result = (await desk.initialize()).json()["result"]
    assert result["capabilities"]["resources"] == (
        {"listChanged": True, "subscribe": True} if watches else {"listChanged": True}
    )
    assert "watches" not in result["serverInfo"]


async def test_a_session_hears_of_what_it_subscribed_to_until_it_unsubscribes(desk: Desk, updates: HeardUpdates):
    session = await opened(desk)
    async with session_stream(desk, session) as ear:
        assert (await subscribe(desk, session, ONE))["result"] == {}
        assert (await subscribe(desk, session, TWO))["result"] == {}
        updates.publish("ws_2", ["ord_1"])
        updates.publish("ws_1", ["ord_1"])
        said = await ear.next()
        assert said == {"jsonrpc": "2.0", "method": "notifications/resources/updated", "params": {"uri": ONE}}
        assert (await subscribe(desk, session, ONE, "resources/unsubscribe"))["result"] == {}
        updates.publish("ws_1", ["ord_1", "ord_2"])
        assert await ear.uri() == TWO
        await subscribe(desk, session, TWO, "resources/unsubscribe")
        assert not updates.wanted()
        assert (await subscribe(desk, session, TWO, "resources/unsubscribe"))["result"] == {}


async def test_what_changed_before_the_stream_opens_is_told_when_it_does(desk: Desk, updates: HeardUpdates):
    session = await opened(desk)
    await subscribe(desk, session, ONE)
    updates.publish("ws_1", ["ord_1"])
    async with session_stream(desk, session) as ear:
        assert await ear.uri() == ONE


async def test_a_newer_stream_takes_the_place_of_an_older_one(desk: Desk, updates: HeardUpdates):
    session = await opened(desk)
    await subscribe(desk, session, ONE)
    async with session_stream(desk, session) as older, session_stream(desk, session) as newer:
        assert await older.next() is None
        updates.publish("ws_1", ["ord_1"])
        assert await newer.uri() == ONE


async def test_another_session_hears_nothing_of_it(desk: Desk, updates: HeardUpdates):
    mine, other = await opened(desk), await opened(desk, "token-b")
    await subscribe(desk, mine, ONE)
    await subscribe(desk, other, TWO, token="token-b")
    async with session_stream(desk, other, "token-b") as ear:
        updates.publish("ws_1", ["ord_1", "ord_2"])
        assert await ear.uri() == TWO
    response = await desk.bare("resources/subscribe", {"uri": ONE}, headers=mine, token="token-b")
    assert response.status_code == 404


@pytest.mark.parametrize(
    ("uri", "code"), [("shop://nothing", -32602), (CLOSED, 403), (UNWATCHED, -32602), ("", -32602)]
)
async def test_what_cannot_be_read_or_watched_is_refused(desk: Desk, updates: HeardUpdates, uri: str, code: int):
    answer = await subscribe(desk, await opened(desk), uri)
    assert answer["error"]["code"] == code
    assert not updates.wanted()


async def test_a_request_without_a_session_cannot_subscribe(desk: Desk):
    assert (await desk.bare("resources/subscribe", {"uri": ONE})).json()["error"]["code"] == -32601


async def test_a_session_watches_so_many_and_no_more(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(updates_module, "MOST_WATCHED", 1)
    session = await opened(desk)
    assert "result" in await subscribe(desk, session, ONE)
    assert "result" in await subscribe(desk, session, ONE)
    assert (await subscribe(desk, session, TWO))["error"]["code"] == 422
    await subscribe(desk, session, ONE, "resources/unsubscribe")
    assert "result" in await subscribe(desk, session, TWO)


async def test_the_stream_and_the_subscriptions_end_with_the_session(desk: Desk, updates: HeardUpdates):
    session = await opened(desk)
    await subscribe(desk, session, ONE)
    async with session_stream(desk, session) as ear:
        assert (await desk.send(method="DELETE", headers=session)).status_code == 204
        assert await ear.next() is None
    assert not updates.wanted()


async def test_a_client_that_leaves_may_come_back_and_hears_what_it_may_have_missed(desk: Desk, updates: HeardUpdates):
    session = await opened(desk)
    await subscribe(desk, session, ONE)
    async with session_stream(desk, session) as ear:
        updates.publish("ws_1", ["ord_1"])
        assert await ear.uri() == ONE
    updates.publish("ws_1", ["ord_1"])
    async with session_stream(desk, session) as ear:
        assert await ear.uri() == ONE


@pytest.mark.parametrize("way", ["idle", "pushed out"])
async def test_a_forgotten_session_leaves_no_subscription(
    host: FakeHost, desk: Desk, updates: HeardUpdates, monkeypatch: pytest.MonkeyPatch, way: str
):
    now = 0.0
    store = MemorySessionStore(lambda: now)
    endpoint = McpEndpoint(host, allowed_hosts=LOCAL_HOSTS, sessions=store, updates=updates)
    async with served(endpoint) as url:
        there = Desk(url, desk.http)
        await subscribe(there, await opened(there), ONE)
        assert updates.wanted()
        if way == "idle":
            now = IDLE_SECONDS + 1
        else:
            monkeypatch.setattr(sessions, "MAX_PER_OWNER", 1)
        await opened(there)
    assert not updates.wanted()


async def test_a_stopping_server_ends_the_stream(desk: Desk, endpoint: McpEndpoint, updates: HeardUpdates):
    session = await opened(desk)
    await subscribe(desk, session, ONE)
    async with session_stream(desk, session) as ear:
        endpoint.end_streams()
        assert await ear.next() is None


async def test_a_revoked_credential_hears_nothing_more(desk: Desk, host: FakeHost, updates: HeardUpdates):
    session = await opened(desk)
    await subscribe(desk, session, ONE)
    async with session_stream(desk, session) as ear:
        host.revoked.add("token-a")
        updates.publish("ws_1", ["ord_1"])
        assert await ear.next() is None


async def test_unsubscribing_while_it_subscribes_leaves_nothing(desk: Desk, updates: HeardUpdates):
    """The source takes its time; meanwhile the session ends."""

    class Slow:
        asked, ready = asyncio.Event(), asyncio.Event()

        async def follow(self) -> None:
            self.asked.set()
            await self.ready.wait()

    source = Slow()
    updates.draw_from(source)
    session = await opened(desk)
    subscribing = asyncio.create_task(subscribe(desk, session, ONE))
    await asyncio.wait_for(source.asked.wait(), SECONDS)
    await desk.send(method="DELETE", headers=session)
    source.ready.set()
    assert "error" in await subscribing
    assert not updates.wanted()
