"""Turns go on in another process when theirs ends: killed in the middle of a write, or stopped; and a client of one
process watches what another one does."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime

import httpx2
import pytest
from sqlalchemy import select, update

from tests.api.conftest import As
from tests.api.dying import killed_after_a_call
from tests.api.talking import agents_of, runtime_of, talk, watching
from tests.api.world import Side
from tradepost import settings
from tradepost.agents.conversations.models import ConversationTurn
from tradepost.app import Tradepost, open_tradepost
from tradepost.commerce.customers.models import Customer

Opening = Callable[[], AbstractAsyncContextManager[Tradepost]]
WRITE = 'call update_customer {"customer_id": "C-1", "language": "de"}'


@pytest.fixture
async def hub(hub: Tradepost) -> Tradepost:
    """A hub that only takes messages."""
    hub.conversations.worker._at_once = 0
    return hub


@pytest.fixture
def another(configured: settings.Settings) -> Opening:
    """Opens a hub of another process that answers."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Tradepost]:
        hub = await open_tradepost(configured, agents=agents_of)
        await hub.start()
        try:
            yield hub
        finally:
            await hub.stop()

    return opened


async def leases_end(hub: Tradepost, workspace_id: str) -> None:
    async with hub.hub.transaction(workspace_id, write=True) as session:
        past = datetime(2020, 1, 1, tzinfo=UTC)
        running = ConversationTurn.status == "running"
        await session.execute(update(ConversationTurn).where(running).values(lease_until=past))


async def ended_in(hub: Tradepost) -> None:
    """Return when nothing is under way there any more."""
    await asyncio.gather(*hub.conversations.worker._tasks.values(), return_exceptions=True)


@pytest.mark.two_processes
async def test_killed_in_the_middle_of_a_write(
    hub: Tradepost, another: Opening, configured: settings.Settings, as_: As, acme: Side
) -> None:
    await as_("admin").patch("/profiles/internal", {"posture": "guarded"})
    allowed = {"name": "may", "outcome": "allow", "tool": "update_customer", "reason": "it may"}
    await as_("admin").post("/policy/rules", allowed)
    own = await talk(as_)
    turn = await own.say(WRITE, "say $RESULTS")
    assert await asyncio.to_thread(killed_after_a_call, configured) == -signal.SIGKILL
    cut = (await own.turns())[0]
    assert (cut["status"], [step["kind"] for step in cut["steps"]]) == ("running", ["message", "tool_call"])
    async with hub.store.transaction(acme.workspace_id, write=False) as session:
        changed = (await session.scalars(select(Customer).where(Customer.number == "C-1"))).one()
    assert changed.language == "de"
    async with another() as next_one:
        assert (await own.turns())[0]["status"] == "running", "the lease of the dead process still holds"
        await leases_end(hub, acme.workspace_id)
        ended = await own.until(turn["id"], "finished", "failed")
        calls = runtime_of(next_one).calls
    assert ended["status"] == "finished", ended
    assert [step["kind"] for step in ended["steps"]] == ["message", "tool_call", "tool_result", "answer"]
    assert ended["steps"][2]["content"]["result"]["structuredContent"]["replayed"] is True
    assert [tool for tool, _ in calls] == ["update_customer"]
    async with hub.store.transaction(acme.workspace_id, write=False) as session:
        same = (await session.scalars(select(Customer).where(Customer.number == "C-1"))).one()
    assert same.version == changed.version, "the write was not repeated"


async def test_stopped_and_slow_processes(
    hub: Tradepost, another: Opening, http: httpx2.AsyncClient, as_: As, acme: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stop hands its turns over at once; one that was only slow changes nothing any more; a client that watches
    elsewhere sees every step once."""
    monkeypatch.setattr("tradepost.agents.conversations.worker.GRACE_SECONDS", 0.0)
    own = await talk(as_)
    turn = await own.say("hold here", "say answered")
    async with watching(http, acme.secrets["operator"], f"{own.path}/events") as stream:
        async with another() as first:
            await runtime_of(first).is_held("here")
            await first.conversations.worker.stop(0)
        async with another() as slow:
            await runtime_of(slow).is_held("here")
            await slow.conversations.worker._renewing.stop()
            await leases_end(hub, acme.workspace_id)
            async with another() as second:
                await runtime_of(second).is_held("here")
                runtime_of(slow).gate("here").set()
                await ended_in(slow)
                assert (await own.turns())[0]["status"] == "running", "what the slow one says does not count"
                runtime_of(second).gate("here").set()
                ended = await own.until(turn["id"], "finished")
        seen = [event async for event in stream]
    assert [step["kind"] for step in ended["steps"]] == ["message", "answer"]
    assert [event.id for event in seen if event.name == "step"] == ["1", "2"]
    assert seen[-1].name == "end"


async def test_called_off_from_another_process_and_by_whom(hub: Tradepost, another: Opening, as_: As) -> None:
    own = await talk(as_)
    turn = await own.say("hold on", "say never")
    async with another() as elsewhere:
        await runtime_of(elsewhere).is_held("on")
        assert (await own.client.post(f"{own.path}/cancel", {"turn": turn["id"]}, status=200))["stopped"] == 1
        await elsewhere.conversations.worker._renew()
        stopped = await own.until(turn["id"], "stopped")
    assert stopped["answer"] == "Stopped."


async def test_whoever_was_shut_out_meanwhile_is_not_answered(
    hub: Tradepost, another: Opening, as_: As, acme: Side
) -> None:
    own = await talk(as_)
    sent = await own.say("say never")
    await as_("owner").patch(f"/users/{acme.users['operator']}", {"status": "disabled"})
    async with another():
        own.client = as_("owner")
        turn = await own.until(sent["id"], "failed")
    assert "may not act" in turn["answer"]
