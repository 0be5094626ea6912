"""Rules about the arguments of bundled tools: people see them in the preview, and the tool gets them."""

from typing import Any

import orjson
import pytest

from tests.hub.gateway.world import World, error_of, structured
from tradepost.foundation.errors import StateConflict
from tradepost.hub.registration.caller_assertion import set_assertion
from tradepost.hub.registration.injection import change_rules
from tradepost.hub.registry.catalog import CatalogTool
from tradepost.hub.upstreams.guard import Guard
from tradepost.protocol.builtin import ToolResult

SKU = {"target": "argument", "name": "sku", "constant": "A1"}


async def ruled(world: World, tool: str | None, *given: dict[str, Any]) -> None:
    async with world.changing() as session:
        await change_rules(session, world.admin, "shop", tool, given=given)


async def test_a_bundled_read_gets_the_rules_value(world: World):
    await ruled(world, None, SKU)
    assert structured(await world.call("get_stock", sku="other"))["sku"] == "A1"
    assert structured(await world.call("get_stock"))["sku"] == "A1"
    listed = {tool["name"]: tool for tool in await world.door.list(await world.agent())}
    for name in ("get_stock", "add_stock"):
        assert "sku" not in listed[name]["inputSchema"]["properties"]
        assert "sku" not in listed[name]["inputSchema"].get("required", [])


async def test_a_bundled_write_is_previewed_and_carried_out_with_it(world: World):
    await ruled(world, "add_stock", SKU)
    asked = structured(await world.call("add_stock", sku="B9", quantity=20, idempotency_key="k1"))
    assert asked["preview"]["changes"][0]["record"] == "A1"
    action = await world.only_action()
    assert orjson.loads(action.arguments)["sku"] == "A1"
    await world.built.verdicts.approve(world.owner, asked["approval_id"])
    await world.executor.run_due()
    ((_, name, arguments),) = world.shop.effects()
    assert (name, arguments["sku"]) == ("add_stock", "A1")
    again = structured(await world.call("add_stock", sku="C3", quantity=20, idempotency_key="k1"))
    assert again["replayed"] is True


async def test_the_audit_and_the_fingerprint_see_what_was_sent(world: World):
    await ruled(world, "get_stock", SKU)
    await world.call("get_stock", sku="one")
    await world.call("get_stock", sku="two")
    await world.call("get_stock")
    digests = {row.arguments_digest for row in await world.audited() if row.tool == "get_stock"}
    assert len(digests) == 1


async def test_a_caller_without_the_source_does_not_reach_a_bundled_tool(world: World):
    await ruled(world, "get_stock", {"target": "argument", "name": "sku", "source": "user.id"})
    refused = error_of(await world.call("get_stock", sku="A1"))
    assert (refused["code"], refused["details"]) == ("forbidden_scope", {"source": "user.id"})
    assert world.shop.calls == []


CUSTOMER = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "note": {"type": "string"}},
    "required": ["id", "note"],
    "additionalProperties": False,
}


async def test_what_stands_inside_an_object_is_the_hubs_alone(world: World):
    """S2.19: stripped from the schema in its place, overwritten where it is sent, there where nothing is sent."""
    schema = {"type": "object", "properties": {"customer": CUSTOMER, "tenant": {"type": "object", "properties": {
        "id": {"type": "string"}}}}}  # fmt: skip
    await world.add_remote("find", "read", inputSchema=schema)
    async with world.changing() as session:
        given = [
            {"target": "argument", "name": name, "source": "workspace.id"} for name in ("customer.id", "tenant.id")
        ]
        await change_rules(session, world.admin, "foreign", "find", given=given)
    listed = {tool["name"]: tool["inputSchema"] for tool in await world.door.list(await world.agent())}["find"]
    assert list(listed["properties"]) == listed["required"] == ["customer"]  # nothing is left of the tenant
    assert (
        listed["properties"]["customer"]["required"] == ["note"] == list(listed["properties"]["customer"]["properties"])
    )

    async def found(tool: CatalogTool, arguments: dict[str, Any], key: str | None) -> ToolResult:
        return ToolResult([{"type": "text", "text": "found"}])

    world.servers.remote = found
    own = world.facts.workspace_id
    sent = {"customer": {"id": "somebody", "note": "n"}, "tenant": {"id": "else", "more": 1}}
    for arguments in (sent, {"customer": {"note": "n"}, "tenant": None}):
        before = orjson.dumps(arguments)
        await world.call("find", **arguments)
        assert orjson.dumps(arguments) == before
        _, reached, _ = world.servers.remote_calls[-1]
        assert reached == {"customer": {"id": own, "note": "n"}, "tenant": {"id": own}}
    count = len(world.servers.remote_calls)
    for wrong, field in (({}, "customer.note"), ({"customer": "x"}, "customer"), ({"customer": [1]}, "customer")):
        refused = error_of(await world.call("find", **wrong))
        assert (refused["code"], refused["field"]) == ("invalid_argument", field)
    assert len(world.servers.remote_calls) == count


async def test_a_bundled_server_is_told_nothing_else(world: World):
    for target, name in (("header", "X-Tenant"), ("meta", "com.example/tenant")):
        with pytest.raises(StateConflict):
            await ruled(world, None, {"target": target, "name": name, "source": "workspace.id"})
    with pytest.raises(StateConflict):
        await set_assertion(world.database, Guard(), world.admin, "shop", True)
