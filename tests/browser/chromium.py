"""The browser: one that is on this machine, else Debian's package where we may install it, else the one that Playwright
brings."""

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
    found = os.environ.get("TRADEPOST_BROWSER") or _on_this_machine() or _from_debian()
    if found is not None:
        return kind.launch(executable_path=found)
    try:
        return kind.launch()
    except BrowserError:
        _run(sys.executable, "-m", "playwright", "install", "chromium")
        return kind.launch()


def _on_this_machine() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


def _from_debian() -> str | None:
    """The package's browser with a font, where packages can be installed: as root, with apt. Else there is still
    Playwright's."""
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        return None
    quietly = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (("update",), ("install", "--yes", "--no-install-recommends", "chromium", "fonts-dejavu-core")):
        command = (apt, "--quiet", *arguments)
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False, env=quietly
        )
        if ended.returncode != 0:
            print(f"{' '.join(command)} failed:\n{ended.stderr}", file=sys.stderr)
            return None
    return _on_this_machine()


def _run(*command: str) -> None:
    ended = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    assert ended.returncode == 0, f"no Chromium is here, and none could be fetched\n{ended.stdout}{ended.stderr}"
