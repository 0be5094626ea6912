"""A new user: an empty workspace, one link, and five minutes later the first write that they approved."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import Pages, shot, too_wide, violations
from tests.browser.people import PASSWORD, signed_in
from tests.processes import Place

pytestmark = pytest.mark.browser
REORDER: dict[str, Any] = {
    "sku": "A-100",
    "quantity": 20,
    "warehouse_id": "RTM",
    "reason": "Runs low.",
    "idempotency_key": "first-run",
    "allow_duplicate": True,
}
CUSTOMERS = "First Name,Last Name,Email\nAda,Byron,ada@buyers.example\n"


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[tuple[Place, str]]:
    """A hub with nothing but a workspace, and what it said when it started."""
    place = Place(tmp_path / "data")
    place.run("db", "upgrade").good()
    place.run("workspace", "create", "acme", "--owner", "owner@acme.example").good()
    with place.start("serve") as serving:
        serving.wait_ready()
        yield place, serving.said()


def called(place: Place, key: str, tool: str, **arguments: Any) -> dict[str, Any]:
    """What a client with this key gets from a tool."""
    headers = {"authorization": f"Bearer {key}", "accept": "application/json"}
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    answer = httpx2.post(f"{place.url}/mcp", json=call, headers=headers, timeout=60, trust_env=False)
    found: dict[str, Any] = answer.json()["result"]["structuredContent"]
    return found


def step(page: Page, number: int, state: str) -> None:
    """Wait until a step stands so, without a reload."""
    expect(page.locator(f"#step-{number} .state")).to_have_text(state)


@pytest.mark.behaviour("S0.2", "S0.19", "S0.38")
def test_from_an_empty_workspace_to_an_approved_write(empty: tuple[Place, str], pages: Pages, tmp_path: Path) -> None:
    place, said = empty
    (link,) = set(re.findall(r"http://\S+/welcome/\S+", said))
    page = pages.open(link)
    for label in ("password", "again"):
        page.fill(f"input[name={label}]", PASSWORD)
    page.locator("form button").first.click()
    page.wait_for_url("**/today")
    page.get_by_role("link", name="First steps").click()
    step(page, 1, "open")
    page.get_by_label("Short name of the agent").fill("helper")
    page.get_by_role("button", name="Make the agent").click()
    step(page, 2, "open")
    assert "The shop is empty" in page.locator("main").inner_text()
    page.get_by_role("checkbox", name="customers").check()
    page.get_by_role("button", name="Hand them out").click()
    step(page, 2, "done")
    page.get_by_role("button", name="Make a key").click()
    step(page, 3, "done")
    key = page.get_by_role("status").locator("code").inner_text()
    shot(page, "first-key")
    assert violations(page) == []
    (tmp_path / "customers.csv").write_text(CUSTOMERS, "utf-8")
    place.run("store", "import-csv", "customers", tmp_path / "customers.csv", "--currency", "EUR").good()
    (customer,) = called(place, key, "search_customers", query="ada@buyers.example")["items"]
    step(page, 4, "done")
    asked = {"customer_id": customer["id"], "language": "fr", "idempotency_key": "first"}
    waits = called(place, key, "update_customer", **asked)
    page.locator(f"a[href='/approvals/{waits['approval_id']}']").click()
    page.get_by_role("button", name="Approve").click()
    page.get_by_text("approved by").first.wait_for()
    told = called(place, key, "get_approval", approval_id=waits["approval_id"], wait_seconds=20)
    assert told["status"] == "succeeded", told
    page.goto(f"{place.url}/first")
    step(page, 5, "done")
    assert "5 of 5 done" in page.locator("main").inner_text()


@pytest.mark.behaviour("S0.38")
def test_in_a_demo_the_steps_begin_where_it_stands(demo: Place, pages: Pages) -> None:
    """On a phone: the demo has agents with tools and keys, so what is left is to ask one of them, and to answer."""
    page = signed_in(demo, pages, viewport={"width": 360, "height": 740})
    page.goto(f"{demo.url}/first?agent=supply_chain_manager")
    for number in (1, 2, 3):
        step(page, number, "done")
    shot(page, "first-demo")
    assert too_wide(page) == []
    page.get_by_label("Say something to it").fill("Which orders are late?")
    page.get_by_role("button", name="Send").click()
    page.wait_for_url("**/conversations/**")
    page.goto(f"{demo.url}/first?agent=supply_chain_manager")
    step(page, 4, "done")
    approval = called(demo, demo.key("supply_chain_manager"), "create_reorder", **REORDER)["approval_id"]
    page.goto(f"{demo.url}/approvals/{approval}")  # others may wait before it
    page.get_by_role("button", name="Approve").click()
    page.get_by_text("approved by").first.wait_for()
    key = demo.key("supply_chain_manager")
    assert called(demo, key, "get_approval", approval_id=approval, wait_seconds=20)["status"] == "succeeded"
    page.goto(f"{demo.url}/first?agent=supply_chain_manager")
    step(page, 5, "done")
