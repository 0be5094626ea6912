"""A server that stays in trouble, many who want it at once, and clients that leave (F1, F3, F12 to F16)."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from tests.faults.conftest import Hub
from tests.faults.faults import reset
from tests.faults.proxy import Request, passing

pytestmark = pytest.mark.parametrize("engine_name", ["sqlite"])  # nothing here depends on the database

SECONDS = 20


async def error_of(hub: Hub, tool: str, **arguments: str) -> str:
    failed = await hub.call(tool, **arguments)
    assert failed["isError"], failed
    return str(failed["structuredContent"]["message"])


async def well(hub: Hub) -> None:
    assert not (await hub.call("well_track", parcel="1"))["isError"]


async def in_line(hub: Hub, calls: int) -> None:
    """Wait until just so many calls wait for their turn at a server."""
    async with asyncio.timeout(SECONDS):  # each look is a call
        while sum(len(line.waiting) for line in hub.app.gateway.pipeline.parts.servers._lines.values()) != calls:
            await well(hub)


class Held:
    """A fault that holds requests until it is told to pass them on."""

    def __init__(self) -> None:
        self.reached, self.go_on, self.gone = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def __call__(self, request: Request) -> None:
        self.reached.set()
        try:
            await self.go_on.wait()
            await passing(request)
        finally:
            self.gone.set()


async def test_after_five_failures_it_is_left_alone_and_tried_again(hub: Hub):
    await hub.set_up("faulty", breaker_seconds=2)
    hub.proxy.fault = reset
    for _ in range(5):
        assert "not called now" not in await error_of(hub, "track")
    asked = hub.proxy.calls
    assert "failed 5 times in a row and is not called now" in await error_of(hub, "track")
    assert "is not called now" in await error_of(hub, "ship", idempotency_key="k1")
    assert hub.proxy.calls == asked
    await well(hub)
    hub.proxy.fault = passing
    async with asyncio.timeout(SECONDS):
        while (await hub.call("track", parcel="7"))["isError"]:
            continue  # each look is a call
    assert not (await hub.call("ship", parcel="7", idempotency_key="k1"))["isError"]  # it was never sent before
    assert hub.carrier.ledger == ["7"]


async def test_one_that_is_down_is_listed_and_says_so_when_called(hub: Hub):
    await hub.proxy.down()
    assert "could not be reached" in await error_of(hub, "track")
    await well(hub)
    assert {"track", "ship", "well_track", "well_ship"} <= set(await hub.listed())
    await hub.proxy.up()
    assert not (await hub.call("track", parcel="7"))["isError"]


async def test_one_that_comes_and_goes_is_not_asked_more_than_it_is_called(hub: Hub):
    await hub.set_up("faulty", breaker_seconds=0.1, breaker_most_seconds=0.1)
    called = 0
    for turn in range(12):
        hub.proxy.fault = reset if turn % 2 else passing
        for _ in range(10):
            await hub.call("track", parcel="7")
            called += 1
    assert hub.proxy.calls <= 1.1 * called
    hub.proxy.fault = passing
    async with asyncio.timeout(SECONDS):
        while (await hub.call("track", parcel="7"))["isError"]:
            continue  # each look is a call


async def test_a_hundred_who_want_a_slow_one_hold_up_nobody(hub: Hub):
    await hub.set_up("faulty", running=4, waiting=6, timeout_seconds=30)
    held = Held()
    hub.proxy.fault = held
    calls = [asyncio.create_task(hub.call("track", parcel=str(number))) for number in range(100)]
    for finished in itertools.islice(asyncio.as_completed(calls), 90):
        error = (await finished)["structuredContent"]
        assert error["code"] == "unavailable"
        assert error["retry_after"] > 0
    assert hub.proxy.calls <= 4
    await well(hub)
    held.go_on.set()
    answers = await asyncio.gather(*calls)
    assert sum(not answer["isError"] for answer in answers) == 10


async def test_a_read_whose_client_leaves_ends_at_the_server_and_in_the_line(hub: Hub):
    await hub.set_up("faulty", running=1, timeout_seconds=30)
    held = Held()
    hub.proxy.fault = held
    first = asyncio.create_task(hub.post("track", parcel="1"))
    await asyncio.wait_for(held.reached.wait(), SECONDS)
    waiting = asyncio.create_task(hub.post("track", parcel="2"))
    await in_line(hub, 1)
    waiting.cancel()
    await in_line(hub, 0)
    first.cancel()
    hub.proxy.fault = passing
    assert (await hub.call("track", parcel="3"))["content"][0]["text"] == "track 3"  # the only turn is free again
    assert hub.proxy.calls == 2
    rows = [(row.kind, row.outcome) for row in await hub.audited() if row.server == "faulty" and row.kind != "admin"]
    assert sorted(rows) == [("read", "canceled"), ("read", "ok"), ("refused", "canceled")]


@pytest.mark.parametrize("own_line", [False, True])
async def test_a_write_whose_client_leaves_the_line_is_not_sent(hub: Hub, own_line: bool):
    await hub.set_up("faulty", running=1, timeout_seconds=30)
    if own_line:
        await hub.set_up_tool("faulty", "ship", running=1)
    held = Held()
    hub.proxy.fault = held
    first = asyncio.create_task(hub.post("ship", parcel="1", idempotency_key="k1"))
    await asyncio.wait_for(held.reached.wait(), SECONDS)
    waiting = asyncio.create_task(hub.post("ship", parcel="2", idempotency_key="k2"))
    await in_line(hub, 1)
    waiting.cancel()
    await in_line(hub, 0)
    held.go_on.set()
    assert not (await first).json()["result"]["isError"]
    await hub.app.gateway.pipeline.drain(SECONDS)
    assert hub.carrier.ledger == ["1"]
    assert {(action.state, action.error_code) for action in await hub.actions()} == {
        ("succeeded", None),
        ("failed", "canceled"),
    }
    rows = [row for row in await hub.audited() if row.server == "faulty" and row.kind == "outcome"]
    assert {(row.outcome, row.error_code) for row in rows} == {("succeeded", None), ("failed", "canceled")}
    again = await hub.call("ship", parcel="2", idempotency_key="k2")  # its key is free: nothing was done with it
    assert again["content"][0]["text"] == "ship 2"
    assert hub.carrier.ledger == ["1", "2"]


async def test_one_that_hangs_while_it_is_listed_holds_up_nobody(hub: Hub):
    """F3: neither the catalog nor what is asked of the others."""
    held = Held()
    hub.proxy.fault, hub.proxy.disturbs = held, "tools/list"
    looking = asyncio.create_task(hub.discover("faulty"))
    await asyncio.wait_for(held.reached.wait(), SECONDS)
    assert {"track", "ship", "well_track", "well_ship"} <= set(await hub.listed())
    assert (await hub.discover("well")).is_empty
    await well(hub)
    assert not looking.done()
    held.go_on.set()
    assert (await looking).is_empty


async def test_a_write_whose_client_leaves_goes_on_and_its_outcome_is_kept(hub: Hub):
    await hub.set_up("faulty", timeout_seconds=30)
    held = Held()
    hub.proxy.fault = held
    client = asyncio.create_task(hub.post("ship", parcel="7", idempotency_key="k1"))
    await asyncio.wait_for(held.reached.wait(), SECONDS)
    client.cancel()
    await asyncio.gather(client, return_exceptions=True)
    await well(hub)
    held.go_on.set()
    await asyncio.wait_for(held.gone.wait(), SECONDS)
    await hub.app.gateway.pipeline.drain(SECONDS)
    again = await hub.call("ship", parcel="7", idempotency_key="k1")
    assert again["content"][0]["text"] == "ship 7"
    assert hub.carrier.ledger == ["7"]
    assert hub.proxy.calls == 1
    assert [action.state for action in await hub.actions()] == ["succeeded"]
