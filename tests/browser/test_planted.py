"""Stored cross-site scripting: whatever outsiders wrote is text on every page. security.md §2 row 29."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request

from tests.browser.pages import Pages, shot, too_wide
from tests.browser.people import signed_in
from tests.browser.planting import Planter, hostile_server, serving
from tests.processes import Place

pytestmark = pytest.mark.browser

STARTS = (
    "/today",
    "/first",
    "/approvals",
    "/approvals?state=all",
    "/integrations",
    "/integrations/evil",
    "/integrations/evil/discovered",
    "/integrations/evil/assign",
    "/integrations/evil/delete",
    "/integrations/evil/swap?to=tracker",
    "/integrations/evil/tools/evil_read",
    "/integrations/evil/tools/evil_read/test",
    "/integrations/evil/tools/evil_fail",
    "/agents",
    "/profiles/internal",
    "/agents/evil",
    "/conversations",
    "/handovers",
    "/knowledge",
    "/store/orders",
    "/store/returns",
    "/store/customers?query=evil%40buyers.example",
    "/activity",
    "/policy",
    "/access",
    "/settings",
    "/account",
)
PHONE = {"width": 360, "height": 740}  # what they wrote is as long as they like, and no page is wider for it
MOST_OF_A_KIND = 2  # pages that differ in an id alone
LOOK = """() => ({
  ran: window.ran || [],
  injected: [...document.querySelectorAll(
    "[data-planted], img, iframe, object, embed, script:not([src]), [onerror], [onload], [srcdoc]"
  )].map((one) => one.outerHTML.slice(0, 200)),
  addresses: [...document.querySelectorAll("a[href], form[action], link[href], script[src]")]
    .map((one) => one.href || one.action || one.src)
    .filter((one) => !one.startsWith(location.origin)),
})"""
# The fourteen places, by what is planted there, and what must be seen as text on some page.
PLACES = (
    ("server",),
    ("tool-title", "tool-description", "tool-changed"),
    ("parameter", "example", "choice", "default"),
    ("waiting",),
    ("result", "result-field"),
    ("error",),
    ("note",),
    ("customer",),
    ("return-reason",),
    ("agent", "agent-description"),
    ("instructions",),
    ("message", "chat", "wish"),
    ("entry", "clause", "proposal", "proposal-reason"),
    ("comment", "rejection", "user", "key", "rule-reason", "profile"),
)


@pytest.mark.behaviour("S0.41")
def test_what_others_wrote_is_text_on_every_page(demo: Place, pages: Pages, tmp_path: Path) -> None:
    """No script of theirs runs, no element of theirs is there, no address of theirs is asked or linked to."""
    double = hostile_server()
    with serving(double):
        planter = Planter(demo)
        planter.server(double)
        planter.hub()
        number = planter.shop(tmp_path)
        planter.customer()
        planter.agent()
        records = [f"/activity/{one}" for one in planter.calls()] + [f"/approvals/{one}" for one in planter.asked]
        page = signed_in(demo, pages, viewport=PHONE)
        outside: list[str] = []

        def asked(request: Request) -> None:
            if not request.url.startswith(demo.url):
                outside.append(request.url)

        page.context.on("request", asked)
        page.add_init_script("window.planted = (place) => (window.ran = window.ran || []).push(place)")
        page.on("dialog", lambda dialog: outside.append(f"dialog: {dialog.message}"))
        seen = _walked(page, demo.url, [*STARTS, f"/store/orders/{number}", *records])
        seen += _tried(page, demo.url)
    assert outside == []
    pages.taken()  # the status of the form that was wrong
    missing = [place for place in sum(PLACES, ()) if f"data-planted>{place}" not in seen]
    assert not missing, f"planted, and on none of the pages: {missing}"


def _walked(page: Page, base: str, starts: list[str]) -> str:
    """Go to the pages and on to where they lead; the text of all."""
    waiting, known, kinds, seen = list(starts), set(starts), dict[str, int](), []
    while waiting:
        path = waiting.pop(0)
        answer = page.goto(base + path)
        assert answer is not None
        assert answer.status < 500, path
        seen.append(_looked(page, path))
        for href in page.eval_on_selector_all("a[href]", "all => all.map((one) => one.href)"):
            parts = urlsplit(href)
            there = parts.path + (f"?{parts.query}" if parts.query else "")
            kind = _kind_of(there)
            if not href.startswith(base) or there in known or "export" in there or kinds.get(kind, 0) >= MOST_OF_A_KIND:
                continue
            known.add(there)
            kinds[kind] = kinds.get(kind, 0) + 1
            waiting.append(there)
    return "\n".join(seen)


def _kind_of(path: str) -> str:
    """A path without what differs from record to record."""
    record = re.sub(r"/store/(\w+)/[^/?]+", r"/store/\1/*", path)
    return re.sub(r"\d+|(?<=[_/])[a-z0-9]{20,}|=[^&]*", "*", record)


def _tried(page: Page, base: str) -> str:
    """What the hostile tools answer to Test Tool Call, and to a form that is wrong."""
    seen = []
    for name in ("evil_read", "evil_fail"):
        page.goto(f"{base}/integrations/evil/tools/{name}/test")
        page.get_by_role("button", name=f"Call {name}").click()
        page.locator("#result").wait_for()
        shot(page, f"planted-{name}")
        seen.append(_looked(page, name))
    page.goto(f"{base}/integrations/evil/tools/evil_read/test")
    page.get_by_text("Other arguments, as JSON").click()
    page.get_by_label("A JSON object").fill("</textarea><b data-planted>x")
    page.get_by_role("button", name="Call evil_read").click()
    page.locator("#more-error").wait_for()
    seen.append(_looked(page, "a wrong form"))
    return "\n".join(seen)


def _looked(page: Page, path: str) -> str:
    page.eval_on_selector_all("details", "all => all.forEach((one) => (one.open = true))")
    found = page.evaluate(LOOK)
    assert found == {"ran": [], "injected": [], "addresses": []}, path
    assert too_wide(page) == [], path
    values = "all => all.map((one) => one.value).join('\\n')"
    return page.locator("body").inner_text() + page.eval_on_selector_all("input, textarea, option", values)
