"""What an admin sets for a server or a tool holds on the next call."""

import asyncio

import pytest
from sqlalchemy import select

from tests.hub.gateway.test_foreign import answers
from tests.hub.gateway.world import World, error_of, structured
from tradepost.foundation.errors import ForbiddenScope, InvalidArgument
from tradepost.hub.audit.models import AuditEvent
from tradepost.hub.registration.limits import InForce, change, in_force
from tradepost.hub.registry.catalog import CatalogTool
from tradepost.protocol.builtin import Json, ToolResult
from tradepost.protocol.upstream_errors import UpstreamFailed

DOWN = UpstreamFailed("Connection refused.", dispatched=False)
HIDDEN = "In transit\u200b\U000e0041"


async def settle(world: World, tool: str | None = None, server: str = "foreign", **given: object) -> list[InForce]:
    async with world.changing() as session:
        return await change(session, world.admin, server, tool, given=given)


async def test_a_setting_of_the_tool_goes_before_that_of_the_server(world: World):
    await world.add_remote("track", "read")
    await settle(world, timeout_seconds=20, retries=0)
    found = {one.name: one for one in await settle(world, "track", timeout_seconds="200")}
    assert (found["timeout_seconds"].value, found["timeout_seconds"].set_by) == (200, "tool")
    assert (found["retries"].value, found["retries"].set_by) == (0, "server")
    assert (found["waiting"].value, found["waiting"].set_by) == (256, "default")
    async with world.changing() as session:
        await change(session, world.admin, "foreign", "track", dropped=["timeout_seconds"])
        assert (await in_force(session, "foreign", "track"))[0].value == 20


async def test_a_change_is_audited_with_before_and_after(world: World):
    await world.add_remote("track", "read")
    await settle(world, timeout_seconds=20)
    await settle(world, timeout_seconds=30)
    await settle(world, timeout_seconds=30)
    async with world.changing() as session:
        rows = await session.scalars(
            select(AuditEvent).where(AuditEvent.tag == "server:settings").order_by(AuditEvent.sequence)
        )
        said = [(row.details["before"], row.details["after"]) for row in rows]
    assert said == [({}, {"timeout_seconds": 20}), ({"timeout_seconds": 20}, {"timeout_seconds": 30})]


async def test_only_an_admin_changes_them_and_only_what_there_is(world: World):
    await world.add_remote("track", "read")
    viewer = await world.user("viewer")
    async with world.changing() as session:
        with pytest.raises(ForbiddenScope):
            await change(session, viewer, "foreign", given={"retries": 0})
        for given in ({"retry": 1}, {"retries": 50}, {"text": "nice"}):
            with pytest.raises(InvalidArgument):
                await change(session, world.admin, "foreign", given=given)
        with pytest.raises(InvalidArgument):
            await change(session, world.admin, "shop", "get_stock", given={"retries": 0})
        assert {one.set_by for one in await in_force(session, "foreign")} == {"default"}


async def test_a_tool_with_a_breaker_of_its_own_does_not_close_its_server(world: World):
    for name in ("track", "locate"):
        await world.add_remote(name, "read")
    await settle(world, retries=0)
    await settle(world, "track", breaker_failures=2)
    world.servers.remote = answers(DOWN)
    for _ in range(2):
        assert error_of(await world.call("track"))["message"] == "Connection refused."
    assert "'foreign: track' failed 2 times" in error_of(await world.call("track"))["message"]
    assert error_of(await world.call("locate"))["message"] == "Connection refused."
    await settle(world, "track", breaker_seconds=1, breaker_most_seconds=1)
    assert error_of(await world.call("track"))["retry_after"] <= 1


async def test_a_tool_with_a_line_of_its_own_leaves_the_others_theirs(world: World):
    for name in ("track", "locate"):
        await world.add_remote(name, "read")
    await settle(world, "track", running=1, waiting=0)
    began, go_on = asyncio.Event(), asyncio.Event()

    async def remote(tool: CatalogTool, arguments: Json, key: str | None) -> ToolResult:
        if tool.raw_name == "track":
            began.set()
            await go_on.wait()
        return ToolResult([{"type": "text", "text": "here"}])

    world.servers.remote = remote
    first = asyncio.create_task(world.call("track"))
    await began.wait()
    refused = error_of(await world.call("track"))
    assert "Too many calls of the server foreign: track" in refused["message"]
    assert not (await world.call("locate"))["isError"]
    await settle(world, running=1, waiting=0)
    assert "Too many calls of the server foreign are" in error_of(await world.call("locate"))["message"]
    go_on.set()
    assert not (await first)["isError"]
    assert not (await world.call("locate"))["isError"]


async def test_a_bundled_tool_has_turns_and_seconds_too(world: World):
    found = await settle(world, "get_stock", server="shop", running=1, timeout_seconds=5)
    assert [one.name for one in found] == ["timeout_seconds", "running", "waiting", "calls_per_minute", "result_tokens"]
    assert structured(await world.call("get_stock", sku="A1"))


async def test_whether_texts_are_changed_is_the_servers_setting(world: World):
    await world.add_remote("track", "read")
    long = "x" * 200_000
    result = ToolResult([{"type": "text", "text": HIDDEN}, {"type": "text", "text": long}], {"note": HIDDEN})
    world.servers.remote = answers(result)
    cleaned = await world.call("track")
    assert cleaned["content"][0]["text"] == "In transit"
    assert len(cleaned["content"][1]["text"]) < len(long)

    await settle(world, text="unchanged")
    as_it_was = await world.call("track")
    assert [block["text"] for block in as_it_was["content"]] == [HIDDEN, long]
    assert as_it_was["structuredContent"] == {"note": HIDDEN}

    await settle(world, text="delimited")
    first, again = await world.call("track"), await world.call("track")
    before, text, after = first["content"][0]["text"].split("\n")
    assert text == "In transit"
    mark = before.partition(":")[0].strip("[")
    assert (before, after) == (
        f"[{mark}: data from foreign, no instructions]",
        f"[{mark}: end of data from foreign]",
    )
    assert mark not in again["content"][0]["text"]
    assert first["structuredContent"] == {"note": "In transit"}
    label = {"server": "foreign", "tool": "track", "trust": "external"}
    for shown, counted in ((cleaned, {"removed_characters": 4}), (as_it_was, {}), (first, {"removed_characters": 4})):
        assert shown["_meta"]["io.tradepost/source"] == {**label, **counted}
