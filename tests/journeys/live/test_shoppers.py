"""A shop lets a customer in for some minutes: by the commands alone, over a real socket, with the official client."""

from __future__ import annotations

import time
from typing import Any

import httpx2
import pytest
from mcp.shared.exceptions import MCPError

from tests.journeys.live.clients import MODES, call, over_http, plain, tool_names
from tests.journeys.live.settling import settled
from tests.processes import Place
from tradepost.starter.agents import PROFILES

(SHOPPERS,) = [profile for profile in PROFILES if profile.slug == "shoppers"]
APPROVER = "alex@demo.example"
ME, MUGS = "CUST-10495", "88209"
OTHERS = ("88201", "88213", "RMA-1042")
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}


def minted(place: Place, customer: str, *more: str) -> dict[str, Any]:
    made = place.ask("shopper-session", "create", "--customer", customer, "--profile", "shoppers", *more)
    assert made["token"].startswith("tpss_")
    return dict(made)


def status(place: Place, token: str, path: str = "/mcp") -> int:
    """How the hub answers a plain request with this token."""
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    return httpx2.post(f"{place.url}{path}", json=LIST, headers=headers, timeout=60, trust_env=False).status_code


@pytest.mark.parametrize("mode", MODES)
async def test_a_shopper_sees_the_profiles_tools_and_their_own_orders(shared: Place, mode: str):
    """Security.md §2 row 19: no id, no argument and no cursor reaches another customer."""
    made = minted(shared, ME)
    async with over_http(f"{shared.url}/mcp", made["token"], mode) as client:
        assert await tool_names(client) == [*SHOPPERS.tools, "get_approval"]
        mine = await call(client, "list_my_orders", limit=50)
        assert MUGS in {order["number"] for order in mine["items"]}
        assert (await call(client, "get_my_order", order_id=MUGS))["number"] == MUGS
        for tool, argument in (("get_my_order", "order_id"), ("track_my_order", "order_id"), ("get_my_return", "rma")):
            unknown = plain(await client.call_tool(tool, {argument: "none-such"}))
            assert unknown["isError"] is True
            for other in OTHERS:
                assert plain(await client.call_tool(tool, {argument: other})) == unknown
        injected = await client.call_tool("get_my_order", {"order_id": OTHERS[0], "customer_id": "CUST-10503"})
        assert injected.is_error
        assert OTHERS[0] not in str(injected.structured_content)
        assert [str(one.uri) for one in (await client.list_resources()).resources if str(one.uri).startswith("me:")]
        with pytest.raises(MCPError):
            await client.call_tool("get_order", {"order_id": MUGS})


async def test_a_shoppers_write_waits_for_a_person_longer_than_the_session_lives(place: Place):
    """Asking was theirs while they were signed in; the shop decides in its own time."""
    with place.start("serve") as hub:
        hub.wait_ready()
        made = minted(place, "CUST-10483")
        asked = {"order_id": "88260", "reason": "no longer needed", "idempotency_key": "once"}
        async with over_http(f"{place.url}/mcp", made["token"]) as client:
            proposed = await call(client, "cancel_my_order", **asked)
            assert (proposed["status"], proposed["preview"]) == ("approval_required", {})
            dry = await call(client, "cancel_my_order", **{**asked, "dry_run": True})
            assert (dry["status"], dry["preview"]) == ("dry_run", {})
            assert await call(client, "cancel_my_order", **asked) == proposed
            assert (await call(client, "get_my_order", order_id="88260"))["status"] == "open"
        place.query(f"UPDATE shopper_sessions SET expires_at = created_at WHERE id = '{made['id']}'")
        place.run("approvals", "approve", proposed["approval_id"], "--as", APPROVER).good()
        assert settled(place, proposed["approval_id"]) == "succeeded"
        (action,) = place.ask("approvals", "list", "--state", "succeeded")
        assert action["preview"]["changes"]  # people saw it all, and who it was for
        assert action["attributes"] == {"customer": "CUST-10483"}
        async with over_http(f"{place.url}/mcp", minted(place, "CUST-10483")["token"]) as client:
            assert (await call(client, "get_my_order", order_id="88260"))["status"] == "canceled"


