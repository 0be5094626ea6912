"""What was approved leaves the shop through the running hub, and people see what became of it."""

from __future__ import annotations

import json
import time

import pytest

from tests.journeys.live.clients import call, over_http
from tests.journeys.live.settling import settled
from tests.processes import START_SECONDS, Place, Serving

AGENT = "returns_specialist"
APPROVER = "alex@demo.example"


def went_out(place: Place) -> list[dict[str, str]]:
    """The effects, once there is one and none is under way."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        found: list[dict[str, str]] = place.ask("effects", "list")
        if found and all(effect["status"] in ("sent", "failed") for effect in found):
            return found
        place.pause()
    raise AssertionError("nothing went out")


@pytest.mark.behaviour("S1.15")
async def test_an_approved_message_goes_out_once_and_is_listed(place: Place, serving: Serving) -> None:
    told = {"order_id": "88213", "template": "apology", "reason": "It is late", "idempotency_key": "sorry-1"}
    async with over_http(f"{place.url}/mcp", place.key(AGENT)) as client:
        proposed = await call(client, "send_customer_message", **told)
        assert proposed["status"] == "approval_required"
        assert place.ask("effects", "list") == []
        place.run("approvals", "approve", proposed["approval_id"], "--as", APPROVER).good()
        assert settled(place, proposed["approval_id"]) == "succeeded"
        (effect,) = went_out(place)
        assert (effect["kind"], effect["status"], effect["event"]) == ("email", "sent", "message:queued")
        (mail,) = (place.data / "outbound" / "mail").iterdir()
        assert mail.name == effect["reference"]
        assert "88213" in mail.read_text()
        timeline = await client.read_resource("order://88213/timeline")
        entries = json.loads(timeline.contents[0].text)["entries"]
        assert "email sent" in [entry["what"] for entry in entries if entry["source"] == "effect"]
    assert "only a failed one" in place.run("effects", "retry", effect["id"]).refusal()
    assert "No effect" in place.run("effects", "retry", "eff_none").refusal()
