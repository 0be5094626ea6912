"""What can be watched of a served hub: metrics, the audit as a file, how it is kept, usage."""

import httpx2
import pytest

from tests.api.conftest import As
from tests.api.test_requests import problem
from tradepost import settings
from tradepost.app import Tradepost

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
