"""The process dies by `kill -9` where rules count, records move, people confirm and writes are taken back: nothing is
lost, nothing is doubled, and the totals of the day are what was really used (F24)."""

import pytest
from sqlalchemy import select

from tests.hub.gateway.process import KILLED, SECRET, confirm, run_in_process
from tests.hub.gateway.test_killed import ADD, intents_and_outcomes, leases_end
from tests.hub.gateway.test_undoing import added
from tests.hub.gateway.world import Facts, World, error_of, opened, structured
from tradepost.foundation.ids import new_id
from tradepost.hub.access import agents, keys, people
from tradepost.hub.gateway.checkpoints import Point
from tradepost.hub.policy.models import PolicyTotal
from tradepost.hub.registration.assignments import assign
from tradepost.hub.registration.policies import rules

pytestmark = pytest.mark.two_processes


async def capped(world: World, most: int = 20, outcome: str = "deny") -> None:
    """No more than so many units a day."""
    given = {"name": "cap", "outcome": outcome, "reason": "enough", "tool": "add_stock"}
    async with world.changing() as session:
        await rules.add(session, world.owner, {**given, "when": f"totals.agent.quantity > {most}"})


async def counted(world: World) -> list[tuple[int, int]]:
    """What the totals say: how many writes, how many units."""
    async with world.database.transaction(world.workspace_id, write=False) as session:
        rows = await session.execute(select(PolicyTotal.count, PolicyTotal.quantity))
        return [(row[0], row[1]) for row in rows if row[0] or row[1]]


@pytest.mark.parametrize("point", ["counted", "intended", "called", "recorded"])
async def test_a_write_under_a_cap_is_counted_once_whenever_its_process_dies(guarded: World, point: Point):
    await capped(guarded)
    assert run_in_process(guarded.facts, "call", point, **ADD) == (KILLED, None)
    assert await counted(guarded) == ([] if point == "counted" else [(1, 20)])
    await leases_end(guarded)
    await guarded.executor.run_due()

    assert structured(await guarded.add_stock())["quantity"] == 25
    assert len(guarded.shop.effects()) == 1
    assert await counted(guarded) == [(1, 20)]
    assert await intents_and_outcomes(guarded) == (1, 1)
    assert "enough" in error_of(await guarded.add_stock("k2", quantity=1))["message"]


async def test_what_a_settled_failure_had_taken_is_given_back(guarded: World):
    """The write was counted and its process died before it was sent; by the time it is sent, the SKU has gone."""
    await capped(guarded)
    gone = {"name": "add_stock", "arguments": {"sku": "NOPE", "quantity": 20, "idempotency_key": "k1"}}
    assert run_in_process(guarded.facts, "call", "intended", **gone) == (KILLED, None)
    await leases_end(guarded)
    await guarded.executor.run_due()
    assert (await guarded.only_action()).state == "failed"
    assert await counted(guarded) == []
    assert structured(await guarded.add_stock("k2"))["quantity"] == 25


async def test_a_write_that_is_asked_about_again_at_the_last_moment_is_counted_once(world: World):
    """The store has done nothing since its records had moved: what the write took of the day is given back until it is
    really carried out. Its process dies right after that."""
    await capped(world)
    asked = structured(await world.add_stock())["approval_id"]
    await world.built.verdicts.approve(world.owner, asked)
    assert run_in_process(world.facts, "run_due", "moved", sold_meanwhile=4) == (KILLED, None)
    assert await counted(world) == []
    shown = await world.action(asked)
    assert (shown.state, shown.round) == ("pending", 2)
    assert world.shop.effects() == []

    await world.built.verdicts.approve(world.owner, asked)
    await world.executor.run_due()
    assert (await world.action(asked)).state == "succeeded"
    assert await counted(world) == [(1, 20)]
    assert world.shop.stock(world.workspace_id, "A1")["quantity"] == 24


async def test_an_undoing_that_nobody_has_to_approve_survives_whoever_asked_for_it(guarded: World):
    paid = structured(await guarded.call("pay_out", sku="A1", quantity=2, idempotency_key="p1"))["approval_id"]
    await guarded.built.verdicts.approve(guarded.owner, paid)
    await guarded.executor.run_due()
    assert run_in_process(guarded.facts, "undo", "deferred", action_id=paid) == (KILLED, None)
    assert guarded.shop.effects("add_stock") == []

    made = await guarded.built.undoing.undo(guarded.owner, paid)
    assert made.id == (await guarded.action(paid)).undone_by
    assert run_in_process(guarded.facts, "run_due", "called") == (KILLED, None)
    await leases_end(guarded)
    await guarded.executor.run_due()
    assert [key for key, _, _ in guarded.shop.effects("add_stock")] == [made.id]
    assert guarded.shop.stock(guarded.workspace_id, "A1")["quantity"] == 5


@pytest.mark.parametrize("point", ["claimed", "reauthorised", "counted", "intended", "called", "recorded"])
async def test_an_approved_undoing_is_done_once_wherever_its_process_dies(world: World, point: Point):
    action_id = await added(world)
    await capped(world, 100)
    made = await world.built.undoing.undo(world.owner, action_id)
    await world.built.verdicts.approve(world.owner, made.id)
    assert run_in_process(world.facts, "run_due", point) == (KILLED, None)
    await leases_end(world)
    await world.executor.run_due()
    assert (await world.action(made.id)).state == "succeeded"
    assert [key for key, _, _ in world.shop.effects("pay_out")] == [made.id]
    assert world.shop.stock(world.workspace_id, "A1")["quantity"] == 5
    assert (await world.built.undoing.undo(world.owner, action_id)).id == made.id


async def test_a_confirmation_counts_although_the_process_that_took_it_died(facts: Facts):
    async with opened(facts, secret=SECRET) as world:
        await _confirms(world)


async def _confirms(world: World) -> None:
    async with world.changing() as session:
        own = {"name": "own", "outcome": "ask", "reason": "your own", "tool": "add_stock", "caller_may_confirm": True}
        await rules.add(session, world.owner, own)
        await agents.set_posture(session, world.admin, "internal", "guarded")
        user = await people.create_user(session, world.admin, "ann@x.test", "Ann", "viewer")
        profile = await agents.find_profile(session, "internal")
        await assign(session, world.admin, "shop", "add_stock", profile="internal")
        terms = keys.KeyTerms(profile_id=profile.id, scopes=("read:inventory", "write:inventory"))
        key = await keys.mint(session, world.admin, terms, user_id=user.id)
    person = await world.authenticator.authenticate(key.secret, new_id("req"))
    asked = await confirm(world, person)
    state = asked["requestState"]
    assert run_in_process(world.facts, "confirm", "confirmed", key=key.secret, state=state) == (KILLED, None)
    assert (await world.only_action()).state == "approved"
    assert world.shop.effects() == []
    await world.executor.run_due()
    assert structured(await confirm(world, person, state))["quantity"] == 25
    assert len(world.shop.effects()) == 1
    assert [said.way for said in (await world.action((await world.only_action()).id)).verdicts] == ["confirmed"]
