"""Faults in the answers of a server (F4 to F10, F12, bombs): one clear error in time, what may have been done is told
apart from what was not, nothing is sent twice, nobody else notices, and nothing grows."""

from __future__ import annotations

import asyncio
import tracemalloc

import pytest

from tests.faults.conftest import Hub
from tests.faults.faults import FAULTS, REFUSALS, Case
from tests.faults.proxy import passing

pytestmark = pytest.mark.parametrize("engine_name", ["sqlite"])  # no fault here knows of the database

MOST_BYTES = 40 * 1024 * 1024  # a fault sends 64 MiB, which hold for the proxy that sends them as well


async def ship(hub: Hub, name: str, case: Case) -> str | None:
    """Try a write with a fault. What is wrong with what the agent and the others got, None where nothing is."""
    hub.proxy.fault, before = case.fault, hub.proxy.calls
    failing = asyncio.create_task(hub.call("ship", parcel=name, idempotency_key=name.replace(" ", "-")))
    for number in range(3):
        assert (await hub.call("well_track", parcel=str(number)))["content"][0]["text"] == f"track {number}"
    failed = await failing
    again = await hub.call("ship", parcel=name, idempotency_key=name.replace(" ", "-"))
    asked = hub.proxy.calls - before
    hub.proxy.fault = passing
    assert (await hub.call("track", parcel="8"))["content"][0]["text"] == "track 8", f"not well again after {name}"
    error = failed["structuredContent"]
    if not failed["isError"] or error["code"] != "upstream_error":
        return f"{name}: {failed}"
    if case.is_open != ("is unknown" in error["message"]):
        return f"{name}: {error}"
    if case.is_open and again["structuredContent"] != error:
        return f"{name}: another answer to the same key: {again}"
    if case.is_open and asked != 1:
        return f"{name}: the server was asked {asked} times"
    return None


async def test_a_write_with_each_of_them(hub: Hub):
    problems = [problem for name, case in FAULTS.items() if (problem := await ship(hub, name, case))]
    assert not problems, "\n".join(problems)
    carried_out = {name for name, case in FAULTS.items() if case.carried_out}
    assert sorted(hub.carrier.ledger) == sorted(carried_out)
    states = {str(action.key): action.state for action in await hub.actions()}
    assert states == {name.replace(" ", "-"): "unknown" for name in FAULTS}


async def test_a_refusal_is_no_open_question(hub: Hub):
    problems = [problem for name, case in REFUSALS.items() if (problem := await ship(hub, name, case))]
    assert not problems, "\n".join(problems)
    assert hub.carrier.ledger == []
    assert {action.state for action in await hub.actions()} == {"failed"}


async def test_what_never_ends_takes_no_memory(hub: Hub):
    tracemalloc.start()
    try:
        for name in (name for name in FAULTS if name.startswith("F10")):
            hub.proxy.fault = FAULTS[name].fault
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            assert (await hub.call("track", parcel="7"))["isError"]
            hub.proxy.fault = passing
            assert not (await hub.call("track", parcel="8"))["isError"]
            assert tracemalloc.get_traced_memory()[1] - before < MOST_BYTES, name
    finally:
        tracemalloc.stop()
