"""Every page of the dashboard, found by its address or by the links that lead to it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from playwright.sync_api import Page

from tests.browser.pages import Pages
from tests.browser.people import signed_in
from tests.processes import Place
from tradepost.dashboard.sections import SECTIONS
from tradepost.dashboard.site import PAGES

IN_DEMO = ("--as", "owner@demo.example", "--workspace", "demo")
CUSTOMER = "CUST-10495"
# A page, and what the address of a page that it links to begins with: records whose names nobody knows before.
LED_TO = (
    ("/approvals", "/approvals?together="),
    ("/approvals", "/approvals/"),
    ("/conversations", "/conversations/"),
    ("/handovers", "/handovers/"),
    ("/knowledge", "/knowledge/proposals/"),
    ("/knowledge", "/knowledge/"),
    ("/activity?tool=search_orders", "/activity/"),
    *((f"/store/{name}", f"/store/{name}/") for name, one in SECTIONS.items() if one.one and name != "customers"),
    ("/store/customers?query=anna", "/store/customers/"),
)
# Pages that ask a host outside, and a file.
LEFT_OUT = {"/integrations/new/registry", "/integrations/new/registry/add", "/activity/export", "/store"}


def leave_something(demo: Place, pages: Pages) -> None:
    """A conversation, a customer who waits for a person, and a proposal: none of them comes with a demo."""
    page = signed_in(demo, pages)
    page.goto(f"{demo.url}/agents/planner")
    page.locator("form[action$='/ask'] textarea").fill("How many orders are late?")
    page.locator("form[action$='/ask'] button").click()
    page.wait_for_url("**/conversations/**")
    minted = demo.run("key", "mint", "--user", "owner@demo.example", "--json", *IN_DEMO).json()["key"]
    owner = {"Authorization": f"Bearer {minted}"}
    rest, api = page.request, f"{demo.url}/api/v1"
    entry = rest.get(f"{api}/knowledge/entries?limit=1", headers=owner).json()["items"][0]["slug"]
    change = {"entry": entry, "body": "## ASK-1 Questions\n\nAsk us.", "reason": "People ask."}
    assert rest.post(f"{api}/knowledge/proposals", headers=owner, data=change).status == 201
    token = rest.post(f"{api}/shopper-sessions", headers=owner, data={"customer": CUSTOMER}).json()["token"]
    customer = {"Authorization": f"Bearer {token}"}
    chat = rest.post(f"{api}/shopper/conversations", headers=customer, data={}).json()["id"]
    assert rest.post(f"{api}/shopper/conversations/{chat}/person", headers=customer, data={}).status == 200


def followed(page: Page, url: str) -> Iterator[str]:
    """Open the pages that others lead to, one after the other; what to call each."""
    for begin, there in LED_TO:
        page.goto(f"{url}{begin}")
        found = [one.get_attribute("href") or "" for one in page.locator(f"main a[href^='{there}']").all()]
        target = next((one for one in found if one != there and _is_one(one, there)), None)
        assert target is not None, f"nothing on {begin} leads to {there}"
        page.goto(f"{url}{target}")
        yield f"{there}one"


def uncovered(paths: list[str]) -> list[str]:
    """Pages for which there is neither an address nor a link that leads there."""
    there = {path.partition("?")[0] for path in paths} | {f"{start}x" for _, start in LED_TO}
    patterns = [path for path, method, _ in PAGES if method == "GET" and path not in LEFT_OUT]
    return [path for path in patterns if not any(re.fullmatch(re.sub(r"{\w+}", "[^/]+", path), one) for one in there)]


def _is_one(address: str, there: str) -> bool:
    """Whether an address is that of one record, not of a list or a page below it."""
    rest = address.removeprefix(there)
    return "/" not in rest and (there.endswith("=") or not rest.startswith("?")) and not rest.startswith("export")
