"""Rules at the door that agents come through: they act on the next call, and running totals hold when many come at
once, in one process and in two (design §6; security rows 7, 14, 15, 41, 45)."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.hub.gateway.world import Facts, World, error_of, guard, opened, structured
from tradepost.foundation.errors import ForbiddenScope
from tradepost.hub.actions.models import Action
from tradepost.hub.policy.models import PolicyTotal
from tradepost.hub.registration.policies import rules
from tradepost.hub.registration.policies.declaring import declare
from tradepost.hub.registration.policies.drafts import read_names, rule_from
from tradepost.hub.registration.policies.last_week import compare
from tradepost.hub.registry.models import Server
from tradepost.protocol.builtin import ToolResult


async def add(world: World, name: str, outcome: str, **given: Any) -> None:
    async with world.changing() as session:
        await rules.add(
            session, world.owner, {"name": name, "outcome": outcome, "reason": f"because of {name}", **given}
        )


async def change(world: World, name: str, **given: Any) -> None:
    async with world.changing() as session:
        await rules.change(session, world.owner, name, given)


async def statuses(*calls: Any) -> list[str]:
    """How many calls that came together ended in which way."""
    results = await asyncio.gather(*calls)
    return sorted((one.get("structuredContent") or {}).get("status") or "refused" for one in results)


async def test_a_rule_acts_on_the_next_call_and_stands_in_action_and_audit(guarded: World) -> None:
    assert structured(await guarded.add_stock("k0"))["status"] == "succeeded"
    await add(guarded, "many", "ask", tool="add_stock", when="args.quantity > 10", approvals=2, expires_minutes=5)
    assert structured(await guarded.add_stock("k1", quantity=10))["status"] == "succeeded"
    asked = structured(await guarded.add_stock("k2", quantity=11))
    action = await guarded.action(asked["approval_id"])
    assert (action.decision_reason, action.approvals_needed) == ("because of many", 2)
    assert action.expires_at is not None
    assert 290 <= (action.expires_at - action.created_at).total_seconds() <= 310
    row = next(row for row in await guarded.audited() if row.tag == "approval:requested")
    assert (row.details, row.rule_id) == ({"reason": "because of many"}, action.rule_id)

    await add(
        guarded, "never", "deny", tool="add_*", server="shop", when='args.sku == "A1" && principal.kind == "agent_key"'
    )
    refused = error_of(await guarded.add_stock("k3", quantity=1))
    assert (refused["code"], "because of never" in refused["message"]) == ("limit_exceeded", True)
    assert (await guarded.audited())[-1].kind == "refused"
    await change(guarded, "never", enabled=False)
    assert structured(await guarded.add_stock("k4", quantity=1))["status"] == "succeeded"

    async with guarded.changing() as session:
        await rules.freeze(session, guarded.owner, {"reason": "we take stock"})
    assert "we take stock" in error_of(await guarded.add_stock("k5", quantity=1))["message"]
    assert structured(await guarded.call("get_stock", sku="A1"))["quantity"] > 0
    async with guarded.changing() as session:
        await rules.unfreeze(session, guarded.owner)
    assert structured(await guarded.add_stock("k6", quantity=1))["status"] == "succeeded"


@pytest.mark.two_processes(also=True)
async def test_a_rule_about_a_read_and_one_that_loosens(world: World) -> None:
    await add(world, "hidden", "deny", tool="get_stock", when='args.sku.startsWith("B")')
    assert structured(await world.call("get_stock", sku="A1"))["quantity"] == 5
    assert "because of hidden" in error_of(await world.call("get_stock", sku="B1"))["message"]
    await add(world, "small", "allow", tool="add_stock", when="args.quantity <= 2")
    assert structured(await world.add_stock("k1", quantity=2))["status"] == "approval_required"  # the posture asks
    await change(world, "small", loosens=True)
    assert structured(await world.add_stock("k2", quantity=2))["status"] == "succeeded"
    assert structured(await world.add_stock("k3", quantity=3))["status"] == "approval_required"
    await change(world, "small", when='args.quantity.nothing == "x"')
    asked = await world.action(structured(await world.add_stock("k4", quantity=2))["approval_id"])
    assert "gave no answer" in asked.decision_reason


@pytest.mark.two_processes
@pytest.mark.parametrize("processes", [1, 2])
async def test_a_cap_holds_for_many_small_writes_at_once(facts: Facts, processes: int) -> None:
    """Thirty writes of 2 units against a cap of 20: ten run, whichever process they come to; the rest are refused. What
    fails gives back what it took."""
    await guard(facts)
    async with opened(facts) as one, opened(facts) as other:
        await add(
            one, "cap", "deny", tool="add_stock", when="totals.agent.quantity > 20 || totals.workspace.count > 50"
        )
        await other.add_stock("k-fails", sku="none", quantity=20)
        worlds = [one, other][:processes]
        calls = [worlds[n % processes].add_stock(f"k{n}", quantity=2) for n in range(30)]
        assert await statuses(*calls) == ["refused"] * 20 + ["succeeded"] * 10
        assert one.shop.stock(one.workspace_id, "A1")["quantity"] == 5 + 20
        async with one.database.transaction(one.workspace_id, write=False) as session:
            kept = {row.id.split("|", 1)[1]: row for row in await session.scalars(select(PolicyTotal))}
        assert {key: (row.count, row.quantity) for key, row in kept.items()} == {
            f"agent:{facts.agent_id}|add_stock|": (10, 20),
            "workspace:workspace|add_stock|": (10, 20),
        }
        async with one.database.transaction(one.workspace_id, write=False) as session:
            done = await session.scalar(select(Action.key).where(Action.state == "succeeded").limit(1))
        assert structured(await one.add_stock(str(done), quantity=2))["replayed"]  # counted once


@pytest.mark.two_processes(also=True)
async def test_what_is_over_a_cap_asks_and_counts_when_it_is_carried_out(guarded: World) -> None:
    await add(guarded, "cap", "ask", tool="add_stock", when="totals.agent.quantity > 10")
    calls = [guarded.add_stock(f"k{n}", quantity=4) for n in range(6)]
    assert await statuses(*calls) == ["approval_required"] * 4 + ["succeeded"] * 2
    operator = await guarded.user("operator")
    async with guarded.database.transaction(guarded.workspace_id, write=False) as session:
        pending = [row.id for row in await session.scalars(select(Action).where(Action.state == "pending"))]
    await guarded.built.verdicts.approve(operator, pending[0])
    await guarded.executor.run_due()
    assert (await guarded.action(pending[0])).state == "succeeded"
    async with guarded.database.transaction(guarded.workspace_id, write=False) as session:
        assert (await session.scalars(select(PolicyTotal.quantity))).one() == 12


async def test_totals_of_days_that_are_over_are_deleted(guarded: World) -> None:
    await add(guarded, "cap", "ask", tool="add_stock", when="totals.agent.quantity > 10")
    assert structured(await guarded.add_stock("k1", quantity=1))["status"] == "succeeded"
    async with guarded.database.transaction(guarded.workspace_id, write=True) as session:
        session.add(PolicyTotal(id="old", day="2020-02-29", money=0, count=1, quantity=1))
    await guarded.executor.sweep()
    async with guarded.database.transaction(guarded.workspace_id, write=False) as session:
        kept = (await session.scalars(select(PolicyTotal.day))).one()
    assert kept != "2020-02-29"


@pytest.mark.two_processes(also=True)
async def test_policy_is_asked_again_when_an_approved_write_runs(world: World) -> None:
    """Security row 15: a denial by now ends it; a second person by now is asked for."""
    operator = await world.user("operator")
    first = structured(await world.add_stock("k1"))["approval_id"]
    second = structured(await world.add_stock("k2"))["approval_id"]
    for action_id in (first, second):
        await world.built.verdicts.approve(operator, action_id)
    await add(world, "two", "ask", tool="add_stock", approvals=2)
    await world.executor.run_due()
    again = await world.action(first)
    assert (again.state, again.round, again.approvals_needed, again.verdicts) == ("pending", 2, 2, ())
    for person in (operator, await world.user("admin")):
        await world.built.verdicts.approve(person, first)
    await add(world, "stop", "deny", tool="add_stock", order=1)
    await world.executor.run_due()
    ended = await world.action(first)
    assert ended.state == "failed"
    assert "because of stop" in ended.what_happened()
    assert world.shop.effects("add_stock") == []


@pytest.mark.two_processes(also=True)
async def test_an_approved_write_is_not_carried_out_in_a_freeze(world: World) -> None:
    """It was decided for another time: who froze writes knows nothing of it, so it ends, and says why."""
    operator = await world.user("operator")
    action_id = structured(await world.add_stock("k1"))["approval_id"]
    await world.built.verdicts.approve(operator, action_id)
    async with world.changing() as session:
        await rules.freeze(session, world.owner, {"reason": "we take stock"})
    await world.executor.run_due()
    ended = await world.action(action_id)
    assert ended.state == "failed"
    assert "we take stock" in ended.what_happened()
    async with world.changing() as session:
        await rules.unfreeze(session, world.owner)
    await world.executor.run_due()
    assert world.shop.effects("add_stock") == []


@pytest.mark.two_processes(also=True)
async def test_a_rule_says_of_which_role_people_answer(world: World) -> None:
    """Asked for when it is made, and once more where a rule has come since."""
    operator, admin = await world.user("operator"), await world.user("admin")
    before = structured(await world.add_stock("k0"))["approval_id"]
    await world.built.verdicts.approve(operator, before)
    await add(world, "chief", "ask", tool="add_stock", approver_role="admin")
    await world.executor.run_due()
    again = await world.action(before)
    assert (again.state, again.approver_role) == ("pending", "admin")
    with pytest.raises(ForbiddenScope):
        await world.built.verdicts.approve(operator, before)
    await world.built.verdicts.approve(admin, before)
    await world.executor.run_due()
    asked = structured(await world.add_stock("k1"))["approval_id"]
    with pytest.raises(ForbiddenScope):
        await world.built.verdicts.approve(operator, asked)
    await world.built.verdicts.approve(admin, asked)
    await world.executor.run_due()
    assert len(world.shop.effects("add_stock")) == 2


async def test_a_foreign_tools_amount_is_where_an_admin_says(guarded: World) -> None:
    async def answer(*_: Any) -> ToolResult:
        return ToolResult([{"type": "text", "text": "ok"}], {"status": "ok"})

    guarded.servers.remote = answer
    await guarded.add_remote("pay")
    await add(guarded, "large", "ask", tool="pay", when="call.amount > 50 * call.unit")

    async def status(value: str, **more: str) -> str:
        said = structured(await guarded.call("pay", total={"value": value, "currency": "EUR", **more}))
        return str(said["status"])

    assert await status("20.00") == "approval_required"  # nobody knows what it is about
    async with guarded.changing() as session:
        given = {"amount": "total.value", "currency": "total.currency", "unit": "major"}
        await declare(session, guarded.owner, "foreign", "pay", given)
    assert await status("50.00") == "ok"
    assert await status("50.01") == "approval_required"
    assert await status("-9000") == "approval_required"
    assert await status("NaN") == "approval_required"
    assert await status("20.00", currency="nonsense") == "approval_required"


@pytest.mark.two_processes(also=True)
async def test_last_week_by_other_rules(guarded: World) -> None:
    """Both see the same totals: the third write of 4 units is the one that a cap of 10 would have stopped."""
    for number in range(3):
        assert structured(await guarded.add_stock(f"k{number}", quantity=4))["status"] == "succeeded"
    now = datetime.now(UTC) + timedelta(seconds=1)
    said = {"name": "cap", "outcome": "deny", "reason": "enough", "when": "totals.agent.quantity > 10", "tool": "add_*"}
    async with guarded.changing() as session:
        rule = rule_from(said, await read_names(session))
        found = await compare(session, [rule], now)
        assert (found.looked_at, [(one.before, one.after, one.rule) for one in found.differences]) == (
            3,
            [("allow", "deny", "cap")],
        )
        assert (await compare(session, [], now)).differences == ()
        assert (await compare(session, [rule], now + timedelta(days=8))).looked_at == 0
        assert found.gone == ()
    assert guarded.shop.stock(guarded.workspace_id, "A1")["quantity"] == 17


async def test_last_week_counts_writes_of_tools_that_are_gone(guarded: World) -> None:
    """A server that was deleted since: its writes count, with the money that totals counted of them, and are named."""

    async def answer(*_: Any) -> ToolResult:
        return ToolResult([{"type": "text", "text": "ok"}], {"status": "ok"})

    guarded.servers.remote = answer
    await guarded.add_remote("pay")
    await add(guarded, "much", "deny", tool="pay", when="totals.agent.money > 900 * call.unit")
    async with guarded.changing() as session:
        given = {"amount": "value", "currency": "currency", "unit": "major"}
        await declare(session, guarded.owner, "foreign", "pay", given)
    await guarded.call("pay", value="30.00", currency="EUR")
    async with guarded.changing() as session:
        await session.delete((await session.scalars(select(Server).where(Server.slug == "foreign"))).one())
    said = {"name": "fewer", "outcome": "ask", "tool": "pay", "when": "call.amount > 25 * call.unit", "reason": "large"}
    async with guarded.changing() as session:
        rule = rule_from(said, await read_names(session))
        found = await compare(session, [rule], datetime.now(UTC) + timedelta(seconds=1))
    assert (found.looked_at, found.gone) == (1, ("foreign.pay",))
    assert [(one.tool, one.before, one.after, one.gone) for one in found.differences] == [("pay", "allow", "ask", True)]
