"""From a URL to governed tools on pages: add, test, discover, enable and assign, refresh, delete."""

from html import unescape

import pytest

from tests.api.conftest import As
from tests.dashboard.conftest import Signed
from tests.hub.bundled import Bundled, tool
from tests.hub.remote import running

SECRET = "CANARY-71ac"
EVIL = "<img src=x onerror=alert(1)>"


@pytest.mark.behaviour("S0.2", "S0.3", "S0.5", "S0.7", "S0.9", "S0.10", "S0.11")
async def test_four_steps_make_a_server_of_others_usable(signed: Signed, as_: As) -> None:
    """Details, test, tools, enable and assign; the secret is on no page; nothing is visible before."""
    admin, agent = await signed("admin"), as_("other_agent")
    async with running(Bundled(), bearer=SECRET) as remote:
        await admin.get("/integrations/new")
        made = await admin.post(
            "/integrations/new",
            name=f"Tracker {EVIL}",
            slug="tracker",
            url=remote.url,
            credential="bearer",
            secret=SECRET,
            **{"header-0": "X-Shop", "value-0": "7"},
        )
        assert made.headers["location"] == "/integrations/tracker/test", made.text
        await admin.get("/integrations/tracker/test")
        tested = await admin.post("/integrations/tracker/test")
        assert "It answers" in tested.text
        assert (await admin.post("/integrations/tracker/discovered")).status_code == 303
        found = await admin.get("/integrations/tracker/discovered")
        assert "get_order" in found.text
        assert "inputSchema" not in found.text
        assert "number" in found.text
        page = await admin.get("/integrations/tracker/assign")
        digest = (await as_("viewer").get("/servers/tracker/tools/get_order"))["digest"]
        assert digest in page.text
        done = await admin.post(
            "/integrations/tracker/assign",
            **{"enable:get_order": digest, "class:get_order": "read", "to:agent:reader": "yes"},
        )
        assert done.headers["location"] == "/integrations/tracker?done=ready", done.text
        pages = [await admin.get(path) for path in ("/integrations/tracker", "/integrations", "/integrations/new")]
        assert "reader" in pages[0].text
        assert "X-Shop" in pages[0].text
        for one in (*pages, tested, found, page):
            assert SECRET not in one.text
            assert EVIL not in one.text
        seen = (await as_("admin").get("/assignments?agent=reader"))["items"]
        assert [one["exposed_name"] for one in seen] == ["get_order"]
        assert (await agent.get("/me"))["agent"]["slug"] == "reader"


@pytest.mark.behaviour("S0.19", "S0.40", "S0.41")
async def test_a_changed_tool_is_looked_at_before_agents_see_it(signed: Signed, as_: As) -> None:
    """Refresh says what is different; both definitions stand side by side; one is approved or rejected; a tool is
    switched off; the server is deleted once its name was typed, with all that goes listed before."""
    admin, rest = await signed("admin"), as_("admin")
    async with running(Bundled()) as remote:
        await rest.post("/servers", {"slug": "tracker", "url": remote.url})
        await rest.post("/servers/tracker/discover", status=200)
        await rest.post("/servers/tracker/tools/get_order/approve", {"class": "read"}, status=200)
        await rest.post("/assignments", {"server": "tracker", "tool": "get_order", "agent": "reader"})
        remote.server.tools[0] = tool("get_order", number={"type": "string"}, bcc={"type": "string"})
        await admin.get("/integrations/tracker")
        refreshed = await admin.post("/integrations/tracker/refresh")
        assert "changed" in refreshed.text
        assert "bcc" in refreshed.text
        assert "What the server says now" in refreshed.text  # side by side, with the answers
        assert '<span class="count">2<' in (await admin.get("/integrations")).text  # one changed, one new
        shown = await admin.get("/integrations/tracker/tools/get_order")
        assert "Another definition waits" in shown.text
        waiting = (await rest.get("/servers/tracker/tools/get_order"))["waiting"]["digest"]
        stale = await admin.post("/integrations/tracker/tools/get_order/approve", digest="sha256:0")
        assert stale.status_code == 409
        approved = await admin.post(
            "/integrations/tracker/tools/get_order/approve",
            **{"digest": waiting, "class": "read", "back": "server"},
        )
        assert approved.headers["location"] == "/integrations/tracker?done=tool", approved.text
        assert "nobody has decided" not in (await admin.get("/integrations/tracker")).text
        change = {"class": "write", "scope": "custom:parcels"}
        assert (await admin.post("/integrations/tracker/tools/get_order/change", **change)).status_code == 303
        shown = await rest.get("/servers/tracker/tools/get_order")
        assert (shown["class"], shown["scope"]) == ("write", "custom:parcels")
        assert (await admin.post("/integrations/tracker/tools", disable="get_order")).status_code == 303
        assert (await rest.get("/servers/tracker/tools/get_order"))["state"] == "disabled"
        goes = await admin.get("/integrations/tracker/delete")
        assert "get_order of reader" in goes.text
        assert (await admin.post("/integrations/tracker/delete", slug="wrong")).status_code == 400
        assert (await admin.post("/integrations/tracker/delete", slug="tracker")).status_code == 303
    assert (await as_("viewer").send("GET", "/servers/tracker")).status_code == 404


async def test_what_cannot_be_added_keeps_what_was_typed_but_secrets(signed: Signed) -> None:
    admin = await signed("admin")
    await admin.get("/integrations/new")
    fields = {"name": "Far away", "url": "ftp://x", "credential": "bearer", "secret": SECRET}
    refused = await admin.post("/integrations/new", **fields)
    assert refused.status_code == 400
    assert 'value="Far away"' in refused.text
    assert 'role="alert"' in refused.text
    assert SECRET not in refused.text
    made = await admin.post("/integrations/new", **{**fields, "url": "http://127.0.0.1:49151/mcp"})
    assert made.headers["location"] == "/integrations/far-away/test"
    await admin.get("/integrations/far-away/test")
    failed = await admin.post("/integrations/far-away/test")
    assert "It does not work yet" in failed.text
    assert unescape(failed.text).count(SECRET) == 0
