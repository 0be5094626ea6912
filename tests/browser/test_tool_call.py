"""Test Tool Call in a real browser: found from the server, filled in, refused at its field, answered; also without
scripts."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.pages import Pages, shot, violations
from tests.browser.people import signed_in
from tests.processes import Place

pytestmark = pytest.mark.browser


@pytest.mark.behaviour("S0.10")
@pytest.mark.parametrize("scripts", [True, False])
def test_a_tool_of_a_foreign_server_is_tried(demo: Place, pages: Pages, scripts: bool) -> None:
    page = signed_in(demo, pages, java_script_enabled=scripts)
    page.goto(f"{demo.url}/integrations/tracker")
    page.get_by_role("link", name="track_parcel").first.click()
    page.get_by_role("link", name="Test Tool Call").click()
    field = page.get_by_label("tracking_number required")
    field.fill("1")
    page.get_by_role("button", name="Call track_parcel").click()
    page.get_by_role("alert").wait_for()
    assert field.get_attribute("aria-invalid") == "true"
    assert field.input_value() == "1"
    assert "at least 4 characters" in _said_of(page, field.get_attribute("aria-describedby") or "")
    page.get_by_role("link", name="tracking_number").click()
    field.fill("NOTHING-OF-THE-KIND")
    page.get_by_role("button", name="Call track_parcel").click()
    page.get_by_role("heading", name="The tool says that it failed").wait_for()
    assert "No parcel 'NOTHING-OF-THE-KIND'" in page.locator("main").inner_text()
    if scripts:
        shot(page, "tried")
        assert violations(page) == []
    pages.taken()  # the refusal's status


def test_a_write_is_looked_at_by_a_person_first(demo: Place, pages: Pages) -> None:
    """The card says who asks; once it was approved, it was carried out."""
    page = signed_in(demo, pages)
    page.goto(f"{demo.url}/integrations/tracker/tools/request_redelivery/test")
    page.get_by_label("tracking_number required").fill("1Z999AA10123456784")
    page.get_by_label("date required").fill("2026-12-01")
    page.get_by_role("button", name="Call request_redelivery").click()
    page.get_by_role("link", name="Look at it and answer").click()
    shot(page, "tried-approval")
    assert "owner@demo.example" in page.locator("main").inner_text()
    page.get_by_role("button", name="Approve").click()
    page.get_by_text("approved by").first.wait_for()
    pages.taken()


def _said_of(page: Page, ids: str) -> str:
    return " ".join(page.locator(f"#{one}").inner_text() for one in ids.split())
