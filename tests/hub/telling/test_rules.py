"""Rules about arguments, headers and `_meta` (S2.18, S2.19, T2): what reaches a server, and what a model sees."""

from __future__ import annotations

import pytest

from tests.hub.telling.hub import Hub
from tests.hub.telling.told_server import TOOLS, ToldServer
from tradepost.hub.registration.tools import find_tool
from tradepost.hub.registry.pinned import pinned


async def all_kinds(hub: Hub) -> None:
    await hub.rule("argument", "tenantId", "workspace.id")
    await hub.rule("header", "X-Tenant", "workspace.slug")
    await hub.rule("header", "X-Agent", "agent.slug")
    await hub.rule("meta", "com.example/tenant", "workspace.id")
    await hub.rule("meta", "com.example/request", "request.id")


@pytest.mark.behaviour("S2.19")
async def test_a_call_carries_what_the_rules_say(any_server: ToldServer, hub: Hub):
    await carries_what_the_rules_say(any_server, hub)


async def test_over_an_event_stream_as_well(oldest_server: ToldServer, hub: Hub):
    await carries_what_the_rules_say(oldest_server, hub)


async def carries_what_the_rules_say(any_server: ToldServer, hub: Hub) -> None:
    await hub.add(any_server.url)
    await all_kinds(hub)
    any_server.sent.clear()
    answer = await hub.call("find", number="7")
    assert not answer["isError"], answer
    assert {sent.header("x-tenant") for sent in any_server.sent} == {"acme"}  # the handshake's requests as well
    (sent,) = any_server.calls()
    assert sent.message["params"]["arguments"] == {"number": "7", "tenantId": hub.acme.world.workspace_id}
    assert (sent.header("x-tenant"), sent.header("x-agent")) == ("acme", "helper")
    assert sent.meta["com.example/tenant"] == hub.acme.world.workspace_id
    assert sent.meta["com.example/request"].startswith("req_")


@pytest.mark.behaviour("T2")
async def test_the_model_neither_sees_nor_sets_it(server: ToldServer, hub: Hub):
    """security.md row 18: the tenant in an argument, a header or `_meta` of the client counts for nothing."""
    await hub.add(server.url)
    await all_kinds(hub)
    assert await hub.shown("find") == {
        **TOOLS["find"],
        "properties": {"number": {"type": "string"}},
        "required": ["number"],
    }
    other = hub.other.world.workspace_id
    for sent in (other, 7, None, {"$ne": 1}):
        answer = await hub.ask(
            "tools/call",
            {
                "name": "find",
                "arguments": {"number": "7", "tenantId": sent},
                "_meta": {"com.example/tenant": other},
            },
        )
        assert not answer["isError"], answer
    assert {arguments["tenantId"] for arguments in server.arguments()} == {hub.acme.world.workspace_id}
    assert {sent.meta["com.example/tenant"] for sent in server.calls()} == {hub.acme.world.workspace_id}
    assert {sent.header("mcp-param-tenant") for sent in server.calls()} == {hub.acme.world.workspace_id}


async def test_a_mistake_of_the_model_is_said_without_it(server: ToldServer, hub: Hub):
    await hub.add(server.url)
    await hub.rule("argument", "tenantId", "workspace.id")
    refused = (await hub.call("find", number="7", tennantId="x"))["structuredContent"]
    assert (refused["code"], refused["field"]) == ("invalid_argument", "tennantId")
    assert refused["hint"] == "Leave it out; the arguments are: number."
    assert (await hub.call("find", number=7))["structuredContent"]["field"] == "number"
    assert server.calls() == []


async def test_each_workspace_is_told_as_itself(server: ToldServer, hub: Hub):
    for agent in (hub.acme, hub.other):
        await hub.add(server.url, agent)
        await hub.rule("argument", "tenantId", "workspace.slug", agent)
        await hub.rule("header", "X-Tenant", "workspace.id", agent)
    for agent in (hub.other, hub.acme):
        await hub.call("find", agent, number="1")
    assert [arguments["tenantId"] for arguments in server.arguments()] == ["other", "acme"]
    assert [sent.header("x-tenant") for sent in server.calls()] == [
        hub.other.world.workspace_id,
        hub.acme.world.workspace_id,
    ]


async def test_the_pin_stays_whole(server: ToldServer, hub: Hub):
    await hub.add(server.url)
    async with hub.acme.world.reading() as session:
        before = (await find_tool(session, "told", "find")).digest
    await hub.rule("argument", "tenantId", "workspace.id")
    assert (await hub.discovery.discover(hub.acme.world.owner, "told")).changed == []
    async with hub.acme.world.reading() as session:
        entry = await find_tool(session, "told", "find")
    assert entry.digest == before
    assert "tenantId" in pinned(entry.definition).definition["inputSchema"]["properties"]


