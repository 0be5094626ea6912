"""The pages that people sign in with, in a real browser."""

import pytest

from tests.browser.pages import Pages, shot, violations
from tests.processes import Place

pytestmark = pytest.mark.browser


@pytest.mark.behaviour("S0.37")
def test_the_page_to_sign_in_shuts_nobody_out(demo: Place, pages: Pages) -> None:
    """Nothing breaks its own Content-Security-Policy, and axe-core finds nothing."""
    page = pages.open(f"{demo.url}/sign-in")
    page.get_by_role("textbox").first.wait_for()
    shot(page, "sign-in")
    assert violations(page) == []
