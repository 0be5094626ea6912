"""The browser: one that is on this machine, else the one that Playwright brings."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserType, sync_playwright
from playwright.sync_api import Error as BrowserError

NAMES = ("chromium", "chromium-browser", "google-chrome")
INSTALL_SECONDS = 600


@contextmanager
def opened() -> Iterator[Browser]:
    """A browser without a window, until the end of the block. TRADEPOST_BROWSER names another program."""
    with sync_playwright() as playwright:
        browser = _launched(playwright.chromium)
        try:
            yield browser
        finally:
            browser.close()


def _launched(kind: BrowserType) -> Browser:
    named = os.environ.get("TRADEPOST_BROWSER")
    found = named or next(filter(None, map(shutil.which, NAMES)), None)
    if found is not None:
        return kind.launch(executable_path=found)
    try:
        return kind.launch()
    except BrowserError:
        _install()
        return kind.launch()


def _install() -> None:
    command = (sys.executable, "-m", "playwright", "install", "chromium")
    ended = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    assert ended.returncode == 0, f"no Chromium is here, and none could be fetched\n{ended.stdout}{ended.stderr}"
