"""Writes: people approve what the server will get, and it gets what they approved, in the name of who asked."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from tests.hub.telling.hub import Hub
from tests.hub.telling.test_assertions import verified
from tests.hub.telling.told_server import ToldServer
from tradepost.hub.access.agents import set_posture
from tradepost.hub.actions.models import Action


async def proposing(hub: Hub, url: str) -> None:
    await hub.add(url)
    async with hub.acme.world.changing() as session:
        await set_posture(session, hub.acme.world.owner, "team", "propose")
    await hub.rule("argument", "tenantId", "workspace.id")
    await hub.rule("header", "X-Request", "request.id")
    await hub.rule("meta", "com.example/agent", "agent.slug")


async def asked(hub: Hub, key: str = "k1", **arguments: Any) -> dict[str, Any]:
    answer = await hub.call("change", number="7", idempotency_key=key, **arguments)
    assert not answer["isError"], answer
    return dict(answer["structuredContent"])


async def carried_out(hub: Hub, approval_id: str) -> Action:
    await hub.gateway.verdicts.approve(hub.acme.world.owner, approval_id)
    await hub.gateway.executor.run_due()
    async with hub.acme.world.reading() as session:
        return await session.get_one(Action, (hub.acme.world.workspace_id, approval_id))


@pytest.mark.behaviour("S2.19")
async def test_people_see_it_and_the_server_gets_it_as_approved(any_server: ToldServer, hub: Hub):
    await proposing(hub, any_server.url)
    await hub.assert_caller()
    found = await asked(hub, tenantId="of the model")
    tenant = hub.acme.world.workspace_id
    assert found["preview"] == {"arguments": {"number": "7", "tenantId": tenant}}
    assert any_server.calls() == []
    action = await carried_out(hub, found["approval_id"])
    assert action.state == "succeeded", action.error_code
    (sent,) = any_server.calls()
    assert sent.message["params"]["arguments"] == {"number": "7", "tenantId": tenant}
    assert (sent.header("x-request"), sent.meta["com.example/agent"]) == (action.request_id, "helper")
    claims = await verified(hub, sent, any_server.url)
    assert (claims["request_id"], claims["sub"]) == (action.request_id, action.principal_id)


async def test_a_repetition_is_known_whatever_the_model_sends_there(server: ToldServer, hub: Hub):
    await proposing(hub, server.url)
    first, again = await asked(hub, tenantId="one"), await asked(hub, tenantId="two")
    assert again["approval_id"] == first["approval_id"]
    await carried_out(hub, first["approval_id"])
    assert len(server.calls()) == 1


async def test_a_rule_that_changed_since_is_not_carried_out(server: ToldServer, hub: Hub):
    await proposing(hub, server.url)
    found = await asked(hub)
    await hub.rule("argument", "tenantId", "workspace.slug")
    action = await carried_out(hub, found["approval_id"])
    assert (action.state, action.error_code) == ("failed", "state_conflict")
    assert server.calls() == []


async def test_what_all_requests_carry_counts_as_the_credential(server: ToldServer, hub: Hub):
    await proposing(hub, server.url)
    found = await asked(hub)
    await hub.rule("header", "X-Tenant", "workspace.slug")
    action = await carried_out(hub, found["approval_id"])
    assert (action.state, action.error_code) == ("failed", "state_conflict")
    again = await asked(hub, "k2")
    await carried_out(hub, again["approval_id"])
    assert [sent.header("x-tenant") for sent in server.calls()] == ["acme"]


async def test_a_caller_without_the_source_opens_no_approval(server: ToldServer, hub: Hub):
    await proposing(hub, server.url)
    await hub.rule("header", "X-Customer", "principal.customer_id")
    refused = await hub.call("change", number="7", idempotency_key="k1")
    assert refused["structuredContent"]["code"] == "forbidden_scope"
    async with hub.acme.world.reading() as session:
        assert await session.scalar(select(func.count()).select_from(Action)) == 0
