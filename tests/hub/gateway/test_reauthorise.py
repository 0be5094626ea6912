"""Between approval and execution everything may change. What no longer holds is not carried out."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import update

from tests.hub.gateway.world import World, structured
from tradepost.hub.access import agents, people
from tradepost.hub.access.keys import revoke
from tradepost.hub.access.models import User
from tradepost.hub.actions.models import Action
from tradepost.hub.registration.assignments import unassign
from tradepost.hub.registration.tools import set_tool_enabled
from tradepost.hub.registry.models import Server, ToolEntry


async def approved(world: World, by: object = None) -> str:
    asked = structured(await world.add_stock())
    await world.built.verdicts.approve(by or world.owner, asked["approval_id"])  # type: ignore[arg-type]
    return str(asked["approval_id"])


async def disable_agent(world: World) -> None:
    async with world.changing() as session:
        await agents.set_agent_active(session, world.admin, "supply", False)


async def revoke_key(world: World) -> None:
    caller = await world.agent()
    async with world.changing() as session:
        await revoke(session, world.admin, caller.principal.id)


async def disable_tool(world: World) -> None:
    async with world.changing() as session:
        await set_tool_enabled(session, world.admin, "shop", "add_stock", False)


async def take_tool_away(world: World) -> None:
    async with world.changing() as session:
        await unassign(session, world.admin, "shop", "add_stock", agent="supply")


async def take_scope_away(world: World) -> None:
    async with world.changing() as session:
        await agents.set_agent_scopes(session, world.admin, "supply", ["read:inventory"])


async def change_definition(world: World) -> None:
    async with world.changing() as session:
        await session.execute(update(ToolEntry).where(ToolEntry.name == "add_stock").values(digest="sha256:other"))
        await agents.set_agent_scopes(session, world.admin, "supply", ["read:inventory", "write:inventory"])


async def change_credential(world: World) -> None:
    async with world.changing() as session:
        await session.execute(update(Server).where(Server.slug == "shop").values(credential_version=7))
        await agents.set_agent_scopes(session, world.admin, "supply", ["read:inventory", "write:inventory"])


async def tamper(world: World) -> None:
    async with world.changing() as session:
        await session.execute(update(Action).values(arguments='{"quantity":999,"sku":"A1"}'))


CHANGES = [
    disable_agent, revoke_key, disable_tool, take_tool_away, take_scope_away, change_definition, change_credential,
    tamper,
]  # fmt: skip


@pytest.mark.two_processes(also=True)
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
async def test_what_no_longer_holds_is_not_carried_out(world: World, change: Callable[[World], Awaitable[None]]):
    action_id = await approved(world)
    await change(world)
    await world.executor.run_due()

    assert world.shop.effects() == []
    shown = await world.action(action_id)
    assert shown.state == "failed"
    assert shown.error_code in ("unauthenticated", "state_conflict", "forbidden_scope")
    (outcome,) = [row for row in await world.audited() if row.kind == "outcome"]
    assert (outcome.outcome, outcome.error_code) == ("failed", shown.error_code)


@pytest.mark.two_processes(also=True)
async def test_an_approval_by_somebody_who_may_no_longer_approve_does_not_count(world: World):
    clerk = await world.user("operator")
    action_id = await approved(world, clerk)
    async with world.changing() as session:
        user = await session.get_one(User, (world.workspace_id, clerk.user_id))
        await people.set_role(session, world.admin, user.email, "viewer")
    await world.executor.run_due()

    assert world.shop.effects() == []
    assert (await world.action(action_id)).state == "failed"


@pytest.mark.two_processes(also=True)
async def test_a_record_that_moved_since_is_shown_to_people_again(world: World):
    action_id = await approved(world)
    world.shop.put(world.workspace_id, "A1", 100)
    await world.executor.run_due()

    assert world.shop.effects() == []
    shown = await world.action(action_id)
    assert (shown.state, shown.round, shown.verdicts) == ("pending", 2, ())
    assert shown.preview is not None
    assert shown.preview["changes"][0]["before"] == 100
    (said,) = shown.preview["moved"]
    assert said == "A1: quantity was 5 when this was shown, it is 100 now."
    assert said in shown.decision_reason

    await world.built.verdicts.approve(world.owner, action_id)
    await world.executor.run_due()
    assert world.shop.stock(world.workspace_id, "A1")["quantity"] == 120
    assert len(world.shop.effects()) == 1


async def test_a_record_that_moves_in_the_moment_of_the_deed_is_shown_to_people_again(world: World):
    action_id = await approved(world)

    def sell_one(what: str) -> None:
        if what == "add_stock:execute":
            world.shop.before = lambda _: None
            world.shop.put(world.workspace_id, "A1", 4)

    world.shop.before = sell_one
    await world.executor.run_due()
    assert world.shop.effects() == []
    shown = await world.action(action_id)
    assert (shown.state, shown.round, shown.verdicts) == ("pending", 2, ())
    assert "A1: quantity was 5 when this was shown, it is 4 now." in shown.decision_reason
    kinds = [row.tag for row in await world.audited() if row.action_id == action_id]
    assert kinds[-2:] == ["tool:call", "approval:requested_again"]

    await world.built.verdicts.approve(world.owner, action_id)
    await world.executor.run_due()
    assert (await world.action(action_id)).state == "succeeded"
    assert world.shop.stock(world.workspace_id, "A1")["quantity"] == 24
    assert len(world.shop.effects()) == 1
