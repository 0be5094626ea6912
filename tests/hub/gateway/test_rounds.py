"""A server's questions and the retry that answers them: sealed for this caller and this call (S3.3, T30)."""

import string
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.hub.gateway.test_foreign import guard
from tests.hub.gateway.world import World
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.access.changes import bump
from tradepost.hub.gateway import rounds
from tradepost.hub.gateway.call import Call
from tradepost.hub.registry.catalog import CatalogTool
from tradepost.hub.registry.models import Assignment, Server, ToolEntry
from tradepost.protocol.builtin import Json, ToolResult
from tradepost.protocol.hosting import CallExtras

ASKS = {
    "resultType": "input_required",
    "inputRequests": {"colour": {"method": "elicitation/create", "params": {"message": "Colour?"}}},
    "requestState": "the server's own",
}
ANSWERS = {"colour": {"action": "accept", "content": {}}}


@pytest.fixture
async def asking(world: World) -> World:
    """A foreign tool that asks at every call without answers."""
    await guard(world)
    await world.add_remote("ship")
    await world.add_remote("track", "read")
    asks = iter([ASKS])

    async def remote(tool: CatalogTool, arguments: Json, key: str | None) -> ToolResult:
        if (asked := next(asks, None)) is not None:
            return ToolResult([], asks=asked)
        return ToolResult([{"type": "text", "text": "done"}])

    world.servers.remote = remote
    return world


async def call(world: World, name: str, *, state: str | None = None, key: str | None = None, **arguments: Any) -> Json:
    answers = ANSWERS if state is not None else None
    extras = CallExtras(
        client_capabilities={"elicitation": {}}, input_responses=answers, request_state=state, rounds=True,
        idempotency_key=key,
    )  # fmt: skip
    return await world.gateway.call_tool(await world.agent(), None, name, arguments, extras)


@pytest.mark.parametrize("name", ["track", "ship"])
async def test_the_retry_goes_on_where_the_server_asked(asking: World, name: str) -> None:
    first = await call(asking, name, parcel="7", key="k1")
    assert first["resultType"] == "input_required"
    assert first["inputRequests"] == ASKS["inputRequests"]
    assert "server's own" not in first["requestState"]
    done = await call(asking, name, parcel="7", key="k1", state=first["requestState"])
    assert done["content"][0]["text"] == "done"
    assert len(asking.servers.remote_calls) == 2


async def test_a_state_counts_for_this_call_alone(asking: World) -> None:
    first = await call(asking, "track", parcel="7")
    state = first["requestState"]
    changed = state[:-2] + ("A" if state[-2] != "A" else "B") + state[-1]
    for wrong in ({"parcel": "8", "state": state}, {"parcel": "7", "state": changed}, {"parcel": "7", "state": "x"}):
        with pytest.raises(InvalidArgument) as refused:
            await call(asking, "track", **wrong)
        assert refused.value.field == "requestState"
    with pytest.raises(InvalidArgument):
        await call(asking, "ship", parcel="7", state=state)
    assert len(asking.servers.remote_calls) == 1


async def test_a_server_is_not_told_what_the_one_before_it_said(asking: World) -> None:
    """Another server took over the tool between the question and the answer."""
    first = await call(asking, "track", parcel="7")
    async with asking.changing() as session:
        row = await session.scalar(select(ToolEntry).where(ToolEntry.name == "track"))
        assert row is not None
        kept = {name: getattr(row, name) for name in ("name", "definition", "digest", "state", "tool_class")}
        session.add(Server(id="srv_2", slug="second", name="Second", kind="remote", url="https://second.test/mcp"))
        await session.flush()
        session.add(ToolEntry(id="tool_2", server_id="srv_2", scope="write:inventory", **kept))
        await session.flush()
        await session.execute(
            update(Assignment).where(Assignment.tool_entry_id == row.id).values(tool_entry_id="tool_2")
        )
        await bump(session)
    with pytest.raises(InvalidArgument, match="belongs to the server that asked") as refused:
        await call(asking, "track", parcel="7", state=first["requestState"])
    assert "Begin again" in (refused.value.hint or "")
    assert len(asking.servers.remote_calls) == 1
    assert (await call(asking, "track", parcel="7"))["content"][0]["text"] == "done"


@pytest.mark.parametrize("place", range(-4, 0))
@pytest.mark.parametrize("length", range(3))
async def test_every_character_of_a_state_counts(asking: World, place: int, length: int) -> None:
    """Also the last one, of which base64 uses some bits only."""
    seal = rounds.RoundSeal(lambda: (b"k" * 32,))
    call = Call(await asking.agent(), "tool", "track", {"parcel": "7"})
    state = seal.sealed(call, {**ASKS, "requestState": "s" * length})["requestState"]
    for other in string.ascii_letters + string.digits + "-_=":
        changed = [*state]
        changed[place] = other
        if changed != [*state]:
            with pytest.raises(InvalidArgument):
                seal.opened(call, "".join(changed))


async def test_a_state_of_another_caller_or_of_long_ago_is_refused(asking: World) -> None:
    now = 1_000_000.0
    seal = rounds.RoundSeal(lambda: (b"k" * 32,), lambda: now)
    agent = await asking.agent()
    mine = Call(agent, "tool", "track", {"parcel": "7"})
    state = seal.sealed(mine, ASKS)["requestState"]
    assert seal.opened(mine, state) == "the server's own"
    assert rounds.RoundSeal(lambda: (b"k" * 32,), lambda: now).opened(mine, state) == "the server's own"
    other = Call(replace(agent, workspace_id="wsp_other"), "tool", "track", {"parcel": "7"})
    with pytest.raises(InvalidArgument):
        seal.opened(other, state)
    now += rounds.MINUTES * 60 + 1
    with pytest.raises(InvalidArgument, match="older than 30 minutes"):
        seal.opened(mine, state)
