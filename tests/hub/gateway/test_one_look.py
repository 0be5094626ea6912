"""One look at the registry lets a request in and does for all its steps; a change counts from the next call on."""

from collections.abc import Awaitable, Callable

import pytest

from tests.hub.gateway.world import World, error_of
from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import NotFound, Unauthenticated
from tradepost.hub.access import changes
from tradepost.hub.access.agents import set_agent_active
from tradepost.hub.access.keys import revoke
from tradepost.hub.registration.assignments import unassign
from tradepost.protocol.builtin import Json
from tradepost.protocol.hosting import Arrival, CallExtras
from tradepost.protocol.parameter_headers import HeaderParameter

Change = Callable[[World, Caller], Awaitable[None]]


async def let_in(world: World) -> Caller:
    return await world.gateway.authenticate(
        Arrival({"authorization": f"Bearer {world.facts.key}"}, "127.0.0.1", "/mcp")
    )


async def mirrored(world: World, caller: Caller, name: str) -> tuple[HeaderParameter, ...]:
    found = world.gateway.mirrored(caller, None, name)
    return found if isinstance(found, tuple) else await found


async def get_stock(world: World, caller: Caller) -> Json:
    assert await mirrored(world, caller, "get_stock") == ()
    return await world.gateway.call_tool(caller, None, "get_stock", {"sku": "A1"}, CallExtras())


@pytest.fixture
def looks(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The workspaces whose version was looked up."""
    found: list[str] = []
    real = world.watch.at_hand  # asked first by whoever looks

    def at_hand(workspace_id: str) -> int | None:
        found.append(workspace_id)
        return real(workspace_id)

    monkeypatch.setattr(world.watch, "at_hand", at_hand)
    return found


async def test_a_call_looks_once(world: World, looks: list[str]):
    await get_stock(world, await let_in(world))
    looks.clear()
    assert not (await get_stock(world, await let_in(world)))["isError"]
    assert looks == [world.workspace_id]


async def test_a_call_that_takes_its_time_looks_again(world: World, looks: list[str], monkeypatch: pytest.MonkeyPatch):
    caller = await let_in(world)
    monkeypatch.setattr(changes, "SEEN_SECONDS", 0.0)
    looks.clear()
    await get_stock(world, caller)
    assert len(looks) >= 3


async def _revoke(world: World, caller: Caller) -> None:
    async with world.changing() as session:
        await revoke(session, world.admin, caller.principal.id)


async def _disable(world: World, _caller: Caller) -> None:
    async with world.changing() as session:
        await set_agent_active(session, world.admin, "supply", False)


@pytest.mark.parametrize("change", [_revoke, _disable])
async def test_who_may_not_call_any_more_is_not_let_in(world: World, change: Change, monkeypatch: pytest.MonkeyPatch):
    caller = await let_in(world)
    await get_stock(world, caller)
    await change(world, caller)
    with pytest.raises(Unauthenticated):
        await let_in(world)
    with pytest.raises(Unauthenticated):
        await world.call("get_stock", caller, sku="A1")  # an agent of ours, which keeps its caller
    monkeypatch.setattr(changes, "SEEN_SECONDS", 0.0)
    with pytest.raises((Unauthenticated, NotFound)):
        await get_stock(world, caller)


async def test_what_was_taken_away_is_gone_with_the_next_call(world: World):
    caller = await let_in(world)
    await get_stock(world, caller)
    assert await world.gateway.may_read(caller, None, "stock://A1")
    async with world.changing() as session:
        for tool in ("get_stock", "add_stock", "drop_sku", "pay_out"):
            await unassign(session, world.admin, "shop", tool, agent="supply")
    with pytest.raises(NotFound):
        await get_stock(world, await let_in(world))
    with pytest.raises(NotFound):
        await world.call("get_stock", caller, sku="A1")
    assert not await world.gateway.may_read(caller, None, "stock://A1")


async def test_headers_that_repeat_arguments_are_known_before_the_call(world: World):
    region = {"type": "string", "x-mcp-header": "Region"}
    await world.add_remote("track", "read", inputSchema={"type": "object", "properties": {"region": region}})
    await world.add_remote("odd", "read", inputSchema={"type": "object", "properties": {"r": {"x-mcp-header": "R"}}})
    caller = await let_in(world)
    (found,) = await mirrored(world, caller, "track")
    assert (found.path, found.header) == (("region",), "mcp-param-region")
    assert await mirrored(world, caller, "odd") == ()
    assert await mirrored(world, caller, "no_such_tool") == ()
    assert error_of(await world.call("track", region=7))["field"] == "region"
