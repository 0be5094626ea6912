"""Conversations, the agents that answer in them, and what the shop knows."""

from __future__ import annotations

from tests.api.two_hubs.pair import Case, Json, Pair, soon
from tests.api.world import Client


async def what_the_shop_knows(pair: Pair) -> None:
    entry = {"slug": "opening-hours", "title": "Opening hours", "body": "We are open on Sundays.", "kind": "article"}
    await pair.change("POST", "/knowledge/entries", entry)
    assert (await pair.look("/knowledge/entries/opening-hours"))["status"] == "published"
    await pair.change("PATCH", "/knowledge/entries/opening-hours", {"status": "archived", "reason": "old"})
    assert (await pair.look("/knowledge/entries/opening-hours"))["status"] == "archived"
    wish = {"entry": "opening-hours", "body": "We are closed on Sundays.", "reason": "the law"}
    made = await pair.change("POST", "/knowledge/proposals", wish)
    assert (await pair.look(f"/knowledge/proposals/{made['id']}"))["status"] == "proposed"
    await pair.change("PATCH", f"/knowledge/proposals/{made['id']}", {"status": "rejected"}, who="operator")
    assert (await pair.look(f"/knowledge/proposals/{made['id']}"))["status"] == "rejected"


async def conversations_and_agents(pair: Pair) -> None:
    await pair.change("PATCH", "/agents/supply/setup", {"instructions": "Be brief."})
    assert (await pair.look("/agents/supply/setup"))["instructions"] == "Be brief."
    await pair.change("PATCH", "/conversations/rules", {"keep_days": 400})
    assert (await pair.look("/conversations/rules"))["keep_days"] == 400
    owner = Client(pair.first, pair.side.secrets["owner"])
    talk = (await owner.send("POST", "/conversations", {"agent": "supply"})).json()
    at = f"/conversations/{talk['id']}"
    assert (await owner.send("POST", f"{at}/messages", {"message": "Hello"})).status_code == 202

    async def answered() -> bool:
        turns: list[Json] = (await pair.look(at))["page"]["items"]
        return bool(turns) and turns[-1]["status"] in ("finished", "failed", "stopped")

    await soon(answered)
    await pair.change("POST", f"{at}/feedback", {"score": 4})
    await pair.change("POST", f"{at}/redact", {})
    assert (await pair.look(at))["redacted_at"] is not None


CASES: tuple[Case, ...] = (
    what_the_shop_knows,
    conversations_and_agents,
)
