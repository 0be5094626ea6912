"""A customer talks with the shop's assistant and wants a person: they are at one process each."""

from __future__ import annotations

from tests.api.model_double import Models, Move
from tests.api.shopping import ASSISTANT, read
from tests.api.two_hubs.pair import Case, Json, Pair, soon
from tests.api.world import Client
from tests.protocol.conftest import served
from tradepost.database.engine import Database
from tradepost.starter.agents import AGENTS
from tradepost.starter.setup import set_up_agents

CHATS = "/shopper/conversations"


async def customers_and_people_of_the_shop(pair: Pair) -> None:
    models = Models({"clerk": [read("other"), Move("Hello.")]})
    async with served(models.app()) as url:
        await _open_shop(pair)
        await pair.change("PATCH", f"/agents/{ASSISTANT}/setup", {"model": f"openai:clerk@{url}/v1"})
        visit = await pair.change("POST", "/shopper-sessions", {"customer": "C-1", "profile": "shoppers"})
        here, there = (Client(process, visit["token"]) for process in (pair.first, pair.second))
        await _judges_an_answer(pair, here, there)
        await _is_answered_by_a_person(pair, there)
        await _hears_that_it_is_over(pair, there)


async def _open_shop(pair: Pair) -> None:
    hub = Database(str(pair.configured.hub_url))
    try:
        await set_up_agents(hub, pair.side.workspace_id, [one for one in AGENTS if one.slug == ASSISTANT])
    finally:
        await hub.close()


async def _judges_an_answer(pair: Pair, here: Client, there: Client) -> None:
    """What the customer says of it at one process is read by people, and changed, at the other."""
    chat = f"{CHATS}/{(await there.post(CHATS, {'message': 'Hello'}))['id']}"

    async def answered() -> bool:
        messages: list[Json] = (await here.get(chat))["messages"]
        return [one["author"] for one in messages] == ["customer", "assistant"] and messages[-1]["status"] == "done"

    await soon(answered)
    for thumb, score in (("up", 5), ("down", 1)):
        pair.asked.add(f"POST {chat}/feedback")
        await here.post(f"{chat}/feedback", {"thumb": thumb}, status=200)
        turns = (await pair.look(chat.removeprefix("/shopper")))["page"]["items"]
        assert [one["feedback"][0]["score"] for one in turns if one["feedback"]] == [score], turns


async def _is_answered_by_a_person(pair: Pair, there: Client) -> None:
    """Taken, answered and given back at one process: the customer reads it at the other, and nobody else takes it."""
    chat, handover = await _wants_a_person(pair, there)
    await pair.change("POST", f"/handovers/{handover}/take", {}, who="operator")
    late = await Client(pair.second, pair.side.secrets["admin"]).send("POST", f"/handovers/{handover}/take", {})
    assert (late.status_code, (await there.get(chat))["state"]) == (409, "person")
    await pair.change("POST", f"/handovers/{handover}/answer", {"message": "We ship there."}, who="operator")
    last = (await there.get(chat))["messages"][-1]
    assert (last["author"], last["text"]) == ("person", "We ship there.")
    await pair.change("POST", f"/handovers/{handover}/give-back", {}, who="operator")
    assert (await there.get(chat))["state"] == "assistant"
    again = Client(pair.second, pair.side.secrets["operator"])
    assert (await again.send("POST", f"/handovers/{handover}/answer", {"message": "More."})).status_code == 409


async def _hears_that_it_is_over(pair: Pair, there: Client) -> None:
    chat, handover = await _wants_a_person(pair, there)
    await pair.change("POST", f"/handovers/{handover}/close", {}, who="operator")
    assert (await there.get(chat))["state"] == "closed"
    assert (await there.send("POST", f"{chat}/messages", {"message": "One more thing"})).status_code == 409


async def _wants_a_person(pair: Pair, there: Client) -> tuple[str, str]:
    """The customer's conversation, and the hand-over that waits at the first process."""
    chat = f"{CHATS}/{(await there.post(CHATS, {}))['id']}"
    await there.post(f"{chat}/person", {}, status=200)
    waiting = (await Client(pair.first, pair.side.secrets["operator"]).get("/handovers"))["items"]
    assert len(waiting) == 1, waiting
    return chat, waiting[0]["id"]


CASES: tuple[Case, ...] = (customers_and_people_of_the_shop,)
