"""Outcomes that nobody knows are listed, stay as they are until a person has looked, and then have one end."""

import asyncio

import pytest

from tests.hub.gateway.test_foreign import answers
from tests.hub.gateway.test_killed import intents_and_outcomes, leases_end
from tests.hub.gateway.test_killed_governed import counted
from tests.hub.gateway.world import Facts, World, error_of, guard, opened, structured
from tradepost.foundation.errors import ForbiddenScope, StateConflict, TradepostError
from tradepost.hub.access import agents
from tradepost.hub.actions.views import ActionView, list_views
from tradepost.hub.registration.assignments import unassign
from tradepost.hub.registration.policies import rules
from tradepost.protocol.builtin import ToolResult
from tradepost.protocol.upstream_errors import UpstreamFailed

CUT = UpstreamFailed("The connection was cut.", dispatched=True)


async def unknown(world: World, key: str = "k1") -> ActionView:
    """A write that was sent, and of which nothing came back."""
    world.servers.remote = answers(CUT)
    await world.call("ship", parcel="7", idempotency_key=key)
    async with world.database.transaction(world.workspace_id, write=False) as session:
        found, _ = await list_views(session, states=("unknown",))
    return next(one for one in found if one.key == key)


@pytest.mark.two_processes
async def test_an_unknown_outcome_is_settled_once_by_a_person_who_looked(facts: Facts) -> None:
    await guard(facts)
    async with opened(facts) as world, opened(facts) as other:
        await world.add_remote("ship")
        cap = {"name": "cap", "outcome": "deny", "reason": "enough", "tool": "ship", "when": "totals.agent.count > 1"}
        async with world.changing() as session:
            await rules.add(session, world.owner, cap)
        found = await unknown(world)
        assert await counted(world) == [(1, 0)]
        assert "enough" in error_of(await world.call("ship", parcel="8", idempotency_key="k2"))["message"]
        for nobody in (await world.agent(), await world.user("viewer"), world.admin):
            with pytest.raises(ForbiddenScope):
                await world.built.verdicts.settle(nobody, found.id, "failed")

        clerk = await world.user("operator")
        said = await asyncio.gather(
            world.built.verdicts.settle(clerk, found.id, "failed", "no parcel 7 there"),
            other.built.verdicts.settle(world.owner, found.id, "failed", "no parcel 7 there"),
            return_exceptions=True,
        )
        assert sorted(isinstance(one, StateConflict) for one in said) == [False, True]
        assert await counted(world) == []
        told = error_of(await world.call("ship", parcel="7", idempotency_key="k1"))
        assert told["retryable"] is False
        assert told["message"].startswith("It did not take effect: ")
        assert 'They wrote: "no parcel 7 there"' in told["message"]
        assert (await world.action(found.id)).state == "failed"
        rows = [row for row in await world.audited() if row.action_id == found.id]
        assert [(row.kind, row.outcome) for row in rows if row.kind != "read"] == [
            ("intent", None), ("outcome", "unknown"), ("decision", "settled_failed"),
        ]  # fmt: skip
        settled = next(row for row in rows if row.kind == "decision")
        assert settled.approver_id in (clerk.user_id, world.owner.user_id)
        assert settled.details == {"way": "console", "comment": "no parcel 7 there"}


async def test_what_took_effect_is_not_made_again(guarded: World) -> None:
    await guarded.add_remote("ship")
    found = await unknown(guarded)
    shown = await guarded.built.verdicts.settle(guarded.owner, found.id, "succeeded")
    assert (shown.state, shown.what_happened()) == (
        "succeeded",
        "It was unknown whether this action took effect, until a person looked: it did.",
    )
    again = error_of(await guarded.call("ship", parcel="7", idempotency_key="k1"))
    assert again["details"] == {"state": "succeeded", "approval_id": found.id}
    assert len(guarded.servers.remote_calls) == 1
    with pytest.raises(StateConflict, match="not unknown"):
        await guarded.built.verdicts.settle(guarded.owner, found.id, "failed")
    done = structured(await guarded.add_stock("k9"))
    assert done["status"] == "succeeded"


async def test_a_replay_needs_every_right_that_the_call_needs(guarded: World) -> None:
    """Rule 3: authorisation is checked again. What others used of the day, or a freeze, keeps no answer back."""
    assert structured(await guarded.add_stock("k1"))["status"] == "succeeded"
    assert (await guarded.add_stock("k1"))["_meta"]["io.tradepost/replayed"] is True
    cap = {"name": "cap", "outcome": "deny", "reason": "enough", "tool": "add_stock", "when": "totals.agent.count > 0"}
    async with guarded.changing() as session:
        await rules.add(session, guarded.owner, cap)
        await rules.freeze(session, guarded.owner, {"reason": "we take stock"})
    assert structured(await guarded.add_stock("k1"))["replayed"]
    assert error_of(await guarded.add_stock("k2"))["code"] == "limit_exceeded"

    never = {"name": "never", "outcome": "deny", "reason": "not this one", "tool": "add_stock", "order": 1}
    async with guarded.changing() as session:
        await rules.add(session, guarded.owner, never)
    refused = error_of(await guarded.add_stock("k1"))
    assert "not this one. This very call was made before and ended: succeeded." in refused["message"]
    told = await guarded.call("get_approval", approval_id=refused["details"]["approval_id"])
    assert structured(told)["status"] == "succeeded"
    assert (await guarded.audited())[-2].kind == "refused"

    async with guarded.changing() as session:
        await rules.remove(session, guarded.owner, "never")
        await agents.set_agent_scopes(session, guarded.admin, "supply", ["read:inventory"])
    assert await _refusal(guarded) == "forbidden_scope"
    async with guarded.changing() as session:
        await agents.set_agent_scopes(session, guarded.admin, "supply", ["read:inventory", "write:inventory"])
        await unassign(session, guarded.admin, "shop", "add_stock", agent="supply")
    assert await _refusal(guarded) == "not_found"
    assert len(guarded.shop.effects()) == 1


@pytest.mark.parametrize("frozen", [False, True])
async def test_an_approved_write_whose_server_is_not_called_now_is_sent_later(world: World, frozen: bool) -> None:
    """It was never sent, so nothing about it is unknown: people said yes, and it is tried again, unless writes are
    frozen by then."""
    await world.add_remote("ship")
    await world.add_remote("track", "read")
    asked = structured(await world.call("ship", parcel="7", idempotency_key="k1"))["approval_id"]
    await world.built.verdicts.approve(world.owner, asked)
    world.servers.remote = answers(UpstreamFailed("Connection refused.", dispatched=False))
    for _ in range(5):
        await world.call("track")
    sent = len(world.servers.remote_calls)
    await world.executor.run_due()
    assert len(world.servers.remote_calls) == sent, "the breaker is open"
    assert (await world.action(asked)).state == "executing"
    if frozen:
        async with world.changing() as session:
            await rules.freeze(session, world.owner, {"reason": "we take stock"})
    async with opened(world.facts) as other:
        other.servers.remote = answers(ToolResult([{"type": "text", "text": "shipped"}]))
        await leases_end(other)
        await other.executor.run_due()
        assert len(other.servers.remote_calls) == (0 if frozen else 1)
    assert (await world.action(asked)).state == ("failed" if frozen else "succeeded")
    assert await intents_and_outcomes(world) == (1, 1)


async def _refusal(world: World) -> str:
    """The code of the error that a repeated call gets."""
    try:
        return str(error_of(await world.add_stock("k1"))["code"])
    except TradepostError as error:
        return error.code
