"""From an empty workspace to the first write that a person approved, on one page."""

import re
from html import unescape

import pytest

from tests.api.conftest import As
from tests.dashboard.conftest import Signed
from tests.journeys.live.clients import over_http, plain
from tradepost.app import Tradepost


def states(text: str) -> list[str]:
    """What the page says of each step."""
    return re.findall(r'<h2 id="step-\d">.*?<span class="state[^>]*>(\w+)', text, re.DOTALL)


@pytest.mark.behaviour("S0.2", "S0.19")
async def test_a_workspace_begins(signed: Signed, as_: As, hub: Tradepost, url: str) -> None:
    owner = await signed("owner")
    assert "/first" in (await owner.get("/today")).text
    made = await owner.post("/first", step="agent", slug="helper", name="<b>Helper</b>", profile="brand-new")
    assert made.headers["location"] == "/first?agent=helper&done=agent"
    page = await owner.get("/first?agent=helper")
    assert states(page.text) == ["done", "open", "open", "open", "open"]
    assert "<b>Helper</b>" not in page.text
    nothing = await owner.post("/first", step="tools", agent="helper")
    assert nothing.status_code == 400
    assert "No server was ticked" in nothing.text
    done = await owner.post("/first", step="tools", agent="helper", **{"server:customers": "yes"})
    assert done.status_code == 303, done.text
    seen = await as_("admin").get("/agents/helper")
    assert seen["visible_tools"] > 2
    assert "write:customers" in seen["scopes"]
    keyed = await owner.post("/first", step="key", agent="helper")
    (key,) = set(re.findall(r"tp_[a-z0-9]+_[A-Za-z0-9_-]{20,}", unescape(keyed.text)))
    assert "mcpServers" in unescape(keyed.text)
    assert key not in (await owner.get("/first?agent=helper")).text
    assert states((await owner.get("/first?agent=helper")).text) == ["done", "done", "done", "open", "open"]

    async with over_http(f"{url}/mcp", key) as client:
        assert "C-1" in str(plain(await client.call_tool("get_customer", {"customer_id": "C-1"})))
        await hub.audit.drain()
        called = (await owner.get("/first?agent=helper")).text
        assert states(called)[3:] == ["done", "open"]
        assert "get_customer" in called
        asked = {"customer_id": "C-1", "language": "fr", "idempotency_key": "first"}
        told = await client.call_tool("update_customer", asked)
        (waiting,) = (await as_("owner").get("/approvals"))["items"]
        page = await owner.get("/first?agent=helper")
        assert f"/approvals/{waiting['id']}" in page.text, told
        assert states(page.text)[4] == "open"
        await as_("owner").send("POST", f"/approvals/{waiting['id']}/approve", {"round": waiting["round"]})
        done = plain(await client.call_tool("update_customer", asked))
    assert done["structuredContent"]["changed"] == ["language"]
    assert states((await owner.get("/first?agent=helper")).text) == ["done"] * 5
    assert "/first" not in (await owner.get("/today")).text


async def test_who_may_not_change_sees_how_far_it_is(signed: Signed) -> None:
    """No form of theirs would be accepted, so there is none; what is wrong is said where it was typed."""
    viewer = await signed("viewer")
    page = await viewer.get("/first")
    assert page.status_code == 200
    assert 'name="step"' not in page.text
    assert (await viewer.post("/first", step="agent", slug="mine", profile="internal")).status_code == 403
    owner = await signed("owner")
    await owner.get("/first")
    wrong = await owner.post("/first", step="agent", slug="Not A Slug", name="kept", profile="internal")
    assert wrong.status_code == 400
    assert (await owner.get("/first?agent=nobody")).status_code == 404
