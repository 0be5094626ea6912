"""States move by compare and set, along the drawn arrows only."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from sqlalchemy import select

from tests.hub.actions.rows import draft
from tradepost.database.engine import Database
from tradepost.foundation.clock import fixed
from tradepost.hub.actions.clock import ActionClock
from tradepost.hub.actions.expiry import expire_due, retire_keys
from tradepost.hub.actions.lease import Leases, ask_again, finish, mark_started
from tradepost.hub.actions.models import Action, ActionState
from tradepost.hub.actions.places import find, open_place
from tradepost.hub.actions.states import FINISHED, NEXT, REFUSED, move
from tradepost.hub.audit.read import tail
from tradepost.hub.audit.writer import AuditWriter

NOON = datetime(2026, 2, 24, 12, tzinfo=UTC)


async def opened(database: Database, **values: Any) -> Action:
    async with database.transaction("ws_1", write=True) as session:
        action, made = await open_place(session, draft(**values))
    assert made
    return action


async def state_of(database: Database, action: Action) -> str:
    async with database.transaction("ws_1", write=False) as session:
        return str(await session.scalar(select(Action.state).where(Action.id == action.id)))


def test_every_state_has_its_next_ones_and_ends_are_ends():
    assert set(NEXT) == set(get_args(ActionState))
    assert {state for state, after in NEXT.items() if not after} == (FINISHED | REFUSED) - {"unknown"}
    assert NEXT["unknown"] == FINISHED - {"unknown"}, "a person has looked, and nothing is carried out by it"


async def test_an_arrow_that_is_not_drawn_is_a_mistake_of_the_program(database: Database):
    action = await opened(database)
    async with database.transaction("ws_1", write=True) as session:
        with pytest.raises(ValueError, match="pending to succeeded"):
            await move(session, "ws_1", action.id, "pending", "succeeded")


async def test_only_the_first_of_two_moves_from_one_state(database: Database):
    action = await opened(database)
    async with database.transaction("ws_1", write=True) as session:
        assert await move(session, "ws_1", action.id, "pending", "approved")
        assert not await move(session, "ws_1", action.id, "pending", "rejected")
        assert not await move(session, "ws_2", action.id, "approved", "canceled")
    assert await state_of(database, action) == "approved"


async def test_a_place_is_taken_once_per_principal_tool_and_key(database: Database):
    first = await opened(database)
    async with database.transaction("ws_1", write=True) as session:
        again, made = await open_place(session, draft(arguments={"quantity": 7}))
        assert (again.id, made) == (first.id, False)
        for other in (draft(principal="key_2"), draft(tool="tool_2"), draft(key="k2")):
            assert (await open_place(session, other))[1]
    async with database.transaction("ws_2", write=True) as session:
        assert (await open_place(session, draft(workspace="ws_2")))[1]


async def test_a_lease_is_held_by_one_and_a_lost_fence_records_nothing(database: Database):
    action = await opened(database, state="executing", lease_owner="dead", lease_until=NOON)
    late = ActionClock(fixed(NOON + timedelta(minutes=5)))
    ((zombie, _),) = await Leases(database, "a", late).claim_due(5)
    assert await Leases(database, "b", late).claim_due(5) == []

    later = ActionClock(fixed(NOON + timedelta(minutes=10)))
    ((claim, _),) = await Leases(database, "b", later).claim_due(5)
    assert claim.fence == zombie.fence + 1
    assert claim.started
    assert not await Leases(database, "a", later).renew(zombie)
    async with database.transaction("ws_1", write=True) as session:
        assert not await mark_started(session, zombie)
        assert not await finish(session, zombie, "succeeded", result="{}", error_code=None)
        assert not await ask_again(session, claim, {}, "why", NOON, 2), "it may have reached the server"
        assert await finish(session, claim, "succeeded", result="{}", error_code=None)
        assert not await finish(session, claim, "failed", result="{}", error_code=None)
    assert await state_of(database, action) == "succeeded"


async def test_a_claim_given_back_is_due_again_after_a_while(database: Database):
    await opened(database, state="executing", lease_until=NOON)
    leases = Leases(database, "a", ActionClock(fixed(NOON)))
    ((claim, _),) = await leases.claim_due(5)
    assert await leases.give_back(claim, timedelta(seconds=4))
    assert await leases.claim_due(5) == []
    assert len(await Leases(database, "b", ActionClock(fixed(NOON + timedelta(seconds=4)))).claim_due(5)) == 1


async def test_nobody_claims_an_approval_that_ran_out(database: Database):
    action = await opened(database, expires_at=NOON)
    async with database.transaction("ws_1", write=True) as session:
        assert await move(session, "ws_1", action.id, "pending", "approved")
    clock = ActionClock(fixed(NOON + timedelta(seconds=1)))
    assert await Leases(database, "a", clock).claim_due(5) == []

    audit = AuditWriter(database)
    assert await expire_due(database, audit, clock) == 1
    assert await expire_due(database, audit, clock) == 0
    assert await state_of(database, action) == "expired"
    (row,) = await tail(database, "ws_1")
    assert (row.tag, row.principal_kind, row.action_id) == ("approval:expired", "system", action.id)


async def test_keys_of_old_outcomes_become_free_but_never_that_of_an_unknown_one(database: Database):
    done = await opened(database, state="executing", lease_until=NOON)
    unknown = await opened(database, state="executing", key="k2", lease_until=NOON)
    async with database.transaction("ws_1", write=True) as session:
        assert await move(session, "ws_1", done.id, "executing", "succeeded")
        assert await move(session, "ws_1", unknown.id, "executing", "unknown")
    soon, late = (ActionClock(fixed(datetime.now(UTC) + timedelta(days=days))) for days in (6, 8))

    assert await retire_keys(database, soon) == 0
    assert await retire_keys(database, late) == 1
    assert await retire_keys(database, late) == 0
    async with database.transaction("ws_1", write=False) as session:
        caller = draft().caller
        assert await find(session, caller, "tool_1", "k1") is None
        assert await find(session, caller, "tool_1", "k2") is not None


async def test_the_clock_is_the_databases_own(database: Database):
    async with database.system(write=False) as session:
        moment = await ActionClock().now(session)
    assert abs(moment - datetime.now(UTC)) < timedelta(minutes=1)
