"""A write waits for a person and is then carried out once: whoever approves how often, and whoever dies meanwhile."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest
from mcp.client.client import Client

from tests.journeys.live.clients import call, over_bridge, over_http
from tests.journeys.live.settling import settled, state
from tests.processes import Place, Serving

AGENT = "supply_chain_manager"
APPROVER = "alex@demo.example"
ORDERS = ("88213", "88214", "88218", "88230")
REORDER = {"sku": "A-100", "quantity": 100, "warehouse_id": "RTM", "reason": "near stockout"}


async def propose(client: Client, key: str) -> str:
    """Propose a reorder. Returns the approval's id."""
    proposed = await call(client, "create_reorder", **REORDER, idempotency_key=key)
    assert proposed["status"] == "approval_required"
    return str(proposed["approval_id"])


async def reorders(client: Client) -> list[str]:
    """The numbers of all purchase orders that such a reorder made."""
    listed = await call(client, "list_purchase_orders", sku=REORDER["sku"], limit=50)
    assert not listed["has_more"]
    return [row["number"] for row in listed["items"]]


def approve(place: Place, action: str) -> Any:
    return place.ask("approvals", "approve", action, "--as", APPROVER)


@pytest.mark.behaviour("S1.8")
async def test_nothing_changes_before_approval_and_two_approvals_carry_it_out_once(place: Place, serving: Serving):
    async with over_http(f"{place.url}/mcp", place.key(AGENT)) as client:
        before = await reorders(client)
        action = await propose(client, "shared-1")
        assert action in {row["id"] for row in place.ask("approvals", "list")}
        assert await reorders(client) == before

        started = [place.begin("approvals", "approve", action, "--as", who) for who in (APPROVER, "owner@demo.example")]
        ended = [command.result() for command in started]
        assert sorted(result.status for result in ended) == [0, 1]
        refused = next(result for result in ended if result.status == 1)
        assert "answered once" in refused.refusal()
        assert settled(place, action) == "succeeded"
        made = set(await reorders(client)) - set(before)
        assert len(made) == 1
        told = await call(client, "get_approval", approval_id=action)
        assert told["status"] == "succeeded"
        again = await call(client, "create_reorder", **REORDER, idempotency_key="shared-1")
        assert again["number"] in made
        assert set(await reorders(client)) - set(before) == made
    assert place.run("audit", "verify").good()


@pytest.mark.usefixtures("either_engine")
async def test_a_rejected_write_changes_nothing(place: Place, serving: Serving):
    async with over_bridge(place, AGENT) as client:
        before = await reorders(client)
        action = await propose(client, "rejected-1")
        said = place.run("approvals", "reject", action, "--as", APPROVER, "--comment", "not now").good().out
        assert "rejected" in said.lower()
        assert (await call(client, "get_approval", approval_id=action))["status"] == "rejected"
        assert await reorders(client) == before
    assert "answered once" in place.run("approvals", "approve", action, "--as", APPROVER).refusal()
    told = place.run("audit", "tail", "--action", action).good().out
    assert AGENT in told
    assert APPROVER in told


async def test_a_hub_killed_right_after_the_approval_carries_it_out_once(place: Place, serving: Serving):
    async with over_http(f"{place.url}/mcp", place.key(AGENT)) as client:
        before = await reorders(client)
        action = await propose(client, "killed-1")
    approving = place.begin("approvals", "approve", action, "--as", APPROVER, "--json")
    serving.wait_until(lambda: state(place, action) != "pending")
    serving.stop(signal.SIGKILL)
    assert approving.result().status == 0
    _end_lease(place, action)  # the dead process had it for a while longer, in case it had begun
    with place.start("serve") as hub:
        hub.wait_ready()
        assert settled(place, action) == "succeeded"
        async with over_http(f"{place.url}/mcp", place.key(AGENT)) as client:
            assert len(set(await reorders(client)) - set(before)) == 1
    assert place.ask("audit", "verify")["intact"]


@pytest.mark.usefixtures("either_engine")
async def test_what_is_approved_while_no_hub_runs_is_carried_out_at_the_next_start(place: Place, serving: Serving):
    async with over_http(f"{place.url}/mcp", place.key(AGENT)) as client:
        before = await reorders(client)
        action = await propose(client, "absent-1")
    serving.stop(signal.SIGKILL)
    assert approve(place, action)["state"] == "approved"
    with place.start("serve") as hub:
        hub.wait_ready()
        assert settled(place, action) == "succeeded"
        async with over_http(f"{place.url}/mcp", place.key(AGENT)) as client:
            assert len(set(await reorders(client)) - set(before)) == 1


@pytest.mark.two_processes
async def test_two_hubs_over_one_database_carry_it_out_once(engine_name: str, place: Place, serving: Serving):
    if engine_name == "sqlite":
        pytest.skip("a SQLite file is for one serving process")
    second = Place(place.data, databases=place.databases)
    with second.start("serve") as other:
        other.wait_ready()
        async with (
            over_http(f"{place.url}/mcp", place.key(AGENT)) as here,
            over_http(f"{second.url}/mcp", place.key(AGENT)) as there,
        ):
            actions = []
            for turn, order in enumerate(ORDERS):
                note = {"order_id": order, "note": f"note of {order}", "idempotency_key": f"two-{order}"}
                proposed = await call(here if turn % 2 else there, "add_order_note", **note)
                again = await call(there if turn % 2 else here, "add_order_note", **note)
                assert proposed["approval_id"] == again["approval_id"]  # the same key is the same call at either door
                actions.append(proposed["approval_id"])
            ended = [place.begin("approvals", "approve", action, "--as", APPROVER) for action in actions]
            for command in ended:
                command.result().good()
            for action in actions:
                assert settled(place, action) == "succeeded"
                assert (await call(there, "get_approval", approval_id=action))["status"] == "succeeded"
            for order in ORDERS:
                shown = json.dumps(await call(here, "get_order", order_id=order, include=["notes"]))
                assert shown.count(f"note of {order}") == 1
    assert place.ask("audit", "verify")["intact"]


def _end_lease(place: Place, action: str) -> None:
    past = "2001-01-01 00:00:00.000000"
    place.query(f"UPDATE actions SET lease_until = '{past}' WHERE id = '{action}' AND state = 'executing'")
