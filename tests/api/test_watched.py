"""What can be watched of a served hub: metrics, how the audit is kept and given out, usage."""

import asyncio
import csv
import io
from urllib.parse import quote

import httpx2
import pytest

from tests.api.conftest import As
from tests.api.world import Side, problem
from tradepost import settings
from tradepost.app import Tradepost
from tradepost.foundation.clock import system_now, to_rfc3339

TOKEN = "metrics-CANARY-5b1c"


@pytest.fixture
def configured(configured: settings.Settings) -> settings.Settings:
    return configured.model_copy(update={"metrics_token": settings.SecretStr(TOKEN)})


async def test_metrics_count_by_registered_names_only(http: httpx2.AsyncClient, as_: As, hub: Tradepost) -> None:
    agent = as_("agent")
    await agent.get("/contacts/C-1")
    problem(await agent.send("GET", "/contacts/C-77"), 404, "not_found")
    await agent.patch("/contacts/C-1", {"language": "fr"}, status=202)
    for bearer in ({}, {"authorization": "Bearer wrong"}, {"authorization": TOKEN}):
        assert (await http.get("/metrics", headers=bearer)).status_code == 401
    answer = await http.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    lines = answer.text.splitlines()

    def value(name: str, *labels: str) -> float:
        found = [line for line in lines if line.startswith(name) and all(label in line for label in labels)]
        return sum(float(line.rpartition(" ")[2]) for line in found)

    calls = "tradepost_calls_total{"
    assert value(calls, 'tool="get_customer"', 'outcome="ok"', 'class="read"') == 1
    assert value(calls, 'tool="get_customer"', 'outcome="error"') == 1
    assert value(calls, 'tool="update_customer"', 'outcome="approval_required"', 'class="write"') == 1
    assert value("tradepost_failures_total{", 'code="tool_error"') == 1
    assert value("tradepost_call_duration_seconds_count", 'tool="get_customer"') == 2
    assert value("tradepost_upstream_duration_seconds_count", 'server="customers"') >= 2
    assert value("tradepost_processes") == 1
    assert "CANARY" not in answer.text
    named = next(line for line in lines if line.startswith("tradepost_agent_info{"))
    counted = next(line for line in lines if line.startswith(calls) and 'tool="get_customer"' in line)
    agent_id = named.partition('agent="')[2].partition('"')[0]
    assert f'agent="{agent_id}"' in counted
    assert 'name="' in named
    assert value("tradepost_workspace_info{", 'name="acme"') == 1
    assert value("tradepost_audit_sealing_lag_seconds") >= 0

    queue = (await as_("owner").get("/approvals?state=pending"))["items"]
    approved = value("tradepost_approvals_total")
    await as_("owner").post(f"/approvals/{queue[0]['id']}/approve", {}, status=200)
    await hub.audit.drain()
    await hub.sealer.seal()
    await hub.upkeep.sum_up()
    lines = (await http.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})).text.splitlines()
    assert value("tradepost_approvals_total") == approved + 1


@pytest.mark.behaviour("S4.24")
async def test_usage_counts_what_is_summed_up_and_what_is_not_yet(as_: As, hub: Tradepost) -> None:
    agent, viewer = as_("agent"), as_("viewer")

    async def sums(by: str) -> dict[str, dict[str, object]]:
        found = (await viewer.get(f"/usage?by={by}"))["items"]
        return {row["key"]: row for row in found}

    await agent.get("/contacts/C-1")
    problem(await agent.send("GET", "/contacts/C-77"), 404, "not_found")
    await hub.audit.drain()
    before = await sums("tool")
    await hub.sealer.seal()
    await hub.upkeep.sum_up()
    assert await sums("tool") == before
    await agent.get("/contacts/C-1")
    await hub.audit.drain()
    row = (await sums("tool"))["get_customer"]
    assert (row["calls"], row["reads"], row["errors"]) == (3, 3, 1)
    await hub.sealer.seal()
    await hub.upkeep.sum_up()
    await hub.upkeep.sum_up()
    assert (await sums("tool"))["get_customer"] == row
    assert int(str(row["tokens"])) > 100
    assert 0 < float(str(row["p50_ms"])) <= float(str(row["p95_ms"]))
    assert (await sums("server"))["customers"]["calls"] == 3
    pages = await viewer.get("/usage?by=user&limit=1")
    assert pages["items"][0]["key"] == ""
    problem(await viewer.send("GET", "/usage?by=nothing"), 400, "invalid_argument")


