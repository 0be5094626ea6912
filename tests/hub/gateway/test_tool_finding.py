"""Too many tools to list: found and loaded by words, and called by their names all the same. S0.17, S0.22."""

import httpx2
import orjson
import pytest

from tests.hub.gateway.world import World, error_of, structured
from tests.protocol.conftest import Desk, served
from tests.protocol.listeners import opened, session_stream
from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import NotFound
from tradepost.hub.gateway.hosted import FOLDED
from tradepost.hub.registration import rules
from tradepost.hub.registration.assignments import assign, unassign
from tradepost.hub.registration.tools import set_tool_enabled
from tradepost.protocol.endpoint import McpEndpoint
from tradepost.protocol.guards import LOCAL_HOSTS
from tradepost.protocol.updates import Updates

META = {"get_approval", "find_tools", "load_tools"}


async def fold(world: World, most: int = 3) -> None:
    async with world.changing() as session:
        await rules.change(session, world.owner, given={"visible_tools": most})


async def listed(world: World) -> list[str]:
    return [tool["name"] for tool in orjson.loads(await world.gateway.list_tools(await world.agent(), None))]


@pytest.mark.behaviour("S0.17", "S0.22")
async def test_a_list_that_is_too_long_is_searched_and_its_tools_are_called_as_ever(world: World):
    assert set(await listed(world)) == {"get_stock", "add_stock", "drop_sku", "pay_out", "get_approval"}
    for name in ("find_tools", "load_tools"):
        with pytest.raises(NotFound):
            await world.call(name, query="stock", names=["get_stock"])
    async with world.changing() as session:
        await assign(
            session, world.owner, "shop", "get_stock", agent="supply", exposed_name="count_units", title="Inventory"
        )
    await fold(world)

    assert set(await listed(world)) == META
    info = await world.gateway.server_info(await world.agent(), None)
    assert info["instructions"].endswith(FOLDED)
    found = structured(await world.call("find_tools", query="how many are in stock?", limit=2))
    assert (found["searched"], len(found["tools"])) == (5, 2)
    assert found["tools"][0]["name"] == "count_units"
    assert (found["tools"][0]["title"], found["tools"][0]["class"]) == ("Inventory", "read")
    loaded = structured(await world.call("load_tools", names=["count_units", "nothing", "count_units"]))
    assert loaded["unknown"] == ["nothing"]
    assert [tool["name"] for tool in loaded["tools"]] == ["count_units"]
    assert loaded["tools"][0]["inputSchema"]["required"] == ["sku"]
    assert structured(await world.call("count_units", sku="A1"))["quantity"] == 5
    nothing = structured(await world.call("find_tools", query="zeppelin"))
    assert (nothing["tools"], "Nothing fits" in nothing["message"]) == ([], True)
    assert error_of(await world.call("find_tools", query="  "))["code"] == "invalid_argument"
    assert [row.tool for row in await world.audited()][-1] == "find_tools"
    # One server's own endpoint lists it whole.
    shop = orjson.loads(await world.gateway.list_tools(await world.agent(), "shop"))
    assert {tool["name"] for tool in shop} == {"get_stock", "add_stock", "drop_sku", "pay_out"}


@pytest.mark.behaviour("S0.22")
async def test_only_what_the_caller_may_see_is_found_and_only_as_long_as_it_may(world: World):
    await fold(world, 1)
    async with world.changing() as session:
        await assign(session, world.owner, "shop", "drop_sku", agent="reader")
    reader = Caller(world.workspace_id, world.owner.principal, "req_1", agent_id=world.facts.other_agent_id)
    found = structured(await world.call("find_tools", reader, query="stock sku pay add"))
    assert {tool["name"] for tool in found["tools"]} == {"get_stock", "drop_sku"}
    loaded = structured(await world.call("load_tools", reader, names=["pay_out", "drop_sku"]))
    assert (loaded["unknown"], [tool["name"] for tool in loaded["tools"]]) == (["pay_out"], ["drop_sku"])
    with pytest.raises(NotFound):
        await world.call("pay_out", reader, sku="A1", quantity=1, idempotency_key="k")
    async with world.changing() as session:
        await set_tool_enabled(session, world.owner, "shop", "drop_sku", False)
    with pytest.raises(NotFound):  # one tool is left, which is listed
        await world.call("find_tools", reader, query="sku")


async def names(desk: Desk, session: dict[str, str] | None = None) -> list[str]:
    answer = await (desk.modern("tools/list") if session is None else desk.bare("tools/list", headers=session))
    return [tool["name"] for tool in answer.json()["result"]["tools"]]


async def load(desk: Desk, session: dict[str, str] | None, *wanted: str) -> None:
    params = {"name": "load_tools", "arguments": {"names": list(wanted)}}
    options = {} if session is None else {"headers": session}
    answer = await (desk.modern if session is None else desk.bare)("tools/call", params, **options)
    assert not answer.json()["result"]["isError"], answer.text


async def test_what_a_session_loaded_is_in_its_own_list_and_in_no_other(world: World):
    """T18: without a session a list depends on who asks alone. A client of the handshake era offers its model what is
    listed, so its session's list grows, and it is told."""
    await fold(world)
    endpoint = McpEndpoint(world.gateway, allowed_hosts=LOCAL_HOSTS, updates=Updates())
    async with served(endpoint) as url, httpx2.AsyncClient(timeout=60) as http:
        desk = Desk(url, http, world.facts.key)
        first, second = await opened(desk, world.facts.key), await opened(desk, world.facts.key)
        assert set(await names(desk, first)) == META
        async with session_stream(desk, first, world.facts.key) as ear:
            await load(desk, first, "get_stock", "nothing")
            said = await ear.next()
            assert said is not None
            assert said["method"] == "notifications/tools/list_changed"
        assert set(await names(desk, first)) == {*META, "get_stock"}
        assert set(await names(desk, second)) == META
        await load(desk, None, "get_stock")
        assert set(await names(desk)) == META
        called = await desk.modern("tools/call", {"name": "get_stock", "arguments": {"sku": "A1"}})
        assert called.json()["result"]["structuredContent"]["quantity"] == 5
        async with world.changing() as session:
            await unassign(session, world.owner, "shop", "get_stock", agent="supply")
        assert set(await names(desk, first)) == {"add_stock", "drop_sku", "pay_out", "get_approval"}