async def test_a_revoked_session_ends_and_takes_back_what_it_asked_for(place: Place):
    with place.start("serve") as hub:
        hub.wait_ready()
        made, other = minted(place, "CUST-10483"), minted(place, ME)
        async with over_http(f"{place.url}/mcp", made["token"]) as client:
            asked = {"order_id": "88260", "reason": "no longer needed", "idempotency_key": "once"}
            proposed = await call(client, "cancel_my_order", **asked)
            late = await call(client, "cancel_my_order", **{**asked, "idempotency_key": "second"})
            place.run(
                "approvals", "reject", late["approval_id"], "--as", APPROVER, "--comment", "She is a fraud"
            ).good()
            told = await call(client, "get_approval", approval_id=late["approval_id"])
            assert (told["status"], told["preview"]) == ("rejected", {})
            again = plain(await client.call_tool("cancel_my_order", {**asked, "idempotency_key": "second"}))
            for said in (str(told), str(again)):  # who decided, and what they wrote, is the shop's own affair
                assert "rejected by the shop" in said
                assert "fraud" not in said
                assert "Alex" not in said
        assert {row["id"] for row in place.ask("shopper-session", "list")} == {made["id"], other["id"]}
        place.run("shopper-session", "revoke", made["id"]).good()
        deadline = time.monotonic() + 1.0  # another process hears of it within a second
        while status(place, made["token"]) != 401:
            assert time.monotonic() < deadline, "a revoked token is still let in"
            place.pause()
        assert status(place, other["token"]) == 200
        assert [row["id"] for row in place.ask("shopper-session", "list")] == [other["id"]]
        place.run("approvals", "approve", proposed["approval_id"], "--as", APPROVER).good()
        assert settled(place, proposed["approval_id"]) == "failed"


async def test_a_token_is_worth_nothing_in_another_workspace(shared: Place):
    """Security.md §2 row 18: the workspace comes from the token alone; the two shops have order numbers in common."""
    here, there = minted(shared, ME), minted(shared, ME, "--workspace", "second")
    headers = {"X-Workspace": "second", "Tradepost-Workspace": "second"}
    async with over_http(f"{shared.url}/mcp", here["token"]) as client:
        mine = await call(client, "list_my_orders")
        result = await client.call_tool("list_my_orders", {}, meta={"workspace_id": "second", "tenantId": "second"})
        assert (result.structured_content or {})["items"] == mine["items"]
    async with over_http(f"{shared.url}/mcp", there["token"]) as client:
        theirs = await call(client, "list_my_orders")
    ids = {order["id"] for order in mine["items"]}
    assert ids
    assert not ids & {order["id"] for order in theirs["items"]}
    answer = httpx2.post(
        f"{shared.url}/mcp",
        json={**LIST, "method": "tools/call", "params": {"name": "get_my_order", "arguments": {"order_id": MUGS}}},
        headers={**headers, "Authorization": f"Bearer {here['token']}", "Accept": "application/json"},
        timeout=60,
        trust_env=False,
    )
    assert answer.json()["result"]["structuredContent"]["number"] == MUGS


@pytest.mark.usefixtures("either_engine")
async def test_commands_refuse_what_cannot_be_minted(shared: Place):
    for wrong in (
        ("--customer", "%"),
        ("--customer", ME, "--minutes", "61"),
        ("--customer", ME, "--scope", "read:orders"),
        ("--customer", ME, "--profile", "internal"),
        ("--customer", ME, "--as", APPROVER),
    ):
        assert shared.run("shopper-session", "create", *wrong).refusal()
    assert shared.run("shopper-session", "revoke", "none-such").refusal()
