"""The process dies, as by `kill -9`, at each point of a write. Afterwards another one settles it: nothing lost, nothing
doubled, and every intent has one outcome."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from tests.hub.gateway.process import KILLED, run_in_process
from tests.hub.gateway.world import World, structured
from tradepost.hub.access.agents import set_agent_active
from tradepost.hub.actions.models import Action
from tradepost.hub.gateway.checkpoints import Point
from tradepost.hub.registry.catalog import CatalogTool
from tradepost.protocol.builtin import Json, ToolResult

ADD = {"name": "add_stock", "arguments": {"sku": "A1", "quantity": 20, "idempotency_key": "k1"}}


async def leases_end(world: World) -> None:
    """The time of every lease is over."""
    async with world.changing() as session:
        await session.execute(
            update(Action)
            .where(Action.state == "executing")
            .values(lease_until=datetime(2020, 1, 1, tzinfo=UTC))
            .execution_options(synchronize_session=False)
        )


async def intents_and_outcomes(world: World) -> tuple[int, int]:
    rows = await world.audited()
    return sum(row.kind == "intent" for row in rows), sum(row.kind == "outcome" for row in rows)


@pytest.mark.two_processes
@pytest.mark.parametrize("point", ["previewed", "asked"])
async def test_killed_while_asking(world: World, point: Point):
    assert run_in_process(world.facts, "call", point, **ADD) == (KILLED, None)
    assert world.shop.effects() == []

    asked = structured(await world.add_stock())
    assert asked["status"] == "approval_required"
    assert (await world.only_action()).id == asked["approval_id"]
    await world.built.verdicts.approve(world.owner, asked["approval_id"])
    await world.executor.run_due()
    assert len(world.shop.effects()) == 1


@pytest.mark.two_processes
@pytest.mark.parametrize("point", ["claimed", "reauthorised", "intended", "called", "recorded"])
async def test_killed_while_carrying_an_approved_action_out(world: World, point: Point):
    asked = structured(await world.add_stock())
    await world.built.verdicts.approve(world.owner, asked["approval_id"])
    assert run_in_process(world.facts, "run_due", point) == (KILLED, None)
    assert await world.executor.run_due() == 0, "the lease of the dead process still holds"

    await leases_end(world)
    await world.executor.run_due()

    assert [key for key, _, _ in world.shop.effects()] == [asked["approval_id"]]
    assert world.shop.stock(world.workspace_id, "A1")["quantity"] == 25
    assert (await world.action(asked["approval_id"])).state == "succeeded"
    assert await intents_and_outcomes(world) == (1, 1)
    assert structured(await world.add_stock())["quantity"] == 25
    assert len(world.shop.effects()) == 1


@pytest.mark.two_processes
@pytest.mark.parametrize("point", ["intended", "called", "recorded"])
async def test_killed_while_an_allowed_write_runs(guarded: World, point: Point):
    assert run_in_process(guarded.facts, "call", point, **ADD) == (KILLED, None)
    await leases_end(guarded)
    await guarded.executor.run_due()

    assert structured(await guarded.add_stock())["quantity"] == 25
    assert len(guarded.shop.effects()) == 1
    assert (await guarded.only_action()).state == "succeeded"
    assert await intents_and_outcomes(guarded) == (1, 1)


@pytest.mark.two_processes
async def test_a_foreign_write_cut_off_after_it_was_sent_is_unknown_and_never_repeated(world: World):
    await world.add_remote("ship")
    world.servers.remote = never
    asked = structured(await world.call("ship", parcel="7"))
    await world.built.verdicts.approve(world.owner, asked["approval_id"])
    assert run_in_process(world.facts, "run_due", "intended") == (KILLED, None)
    await leases_end(world)

    await world.executor.run_due()

    assert world.servers.remote_calls == []
    told = structured(await world.call("get_approval", approval_id=asked["approval_id"]))
    assert (told["status"], told["error_code"]) == ("unknown", "outcome_unknown")
    assert await intents_and_outcomes(world) == (1, 1)


@pytest.mark.two_processes
async def test_a_foreign_write_cut_off_before_it_was_sent_is_sent_once(world: World):
    await world.add_remote("ship")
    world.servers.remote = shipped
    asked = structured(await world.call("ship", parcel="7"))
    await world.built.verdicts.approve(world.owner, asked["approval_id"])
    assert run_in_process(world.facts, "run_due", "reauthorised") == (KILLED, None)
    await leases_end(world)

    await world.executor.run_due()

    assert len(world.servers.remote_calls) == 1
    assert (await world.action(asked["approval_id"])).state == "succeeded"


@pytest.mark.two_processes
async def test_an_agent_that_was_disabled_after_the_cut_is_not_served_again(world: World):
    asked = structured(await world.add_stock())
    await world.built.verdicts.approve(world.owner, asked["approval_id"])
    assert run_in_process(world.facts, "run_due", "intended") == (KILLED, None)
    async with world.changing() as session:
        await set_agent_active(session, world.admin, "supply", False)
    await leases_end(world)

    await world.executor.run_due()

    assert world.shop.effects() == []
    assert (await world.action(asked["approval_id"])).state == "unknown"


async def never(tool: CatalogTool, arguments: Json, key: str | None) -> ToolResult:
    raise AssertionError("the foreign server was called")


async def shipped(tool: CatalogTool, arguments: Json, key: str | None) -> ToolResult:
    return ToolResult([{"type": "text", "text": "shipped"}])
