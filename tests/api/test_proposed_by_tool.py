"""An agent proposes a change of a policy over MCP: the call waits for a person as any write does, and what it leaves is
a proposal, which people decide like every other."""

import asyncio
from typing import Any

import pytest

from tests.api.conftest import As
from tests.api.talking import PATIENCE_SECONDS
from tests.api.test_knowledge import PLACE, POLICY, entries
from tests.api.world import Client, problem
from tests.journeys.live.clients import over_http, plain, tool_names

Json = dict[str, Any]
TOOL = "propose_policy_change"
WHY = "Customers are told forty days since March."
CHANGE = {"clause": "RET-1", "text": "Forty days.", "why": WHY, "idempotency_key": "forty-days"}


@pytest.fixture
async def agent(as_: As) -> str:
    """The key of an agent that may read policies and propose to change them, in a shop that has one."""
    admin = as_("admin")
    await admin.post("/knowledge/entries", POLICY)
    scopes = ["read:policies", "write:support"]
    await admin.post("/agents", {"profile": "internal", "slug": "editor", "name": "Editor", "scopes": scopes})
    for tool in ("search_policies", TOOL):
        await admin.post("/assignments", {"server": "support", "tool": tool, "agent": "editor"})
    return str((await admin.post("/keys", {"agent": "editor"}))["key"])


async def call(url: str, key: str, tool: str, /, **arguments: Any) -> Json:
    async with over_http(f"{url}/mcp", key) as client:
        found: Json = plain(await client.call_tool(tool, arguments))
        return found


async def carried_out(operator: Client, approval: str) -> Json:
    """What came of an action once it is approved and has ended."""
    await operator.post(f"/approvals/{approval}/approve", {}, status=200)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            shown = await operator.get(f"/approvals/{approval}")
            if shown["state"] not in ("approved", "executing"):
                return shown
            await asyncio.sleep(0.02)


@pytest.mark.behaviour("S2.25")
async def test_a_proposal_over_mcp_waits_twice_and_a_person_decides_it(as_: As, url: str, agent: str) -> None:
    operator = as_("operator")
    async with over_http(f"{url}/mcp", agent) as client:
        assert TOOL in await tool_names(client)
    asked = await call(url, agent, TOOL, **CHANGE)
    assert asked["structuredContent"].get("status") == "approval_required", asked
    approval = asked["structuredContent"]["approval_id"]
    assert (await operator.get("/knowledge/proposals"))["items"] == []
    shown = await operator.get(f"/approvals/{approval}")
    foreseen = {change["field"]: change["after"] for change in shown["preview"]["changes"]}
    assert "RET-1 Return window Forty days." in foreseen["body"]
    assert (foreseen["reason"], foreseen["status"]) == (WHY, "proposed")
    ended = await carried_out(operator, approval)
    assert ended["state"] == "succeeded", ended
    (waiting,) = (await operator.get("/knowledge/proposals?status=proposed"))["items"]
    assert (waiting["reason"], waiting["slug"]) == (WHY, "returns")
    assert waiting["proposed_by"].startswith("agent")
    found = await call(url, agent, "search_policies", clause="RET-1")
    assert [one["text"] for one in found["structuredContent"]["items"]] == ["Thirty days."]
    problem(
        await as_("viewer").send("PATCH", f"{PLACE}/{waiting['id']}", {"status": "approved"}), 403, "forbidden_scope"
    )
    decided = await operator.patch(f"{PLACE}/{waiting['id']}", {"status": "approved"})
    assert decided["status"] == "approved"
    found = await call(url, agent, "search_policies", clause="RET-1")
    assert [one["text"] for one in found["structuredContent"]["items"]] == ["Forty days."]
    assert await entries(as_, "forty") == ["returns"]
