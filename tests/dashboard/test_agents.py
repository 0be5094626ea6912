"""Agents, what is said to them, and what they know."""

from html import unescape

import pytest

from tests.api.conftest import As
from tests.dashboard.conftest import Signed

EVIL = "<svg onload=alert(1)>"


@pytest.mark.behaviour("S2.24", "S2.25")
async def test_an_agent_is_made_changed_and_talked_with(signed: Signed, as_: As) -> None:
    admin = await signed("admin")
    await admin.get("/agents")
    made = await admin.post("/agents", profile="internal", slug="helper", name=f"Helper {EVIL}")
    assert made.headers["location"] == "/agents/helper?done=made"
    wrong = await admin.post("/agents", profile="internal", slug="Not A Slug", name="kept")
    assert wrong.status_code == 400
    assert 'value="kept"' in wrong.text
    page = await admin.get("/agents/helper")
    assert EVIL not in page.text
    assert EVIL in unescape(page.text)
    fields = {"role": "specialist", "instructions": "Be\r\nbrief.", "model": "scripted", "fallback_model": ""}
    assert (await admin.post("/agents/helper", **fields, **{"limit:steps": "9"})).status_code == 303
    setup = await as_("viewer").get("/agents/helper/setup")
    assert (setup["instructions"], setup["limits"]["steps"]) == ("Be\nbrief.", 9)
    assert (await admin.post("/agents/helper", **fields, **{"limit:steps": "many"})).status_code == 400
    begun = await admin.post("/agents/helper/ask", message=f"What can you do? {EVIL}")
    there = begun.headers["location"]
    answer = await admin.get(there)
    while "Working" in answer.text or "queued" in answer.text:
        answer = await admin.get(there)
    assert "scripted" in answer.text
    assert EVIL not in answer.text
    assert (await admin.post(f"{there}/feedback", thumb="up", words="short")).status_code == 303
    judged = await admin.get(there)
    assert "Feedback: 5 of 5" in judged.text
    assert there in (await admin.get("/conversations?q=What")).text
    assert (await admin.post("/agents/helper/scopes", scopes="read:orders\r\nread:customers")).status_code == 303
    assert (await as_("viewer").get("/agents/helper"))["scopes"] == ["read:customers", "read:orders"]
    wrong_scope = await admin.post("/agents/helper/scopes", scopes="read:orders fly:high")
    assert wrong_scope.status_code == 400
    assert "fly:high" in wrong_scope.text
    assert (await admin.post("/agents/helper/limits", name="calls_per_minute", value="12")).status_code == 303
    held = {one["name"]: one for one in (await as_("viewer").get("/agents/helper/limits"))["limits"]}
    assert (held["calls_per_minute"]["value"], held["calls_per_minute"]["set_by"]) == (12, "agent")
    assert (await admin.post("/agents/helper/limits", name="calls_per_minute", value="few")).status_code == 400
    assert (await admin.post("/agents/helper/limits", name="nothing", value="1")).status_code == 400
    assert (await admin.post("/agents/helper/limits", name="calls_per_minute", value="")).status_code == 303
    held = {one["name"]: one for one in (await as_("viewer").get("/agents/helper/limits"))["limits"]}
    assert held["calls_per_minute"]["set_by"] == "default"
    assert (await admin.post("/agents/helper/switch", to="disabled")).status_code == 303
    assert (await as_("viewer").get("/agents/helper"))["status"] == "disabled"


async def test_the_catalog_is_shown_as_the_model_sees_it(signed: Signed, as_: As) -> None:
    """Word by word, with what it costs; the costliest first where that is asked for."""
    viewer = await signed("viewer")
    page = await viewer.get("/agents/supply")
    seen = (await as_("viewer").get("/agents/supply/catalog"))["tools"]
    text = unescape(page.text)
    assert all(one["definition"]["description"] in text for one in seen)
    costly = unescape((await viewer.get("/agents/supply?sort=tokens")).text)
    names = sorted(seen, key=lambda one: -one["tokens"])
    places = [costly.index(f"/tools/{one['tool']}") for one in names]
    assert places == sorted(places)


async def test_a_proposal_is_decided_on_its_page(signed: Signed, as_: As) -> None:
    """What would change stands there line by line; what somebody wrote is text."""
    entry = {"slug": "returns-policy", "kind": "policy", "title": "Returns", "body": "## RET-1 Window\n\n30 days."}
    await as_("admin").send("POST", "/knowledge/entries", entry)
    asked = await as_("agent").post(
        "/knowledge/proposals",
        {"entry": "returns-policy", "body": "## RET-1 Window\n\n14 days.", "reason": f"shorter {EVIL}"},
    )
    operator = await signed("operator")
    page = await operator.get("/knowledge")
    assert f"/knowledge/proposals/{asked['id']}" in page.text
    shown = await operator.get(f"/knowledge/proposals/{asked['id']}")
    assert "<del>-30 days.</del>" in shown.text
    assert "<ins>+14 days.</ins>" in shown.text
    assert EVIL not in shown.text
    assert "agent:agt_" not in page.text + shown.text  # who proposed it has a name
    done = await operator.post(f"/knowledge/proposals/{asked['id']}", answer="approve", comment="agreed")
    assert done.status_code == 303, done.text
    entry_now = (await operator.get("/knowledge/returns-policy")).text
    assert "14 days" in entry_now
    assert "user:usr_" not in entry_now
    again = await operator.post(f"/knowledge/proposals/{asked['id']}", answer="reject")
    assert again.status_code == 409
