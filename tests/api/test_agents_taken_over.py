"""A process is killed while agents answer with real model clients; another one goes on without writing twice.

S0.29, S4.23.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from tests.api.conftest import As
from tests.api.dying import answering
from tests.api.model_double import Models, Move
from tests.api.talking import Talk, talk, until
from tests.api.test_conversations_of_two import leases_end
from tests.api.world import Side
from tests.protocol.conftest import served
from tradepost import settings
from tradepost.app import Tradepost
from tradepost.commerce.customers.models import Customer

WRITE = ("update_customer", {"customer_id": "C-1", "language": "de"})


@pytest.fixture
async def hub(hub: Tradepost) -> Tradepost:
    """A hub that only takes messages at first."""
    hub.conversations.worker._at_once = 0
    return hub


@pytest.fixture
async def models() -> AsyncIterator[tuple[Models, str]]:
    found = Models()
    async with served(found.app()) as base:
        yield found, base


@pytest.mark.two_processes
async def test_a_turn_goes_on_where_a_killed_process_left_it(
    hub: Tradepost, configured: settings.Settings, models: tuple[Models, str], as_: As, acme: Side
) -> None:
    """Killed while the model thinks, while a person is asked, and after a write whose result nobody has kept; with a
    model that speaks like OpenAI's, then with one like Anthropic's."""
    double, base = models
    admin = as_("admin")
    await admin.patch("/agents/supply/setup", {"model": f"openai:one@{base}/v1"})
    never = asyncio.Event()
    own = await talk(as_)
    double.moves["one"] = [Move("never", until=never)]
    asked = await own.say("Set the language of C-1 to German")
    with answering(configured) as process:
        await until(lambda: len(double.asked["one"]) == 1)
        process.kill()
    never.set()
    assert await _stands(own) == ("running", ["message"])

    double.moves["one"] = [Move(calls=[WRITE]), Move("Done: C-1 reads German.")]
    await leases_end(hub, acme.workspace_id)
    with answering(configured) as process:
        waits = await own.until(asked["id"], "waiting")
        process.kill()
    language, version = await _customer(hub, acme)
    assert language != "de"
    await as_("operator").post(f"/approvals/{waits['waits'][0]['approval_id']}/approve", {}, status=200)
    with answering(configured):
        done = await own.until(asked["id"], "finished", "failed")
    assert done["answer"].strip() == "Done: C-1 reads German."
    assert await _stands(own) == ("finished", ["message", "model", "tool_call", "waiting", "model", "answer"])
    assert await _customer(hub, acme) == ("de", version + 1)

    await admin.patch("/agents/supply/setup", {"model": f"anthropic:one@{base}"})
    await admin.patch("/profiles/internal", {"posture": "guarded"})
    await admin.post("/policy/rules", {"name": "may", "outcome": "allow", "tool": WRITE[0], "reason": "it may"})
    second = await talk(as_)
    again = (WRITE[0], {"customer_id": "C-1", "language": "nl"})
    double.moves["one"] = [Move(calls=[again]), Move("Done: C-1 reads Dutch.")]
    asked = await second.say("Now to Dutch")
    with answering(configured, dies_after=WRITE[0]) as process:
        await asyncio.to_thread(process.join)
    assert await _customer(hub, acme) == ("nl", version + 2)
    assert await _stands(second) == ("running", ["message", "model", "tool_call"])
    await leases_end(hub, acme.workspace_id)
    with answering(configured):
        done = await second.until(asked["id"], "finished", "failed")
    assert done["answer"].strip() == "Done: C-1 reads Dutch."
    kinds = ["message", "model", "tool_call", "tool_result", "model", "answer"]
    assert await _stands(second) == ("finished", kinds)
    assert done["steps"][3]["content"]["result"]["structuredContent"]["replayed"] is True
    assert await _customer(hub, acme) == ("nl", version + 2), "the write was not repeated"


async def _stands(own: Talk) -> tuple[str, list[str]]:
    turn = (await own.turns())[-1]
    return turn["status"], [step["kind"] for step in turn["steps"]]


async def _customer(hub: Tradepost, acme: Side) -> tuple[str | None, int]:
    async with hub.store.transaction(acme.workspace_id, write=False) as session:
        found = (await session.scalars(select(Customer).where(Customer.number == "C-1"))).one()
        return found.language, found.version
