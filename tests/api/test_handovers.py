"""Conversations of customers that people of the shop take over, with real model clients against a double.

S1.15, S1.18, S1.19.
"""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.api.conftest import As
from tests.api.model_double import Models, Move
from tests.api.shopping import Counter, answered, chat, open_shop, read
from tests.api.talking import watching
from tests.api.world import Side, problem
from tests.protocol.conftest import served
from tradepost import settings
from tradepost.app import Tradepost, open_tradepost

Json = dict[str, Any]
CHATS = "/shopper/conversations"
REASON = "Wants the parcel sent to another country."
LOST = read("talk_to_a_person")


@pytest.fixture
async def counter(hub: Tradepost, as_: As, acme: Side) -> AsyncIterator[Counter]:
    await open_shop(hub, acme)
    models = Models()
    async with served(models.app()) as url:
        yield Counter(as_, models, url)


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
async def test_the_assistant_hands_over_with_the_whole_context(counter: Counter, wire: str) -> None:
    """A person takes it and answers, the assistant keeps silent; given back, it knows what the person said."""
    asked = [Move(calls=[("list_my_orders", {})]), Move(calls=[("ask_for_a_person", {"reason": REASON})])]
    await counter.answers(read("change_order"), *asked, Move("A person will take over."), wire=wire)
    customer, staff, boss = await counter.customer("C-1"), counter.as_("operator"), counter.as_("admin")
    mine = (await chat(customer, "Send it to Norway"))["id"]
    assert (await answered(customer, mine))["text"].strip() == "A person will take over."
    assert (await customer.get(f"{CHATS}/{mine}"))["state"] == "waiting_for_person"
    (waiting,) = (await staff.get("/handovers"))["items"]
    assert (waiting["customer"], waiting["asked_by"], waiting["reason"]) == ("C-1", "assistant", REASON)
    context = await staff.get(f"/handovers/{waiting['id']}")
    assert [one["content"]["tool"] for one in context["turns"][0]["steps"] if one["kind"] == "tool_result"] == [
        "list_my_orders",
        "ask_for_a_person",
    ]
    assert context["conversation"]["with_person"] == "waiting"
    problem(await counter.as_("viewer").send("GET", "/handovers"), 403, "forbidden_scope")

    taken = await staff.post(f"/handovers/{waiting['id']}/take", {}, status=200)
    assert taken["state"] == "taken"
    problem(await boss.send("POST", f"/handovers/{waiting['id']}/take", {}), 409, "state_conflict")
    problem(await boss.send("POST", f"/handovers/{mine}/answer", {"message": "me, too"}), 409, "state_conflict")
    requests = len(counter.models.asked["clerk"])
    said = await customer.post(f"{CHATS}/{mine}/messages", {"message": "Are you there?"}, status=202)
    assert (said["state"], [one["author"] for one in said["messages"]]) == ("person", ["customer"])
    await staff.post(f"/handovers/{mine}/answer", {"message": "Yes. We ship to Norway from May on."})
    shown = await customer.get(f"{CHATS}/{mine}")
    assert [one["author"] for one in shown["messages"]] == ["customer", "assistant", "customer", "person"]
    assert "usr_" not in json.dumps(shown)
    assert len(counter.models.asked["clerk"]) == requests

    await staff.post(f"/handovers/{mine}/give-back", {}, status=200)
    await counter.answers(read("other"), Move("As my colleague said: from May on."), wire=wire)
    await customer.post(f"{CHATS}/{mine}/messages", {"message": "From when?"}, status=202)
    assert "from May on" in (await answered(customer, mine))["text"]
    told = json.dumps(counter.models.asked["clerk"][-1])
    assert "We ship to Norway from May on." in told
    assert "Are you there?" not in told
    assert (await staff.get("/handovers"))["items"] == []


async def test_a_customer_who_wants_a_person_gets_one(counter: Counter) -> None:
    """By their words, whatever the model would do then; asked twice it is one; closed, it is over."""
    await counter.answers(LOST, Move("never said"))
    customer, staff = await counter.customer("C-1"), counter.as_("operator")
    mine = (await chat(customer, "I want to talk to a human being"))["id"]
    assert "asked a person of the shop" in (await answered(customer, mine))["text"]
    for _ in range(2):
        await customer.post(f"{CHATS}/{mine}/person", {"words": "please"}, status=200)
    (waiting,) = (await staff.get("/handovers"))["items"]
    await staff.post(f"/handovers/{waiting['id']}/close", {}, status=200)
    assert (await customer.get(f"{CHATS}/{mine}"))["state"] == "closed"
    problem(await customer.send("POST", f"{CHATS}/{mine}/messages", {"message": "more"}), 409, "state_conflict")
    problem(await staff.send("POST", f"/handovers/{mine}/answer", {"message": "more"}), 409, "state_conflict")
    assert [one["state"] for one in (await staff.get("/handovers?state=closed"))["items"]] == ["closed"]


@pytest.mark.two_processes
async def test_another_process_answers_and_this_one_shows_it(
    counter: Counter, hub: Tradepost, configured: settings.Settings, http: httpx2.AsyncClient, as_: As
) -> None:
    hub.conversations.worker._at_once = 0
    await counter.answers(read("other"), Move("Hello from elsewhere."))
    made = await as_("admin").post("/shopper-sessions", {"customer": "C-1"})
    customer = as_(secret=made["token"])
    mine = (await chat(customer))["id"]
    second = await open_tradepost(configured)
    await second.start()
    try:
        async with watching(http, made["token"], f"{CHATS}/{mine}/events") as events:
            await customer.post(f"{CHATS}/{mine}/messages", {"message": "Hello"}, status=202)
            async for event in events:
                if event.name == "message" and event.data["status"] == "done":
                    assert event.data["text"].strip() == "Hello from elsewhere."
                    break
            await customer.post(f"{CHATS}/{mine}/person", {}, status=200)
            async for event in events:
                if event.name == "conversation" and event.data["state"] == "waiting_for_person":
                    break
    finally:
        await second.stop()
