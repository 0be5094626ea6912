"""Many at the same moment: callers, approvers, executors; in one process and in several."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from tests.hub.gateway.process import Process, processes
from tests.hub.gateway.world import World, error_of, found, opened, structured
from tradepost.foundation.errors import NotFound, StateConflict
from tradepost.hub.actions.places import Draft, open_place


async def test_approved_twice_at_the_same_moment_counts_once(world: World):
    asked = structured(await world.add_stock())
    second = await world.user("operator")
    answers = await asyncio.gather(
        world.built.verdicts.approve(world.owner, asked["approval_id"]),
        world.built.verdicts.approve(second, asked["approval_id"]),
        return_exceptions=True,
    )

    assert sorted(isinstance(answer, StateConflict) for answer in answers) == [False, True]
    await asyncio.gather(world.executor.run_due(), world.executor.run_due())
    assert len(world.shop.effects()) == 1


@pytest.mark.two_processes
async def test_approved_and_carried_out_by_two_processes_at_the_same_moment(world: World):
    asked = structured(await world.add_stock())
    both = [Process(world.facts, "approve_and_run", action_id=asked["approval_id"]) for _ in range(2)]
    with processes(*both):
        ends = [process.end() for process in both]

    assert sorted(ends) == [(0, "approved"), (0, "state_conflict")]
    await world.executor.run_due()
    assert len(world.shop.effects()) == 1
    assert (await world.action(asked["approval_id"])).state == "succeeded"


@pytest.mark.two_processes
async def test_one_key_from_many_callers_on_two_replicas_has_one_effect(guarded: World):
    async with opened(guarded.facts) as replica:
        answers = await asyncio.gather(*(world.add_stock() for world in [guarded, replica] * 10))

    assert len(guarded.shop.effects()) == 1
    assert {structured(answer)["quantity"] for answer in answers} == {25}


async def test_one_key_with_different_arguments_racing_has_one_winner(guarded: World):
    answers = await asyncio.gather(*(guarded.add_stock(quantity=quantity) for quantity in range(1, 9)))

    won = [answer for answer in answers if not answer["isError"]]
    assert len(won) == 1
    ((_, _, arguments),) = guarded.shop.effects()
    assert structured(won[0])["quantity"] == 5 + arguments["quantity"]


async def test_one_key_asked_many_times_opens_one_approval(world: World):
    answers = await asyncio.gather(*(world.add_stock() for _ in range(10)))

    assert len({structured(answer)["approval_id"] for answer in answers}) == 1
    requested = [row for row in await world.audited() if row.tag == "approval:requested"]
    assert len(requested) == 1


async def test_a_client_that_goes_away_leaves_a_running_write_whole(guarded: World):
    reached, go_on = asyncio.Event(), asyncio.Event()

    class Slow:
        async def call_tool(self, *arguments: object, **options: object) -> object:
            reached.set()
            await go_on.wait()
            return await call(*arguments, **options)  # type: ignore[arg-type]

    call, guarded.servers.call_tool = guarded.servers.call_tool, Slow().call_tool  # type: ignore[method-assign,assignment]
    client = await _leaves(guarded, reached, go_on)

    assert client.cancelled()
    assert len(guarded.shop.effects()) == 1
    assert structured(await guarded.add_stock())["replayed"] is True
    assert "canceled" not in {row.outcome for row in await guarded.audited()}


async def _leaves(guarded: World, reached: asyncio.Event, go_on: asyncio.Event) -> "asyncio.Task[object]":
    """A client that leaves once its write has come to a point; then the write goes on to its end."""
    client = asyncio.create_task(guarded.add_stock())
    await reached.wait()
    client.cancel()
    go_on.set()
    await asyncio.gather(client, return_exceptions=True)
    await guarded.built.pipeline.drain(10)
    return client


async def test_a_write_whose_client_leaves_at_its_intent_is_not_sent_and_has_one_end(
    guarded: World, monkeypatch: pytest.MonkeyPatch
):
    """F15: it was not dispatched."""
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(session: AsyncSession, draft: Draft) -> object:
        reached.set()
        await go_on.wait()
        return await open_place(session, draft)

    monkeypatch.setattr("tradepost.hub.gateway.steps.intent.open_place", slowly)
    await _leaves(guarded, reached, go_on)
    assert guarded.shop.effects() == []
    ends = [(row.kind, row.outcome, row.error_code) for row in await guarded.audited() if row.outcome is not None]
    assert ends == [("outcome", "failed", "canceled")]
    assert structured(await guarded.add_stock())["replayed"] is False  # its key is free
    assert len(guarded.shop.effects()) == 1


async def test_a_read_whose_client_leaves_ends_and_is_recorded(guarded: World):
    reached = asyncio.Event()

    async def forever(*arguments: object, **options: object) -> object:
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError

    guarded.servers.call_tool = forever  # type: ignore[method-assign,assignment]
    client = asyncio.create_task(guarded.call("get_stock", sku="A1"))
    await reached.wait()
    client.cancel()
    await asyncio.gather(client, return_exceptions=True)
    assert [(row.kind, row.outcome) for row in await guarded.audited()] == [("read", "canceled")]


async def test_the_same_key_is_independent_in_another_workspace(world: World):
    first = structured(await world.add_stock())
    async with opened(await found(world.facts.hub_url, Path(world.facts.ledger), slug="other")) as other:
        second = structured(await other.add_stock())
        assert first["approval_id"] != second["approval_id"]
        with pytest.raises(NotFound):
            await other.built.verdicts.approve(other.owner, first["approval_id"])
        refused = await other.call("get_approval", approval_id=first["approval_id"])
        assert error_of(refused)["code"] == "not_found"
