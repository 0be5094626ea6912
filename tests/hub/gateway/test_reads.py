"""Reads, resources, prompts and completions: the same pipeline, one audit row each, nothing beyond the catalog."""

import orjson
import pytest

from tests.hub.gateway.world import World, error_of, structured
from tradepost.foundation.canonical import digest
from tradepost.foundation.errors import NotFound, Unauthenticated
from tradepost.foundation.ids import new_id
from tradepost.hub.access import agents, keys
from tradepost.hub.audit.read import tail
from tradepost.hub.registration.tools import set_tool_enabled
from tradepost.protocol.hosting import Arrival, CallExtras


@pytest.mark.behaviour("S0.22")
async def test_an_agent_sees_its_own_tools_and_the_hubs(world: World):
    caller = await world.agent()
    names = [tool["name"] for tool in orjson.loads(await world.gateway.list_tools(caller, None))]
    assert names == ["get_stock", "add_stock", "drop_sku", "pay_out", "get_approval"]
    assert [tool["name"] for tool in await world.door.list(caller)] == names


async def test_a_read_has_exactly_one_audit_row(world: World):
    caller = await world.agent()
    result = await world.gateway.call_tool(caller, None, "get_stock", {"sku": "A1"}, CallExtras(run_id="run-1"))

    assert structured(result)["quantity"] == 5
    (row,) = await world.audited()
    assert (row.kind, row.tag, row.server, row.tool, row.outcome) == ("read", "tool:call", "shop", "get_stock", "ok")
    assert (row.request_id, row.run_id, row.agent_id) == (caller.request_id, "run-1", world.facts.agent_id)
    assert row.arguments_digest == digest({"sku": "A1"})
    assert row.definition_digest is not None
    assert row.definition_digest.startswith("sha256:")
    assert row.duration_us is not None
    assert row.duration_us > 0


async def test_a_read_waits_while_very_many_audit_rows_do(world: World, monkeypatch: pytest.MonkeyPatch):
    """Its own is stored by then: nobody has to ask for it to be written."""
    monkeypatch.setattr("tradepost.hub.audit.writer.CROWDED", 1)
    await world.audit.start()
    await world.call("get_stock", sku="A1")
    assert [row.tool for row in await tail(world.database, world.workspace_id)][-1] == "get_stock"


async def test_what_is_not_in_the_catalog_does_not_exist(world: World):
    async with world.changing() as session:
        await set_tool_enabled(session, world.admin, "shop", "drop_sku", False)
        key = await keys.mint(session, world.admin, agent_id=world.facts.other_agent_id)
    reader = await world.authenticator.authenticate(key.secret, new_id("req"))

    said = set()
    for caller, name in [(reader, "add_stock"), (None, "drop_sku"), (None, "no_such"), (None, "shop_get_stock")]:
        with pytest.raises(NotFound) as refused:
            await world.call(name, caller, sku="A1")
        said.add((refused.value.message.replace(name, "*"), refused.value.hint))
    assert len(said) == 1
    rows = await world.audited()
    assert {(row.kind, row.error_code, row.server) for row in rows} == {("refused", "not_found", None)}
    assert len(rows) == 4


async def test_a_tool_whose_scope_the_key_lacks_is_refused(world: World):
    async with world.changing() as session:
        key = await keys.mint(
            session, world.admin, keys.KeyTerms(scopes=frozenset({"read:inventory"})), agent_id=world.facts.agent_id
        )
    caller = await world.authenticator.authenticate(key.secret, new_id("req"))
    refused = error_of(await world.call("add_stock", caller, sku="A1", quantity=1, idempotency_key="k"))
    assert (refused["code"], refused["details"]) == ("forbidden_scope", {"scope": "write:inventory"})
    for tool_class, scope in (("read", "read:tools.foreign"), ("write", "write:tools.foreign")):
        await world.add_remote(f"foreign_{tool_class}", tool_class)
        refused = error_of(await world.call(f"foreign_{tool_class}", caller))
        assert (refused["code"], refused["details"]) == ("forbidden_scope", {"scope": scope})
    assert world.servers.remote_calls == []


async def test_arguments_are_checked_against_the_pinned_schema(world: World):
    refused = error_of(await world.call("get_stock", skew="A1"))
    assert refused["code"] == "invalid_argument"
    assert world.shop.calls == []
    (row,) = await world.audited()
    assert (row.kind, row.error_code) == ("refused", "invalid_argument")


async def test_a_caller_that_was_disabled_gets_nothing_although_its_caller_object_is_at_hand(world: World):
    caller = await world.agent()
    assert structured(await world.call("get_stock", caller, sku="A1"))
    async with world.changing() as session:
        await agents.set_agent_active(session, world.admin, "supply", False)

    with pytest.raises(Unauthenticated):
        await world.call("get_stock", caller, sku="A1")


async def test_resources_prompts_and_completions_go_the_same_way(world: World):
    caller, gateway = await world.agent(), world.gateway
    read = await gateway.read_resource(caller, None, "stock://A1")
    prompt = await gateway.get_prompt(caller, None, "count_stock", {"sku": "A1"})
    completion = await gateway.complete(caller, None, {"type": "ref/prompt", "name": "count_stock"}, "sku", "A")

    assert orjson.loads(read["contents"][0]["text"])["quantity"] == 5
    assert prompt["messages"][0]["content"]["text"] == "Count A1."
    assert completion["values"] == ["A1"]
    rows = await world.audited()
    assert [row.tag for row in rows] == ["resource:read", "prompt:get", "completion:complete"]
    assert {row.kind for row in rows} == {"read"}
    for uri in ("stock://A1/../B", "secret://x"):
        with pytest.raises(NotFound):
            await gateway.read_resource(caller, None, uri)


async def test_one_server_alone_shows_its_own_names(world: World):
    caller = await world.agent()
    names = [tool["name"] for tool in orjson.loads(await world.gateway.list_tools(caller, "shop"))]
    assert names == ["get_stock", "add_stock", "drop_sku", "pay_out"]
    assert (await world.gateway.server_info(caller, "shop"))["instructions"] == "Stock of the test shop."
    with pytest.raises(NotFound):
        await world.gateway.list_tools(caller, "nowhere")


async def test_the_door_of_the_endpoint_wants_a_bearer_key(world: World):
    caller = await world.gateway.authenticate(
        Arrival({"authorization": f"Bearer {world.facts.key}"}, "127.0.0.1", "/mcp")
    )
    assert caller.agent_id == world.facts.agent_id
    for headers in ({}, {"authorization": "Basic x"}, {"authorization": "Bearer tp_wrong"}):
        with pytest.raises(Unauthenticated):
            await world.gateway.authenticate(Arrival(headers, "127.0.0.1", "/mcp"))


async def test_nothing_secret_is_in_the_audit(world: World):
    await world.call("get_stock", sku="tp_privat_0123456789abcdef")
    for row in await world.audited():
        assert "tp_privat_0123456789abcdef" not in repr(vars(row))
        assert world.facts.key not in repr(vars(row))
