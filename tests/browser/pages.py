"""Pages of a test, and what they are held to: nothing goes wrong unheard, and nobody is shut out."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page
from playwright.sync_api import Error as BrowserError

from tests.foreign.installed import packages

HERE = Path(__file__).parent
PATIENCE = 20_000.0  # milliseconds that anything is waited for
FOR_TABS = "/favicon.ico"  # browsers ask every site for one, and most have none
WIDE = """() => {
  const room = document.scrollingElement.clientWidth, width = document.scrollingElement.scrollWidth;
  if (width <= room) return [];
  const scrolls = (one) => one !== null && one !== document.body && one !== document.documentElement
    && (["auto", "scroll", "hidden"].includes(getComputedStyle(one).overflowX) || scrolls(one.parentElement));
  const over = [...document.querySelectorAll("body *")]
    .filter((one) => one.getBoundingClientRect().right > room + 1 && !scrolls(one));
  return [`${width} pixels where ${room} are`, ...over.map((one) => one.outerHTML.slice(0, 160))];
}"""
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@dataclass
class Pages:
    """Opens pages, each in a browser profile of its own. `errors` are what their consoles said went wrong, refusals of
    the Content-Security-Policy among it; a test that means to see some takes them with `taken`."""

    browser: Browser
    errors: list[str] = field(default_factory=list)
    _profiles: list[BrowserContext] = field(default_factory=list)

    def open(self, url: str | None = None, **options: Any) -> Page:
        """A page in a new profile; options are those of Browser.new_context (viewport, color_scheme, …)."""
        profile = self.browser.new_context(**options)
        profile.set_default_timeout(PATIENCE)
        self._profiles.append(profile)
        profile.on("page", self._listen)
        page = profile.new_page()
        if url is not None:
            page.goto(url)
        return page

    def taken(self) -> list[str]:
        """What went wrong until now; it is forgotten then."""
        taken, self.errors = self.errors, []
        return taken

    def close(self) -> None:
        """Close them all."""
        for profile in self._profiles:
            profile.close()

    def _listen(self, page: Page) -> None:
        page.on("console", self._hear)
        page.on("pageerror", self._fail)

    def _hear(self, message: ConsoleMessage) -> None:
        where = message.location.get("url", "")
        if message.type == "error" and not where.endswith(FOR_TABS):
            self.errors.append(f"{message.text} ({where})")

    def _fail(self, error: BrowserError) -> None:
        self.errors.append(str(error))


def violations(page: Page, within: str | None = None) -> list[str]:
    """What axe-core finds wrong with a page for people who cannot see, hear or use a mouse; `within` is a selector."""
    page.evaluate(_axe())
    rules = {"runOnly": {"type": "tag", "values": TAGS}}
    script = "([within, options]) => axe.run(within || document, options)"
    found: dict[str, Any] = page.evaluate(script, [within, rules])
    return [
        f"{one['id']} ({one['impact']}): {one['help']}: {[node['target'] for node in one['nodes']]}"
        for one in found["violations"]
    ]


def shot(page: Page, name: str) -> None:
    """Keep a picture of the whole page in the folder TRADEPOST_SCREENSHOTS, where one is named, for people to look
    at."""
    folder = os.environ.get("TRADEPOST_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@cache
def _axe() -> str:
    _, there = packages(HERE)
    return (there / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")


def too_wide(page: Page) -> list[str]:
    """What makes a page scroll sideways; nothing where it does not. Tables scroll within themselves."""
    return list(page.evaluate(WIDE))
