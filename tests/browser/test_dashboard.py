"""The dashboard in a real browser: every page for everybody, an approval while the client waits, a new server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Page

from tests.browser.pages import Pages, shot, too_wide, violations
from tests.browser.people import signed_in
from tests.browser.walking import followed, uncovered
from tests.processes import Place, free_ports
from tradepost.dashboard.sections import SECTIONS

pytestmark = pytest.mark.browser

PATHS = (
    "/today",
    "/first",
    "/approvals",
    "/approvals?state=all",
    "/integrations",
    "/integrations/new",
    "/integrations/orders",
    "/integrations/tracker",
    "/integrations/tracker/test",
    "/integrations/tracker/discovered",
    "/integrations/tracker/assign",
    "/integrations/tracker/delete",
    "/integrations/tracker/swap?to=returns",
    "/integrations/tracker/tools/track_parcel",
    "/integrations/tracker/tools/track_parcel/test",
    "/integrations/returns/tools/submit_return/test",
    "/agents",
    "/profiles/internal",
    "/agents/planner",
    "/conversations",
    "/handovers",
    "/knowledge",
    *(f"/store/{name}" for name in SECTIONS),
    "/store/orders/88213",
    "/activity",
    "/policy",
    "/access",
    "/settings",
    "/account",
    "/account/second-factor",
    "/integrations/nothing",
)
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 900}},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True},
}


def called(demo: Place, agent: str, tool: str, **arguments: Any) -> dict[str, Any]:
    """What a client of the demo gets from a tool."""
    headers = {"authorization": f"Bearer {demo.key(agent)}", "accept": "application/json"}
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    answer = httpx2.post(f"{demo.url}/mcp", json=call, headers=headers, timeout=60, trust_env=False)
    found: dict[str, Any] = answer.json()["result"]["structuredContent"]
    return found


def asked(demo: Place, key: str, reason: str | None = None) -> str:
    """The id of a write that waits for a person."""
    wanted = {"sku": "A-100", "quantity": 20, "warehouse_id": "RTM", "idempotency_key": key}
    wanted["reason"] = f"<b>{key}</b>" if reason is None else reason
    waits = called(demo, "supply_chain_manager", "create_reorder", **wanted, allow_duplicate=True)
    assert "approval_id" in waits, waits
    return str(waits["approval_id"])


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_is_for_everybody(lived_in: Place, pages: Pages, look: str) -> None:
    """axe-core finds nothing, no page is wider than the window, none breaks its own Content-Security-Policy."""
    for number in (1, 2):
        asked(lived_in, f"look-{look}-{number}", reason="Runs low.")  # alike, so they can be answered together
    page = signed_in(lived_in, pages, **LOOKS[look])
    for path in chain(visited(page, lived_in.url), followed(page, lived_in.url)):
        shot(page, f"{look}{re.sub('[^a-z]+', '-', path)}")
        assert violations(page) == [], path
        assert too_wide(page) == [], (path, look)
    pages.taken()  # the page that is not there


def visited(page: Page, url: str) -> Iterator[str]:
    """Open the pages whose addresses are known, one after the other."""
    for path in PATHS:
        page.goto(f"{url}{path}")
        yield path


def test_every_page_is_among_them() -> None:
    assert uncovered(list(PATHS)) == []


def test_zoomed_to_200_percent_nothing_is_cut_off(demo: Place, pages: Pages) -> None:
    """WCAG 1.4.10: at 320 CSS pixels only tables scroll sideways, within themselves."""
    page = signed_in(demo, pages, viewport={"width": 320, "height": 512})
    for path in PATHS[:-1]:
        page.goto(f"{demo.url}{path}")
        assert too_wide(page) == [], path


@pytest.mark.behaviour("S1.11")
def test_an_approval_goes_through_while_the_client_waits(demo: Place, pages: Pages) -> None:
    """By keys alone: the queue fills by itself, the card is read, the answer is a button; the client hears of it."""
    page = signed_in(demo, pages)
    page.goto(f"{demo.url}/approvals")
    approval = asked(demo, "keys")
    link = page.locator(f"a[href='/approvals/{approval}']")
    link.wait_for()  # nobody reloads the page
    assert page.locator("ol.queue b").count() == 0
    page.evaluate("document.activeElement.blur()")
    for _ in range(50):
        page.keyboard.press("j")
        if link.evaluate("one => one === document.activeElement"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/approvals/{approval}")
    assert "Moves money" in page.locator("h1").inner_text()
    page.keyboard.press("a")
    assert page.evaluate("document.activeElement.value") == "approve"
    page.keyboard.press("Enter")
    page.get_by_text("approved by").first.wait_for()
    told = called(demo, "supply_chain_manager", "get_approval", approval_id=approval, wait_seconds=20)
    assert told["status"] == "succeeded", told


def test_two_people_answer_at_once(demo: Place, pages: Pages) -> None:
    """The first answer counts; the second one is told what happened, and changes nothing."""
    approval = asked(demo, "two")
    first, second = signed_in(demo, pages), signed_in(demo, pages, "alex@demo.example")
    for page in (first, second):
        page.goto(f"{demo.url}/approvals/{approval}")
    first.get_by_role("button", name="Reject").click()
    first.get_by_text("was rejected").first.wait_for()
    second.get_by_role("button", name="Approve").click()
    second.locator("h1").wait_for()
    assert "rejected" in second.locator("main").inner_text().lower()
    assert called(demo, "supply_chain_manager", "get_approval", approval_id=approval)["status"] == "rejected"
    pages.taken()  # the refusal's status


def test_reading_and_approving_work_without_scripts(demo: Place, pages: Pages) -> None:
    approval = asked(demo, "plain")
    page = signed_in(demo, pages, java_script_enabled=False)
    for path in PATHS[:-1]:
        answer = page.goto(f"{demo.url}{path}")
        assert answer is not None
        assert answer.status == 200, path
    page.goto(f"{demo.url}/approvals")
    page.locator(f"a[href='/approvals/{approval}']").click()
    page.get_by_role("button", name="Approve").click()
    assert "approved by" in page.locator("main").inner_text()


@pytest.mark.behaviour("S0.2", "S0.5", "S0.7", "S0.9", "S0.10", "S0.11")
def test_a_server_is_added_in_four_steps(demo: Place, pages: Pages) -> None:
    """From the menu to a tool that an agent calls, against a real MCP server behind a bearer."""
    other = Place(demo.data.with_name("other"), port=free_ports())
    env = {"TRADEPOST_BEARER": "sesame-open-please-now", "TRADEPOST_DATA": str(demo.data)}
    with other.start("serve", "catalog", "--http", "--port", other.port, "--workspace", "demo", env=env) as serving:
        serving.wait_answering()
        page = signed_in(demo, pages)
        page.get_by_role("navigation").get_by_role("link", name="Integrations").click()
        page.get_by_role("link", name="Custom Extensions").click()
        page.get_by_role("link", name="MCP Integrations").click()
        page.get_by_role("link", name="Add new MCP server").first.click()
        page.get_by_label("Name", exact=False).first.fill("Foreign catalog")
        page.get_by_label("Server URL").fill(f"{other.url}/mcp")
        page.locator("select[name=credential]").select_option("bearer")
        page.get_by_label("Token, key or client secret").fill(env["TRADEPOST_BEARER"])
        page.get_by_role("button", name="Keep it and go on to the test").click()
        page.get_by_role("button", name="Test Connection").click()
        page.get_by_role("heading", name="It answers").wait_for()
        shot(page, "tested")
        page.get_by_role("button", name="Discover its tools").click()
        page.get_by_role("link", name="Enable and assign").click()
        page.get_by_role("checkbox", name="search_products").check()
        page.get_by_label("Class of search_products").select_option("read")
        page.get_by_role("checkbox", name="Parcel desk").check()
        page.get_by_role("button", name="Finish Setup").click()
        page.get_by_text("The server is set up").wait_for()
        assert env["TRADEPOST_BEARER"] not in page.content()
        found = called(demo, "parcel_desk", "search_products", q="bottle")
        assert "bottle" in json.dumps(found), found
        tools = page.locator("table.list").first
        tools.get_by_role("button", name="Disable search_products").click()
        page.get_by_text("It holds from the next call on").wait_for()
        page.get_by_role("link", name="Delete the server").click()
        assert "search_products of parcel_desk" in page.locator("main").inner_text()
        page.get_by_label("Type its short name").fill("foreign-catalog")
        page.get_by_role("button", name="Delete it for good").click()
        page.get_by_text("The server was deleted").wait_for()


def test_an_agent_answers_in_the_playground(demo: Place, pages: Pages) -> None:
    """Every step stands there, and times are those of whoever looks."""
    page = signed_in(demo, pages, timezone_id="Pacific/Auckland")
    page.get_by_role("navigation").get_by_role("link", name="Agents").click()
    page.get_by_role("link", name="Planner", exact=True).click()
    page.get_by_label("Say something").fill("Why is order 88213 late?")
    page.get_by_role("button", name="Send").click()
    _answered(page)
    shot(page, "playground")
    assert "scripted" in page.locator("article").inner_text()
    page.locator("article details > summary").first.click()
    assert "routing" in page.locator("article").inner_text()
    stamp = page.locator("time").first
    assert stamp.inner_text() != stamp.get_attribute("datetime")


def _answered(page: Page) -> None:
    page.locator("article > p.exact").first.wait_for()