@pytest.mark.behaviour("S1.14")
async def test_how_calls_are_recorded_exported_and_deleted(
    http: httpx2.AsyncClient, as_: As, hub: Tradepost, acme: Side
) -> None:
    agent, admin, owner = as_("agent"), as_("admin"), as_("owner")
    text = "=cmd|'/c calc'!A1 anna@example.com"
    changed = await admin.patch("/audit-settings", {"arguments": "digest", "tools": {"customers/get_customer": "full"}})
    assert changed["arguments"] == "digest"
    for wrong in (
        {"arguments": "everything"},
        {"tools": {"no tool": "full"}},
        {"keep_days": 0},
        {"personal_fields": ["a\u0001b"]},
        {"arguments": None},
        {"tools": {f"a/t{number}": "full" for number in range(1001)}},
    ):
        problem(await admin.send("PATCH", "/audit-settings", wrong), 400, "invalid_argument")
    await agent.get("/contacts/C-1")
    await agent.get(f"/contacts?query={quote(text)}")
    await hub.audit.drain()
    full, digest = [
        (await admin.get(f"/audit?tool={tool}"))["items"][0] for tool in ("get_customer", "search_customers")
    ]
    assert full["arguments"] == {"customer_id": "C-1"}
    assert (digest["arguments"], digest["arguments_digest"] is None) == (None, False)
    await admin.patch("/audit-settings", {"arguments": "masked", "tools": {"customers/get_customer": None}})
    await agent.get(f"/contacts?query={quote(text)}")
    asked = await agent.patch("/contacts/C-1", {"language": "fr"}, status=202)
    await as_("operator").post(f"/approvals/{asked['approval_id']}/approve", {}, status=200)
    async with asyncio.timeout(30):
        while (await agent.get(f"/approvals/{asked['approval_id']}"))["state"] != "succeeded":
            pass  # each look is a request: the hub carries it out meanwhile
    await hub.audit.drain()
    rows = (await admin.get(f"/audit?action_id={asked['approval_id']}"))["items"]
    by_kind = {row["kind"]: row for row in rows if row["tag"] == "tool:call"}
    assert by_kind["intent"]["arguments"]["language"] == "fr"
    assert by_kind["intent"]["approver_id"] == by_kind["outcome"]["approver_id"] == acme.users["operator"]
    assert min(by_kind["outcome"][name] for name in ("result_bytes", "result_tokens", "upstream_us")) > 0

    key = {"authorization": f"Bearer {acme.secrets['admin']}"}
    table = await http.get("/api/v1/audit/export?format=csv&tool=search_customers", headers=key)
    assert (table.status_code, table.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    exported = list(csv.DictReader(io.StringIO(table.text)))
    assert [row["tool"] for row in exported] == ["search_customers"] * 2
    assert "[e-mail]" in exported[1]["arguments"]
    assert "anna@" not in table.text
    whole = (await http.get("/api/v1/audit/export", headers=key)).text.splitlines()
    assert len(whole) > len(exported)
    problem(await admin.send("GET", "/audit/export?format=xml"), 400, "invalid_argument")

    await hub.sealer.seal()
    future = {"before": "2999-01-01T00:00:00Z"}
    problem(await owner.send("POST", "/audit/prune", future), 400, "invalid_argument")
    gone = await owner.post("/audit/prune", {"before": to_rfc3339(system_now())}, status=200)
    assert gone["rows"] >= len(whole)
    verified = await admin.post("/audit/verify", {"head": gone["chain_hash"]}, status=200)
    assert (verified["intact"], verified["from_position"]) == (True, gone["position"])
    assert not (await admin.post("/audit/verify", {"head": "sha256:" + "0" * 63 + "1"}, status=200))["intact"]
    used = {row["key"]: row for row in (await admin.get("/usage?by=tool"))["items"]}
    assert (used["search_customers"]["calls"], used["update_customer"]["approvals"]) == (2, 1)

    await admin.patch("/audit-settings", {"keep_days": 1})
    await hub.upkeep.prune_due()
    assert (await admin.post("/audit/verify", {}, status=200))["checked"] > 0