async def test_a_rule_of_the_tool_goes_before_its_servers(server: ToldServer, hub: Hub):
    await hub.add(server.url)
    await hub.rule("argument", "tenantId", "workspace.id")
    await hub.rule("header", "X-Tenant", "constant:everybody")
    await hub.rule("argument", "tenantId", "constant:of-the-tool", tool="change")
    await hub.rule("header", "x-tenant", "workspace.slug", tool="change")
    await hub.call("change", number="1", idempotency_key="k1")  # first: whoever has read asks before writing
    await hub.call("find", number="1")
    assert [arguments["tenantId"] for arguments in server.arguments()] == ["of-the-tool", hub.acme.world.workspace_id]
    assert [sent.header("x-tenant") for sent in server.calls()] == ["acme", "everybody"]
    await hub.unrule("argument", "tenantId", tool="change")
    await hub.call("change", number="1", idempotency_key="k2")
    assert server.arguments()[-1]["tenantId"] == hub.acme.world.workspace_id


async def test_without_a_rule_nothing_is_different(server: ToldServer, hub: Hub):
    await hub.add(server.url)
    await hub.rule("argument", "tenantId", "workspace.id")
    await hub.unrule("argument", "tenantId")
    assert await hub.shown("find") == TOOLS["find"]
    refused = await hub.call("find", number="1")
    assert refused["structuredContent"]["field"] == "tenantId"
    assert server.calls() == []


async def test_a_tool_that_does_not_declare_the_argument_gets_none(server: ToldServer, hub: Hub):
    """Its schema is open: what a model sends under the name does not go on either."""
    await hub.add(server.url)
    await hub.rule("argument", "tenantId", "workspace.id")
    assert await hub.shown("plain") == TOOLS["plain"]
    await hub.call("plain", text="x", tenantId=hub.other.world.workspace_id)
    assert server.arguments() == [{"text": "x"}]


@pytest.mark.behaviour("S2.19")
async def test_a_caller_without_the_source_is_refused_before_anything_is_sent(server: ToldServer, hub: Hub):
    """security.md row 19: a tool that is told the customer is never called for nobody."""
    await hub.add(server.url)
    await hub.rule("argument", "customerId", "principal.customer_id")
    await hub.rule("header", "X-Region", "principal.attributes.region", tool="plain")
    for tool, missing in (("count", "principal.customer_id"), ("plain", "principal.attributes.region")):
        refused = (await hub.call(tool))["structuredContent"]
        assert (refused["code"], refused["details"]) == ("forbidden_scope", {"source": missing})
        assert "Nothing was sent" in refused["hint"]
    assert server.calls() == []
    hub.authenticator.attributes = {"customer": "77", "region": "south"}
    await hub.call("count", customerId=8)
    await hub.call("plain")
    assert server.arguments() == [{"customerId": 77}, {}]
    assert server.calls()[-1].header("x-region") == "south"


async def test_an_optional_rule_leaves_it_out(server: ToldServer, hub: Hub):
    await hub.add(server.url)
    await hub.rule("argument", "text", "principal.attributes.region", tool="plain", optional=True)
    await hub.rule("header", "X-Region", "principal.attributes.region", optional=True)
    await hub.rule("meta", "com.example/user", "user.id", optional=True)
    await hub.call("plain", text="of the model")
    (sent,) = server.calls()
    assert (sent.message["params"]["arguments"], sent.header("x-region")) == ({}, None)
    assert "com.example/user" not in sent.meta


async def test_a_value_cannot_make_a_header_of_its_own(server: ToldServer, hub: Hub):
    """security.md row 43."""
    await hub.add(server.url)
    await hub.rule("header", "X-Region", "principal.attributes.region")
    for value in ("a\r\nX-Admin: 1", "a\nb", "größer", " a", "a\x00b", "", "x" * 9_000):
        hub.authenticator.attributes = {"region": value}
        refused = (await hub.call("plain"))["structuredContent"]
        assert refused["code"] == "forbidden_scope"
        assert "visible ASCII" in refused["message"]
    assert server.calls() == []


