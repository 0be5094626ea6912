"""Running totals at a hub of two processes: many small writes that race hit a cap exactly, whatever it counts."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from tests.journeys.live.prepared import Prepared
from tests.journeys.live.two import Two, send
from tradepost.foundation.caller import Caller
from tradepost.hub.access.agents import create_agent, create_profile, set_posture
from tradepost.hub.access.keys import mint
from tradepost.hub.registration.assignments import assign
from tradepost.hub.registration.policies.rules import add

pytestmark = pytest.mark.two_processes
Json = dict[str, Any]
SCOPES = ("write:inventory", "write:orders", "write:payments")
TOOLS = {"inventory": "adjust_stock", "orders": "add_order_note", "payments": "apply_store_credit"}
RULES: tuple[Json, ...] = (
    {"name": "t-quantity", "tool": "adjust_stock", "when": "totals.agent.quantity > 10"},
    {"name": "t-money", "tool": "apply_store_credit", "when": "totals.customer.money > 500"},
    {"name": "t-count", "tool": "add_order_note", "when": "totals.workspace.count > 7"},
)
ONE, OTHER = "CUST-10492", "CUST-10481"
EACH = 15


@pytest.fixture
def two(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    copy = prepared.copy(tmp_path_factory.mktemp("totals") / "data")
    with copy.start("serve", env={"TRADEPOST_WORKERS": "2"}) as hub:
        hub.wait_until(lambda: "The hub serves" in hub.said()).wait_ready()
        yield Two(copy, None, copy.query("SELECT id FROM workspaces WHERE slug = 'demo'"))  # type: ignore[arg-type]
        assert "Traceback" not in hub.said(), hub.said()
    prepared.drop(copy)


async def agent(session: AsyncSession, by: Caller, name: str) -> str:
    """A new one with the tools, and its key."""
    made = await create_agent(session, by, "counted", name, scopes=SCOPES)
    for server, tool in TOOLS.items():
        await assign(session, by, server, tool, agent=name)
    return (await mint(session, by, agent_id=made.id)).secret


async def race(two: Two, calls: list[tuple[str, str, Json]]) -> Counter[str]:
    """How many of these calls, all at once, succeeded, by the word that stands first; each asked again as long as it
    may. Everything else is refused by the cap."""
    done: Counter[str] = Counter()

    async def one(number: int, key: str, what: str, arguments: Json) -> None:
        asked = json.dumps({**arguments, "idempotency_key": f"{what}-{number}-race"})
        async with two.client(key) as http:
            while True:
                result = await send(http, what.partition("/")[0], asked)
                said = result["structuredContent"]
                if not (result.get("isError") and said.get("retryable") and said.get("code") != "rate_limited"):
                    break
        done[what] += not result.get("isError")
        assert not result.get("isError") or said["code"] in ("forbidden", "denied", "limit_exceeded", "rate_limited"), (
            said
        )

    await asyncio.gather(*(one(number, *call) for number, call in enumerate(calls)))
    return done


async def test_small_writes_that_race_hit_each_cap_exactly(two: Two) -> None:
    """S4.19: quantity of an agent, money of a customer, count of a day, and writes of a day."""
    async with two.changing() as (session, by):
        await create_profile(session, by, "counted")
        await set_posture(session, by, "counted", "guarded")
        keys = [await agent(session, by, name) for name in ("first", "second", "third")]
        for rule in RULES:
            await add(session, by, {**rule, "outcome": "deny", "reason": "enough for today"})
    (await asyncio.to_thread(two.place.run, "limits", "set", "writes_per_day=9", "--agent", "third")).good()
    stock = ("adjust_stock", {"sku": "A-100", "delta": 1, "warehouse_id": "RTM", "reason": "count"})
    note = ("add_order_note/", {"order_id": "88213", "note": "x"})
    calls = [
        (key, stock[0] + place, stock[1]) for key, place in ((keys[0], "/1"), (keys[1], "/2")) for _ in range(EACH)
    ]
    calls += [(keys[place % 2], *note) for place in range(EACH)]
    credit = {"amount_minor": 100, "currency": "EUR", "reason": "late"}
    calls += [
        (keys[place % 2], f"apply_store_credit/{customer}", {**credit, "customer_id": customer})
        for customer in (ONE, OTHER)
        for place in range(EACH)
    ]
    done = await race(two, calls)
    assert done == {
        "adjust_stock/1": 10,
        "adjust_stock/2": 10,
        "add_order_note/": 7,
        f"apply_store_credit/{ONE}": 5,
        f"apply_store_credit/{OTHER}": 5,
    }
    last = await race(two, [(keys[2], "adjust_stock/3", stock[1])] * 2 * EACH)
    assert last == {"adjust_stock/3": 9}
