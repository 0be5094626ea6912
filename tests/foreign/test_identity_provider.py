"""Signing in with a real identity provider, npm's `oidc-provider`: discovery, PKCE, its own pages, and back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from html import unescape
from urllib.parse import urljoin

import httpx2
import pytest

from tests.foreign.installed import Installed
from tests.processes import Place, Serving, environment, free_ports
from tests.program import Foreign

pytestmark = pytest.mark.foreign

SECRET = "a client's secret: 100% + / odd & long enough"
SCRIPT = "tests/foreign/identity_provider.mjs"
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


@pytest.fixture(scope="module")
def hub(servers: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A hub whose people sign in at a provider of their own; ann is a user, bob is invited."""
    folder = tmp_path_factory.mktemp("identity")
    issuer = f"http://127.0.0.1:{free_ports(1)}"
    settings = {
        "TRADEPOST_OIDC_ISSUER": issuer,
        "TRADEPOST_OIDC_CLIENT_ID": "tradepost",
        "TRADEPOST_OIDC_CLIENT_SECRET": SECRET,
        "TRADEPOST_OIDC_NAME": "Acme",
    }
    place = Place(folder / "data", databases=settings)
    env = environment(
        ISSUER=issuer,
        PORT=issuer.rpartition(":")[2],
        CALLBACK=f"{place.url}/sign-in/oidc/callback",
        CLIENT_SECRET=SECRET,
        OIDC_PROVIDER=servers.oidc_provider,
    )
    log = folder / "provider.log"
    place.run("db", "upgrade").good()
    place.run("workspace", "create", "acme", "--owner", "owner@acme.example").good()
    place.run("user", "add", "ann@acme.example", "--role", "operator").good()
    place.run("user", "add", "unverified@acme.example", "--role", "admin").good()
    place.run("user", "invite", "bob@acme.example", "--role", "viewer").good()
    with (
        Serving(Foreign([servers.node, SCRIPT], env, log), issuer, log) as provider,
        place.start("serve") as serving,
    ):
        provider.wait_answering()
        serving.wait_ready()
        yield place


def sign_in(hub: Place, who: str) -> tuple[httpx2.Client, httpx2.Response]:
    """Go to the provider, fill in its forms, come back. The browser, and the page where it has come to."""
    browser = httpx2.Client(trust_env=False, timeout=30)
    answer = browser.get(f"{hub.url}/sign-in/oidc?back_to=/account")
    for _ in range(20):
        if answer.is_redirect:
            answer = browser.get(urljoin(str(answer.url), answer.headers["location"]))
        elif str(answer.url).startswith(hub.url):
            return browser, answer
        else:
            action = re.search(r'<form[^>]*action="([^"]+)"', answer.text)
            assert action is not None, answer.text
            fields = {name: unescape(value) for name, value in _HIDDEN.findall(answer.text)}
            url = urljoin(str(answer.url), unescape(action[1]))
            answer = browser.post(url, data={**fields, "login": who, "password": "any"})
    raise AssertionError("it does not come to an end")


@pytest.mark.parametrize(("who", "role"), [("ann", "operator"), ("bob", "viewer")])
def test_people_come_in_through_the_real_provider(hub: Place, who: str, role: str):
    browser, page = sign_in(hub, who)
    with closing(browser):
        assert page.status_code == 200
        assert f"{who}@acme.example" in page.text
        assert f"<dd>{role}</dd>" in page.text
        assert "tradepost_session" in browser.cookies


@pytest.mark.parametrize(("who", "why"), [("unverified", "has verified"), ("eve", "no invitation")])
def test_others_do_not(hub: Place, who: str, why: str):
    browser, page = sign_in(hub, who)
    with closing(browser):
        assert page.status_code == 403
        assert why in page.text
        assert "tradepost_session" not in browser.cookies
