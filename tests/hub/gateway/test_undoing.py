"""Taking a write back: a new action, decided and carried out like any other, once and in time."""

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from tests.hub.gateway.world import World, opened, structured
from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.errors import ForbiddenScope, NotFound, StateConflict
from tradepost.hub.actions.models import Action
from tradepost.hub.registration.assignments import unassign


async def added(world: World) -> str:
    """A write that was approved and carried out: 5 -> 25 units."""
    asked = structured(await world.add_stock())
    await world.built.verdicts.approve(world.owner, asked["approval_id"])
    await world.executor.run_due()
    return str(asked["approval_id"])


@pytest.mark.two_processes(also=True)
async def test_a_person_takes_a_write_back_with_an_approval_of_its_own(world: World):
    action_id = await added(world)
    first = await world.action(action_id)
    assert first.undo is not None
    assert (first.undo["tool"], first.undo["summary"]) == ("pay_out", "Takes the units away again.")

    made = await world.built.undoing.undo(world.owner, action_id)
    assert (made.state, made.tool, made.undoes) == ("pending", "pay_out", action_id)
    assert (made.principal_kind, made.user_id) == ("user", world.owner.user_id)
    assert made.preview is not None
    assert made.preview["changes"][0]["after"] == 5
    assert (await world.built.undoing.undo(world.owner, action_id)).id == made.id
    assert (await world.action(action_id)).undone_by == made.id

    await world.built.verdicts.approve(world.owner, made.id)
    await world.executor.run_due()
    assert world.shop.stock(world.workspace_id, "A1")["quantity"] == 5
    assert (await world.action(made.id)).state == "succeeded"
    assert len(world.shop.effects("pay_out")) == 1
    clerk = await world.user("operator")
    with pytest.raises(StateConflict, match="being undone, or was"):
        await world.built.undoing.undo(clerk, action_id)
    mine = structured(await world.call("get_approval", approval_id=action_id))
    assert mine["undone_by"] == made.id
    assert "arguments" not in mine["undo"]


@pytest.mark.two_processes
async def test_two_people_in_two_processes_take_it_back_once(world: World):
    action_id = await added(world)
    clerk = await world.user("operator")
    async with opened(world.facts) as other:
        answers = await asyncio.gather(
            world.built.undoing.undo(world.owner, action_id),
            other.built.undoing.undo(clerk, action_id),
            return_exceptions=True,
        )
    made = [one for one in answers if not isinstance(one, BaseException)]
    assert len(made) == 1
    assert [type(one) for one in answers if isinstance(one, BaseException)] == [StateConflict]
    await world.built.verdicts.approve(world.owner, made[0].id)
    await world.executor.run_due()
    assert len(world.shop.effects("pay_out")) == 1


@pytest.mark.two_processes(also=True)
async def test_what_was_rejected_may_be_tried_again(world: World):
    action_id = await added(world)
    made = await world.built.undoing.undo(world.owner, action_id)
    await world.built.verdicts.reject(world.owner, made.id, "not now")
    again = await world.built.undoing.undo(world.owner, action_id)
    assert again.id != made.id
    assert (await world.action(action_id)).undone_by == again.id


@pytest.mark.two_processes(also=True)
async def test_stock_that_was_sold_meanwhile_is_not_taken_back(world: World):
    action_id = await added(world)
    made = await world.built.undoing.undo(world.owner, action_id)
    world.shop.put(world.workspace_id, "A1", 24)
    with pytest.raises(StateConflict, match="It cannot be undone: It changed meanwhile"):
        await world.built.undoing.undo(await world.user("operator"), await _again(world, action_id))
    await world.built.verdicts.approve(world.owner, made.id)
    await world.executor.run_due()
    shown = await world.action(made.id)
    assert shown.state == "failed"
    assert "quantity was 25 when this was shown, it is 24 now" in shown.what_happened()
    assert world.shop.effects("pay_out") == []


async def _again(world: World, action_id: str) -> str:
    """The same write, as if nobody had undone it yet."""
    async with world.changing() as session:
        await session.execute(update(Action).where(Action.id == action_id).values(undone_by=None))
    return action_id


@pytest.mark.two_processes(also=True)
async def test_whatever_was_not_done_or_is_too_long_ago_is_not_undone(world: World):
    pending = structured(await world.add_stock())["approval_id"]
    with pytest.raises(StateConflict, match="The action is pending"):
        await world.built.undoing.undo(world.owner, pending)
    with pytest.raises(NotFound):
        await world.built.undoing.undo(world.owner, "act_nothing")
    await world.built.verdicts.approve(world.owner, pending)
    await world.executor.run_due()
    async with world.changing() as session:
        await session.execute(update(Action).values(undo_until=datetime(2020, 1, 1, tzinfo=UTC)))
    with pytest.raises(StateConflict, match="It could be undone until 2020"):
        await world.built.undoing.undo(world.owner, pending)


@pytest.mark.two_processes(also=True)
async def test_nobody_undoes_with_a_tool_that_is_not_theirs(world: World):
    action_id = await added(world)
    with pytest.raises(ForbiddenScope):
        await world.built.undoing.undo(await world.user("viewer"), action_id)
    agent = await world.agent()
    async with world.changing() as session:
        await unassign(session, world.admin, "shop", "pay_out", agent="supply")
    for who in (agent, world.owner):
        with pytest.raises(ForbiddenScope, match="pay_out, which is not among the tools"):
            await world.built.undoing.undo(who, action_id)
    assert world.shop.effects("pay_out") == []


@pytest.mark.two_processes(also=True)
async def test_an_agent_undoes_its_own_write_alone(world: World):
    action_id = await added(world)
    agent = await world.agent()
    made = await world.built.undoing.undo(agent, action_id)
    assert (made.state, made.agent_id, made.principal_id) == ("pending", agent.agent_id, agent.principal.id)
    other = Caller(world.workspace_id, Principal("agent_key", "key_x"), "req_x", agent_id=world.facts.other_agent_id)
    with pytest.raises(NotFound):
        await world.built.undoing.undo(other, action_id)


@pytest.mark.two_processes(also=True)
async def test_an_undoing_that_needs_nobody_is_left_to_the_serving_process(guarded: World):
    asked = structured(await guarded.call("pay_out", sku="A1", quantity=2, idempotency_key="p1"))
    await guarded.built.verdicts.approve(guarded.owner, asked["approval_id"])
    await guarded.executor.run_due()
    made = await guarded.built.undoing.undo(guarded.owner, asked["approval_id"])
    assert (made.state, made.decision, made.tool) == ("approved", "allow", "add_stock")
    assert guarded.shop.effects("add_stock") == []
    again = await guarded.built.undoing.undo(guarded.owner, asked["approval_id"])
    assert again.id == made.id
    await guarded.executor.run_due()
    assert (await guarded.action(made.id)).state == "succeeded"
    assert guarded.shop.stock(guarded.workspace_id, "A1")["quantity"] == 5
    tags = [row.tag for row in await guarded.audited() if row.action_id == made.id]
    assert tags == ["undo:allowed", "tool:call", "tool:call"]

    late = structured(await guarded.call("pay_out", sku="A1", quantity=1, idempotency_key="p2"))
    await guarded.built.verdicts.approve(guarded.owner, late["approval_id"])
    await guarded.executor.run_due()
    made = await guarded.built.undoing.undo(guarded.owner, late["approval_id"])
    guarded.shop.put(guarded.workspace_id, "A1", 3)
    await guarded.executor.run_due()
    assert (await guarded.action(made.id)).state == "failed"
    assert guarded.shop.stock(guarded.workspace_id, "A1")["quantity"] == 3
