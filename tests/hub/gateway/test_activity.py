"""The activity feed: who did what, by name, newest first, of one's own workspace, without what was said."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.hub.gateway.world import World
from tradepost.foundation.errors import NotFound
from tradepost.foundation.ids import new_id
from tradepost.hub.access import agents, keys
from tradepost.hub.gateway.activity_server import ActivityServer
from tradepost.hub.registration.assignments import assign
from tradepost.hub.registration.builtin import sync_builtin


@dataclass
class Desk:
    """A world, and an auditor of it whose catalog has the feed."""

    world: World
    key: str

    async def listed(self, **arguments: Any) -> Any:
        caller = await self.world.authenticator.authenticate(self.key, new_id("req"))
        return (await self.world.call("list_activity", caller, **arguments))["structuredContent"]


@pytest.fixture
async def desk(world: World) -> Desk:
    """Two reads, a refused call and a write that waits for a person."""
    feed = ActivityServer(world.database)
    world.servers.builtins = {**world.servers.builtins, "activity": feed}
    await sync_builtin(world.database, world.workspace_id, [feed])
    async with world.changing() as session:
        auditor = await agents.create_agent(session, world.admin, "internal", "auditor", scopes=("read:analytics",))
        await assign(session, world.admin, "activity", "list_activity", agent="auditor")
        key = await keys.mint(session, world.admin, agent_id=auditor.id)
    await world.call("get_stock", sku="A1")
    await world.call("get_stock", sku="A1")
    with pytest.raises(NotFound):
        await world.call("no_such_tool")
    world.shop.put(world.workspace_id, "SECRET-SKU", 5)
    await world.add_stock(sku="SECRET-SKU")
    await world.audit.drain()
    return Desk(world, key.secret)


@pytest.mark.behaviour("S1.14")
async def test_it_tells_who_did_what_and_never_the_arguments(desk: Desk) -> None:
    page = await desk.listed(detail="full")
    calls = [entry for entry in page["items"] if entry["what"] in ("get_stock", "add_stock")]
    assert [(entry["what"], entry["kind"]) for entry in calls] == [
        ("add_stock", "decision"),
        ("get_stock", "read"),
        ("get_stock", "read"),
    ]
    assert (await desk.listed(approval_id=calls[0]["approval_id"]))["items"][-1]["what"] == "add_stock"
    assert {entry["who"] for entry in calls} == {"supply"}
    assert "refused" in {entry["kind"] for entry in page["items"]}
    assert "SECRET-SKU" not in json.dumps(page)
    assert [entry["at"] for entry in page["items"]] == sorted((entry["at"] for entry in page["items"]), reverse=True)


async def test_pages_and_filters(desk: Desk) -> None:
    whole = await desk.listed(tool="get_stock")
    found: list[str] = []
    cursor = None
    while True:
        page = await desk.listed(tool="get_stock", limit=1, cursor=cursor)
        assert page["total_estimate"] == whole["total_estimate"]
        found += [entry["id"] for entry in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == [entry["id"] for entry in whole["items"]]
    reads = await desk.listed(tool="get_stock", kind="read", fields=["what"])
    assert [sorted(entry) for entry in reads["items"]] == [["id", "what"]] * 2
    assert (await desk.listed(date_to="2020-01-01T00:00:00Z"))["items"] == []
    first = await desk.listed(limit=1)
    assert (await desk.listed(limit=1, kind="read", cursor=first["next_cursor"]))["code"] == "invalid_argument"
    assert (await desk.listed(agent="nobody"))["code"] == "not_found"
    assert (await desk.listed(fields=["secret"]))["field"] == "fields"
    assert (await desk.listed(date_from="yesterday"))["field"] == "date_from"


async def test_an_agent_without_it_does_not_see_it(desk: Desk) -> None:
    with pytest.raises(NotFound):
        await desk.world.call("list_activity")
