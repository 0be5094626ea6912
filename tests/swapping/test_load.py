"""S2.20: an order server is replaced by another one while agents call it, and nobody notices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.hostile.double import Double, Request, running, said, tool
from tests.hostile.hub import Hub

Json = dict[str, Any]
NUMBER = {"type": "string"}
OUTPUT = {"type": "object", "properties": {"by": {"type": "string"}}, "required": ["by"]}


def orders(name: str, **more: Json) -> Double:
    """An order server; `more` are properties of get_order that only it knows."""
    made = Double(
        tool("get_order", ("number",), OUTPUT, number=NUMBER, **more),
        tool("cancel_order", ("number",), OUTPUT, number=NUMBER),
        tool("wait_order", ("number",), OUTPUT, number=NUMBER),
        name=name,
    )

    def answer(tool_name: str, arguments: Json, request: Request) -> Json:
        return said(f"{tool_name} by {name}", by=name)

    made.answer = answer
    return made


@asynccontextmanager
async def both(hub: Hub) -> AsyncIterator[tuple[Double, Double]]:
    """The old server with its tools assigned, and the new one with nothing but approved tools."""
    classes: Any = {"get_order": "read", "cancel_order": "write", "wait_order": "read"}
    async with running(orders("old")) as old, running(orders("new", currency=NUMBER)) as new:
        await hub.add("old-erp", old.url, **classes)
        await hub.add("new-erp", new.url, **classes)
        await hub.show("old-erp", "get_order", profile="team")
        await hub.show("old-erp", "cancel_order", "cancel")
        await hub.show("old-erp", "wait_order")
        yield old, new


@pytest.mark.behaviour("S2.20")
async def test_a_swap_in_the_middle_of_a_load_fails_no_call(hub: Hub):
    async with both(hub) as (old, new):
        names = [one["name"] for one in await hub.listed()]
        old.held["wait_order"] = asyncio.Event()
        held = asyncio.create_task(hub.call("wait_order", number="1"))
        kept = await hub.call("cancel", number="kept", idempotency_key="kept")
        switched, enough = asyncio.Event(), asyncio.Semaphore(0)
        answers: list[tuple[bool, str]] = []

        async def work(worker: int) -> None:
            after = 0
            while after < 5:
                is_after = switched.is_set()
                number = f"{worker}-{len(answers)}"
                name = "cancel" if len(answers) % 3 == 0 else "get_order"
                key = {"idempotency_key": number} if name == "cancel" else {}
                result = await hub.call(name, number=number, **key)
                assert not result.get("isError"), result
                answers.append((is_after, result["structuredContent"]["by"]))
                after += is_after
                enough.release()

        workers = [asyncio.create_task(work(number)) for number in range(8)]
        for _ in range(60):
            await enough.acquire()
        while "wait_order" not in old.arrived:
            await enough.acquire()
        made = await hub.rest("POST", "/servers/old-erp/swap/new-erp", {})
        switched.set()
        assert made.status_code == 200, made.text
        old.held["wait_order"].set()
        assert (await held)["structuredContent"] == {"by": "old"}  # what was under way ends where it began
        await asyncio.gather(*workers)

        assert {by for is_after, by in answers if is_after} == {"new"}
        assert {by for _, by in answers} == {"old", "new"}
        made_calls = [arguments["number"] for _, _, arguments in (*old.calls, *new.calls)]
        assert len(made_calls) == len(set(made_calls)) == len(answers) + 2  # each answered once, by one of the two
        assert [one["name"] for one in await hub.listed()] == names
        assert "currency" in (await hub.listed())[names.index("get_order")]["inputSchema"]["properties"]

        again = await hub.call("cancel", number="kept", idempotency_key="kept")
        assert again["structuredContent"]["by"] == kept["structuredContent"]["by"] == "old"
        assert "kept" not in [arguments["number"] for _, _, arguments in new.calls]
        moved = await hub.call("cancel", number="moved", idempotency_key="moved")
        assert moved["structuredContent"]["by"] == "new"

        undone = await hub.rest("POST", "/servers/old-erp/swap/new-erp/undo")
        assert undone.json() == {"swap_id": made.json()["id"], "assignments": 3, "stayed": []}
        assert (await hub.call("get_order", number="back"))["structuredContent"] == {"by": "old"}
        repeated = await hub.call("cancel", number="moved", idempotency_key="moved")
        assert repeated["structuredContent"]["by"] == "new"  # the answer that it got, not a second effect
        assert "moved" not in [arguments["number"] for _, _, arguments in old.calls]
        rows = await hub.audited("server:swapped", "server:swap_undone")
        assert [row.details["assignments"] for row in rows] == [3, 3]
        assert {entry[0] for entry in rows[0].details["tools"]} == {"get_order", "cancel_order", "wait_order"}
