"""Limits of principals, tools, servers and days, as calls meet them."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from tests.hub.gateway.process import Process, processes
from tests.hub.gateway.test_settings import settle
from tests.hub.gateway.world import Facts, World, error_of, opened, structured
from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import ForbiddenScope, RateLimited
from tradepost.foundation.ids import new_id
from tradepost.hub.access import keys, quotas
from tradepost.hub.access.models import Agent
from tradepost.hub.actions.views import ActionView
from tradepost.hub.limits.quotas import CALLS_PER_MINUTE, read_quotas
from tradepost.hub.registry.catalog import CatalogTool
from tradepost.hub.registry.models import ToolEntry
from tradepost.protocol.builtin import Json, ToolResult
from tradepost.protocol.upstream_errors import UpstreamFailed


async def limit(world: World, agent: str | None = None, /, **given: object) -> None:
    """Set limits; two underscores are a dot."""
    async with world.changing() as session:
        named = {name.replace("__", "."): value for name, value in given.items()}
        await quotas.change(session, world.admin, agent, given=named)


async def reads(world: World, times: int, caller: Caller | None = None) -> int:
    """How many of so many reads went through, one after the other."""
    went = 0
    for _ in range(times):
        try:
            structured(await world.call("get_stock", caller, sku="A1"))
            went += 1
        except RateLimited:
            continue
    return went


async def other_agent(world: World) -> Caller:
    async with world.changing() as session:
        agent = await session.get_one(Agent, (world.workspace_id, world.facts.other_agent_id))
        minted = await keys.mint(session, world.admin, agent_id=agent.id)
    return await world.authenticator.authenticate(minted.secret, new_id("req"))


@pytest.mark.behaviour("S3.10")
async def test_a_principal_gets_its_limit_and_others_theirs(world: World):
    await limit(world, calls_per_minute=10)
    assert await reads(world, 15) == 10
    with pytest.raises(RateLimited) as refused:
        await world.call("get_stock", sku="A1")
    assert refused.value.retry_after_seconds in range(50, 61)
    assert await reads(world, 15, await other_agent(world)) == 10
    rows = [row for row in await world.audited() if row.outcome == "rate_limited" or row.error_code == "rate_limited"]
    assert len(rows) == 11  # refused calls are recorded like all others


async def test_all_keys_of_an_agent_count_together(world: World):
    """Row 38: rotating keys is no way around."""
    await limit(world, calls_per_minute=10)
    async with world.changing() as session:
        second = await keys.mint(session, world.admin, agent_id=world.facts.agent_id)
    assert await reads(world, 6) == 6
    assert await reads(world, 6, await world.authenticator.authenticate(second.secret, new_id("req"))) == 4


async def test_lists_count_like_calls(world: World):
    await limit(world, calls_per_minute=5)
    for _ in range(5):
        await world.gateway.list_tools(await world.agent(), None)
    for listing in (world.gateway.list_tools, world.gateway.list_resources, world.gateway.list_prompts):
        with pytest.raises(RateLimited):
            await listing(await world.agent(), None)


async def test_a_changed_limit_holds_on_the_next_call(world: World):
    await limit(world, calls_per_minute=5)
    assert await reads(world, 8) == 5
    await limit(world, calls_per_minute=20)
    assert await reads(world, 3) == 3
    await limit(world, "supply", calls_per_minute=1)
    assert await reads(world, 1) == 0
    assert await reads(world, 3, await other_agent(world)) == 3


async def test_an_honest_client_never_meets_the_defaults_in_its_first_minute(world: World):
    """Reads as fast as one client can for a while, and 64 of them at once."""
    caller = await world.agent()
    assert await reads(world, 200, caller) == 200
    every = await asyncio.gather(*(world.call("get_stock", caller, sku="A1") for _ in range(64)))
    assert not any(result["isError"] for result in every)
    assert CALLS_PER_MINUTE >= 6_000


@pytest.mark.two_processes
@pytest.mark.behaviour("S3.10")
async def test_two_processes_keep_one_limit_and_a_third_finds_it_used_up(world: World, facts: Facts):
    """Row 38, F44: a parallel burst, within a tenth; a restart brings no new one."""
    await limit(world, calls_per_minute=100)
    first, second = (Process(facts, "burst", times=300) for _ in range(2))
    with processes(first, second):
        went = [said for process in (first, second) for said in [process.end()[1]]]
    assert 90 <= sum(went) <= 110, went
    async with opened(facts) as started_anew:
        assert await reads(started_anew, 20) <= 110 - sum(went)


async def test_a_tool_and_its_server_have_limits_for_all_agents_together(world: World):
    other = await other_agent(world)
    await settle(world, None, "shop", calls_per_minute=7)
    await settle(world, "get_stock", "shop", calls_per_minute=5)
    results = [await world.call("get_stock", caller, sku="A1") for caller in (await world.agent(), other) * 3]
    assert [result["isError"] for result in results] == [False] * 5 + [True]
    refused = error_of(results[-1])
    assert (refused["code"], refused["retryable"], refused["details"]["policy"]) == ("rate_limited", True, "tool")
    assert 50 <= refused["retry_after"] <= 60
    assert structured(await world.add_stock())["status"] == "approval_required"
    assert error_of(await world.add_stock("k2"))["details"]["policy"] == "server"
    await settle(world, None, "shop", calls_per_minute=0)
    await settle(world, "get_stock", "shop", calls_per_minute=0)
    structured(await world.call("get_stock", sku="A1"))


async def test_calls_of_a_day_for_the_workspace_and_for_an_agent(world: World):
    other = await other_agent(world)
    await limit(world, calls_per_day=12)
    await limit(world, "supply", calls_per_day=4)
    assert await reads(world, 6) == 4
    with pytest.raises(RateLimited) as refused:
        await world.call("get_stock", sku="A1")
    assert refused.value.details["window_seconds"] == 86_400
    assert 0 < (refused.value.retry_after_seconds or 0) <= 86_400
    assert await reads(world, 9, other) <= 8  # the refused ones of the first have counted for the workspace


async def test_writes_of_a_day_count_when_they_are_done_once_and_only_if_they_are(guarded: World):
    await limit(guarded, writes_per_day=2)
    structured(await guarded.add_stock("k1"))
    structured(await guarded.add_stock("k1"))  # a repetition of the same call
    failed = await guarded.call("add_stock", sku="none", quantity=1, idempotency_key="k2")
    assert failed["isError"]
    structured(await guarded.add_stock("k3"))
    refused = error_of(await guarded.add_stock("k4"))
    assert (refused["code"], refused["details"]["policy"]) == ("rate_limited", "writes-day")
    await limit(guarded, writes_per_day=3)
    structured(await guarded.add_stock("k4"))  # nothing was done, so the key is free
    assert guarded.shop.stock(guarded.workspace_id, "A1")["quantity"] == 5 + 3 * 20


def paid(amount: int) -> ToolResult:
    return ToolResult([{"type": "text", "text": "paid"}], {"amount": {"amount_minor": amount, "currency": "EUR"}})


async def paying(world: World) -> None:
    """A tool of a foreign server that moves money."""
    await world.add_remote("pay", "write")
    async with world.changing() as session:
        entry = (await session.scalars(select(ToolEntry).where(ToolEntry.name == "pay"))).one()
        entry.moves_money = True


async def pay(world: World, key: str, **arguments: Any) -> ActionView:
    """Ask, approve, carry out."""
    asked = structured(await world.call("pay", idempotency_key=key, **arguments))
    await world.built.verdicts.approve(world.owner, asked["approval_id"])
    await world.executor.run_due()
    return await world.action(asked["approval_id"])


async def test_money_of_a_day_is_what_was_moved(guarded: World):
    moved = [400]

    async def remote(_tool: CatalogTool, _arguments: Json, _key: str | None) -> ToolResult:
        if not moved[0]:
            raise UpstreamFailed("No.", dispatched=True, answered=True, status=400)
        return paid(moved[0])

    guarded.servers.remote = remote
    await paying(guarded)
    await limit(guarded, money_per_day__EUR=1_000)
    assert (await pay(guarded, "k1", amount_minor=500, currency="EUR")).state == "succeeded"  # 400 were moved
    too_much = await pay(guarded, "k2", amount_minor=601, currency="EUR")
    assert (too_much.state, too_much.error_code) == ("failed", "limit_exceeded")
    told = error_of(too_much.result or {})
    assert told["details"]["used_minor"] == 400
    assert "€10.00" in told["message"]
    assert (await pay(guarded, "k2b", amount_minor=2**53 - 1, currency="EUR")).error_code == "limit_exceeded"
    moved[0] = 0
    assert (await pay(guarded, "k3", amount_minor=600, currency="EUR")).state == "failed"  # which moved nothing
    moved[0] = 600
    assert (await pay(guarded, "k4")).state == "succeeded"  # the arguments say no amount: the outcome does
    assert (await pay(guarded, "k5", amount_minor=1, currency="EUR")).error_code == "limit_exceeded"
    assert (await pay(guarded, "k6", amount_minor=1, currency="JPY")).state == "succeeded"
    assert len(guarded.servers.remote_calls) == 4


async def test_tokens_of_a_day_stop_the_agent_that_reports_them(world: World):
    await limit(world, "supply", tokens_per_day=1_000)
    budgets, agent = world.built.pipeline.parts.pace.budgets, world.facts.agent_id
    async with world.changing() as session:
        set_ = await read_quotas(session, agent)
    await budgets.add_tokens(world.workspace_id, agent, set_, 900)
    with pytest.raises(RateLimited):
        await budgets.add_tokens(world.workspace_id, agent, set_, 200)
    async with world.changing() as session:
        for whose in ("supply", None):
            used = {one.name: one.used for one in await quotas.in_force(session, whose)}
            assert used["tokens_per_day"] == 1_100
    with pytest.raises(RateLimited) as refused:
        await world.call("get_stock", sku="A1")
    assert refused.value.details["policy"] == "tokens-day"
    structured(await world.call("get_stock", await other_agent(world), sku="A1"))
    await limit(world, "supply", tokens_per_day=2_000)
    structured(await world.call("get_stock", sku="A1"))


@pytest.mark.behaviour("S0.38")
async def test_a_workspace_without_a_feature_is_told_so_on_the_next_call(guarded: World):
    await guarded.add_remote("track", "read")

    async def remote(_tool: CatalogTool, _arguments: Json, _key: str | None) -> ToolResult:
        return paid(1)

    guarded.servers.remote = remote
    structured(await guarded.call("track"))
    await limit(guarded, feature__writes="off", feature__remote_servers="off")
    for refused in (await guarded.add_stock(), await guarded.call("track")):
        assert error_of(refused)["code"] == "forbidden_scope"
    structured(await guarded.call("get_stock", sku="A1"))
    await limit(guarded, feature__mcp="off", feature__writes="on")
    with pytest.raises(ForbiddenScope):
        await guarded.call("get_stock", sku="A1")
    await limit(guarded, feature__mcp="on")
    structured(await guarded.add_stock())


async def test_what_people_approved_is_not_held_back_by_the_minute(world: World):
    asked = structured(await world.add_stock())
    await limit(world, calls_per_minute=1)
    assert await reads(world, 2) <= 1
    await world.built.verdicts.approve(world.owner, asked["approval_id"])
    assert await world.executor.run_due() == 1
    assert (await world.action(asked["approval_id"])).state == "succeeded"


async def test_what_people_approved_does_not_run_without_the_feature(world: World):
    asked = structured(await world.add_stock())
    await world.built.verdicts.approve(world.owner, asked["approval_id"])
    await limit(world, feature__writes="off")
    assert await world.executor.run_due() == 1
    ended = await world.action(asked["approval_id"])
    assert (ended.state, ended.error_code) == ("failed", "forbidden_scope")
