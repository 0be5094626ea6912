"""A browser, and a demo that it can go to. Both are shared by all tests here: a test makes what it changes itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.chromium import opened
from tests.browser.pages import PATIENCE, Pages
from tests.browser.walking import leave_something
from tests.processes import Place

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with opened() as found:
        yield found


@pytest.fixture
def pages(browser: Browser) -> Iterator[Pages]:
    """Opens pages; the test fails where a page's console tells of an error that the test did not take."""
    made = Pages(browser)
    try:
        yield made
        assert not made.errors
    finally:
        made.close()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A running demo. Everybody in `tests/browser` uses the same."""
    place = Place(tmp_path_factory.mktemp("demo") / "data", databases={"TRADEPOST_ALLOW_PRIVATE": "127.0.0.0/8"})
    with place.start("demo") as serving:
        serving.wait_ready()
        yield place


@pytest.fixture(scope="session")
def lived_in(demo: Place, browser: Browser) -> Place:
    """The demo, with something behind every page."""
    made = Pages(browser)
    try:
        leave_something(demo, made)
    finally:
        made.close()
    return demo
