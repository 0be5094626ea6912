"""A list of tools, resources or prompts that changes: told to clients of both eras that see another one, and to them
alone."""

import pytest

from tests.protocol.conftest import Desk, HeardUpdates
from tests.protocol.fake_host import FakeHost
from tests.protocol.listeners import SUBSCRIPTION, listening, opened, session_stream, subscribe
from tradepost.protocol.notices import PROMPTS_CHANGED, RESOURCES_CHANGED, TOOLS_CHANGED

ONE = "shop://orders/1"


async def test_both_eras_announce_that_they_tell(desk: Desk):
    modern = (await desk.modern("server/discover")).json()["result"]["capabilities"]
    legacy = (await desk.initialize()).json()["result"]["capabilities"]
    for announced in (modern, legacy):
        assert all(announced[kind]["listChanged"] is True for kind in ("tools", "resources", "prompts"))


async def test_a_session_hears_of_each_list_that_is_another_one(desk: Desk, host: FakeHost, updates: HeardUpdates):
    session = await opened(desk)
    async with session_stream(desk, session) as ear:
        await subscribe(desk, session, ONE)
        updates.lists.publish("ws_1")  # something changed, but nothing that this client sees
        host.marks[TOOLS_CHANGED] = 2
        updates.lists.publish("ws_2")
        updates.lists.publish("ws_1")
        assert await ear.next() == {"jsonrpc": "2.0", "method": TOOLS_CHANGED}
        host.marks.update({PROMPTS_CHANGED: 2, RESOURCES_CHANGED: 2})
        updates.lists.publish("ws_1")
        said = [await ear.next(), await ear.next()]
        assert {one["method"] for one in said if one} == {PROMPTS_CHANGED, RESOURCES_CHANGED}
        updates.publish("ws_1", ["ord_1"])
        assert await ear.uri() == ONE


async def test_what_changed_while_no_stream_was_open_is_told_when_one_is(
    desk: Desk, host: FakeHost, updates: HeardUpdates
):
    session = await opened(desk)
    async with session_stream(desk, session):
        pass
    host.marks[TOOLS_CHANGED] = 2
    updates.lists.publish("ws_1")
    async with session_stream(desk, session) as ear:
        assert await ear.next() == {"jsonrpc": "2.0", "method": TOOLS_CHANGED}


async def test_a_listening_client_hears_of_what_it_asked_for_alone(desk: Desk, host: FakeHost, updates: HeardUpdates):
    async with listening(desk, toolsListChanged=True, promptsListChanged=False) as ear:
        acknowledged = await ear.next()
        assert acknowledged is not None
        assert acknowledged["params"]["notifications"] == {"toolsListChanged": True}
        host.marks.update({PROMPTS_CHANGED: 2, RESOURCES_CHANGED: 2})
        updates.lists.publish("ws_1")
        host.marks[TOOLS_CHANGED] = 2
        updates.lists.publish("ws_1")
        said = await ear.next()
        assert said is not None
        assert (said["method"], said["params"]) == (TOOLS_CHANGED, {"_meta": {SUBSCRIPTION: 7}})


@pytest.mark.parametrize("way", ["listen", "session"])
async def test_who_leaves_or_ends_is_told_no_more(desk: Desk, updates: HeardUpdates, way: str):
    session = await opened(desk)
    if way == "listen":
        async with listening(desk, ONE, toolsListChanged=True) as ear:
            await ear.next()
            assert list(updates.lists.workspaces()) == ["ws_1"]
        await updates.idle.wait()
    else:
        async with session_stream(desk, session) as ear:
            await subscribe(desk, session, ONE)
            assert list(updates.lists.workspaces()) == ["ws_1"]
            await desk.send(method="DELETE", headers=session)
            assert await ear.next() is None
    assert list(updates.lists.workspaces()) == []


async def test_a_revoked_credential_hears_of_no_list(desk: Desk, host: FakeHost, updates: HeardUpdates):
    session = await opened(desk)
    async with session_stream(desk, session) as ear:
        await subscribe(desk, session, ONE)
        host.revoked.add("token-a")
        host.marks[TOOLS_CHANGED] = 2
        updates.lists.publish("ws_1")
        assert await ear.next() is None
