"""Customers of a shop who talk with its assistant: their sessions, their doors, and a model that answers."""

import asyncio
from dataclasses import dataclass
from typing import Any

from tests.api.conftest import As
from tests.api.model_double import Models, Move
from tests.api.world import Client, Side
from tradepost.app import Tradepost
from tradepost.starter.agents import AGENTS
from tradepost.starter.setup import set_up_agents

Json = dict[str, Any]
ASSISTANT = "shopper_assistant"
READ = "final_result"  # how a model gives back the fields that it read


def read(wish: str = "track_order", **fields: Any) -> Move:
    """A model that has read what the customer wrote."""
    return Move(calls=[(READ, {"wish": wish, "summary": "They want something.", **fields})])


async def open_shop(hub: Tradepost, *sides: Side) -> None:
    """The profile for customers and its assistant, in these workspaces."""
    assistant = [one for one in AGENTS if one.slug == ASSISTANT]
    for side in sides:
        await set_up_agents(hub.hub, side.workspace_id, assistant)


@dataclass
class Counter:
    """Where the shop lets its customers in, and where its models are."""

    as_: As
    models: Models
    url: str

    async def customer(self, customer: str, side: Side | None = None, minutes: int = 15) -> Client:
        """A customer with a new session."""
        admin = self.as_("admin") if side is None else self.as_("admin", side)
        made = await admin.post("/shopper-sessions", {"customer": customer, "minutes": minutes})
        return self.as_(secret=made["token"])

    async def answers(self, *moves: Move, wire: str = "openai", side: Side | None = None) -> None:
        """What the assistant's model says next."""
        self.models.moves["clerk"] = list(moves)
        admin = self.as_("admin") if side is None else self.as_("admin", side)
        url = self.url + ("/v1" if wire == "openai" else "")
        await admin.patch(f"/agents/{ASSISTANT}/setup", {"model": f"{wire}:clerk@{url}"})


async def chat(client: Client, message: str | None = None) -> Json:
    """A new conversation of a customer."""
    return await client.post("/shopper/conversations", {} if message is None else {"message": message})


async def answered(client: Client, conversation: str) -> Json:
    """The last message, once nothing is being written any more."""
    async with asyncio.timeout(20):
        while True:
            shown = await client.get(f"/shopper/conversations/{conversation}")
            if shown["messages"] and all(one["status"] != "writing" for one in shown["messages"]):
                return shown["messages"][-1]
            await asyncio.sleep(0.02)
