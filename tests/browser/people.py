"""People of the demo who have signed in with a browser of their own."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page

from tests.browser.pages import Pages
from tests.processes import Place

PASSWORD = "correct horse battery"


def signed_in(demo: Place, pages: Pages, email: str = "owner@demo.example", **options: Any) -> Page:
    """A page on which this person has set a password by a one-time link, which signs them in. Without scripts, too."""
    said = demo.run("user", "link", email, "--as", "owner@demo.example", "--workspace", "demo").good().out
    found = re.search(r"http://\S+", said)
    assert found is not None, said
    page = pages.open(found[0], **options)
    for label in ("password", "again"):
        page.fill(f"input[name={label}]", PASSWORD)
    page.locator("form button").first.click()
    page.wait_for_url("**/today")
    return page
