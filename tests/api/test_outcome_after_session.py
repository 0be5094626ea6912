"""A customer's session may end long before a person decides on what they asked for in it: what became of it is kept in
the conversation, and is there at their next visit."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tests.api.conftest import As
from tests.api.model_double import Models, Move
from tests.api.shopping import Counter, answered, chat, open_shop, read
from tests.api.talking import PATIENCE_SECONDS
from tests.api.world import Client, Side, problem
from tests.protocol.conftest import served
from tradepost.app import Tradepost
from tradepost.commerce.orders.models import Order
from tradepost.foundation.clock import system_now
from tradepost.hub.access.models import ShopperSession

CHATS = "/shopper/conversations"
NUMBER = "7001"
CANCEL = ("cancel_my_order", {"order_id": NUMBER, "reason": "customer_request"})
ENDS = [
    ("approve", "The shop has agreed, and it is done.", "canceled"),
    ("reject", "The shop has not agreed to this, so nothing has changed.", "open"),
]


@pytest.fixture
async def counter(hub: Tradepost, as_: As, acme: Side) -> AsyncIterator[Counter]:
    await open_shop(hub, acme)
    asks = {"name": "ask", "outcome": "ask", "tool": "cancel_my_order", "reason": "A person looks at it."}
    await as_("admin").post("/policy/rules", asks)
    async with hub.store.transaction(acme.workspace_id, write=True) as session:
        session.add(
            Order(
                id="ord_7001",
                number=NUMBER,
                customer_id="cus_1",
                currency="EUR",
                placed_at=system_now() - timedelta(hours=1),
                shipping_address={"line1": "A 1", "city": "Lyon", "postal_code": "69001", "country": "FR"},
            )
        )
    models = Models()
    async with served(models.app()) as url:
        yield Counter(as_, models, url)


async def sessions_end(hub: Tradepost, side: Side) -> None:
    """Time goes by: every customer's session is over."""
    async with hub.hub.transaction(side.workspace_id, write=True) as session:
        await session.execute(update(ShopperSession).values(expires_at=system_now() - timedelta(minutes=1)))


async def waiting(counter: Counter, customer: Client) -> tuple[str, str]:
    """A conversation whose write waits for a person, and the approval."""
    await counter.answers(read("cancel_order", order_number=NUMBER), Move(calls=[CANCEL]), Move("never said"))
    mine = (await chat(customer, "Please cancel my order 7001"))["id"]
    last = await answered(customer, mine)
    assert last["status"] == "waiting", last
    (pending,) = (await counter.as_("operator").get("/approvals?state=pending"))["items"]
    return mine, pending["id"]


@pytest.mark.parametrize(("verdict", "told", "state"), ENDS)
@pytest.mark.behaviour("S1.17")
async def test_what_became_of_it_is_there_at_the_next_visit(
    counter: Counter, hub: Tradepost, acme: Side, verdict: str, told: str, state: str
) -> None:
    customer = await counter.customer("C-1")
    mine, approval = await waiting(counter, customer)
    requests = len(counter.models.asked["clerk"])
    await sessions_end(hub, acme)
    comment = {} if verdict == "approve" else {"comment": "CANARY: too late"}
    await counter.as_("owner").post(f"/approvals/{approval}/{verdict}", comment, status=200)

    again = await counter.customer("C-1")
    last = await answered_after_waiting(again, mine)
    assert (last["author"], last["status"], last["text"]) == ("assistant", "done", told)
    assert len(counter.models.asked["clerk"]) == requests, "no model acts for somebody who is not there"
    problem(await customer.send("GET", f"{CHATS}/{mine}"), 401, "unauthenticated")
    shown = json.dumps(await again.get(f"{CHATS}/{mine}"))
    assert approval not in shown
    assert "CANARY" not in shown
    async with hub.store.transaction(acme.workspace_id, write=False) as session:
        assert await session.scalar(select(Order.status).where(Order.number == NUMBER)) == state

    await counter.answers(read("other"), Move("As I said."))
    await again.post(f"{CHATS}/{mine}/messages", {"message": "And now?"}, status=202)
    assert (await answered(again, mine))["text"].strip() == "As I said."
    assert told in json.dumps(counter.models.asked["clerk"][-1]), "the assistant knows what became of it"


async def answered_after_waiting(client: Client, conversation: str) -> dict[str, str]:
    """The last message once it waits for nobody any more."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            last: dict[str, str] = (await client.get(f"{CHATS}/{conversation}"))["messages"][-1]
            if last["status"] not in ("waiting", "writing"):
                return last
            await asyncio.sleep(0.02)
