"""A person with a browser, as far as the pages of a hub need one: signs in with a password, says who may come in."""

from __future__ import annotations

import re
from html import unescape
from typing import Self
from urllib.parse import urljoin

import httpx2

from tests.processes import Place

OWNER = "owner@demo.example"
PASSWORD = "correct horse battery staple"
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
_AGENT = re.compile(r'name="agent" value="([^"]+)"[^>]*>\s*<span>([^\n<]+)')


class Person:
    """The owner of a demo, who lets programs work as one agent."""

    def __init__(self, hub: Place, agent: str) -> None:
        self._hub = hub.url
        self._agent = agent
        self._browser = httpx2.Client(trust_env=False, timeout=30)
        self.pages: list[str] = []
        link = str(hub.run("user", "link", OWNER, "--json").json()["link"])
        self._filled_in(self._browser.get(link), password=PASSWORD, again=PASSWORD)

    def answer(self, url: str, decision: str = "allow") -> None:
        """Open what a program asks to be opened, say yes or no, and go back to it."""
        page = self._followed(self._browser.get(url))
        if 'name="password"' in page.text:
            page = self._followed(self._filled_in(page, email=OWNER, password=PASSWORD))
        self.pages.append(page.text)
        agents = {name: known for known, name in _AGENT.findall(page.text)}
        assert self._agent in agents, page.text
        back = self._filled_in(page, agent=agents[self._agent], access="change", decision=decision)
        httpx2.get(back.headers["location"], trust_env=False, timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._browser.close()

    def _followed(self, answer: httpx2.Response) -> httpx2.Response:
        while answer.is_redirect:
            answer = self._browser.get(urljoin(str(answer.url), answer.headers["location"]))
        return answer

    def _filled_in(self, page: httpx2.Response, **fields: str) -> httpx2.Response:
        hidden = {name: unescape(value) for name, value in _HIDDEN.findall(page.text)}
        action = re.search(r'<form[^>]*action="([^"]+)"', page.text)
        to = urljoin(str(page.url), unescape(action[1]) if action else "")
        return self._browser.post(to, data={**hidden, **fields}, headers={"origin": self._hub})
