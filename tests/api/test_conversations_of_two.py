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
from tests.api.dying import killed_after_a_call, speaking
from tests.api.talking import agents_of, runtime_of, talk, watching
from tests.api.world import Side
from tradepost import settings
from tradepost.agents.conversations.elsewhere_models import ConversationWords
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


async def written_in(hub: Tradepost, side: Side) -> list[str]:
    """The words that are written down now."""
    async with hub.hub.transaction(side.workspace_id, write=False) as session:
        return list(await session.scalars(select(ConversationWords.text)))


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


@pytest.mark.two_processes
async def test_words_that_another_process_writes_come_while_it_writes(
    hub: Tradepost, configured: settings.Settings, http: httpx2.AsyncClient, as_: As, acme: Side
) -> None:
    """Before the step that has them whole, and none of them twice; nothing of it is left when the turn has ended."""
    own = await talk(as_)
    await own.say("write Why is ", "write it so ", "call get_customer {}", "write late", "hold on")
    heard: list[str] = []
    async with watching(http, acme.secrets["operator"], f"{own.path}/events") as stream:
        assert (await anext(stream)).name == "turn"  # it watches
        with speaking(configured):
            async for event in stream:
                if event.name == "delta":
                    heard += event.data["text"].split()
                elif event.name == "step" and event.data["kind"] != "message":
                    heard.append(event.data["kind"])
                if "late" in heard:
                    break
    assert heard == ["Why", "is", "it", "so", "tool_call", "tool_result", "late"]
    async with hub.hub.transaction(acme.workspace_id, write=False) as session:
        written = list(await session.scalars(select(ConversationWords.text)))
    assert "".join(written).split() == ["Why", "is", "it", "so", "late"]


async def test_words_are_written_down_for_other_processes_alone(
    hub: Tradepost, another: Opening, http: httpx2.AsyncClient, as_: As, acme: Side
) -> None:
    """Not where nobody listens, nor for those who watch where the turn runs; and they are gone with its end."""
    own = await talk(as_)
    async with another() as elsewhere:
        unheard = await own.say("write nobody ", "hold first", "say nobody")
        await runtime_of(elsewhere).is_held("first")
        assert await written_in(hub, acme) == []
        runtime_of(elsewhere).gate("first").set()
        await own.until(unheard["id"], "finished")
        async with watching(http, acme.secrets["operator"], f"{own.path}/events?after=0&stay=true") as stream:
            assert (await anext(stream)).name in ("step", "turn")
            turn = await own.say("write somebody", "hold second", "say somebody")
            async for event in stream:
                if event.name == "delta":
                    assert event.data == {"turn_id": turn["id"], "agent": "supply", "text": "somebody"}
                    break
            assert await written_in(hub, acme) == ["somebody"]
            runtime_of(elsewhere).gate("second").set()
            await own.until(turn["id"], "finished")
            assert await written_in(hub, acme) == []
        own_words = elsewhere.conversations.hearing
        async with own_words.watching(acme.workspace_id, own.id) as watcher:
            turn = await own.say("write mine", "hold third", "say mine")
            while not (said := watcher.taken()):
                await watcher.stirred(1)
            assert [one.text for one in said] == ["mine"]
            await runtime_of(elsewhere).is_held("third")
            await own_words.look()
            assert watcher.taken() == []
            runtime_of(elsewhere).gate("third").set()
            await own.until(turn["id"], "finished")


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
