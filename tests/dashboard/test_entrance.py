"""Who comes in, with which forms, and what no page lets through: security.md §2 rows 8, 14, 27, 29, 30."""

import re

import pytest

from tests.api.conftest import As
from tests.api.world import Side
from tests.dashboard.conftest import Signed
from tradepost.app import Tradepost
from tradepost.dashboard.site import PAGES

LISTS = (
    "/today",
    "/first",
    "/approvals",
    "/integrations",
    "/agents",
    "/profiles/internal",
    "/conversations",
    "/knowledge",
    "/activity",
    "/policy",
    "/access",
    "/settings",
)


async def test_nobody_comes_in_without_signing_in(signed: Signed) -> None:
    """Every page sends to the sign-in and from there back; no form does anything."""
    browser = await signed(None)
    for path, method, _ in PAGES:
        there = re.sub(r"{\w+}", "none", path)
        answer = await (browser.get(there) if method == "GET" else browser.post(there))
        if method == "GET":
            assert answer.status_code == 303, there
            assert answer.headers["location"].startswith("/sign-in?back_to=%2F"), there
        else:
            assert answer.status_code == 403, there
    assert (await browser.get("/")).headers["location"] == "/today"


@pytest.mark.parametrize("role", ["owner", "viewer"])
async def test_every_page_has_the_headers_that_keep_it_safe(signed: Signed, role: str) -> None:
    """No script or style but our own, no framing, nothing kept by proxies, nothing inline."""
    browser = await signed(role)
    for path in LISTS:
        page = await browser.get(path)
        assert page.status_code == 200, (path, page.text)
        policy = page.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert not re.search(r"<script(?![^>]*src=)|\son[a-z]+=|\sstyle=|javascript:", page.text), path


async def test_a_form_counts_only_as_our_own(signed: Signed, acme: Side) -> None:
    """CSRF: without the token, with another person's, from another site, or by GET nothing is changed."""
    owner, other = await signed("owner"), await signed("admin")
    await owner.get("/agents")
    await other.get("/agents")
    body = {"profile": "internal", "slug": "made_here"}
    for fields, headers in (
        ({"form_token": ""}, {}),
        ({"form_token": other.token}, {}),
        ({}, {"origin": "https://evil.example"}),
        ({}, {"origin": "null"}),
        ({}, {"sec-fetch-site": "cross-site"}),
        ({}, {"content-type": "text/plain"}),
    ):
        refused = await owner.post("/agents", _headers=headers, **body, **fields)
        assert refused.status_code in (400, 403), (fields, headers)
    assert (await owner.get("/agents?profile=internal&slug=made_here")).status_code == 200
    assert "made_here" not in (await owner.get("/agents")).text
    assert (await owner.post("/agents", **body)).status_code == 303
    assert "made_here" in (await owner.get("/agents")).text


async def test_a_session_is_no_credential_elsewhere(signed: Signed) -> None:
    """S3.8: the cookie opens pages; REST and MCP do not look at it, neither as a cookie nor as a bearer."""
    owner = await signed("owner")
    cookie = owner.http.cookies["tradepost_session"]
    assert (await owner.http.get("/api/v1/me")).status_code == 401
    assert (await owner.http.get("/api/v1/me", headers={"authorization": f"Bearer {cookie}"})).status_code == 401
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    assert (await owner.http.post("/mcp", json=call)).status_code == 401


async def test_what_belongs_to_others_is_not_there(signed: Signed, as_: As, hub: Tradepost, rival: Side) -> None:
    """Ids of another workspace are answered as those that nobody has, on every page that takes one."""
    asked = await as_("agent").patch("/contacts/C-1", {"language": "fr"}, status=202, idempotency_key="w")
    await hub.audit.drain()
    (row, *_) = (await as_("viewer").get("/audit?tool=update_customer"))["items"]
    begun = await as_("owner").post("/conversations", {"agent": "supply"})
    stranger = await signed("owner", rival)
    for theirs, nobodys in (
        (f"/activity/{row['id']}", "/activity/aud_none"),
        (f"/approvals/{asked['approval_id']}", "/approvals/act_none"),
        (f"/conversations/{begun['id']}", "/conversations/cnv_none"),
    ):
        seen, unseen = await stranger.get(theirs), await stranger.get(nobodys)
        assert (seen.status_code, unseen.status_code) == (404, 404)
        assert seen.text == unseen.text
    assert row["id"] not in (await stranger.get("/activity")).text


async def test_a_viewer_looks_and_changes_nothing(signed: Signed) -> None:
    """The routes decide, whatever a page shows: each form of a viewer's own making is refused, and says why."""
    viewer = await signed("viewer")
    assert "Make an agent" not in (await viewer.get("/agents")).text
    await viewer.get("/account")
    for path, fields in (
        ("/agents", {"profile": "internal", "slug": "mine"}),
        ("/agents/supply", {"role": "planner"}),
        ("/agents/supply/switch", {"to": "disabled"}),
        ("/integrations/new", {"name": "x", "url": "http://127.0.0.1:1/mcp"}),
        ("/integrations/orders/switch", {"to": "disable"}),
        ("/integrations/orders/delete", {"slug": "orders"}),
        ("/integrations/orders/tools", {"disable": "get_order"}),
        ("/integrations/orders/tools/get_order/assign", {"to": "agent:reader"}),
        ("/activity/verify", {}),
    ):
        refused = await viewer.post(path, **fields)
        assert refused.status_code == 403, (path, refused.text)
        assert "role" in refused.text, path


async def test_wrong_queries_are_said(signed: Signed) -> None:
    """Filters and cursors that are none are a sentence on the page, never a failure."""
    viewer = await signed("viewer")
    for path in (
        "/activity?since=yesterday",
        "/activity?since=2026-13-45",
        "/activity?cursor=made-up",
        "/activity?kind=nothing",
        "/approvals?state=lost",
        "/approvals?agent=nobody",
        "/conversations?cursor=x",
        "/knowledge?kind=song",
        "/integrations?cursor=%00",
    ):
        page = await viewer.get(path)
        assert page.status_code in (400, 404), (path, page.status_code)
        assert 'role="alert"' in page.text, path
    for path in ("/activity?since=2026-02-24", "/activity?since=2026-02-24+10:30&until=2026-02-25T00:00:00Z"):
        assert (await viewer.get(path)).status_code == 200, path
    for path in ("/integrations/a%2Fb", "/agents/a%00", "/activity/%00", "/store/orders/%00", "/knowledge/a%00"):
        assert (await viewer.get(path)).status_code in (400, 404), path
    assert (await viewer.get("/today/more")).status_code == 404
