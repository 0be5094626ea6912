"""subscriptions/listen of 2026-07-28: acknowledged first, told of what was asked for alone, ended cleanly."""

import asyncio
from typing import Any

import pytest

from tests.protocol.conftest import Desk, HeardUpdates, modern_headers
from tests.protocol.fake_host import CLOSED, UNWATCHED, FakeHost
from tests.protocol.listeners import SECONDS, SUBSCRIPTION, listen_body, listening
from tradepost.protocol import streams
from tradepost.protocol.endpoint import McpEndpoint

ONE, ALIAS, TWO = "shop://orders/1", "shop://orders/one", "shop://orders/2"
LISTEN = modern_headers("subscriptions/listen")


@pytest.mark.parametrize("watches", [True, False])
async def test_updates_are_announced_where_there_are_any(desk: Desk, host: FakeHost, watches: bool):
    host.watches = watches
    result = (await desk.modern("server/discover")).json()["result"]
    assert result["capabilities"]["resources"] == (
        {"listChanged": True, "subscribe": True} if watches else {"listChanged": True}
    )
    assert "watches" not in result["_meta"]["io.modelcontextprotocol/serverInfo"]


@pytest.mark.parametrize("request_id", [7, "listen-1"])
async def test_the_acknowledgement_comes_first_and_every_message_names_its_subscription(
    desk: Desk, updates: HeardUpdates, request_id: Any
):
    async with listening(desk, ONE, UNWATCHED, ALIAS, ONE, request_id=request_id) as ear:
        acknowledged = await ear.next()
        assert acknowledged == {
            "jsonrpc": "2.0",
            "method": "notifications/subscriptions/acknowledged",
            "params": {"_meta": {SUBSCRIPTION: request_id}, "notifications": {"resourceSubscriptions": [ONE, ALIAS]}},
        }
        updates.publish("ws_1", ["ord_1"])
        told = [await ear.next(), await ear.next()]
    assert told == [
        {
            "jsonrpc": "2.0",
            "method": "notifications/resources/updated",
            "params": {"_meta": {SUBSCRIPTION: request_id}, "uri": uri},
        }
        for uri in (ONE, ALIAS)
    ]


async def test_only_what_was_asked_for_is_told_and_only_of_the_own_workspace(desk: Desk, updates: HeardUpdates):
    async with listening(desk, ONE) as one, listening(desk, TWO, token="token-b") as two:
        await one.next()
        await two.next()
        updates.publish("ws_2", ["ord_1", "ord_2"])
        updates.publish("ws_1", ["ord_3", "ord_2"])
        assert await two.uri() == TWO
        updates.publish("ws_1", ["ord_1"])
        assert await one.uri() == ONE


async def test_what_changes_again_and_again_is_told_once(desk: Desk, updates: HeardUpdates):
    async with listening(desk, ONE, TWO) as ear:
        await ear.next()
        for _ in range(100):
            updates.publish("ws_1", ["ord_1"])
        updates.publish("ws_1", ["ord_2"])
        assert [await ear.uri(), await ear.uri()] == [ONE, TWO]
        updates.publish("ws_1", ["ord_1"])
        assert await ear.uri() == ONE


@pytest.mark.parametrize(
    ("wanted", "status", "code"),
    [
        ({"resourceSubscriptions": [ONE, "shop://nothing"]}, 400, -32602),
        ({"resourceSubscriptions": [CLOSED]}, 403, 403),
        ({"resourceSubscriptions": "shop://orders/1"}, 400, -32602),
        ({"resourceSubscriptions": [1]}, 400, -32602),
        ({"toolsListChanged": "yes"}, 400, -32602),
        ({"resourceSubscriptions": [f"shop://orders/{number}" for number in range(101)]}, 400, -32602),
        (None, 400, -32602),
        ([], 400, -32602),
    ],
)
async def test_what_may_not_be_read_or_makes_no_sense_is_refused_before_any_stream(
    desk: Desk, updates: HeardUpdates, wanted: Any, status: int, code: int
):
    response = await desk.send(listen_body(wanted), headers=LISTEN)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert response.json()["id"] == 7
    assert not updates.wanted()


async def test_a_client_that_takes_no_stream_is_refused(desk: Desk):
    response = await desk.send(listen_body({}), headers={**LISTEN, "accept": "application/json"})
    assert response.status_code == 406


async def test_a_client_that_leaves_leaves_nothing_behind(desk: Desk, updates: HeardUpdates):
    async with listening(desk, ONE, TWO) as ear:
        await ear.next()
        assert updates.wanted()
    await asyncio.wait_for(updates.idle.wait(), SECONDS)


async def test_a_stopping_server_says_good_bye(desk: Desk, endpoint: McpEndpoint, updates: HeardUpdates):
    async with listening(desk, ONE) as ear:
        await ear.next()
        endpoint.end_streams()
        last = await ear.next()
        assert last is not None
        assert (last["id"], last["result"]["resultType"]) == (7, "complete")
        assert last["result"]["_meta"][SUBSCRIPTION] == 7
        assert await ear.next() is None
    assert not updates.wanted()


async def test_a_revoked_credential_hears_nothing_more(desk: Desk, host: FakeHost, updates: HeardUpdates):
    async with listening(desk, ONE) as ear:
        await ear.next()
        host.revoked.add("token-a")
        updates.publish("ws_1", ["ord_1"])
        last = await ear.next()
        assert last is not None
        assert "result" in last
        assert await ear.next() is None


async def test_a_quiet_stream_is_kept_alive_and_ends_with_its_credential(
    desk: Desk, host: FakeHost, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(streams, "KEEP_ALIVE_SECONDS", 0.01)
    async with listening(desk, ONE) as ear:
        await ear.next()
        host.revoked.add("token-a")
        last = await ear.next()
        assert last is not None
        assert "result" in last


async def test_a_resource_that_may_not_be_read_any_more_is_not_told_of(
    desk: Desk, host: FakeHost, updates: HeardUpdates
):
    async with listening(desk, ONE, TWO) as ear:
        await ear.next()
        host.unreadable.add(ONE)
        updates.publish("ws_1", ["ord_1", "ord_2"])
        assert await ear.uri() == TWO
        host.unreadable.clear()
        updates.publish("ws_1", ["ord_1", "ord_2"])
        assert await ear.uri() == TWO


async def test_one_principal_cannot_take_all_streams(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(streams, "MOST_PER_OWNER", 1)
    async with listening(desk, ONE) as ear:
        await ear.next()
        refused = await desk.send(listen_body({"resourceSubscriptions": [TWO]}), headers=LISTEN)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "15")
        async with listening(desk, ONE, token="token-b") as other:
            assert await other.next() is not None