async def test_such_a_value_can_be_an_argument_or_stand_in_meta(server: ToldServer, hub: Hub):
    await hub.add(server.url)
    await hub.rule("argument", "tenantId", "principal.attributes.region", tool="find")
    await hub.rule("meta", "com.example/region", "principal.attributes.region")
    hub.authenticator.attributes = {"region": "größer\r\nX-Admin: 1"}
    await hub.call("find", number="1")
    (sent,) = server.calls()
    assert sent.message["params"]["arguments"]["tenantId"] == "größer\r\nX-Admin: 1"
    assert sent.meta["com.example/region"] == "größer\r\nX-Admin: 1"
    assert sent.header("x-admin") is None
    assert (sent.header("mcp-param-tenant") or "").startswith("=?base64?")


async def test_a_value_that_the_tool_does_not_take_is_not_the_models_mistake(server: ToldServer, hub: Hub):
    await hub.add(server.url)
    await hub.rule("argument", "tenantId", "principal.attributes.region")
    await hub.rule("argument", "customerId", "principal.customer_id")
    hub.authenticator.attributes = {"region": "", "customer": "seven"}
    short = (await hub.call("find", number="1"))["structuredContent"]
    assert short["code"] == "state_conflict"
    assert "'tenantId'" in short["message"]
    assert (await hub.call("count"))["structuredContent"]["code"] == "forbidden_scope"
    assert server.calls() == []


async def test_what_the_caller_is_bound_to_still_counts(server: ToldServer, hub: Hub):
    """The attributes of a caller overwrite arguments without any rule; a rule goes before them."""
    await hub.add(server.url)
    hub.authenticator.attributes = {"customer": "9", "region": "north"}
    await hub.rule("argument", "tenantId", "principal.attributes.region", tool="find")
    await hub.call("find", number="1")
    assert server.arguments() == [{"number": "1", "tenantId": "north"}]


async def test_resources_prompts_and_completions_are_told_too(any_server: ToldServer, hub: Hub):
    await hub.add(any_server.url)
    await hub.rule("header", "X-Agent", "agent.id")
    await hub.rule("meta", "com.example/agent", "agent.id")
    hub_agent = hub.acme.world.agent_id
    await hub.ask("resources/read", {"uri": "note://one"})
    await hub.ask("prompts/get", {"name": "greet", "arguments": {"who": "Ada"}})
    await hub.ask(
        "completion/complete",
        {"ref": {"type": "ref/prompt", "name": "greet"}, "argument": {"name": "who", "value": "A"}},
    )
    for method in ("resources/read", "prompts/get", "completion/complete"):
        (sent,) = any_server.calls(method)
        assert (sent.header("x-agent"), sent.meta["com.example/agent"]) == (hub_agent, hub_agent), method
    await hub.rule("header", "X-Customer", "principal.customer_id")
    refused = await hub.ask("resources/read", {"uri": "note://two"})
    assert "principal.customer_id" in refused["message"]
    assert len(any_server.calls("resources/read")) == 1


async def test_requests_of_nobody_carry_what_is_the_workspaces(any_server: ToldServer, hub: Hub):
    """A look at the lists, the handshake: constants and the workspace, never a caller."""
    await hub.add(any_server.url)
    await hub.rule("header", "X-Tenant", "workspace.slug")
    await hub.rule("header", "X-Channel", "constant:hub")
    await hub.rule("header", "X-Agent", "agent.id")
    await hub.rule("meta", "com.example/tenant", "workspace.slug")
    any_server.sent.clear()
    await hub.discovery.test(hub.acme.world.owner, "told")
    await hub.call("plain")
    assert any_server.sent
    for sent in any_server.sent:
        if sent.method != "tools/call":
            assert sent.header("x-agent") is None
        assert (sent.header("x-tenant"), sent.header("x-channel")) == ("acme", "hub"), sent
    asked = [sent for sent in any_server.sent if "id" in sent.message]
    assert {sent.method for sent in asked} >= {"tools/list", "tools/call"}
    assert {sent.meta.get("com.example/tenant") for sent in asked} == {"acme"}


@pytest.mark.behaviour("S2.18")
async def test_nothing_of_the_clients_own_goes_up(any_server: ToldServer, hub: Hub):
    """security.md R5: the hub's bearer key and cookies stay here; the server's own credential is what it gets."""
    await hub.add(any_server.url, headers=[("Authorization", "Bearer of-the-server")])
    await all_kinds(hub)
    await hub.assert_caller()
    await hub.call("find", number="1")
    await hub.ask("resources/read", {"uri": "note://one"})
    everything = repr(any_server.sent)
    assert hub.acme.key not in everything
    assert "CANARY-cookie" not in everything
    assert {sent.header("authorization") for sent in any_server.sent} == {"Bearer of-the-server"}
