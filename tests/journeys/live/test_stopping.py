"""Stopping and starting again: everything ends with the hub, nothing is lost, and a second start is quick."""

from __future__ import annotations

import signal

import pytest

from tests.journeys.live.clients import call, over_http, tool_names
from tests.processes import Place, answers

AGENT = "supply_chain_manager"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.usefixtures("either_engine")
async def test_a_signal_stops_the_hub_and_its_tracker_and_nothing_is_lost(place: Place, number: signal.Signals):
    tracker = f"http://127.0.0.1:{place.port + 1}/mcp"
    with place.start("demo") as demo:
        demo.wait_ready()
        assert answers(tracker)
        async with over_http(f"{place.url}/mcp", place.key(AGENT), "legacy") as client:
            tools = await tool_names(client)
            note = {"order_id": "88213", "note": "seen", "idempotency_key": "kept-1"}
            action = (await call(client, "add_order_note", **note))["approval_id"]
            assert demo.stop(number) == 0, demo.said()  # with a client still connected
    assert "Traceback" not in demo.said()
    assert not answers(tracker)
    assert not answers(place.url)
    assert not (place.data / "running.json").exists()

    with place.start("demo") as demo:
        demo.wait_ready()
        async with over_http(f"{place.url}/mcp", place.key(AGENT)) as client:
            assert await tool_names(client) == tools
            told = await call(client, "get_approval", approval_id=action)
            assert told["status"] == "pending"
    waiting = [row["id"] for row in place.ask("approvals", "list")]
    assert action in waiting
    assert len(waiting) == len(set(waiting)) == 2  # the one of the first start, proposed once, and this one
    assert place.ask("audit", "verify")["intact"]


@pytest.mark.usefixtures("either_engine")
async def test_a_killed_demo_leaves_no_tracker_and_another_port_takes_it_along(place: Place):
    old = f"http://127.0.0.1:{place.port + 1}/mcp"
    with place.start("demo") as demo:
        demo.wait_ready()
        demo.stop(signal.SIGKILL)
    moved = Place(place.data, databases=place.databases)
    with moved.start("demo") as demo:
        demo.wait_ready()
        assert not answers(old)
        number = place.query("SELECT url FROM servers WHERE slug = 'tracker'")
        assert number == f"http://127.0.0.1:{moved.port + 1}/mcp"
        async with over_http(f"{moved.url}/mcp", moved.key("parcel_desk")) as client:
            refused = await client.call_tool("track_parcel", {"tracking_number": "0000"})
            assert "No parcel" in str(refused.content)


@pytest.mark.usefixtures("either_engine")
def test_a_second_start_takes_up_what_is_there(place: Place):
    with place.start("demo") as demo:
        demo.wait_until(lambda: "Try" in demo.said())
        assert "Loading" not in demo.said()
