"""A registered server whose authorization server is npm's `oidc-provider`: found out by RFC 9728 and OpenID Connect,
with a client's document or dynamic registration, PKCE, the resource, refresh tokens that rotate, and an agreement that
is taken back. S0.4, S0.6, S4.17; security.md C1, C2."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx2
import pytest

from tests.certificates import Certificates
from tests.foreign.installed import Installed
from tests.processes import Place, Serving, environment, free_ports
from tests.program import Foreign

pytestmark = pytest.mark.foreign

SCRIPT = "tests/foreign/authorization_server.mjs"
PASSWORD = "correct horse battery"
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


@dataclass(frozen=True)
class Setting:
    """The hub, on HTTPS: its own document as a client has to be fetched from there. `parcels` are the servers by how
    their authorization server knows its clients."""

    hub: Place
    url: str
    tls: ssl.SSLContext
    parcels: dict[str, str]

    def told(self, clients: str, what: str = "", **query: str) -> dict[str, Any]:
        """What an authorization server has seen, after it was told this by its administrator."""
        url = self.parcels[clients].replace("/mcp", f"/{what}")
        return dict(httpx2.get(url, params=query, trust_env=False).json())

    def call(self, key: str, tool: str) -> dict[str, Any]:
        """The result of a tool, which a client of the handshake era calls."""
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": {}}}
        headers = {"authorization": f"Bearer {key}", "accept": "application/json"}
        answer = httpx2.post(f"{self.url}/mcp", json=body, headers=headers, verify=self.tls, trust_env=False)
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["result"])


@pytest.fixture(scope="module")
def setting(servers: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    folder = tmp_path_factory.mktemp("authorization")
    made = Certificates(folder)
    place = Place(
        folder / "data",
        databases={
            "TRADEPOST_ALLOW_PRIVATE": "127.0.0.0/8",
            "TRADEPOST_TLS_CERTIFICATE": str(made.both),
            "TRADEPOST_TLS_KEY": str(made.both),
        },
    )
    url = place.url.replace("http:", "https:")
    place.run("db", "upgrade").good()
    place.run("workspace", "create", "acme", "--owner", "owner@acme.example").good()
    place.run("profile", "create", "team", "--posture", "guarded").good()
    place.run("agent", "create", "helper", "--profile", "team").good()
    for name in ("ann", "bob"):
        place.run("user", "add", f"{name}@acme.example", "--role", "operator").good()
    parcels = {}
    with ExitStack() as running:
        for clients in ("documents", "registration"):
            first = free_ports(2)
            issuer, parcels[clients] = f"http://127.0.0.1:{first}", f"http://127.0.0.1:{first + 1}/mcp"
            env = environment(
                ISSUER=issuer,
                PORT=str(first),
                SERVER_PORT=str(first + 1),
                CLIENTS=clients,
                OIDC_PROVIDER=servers.oidc_provider,
                NODE_EXTRA_CA_CERTS=str(made.both),
            )
            log = folder / f"{clients}.log"
            running.enter_context(Serving(Foreign([servers.node, SCRIPT], env, log), issuer, log)).wait_answering()
        serving = running.enter_context(place.start("serve"))
        serving.wait_until(lambda: _ready(url, made.trusting))
        yield Setting(place, url, made.trusting, parcels)


def _ready(url: str, tls: ssl.SSLContext) -> bool:
    try:
        return httpx2.get(f"{url}/ready", verify=tls, trust_env=False).status_code == 200
    except httpx2.HTTPError:
        return False


class Person:
    """Somebody with a browser, signed in at the hub."""

    def __init__(self, setting: Setting, name: str) -> None:
        self.name, self._setting = name, setting
        self._browser = httpx2.Client(verify=setting.tls, trust_env=False, timeout=30)
        link = setting.hub.ask("user", "link", f"{name}@acme.example")["link"]
        page = self._browser.get(link)
        done = self._browser.post(link, data={**_hidden(page), "password": PASSWORD, "again": PASSWORD})
        assert done.is_redirect, done.text

    def connect(self, slug: str) -> tuple[dict[str, str], httpx2.Response]:
        """Go there, sign in there and agree, and come back: what was asked for, and the page at the end."""
        url = f"{self._setting.url}/connect/servers/{slug}"
        answer = self._browser.post(url, data={**_hidden(self._browser.get(url)), "do": "connect"})
        assert answer.is_redirect, answer.text
        asked = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
        for _ in range(20):
            if answer.is_redirect:
                answer = self._browser.get(urljoin(str(answer.url), answer.headers["location"]))
            elif str(answer.url).startswith(self._setting.url):
                return asked, answer
            else:
                action = re.search(r'<form[^>]*action="([^"]+)"', answer.text)
                assert action is not None, answer.text
                filled = {**_hidden(answer), "login": self.name, "password": "any"}
                answer = self._browser.post(urljoin(str(answer.url), unescape(action[1])), data=filled)
        raise AssertionError("it does not come to an end")

    def close(self) -> None:
        self._browser.close()


def _hidden(page: httpx2.Response) -> dict[str, str]:
    return {name: unescape(value) for name, value in _HIDDEN.findall(page.text)}


def text_of(result: dict[str, Any]) -> str:
    return str(result["content"][0]["text"])


def test_a_workspace_connects_once_by_the_hubs_own_document(setting: Setting) -> None:
    """Then tokens end, are renewed with another refresh token each time, and at last the agreement is taken back."""
    hub, url = setting.hub, setting.parcels["documents"]
    hub.run("server", "add", "parcels", url, "--oauth", "workspace").good()
    report = hub.run("server", "test", "parcels", "--json")
    assert "Nobody has connected the server 'parcels' yet." in report.out
    owner = Person(setting, "owner")
    asked, page = owner.connect("parcels")
    assert page.status_code == 200, page.text
    assert asked["client_id"] == f"{setting.url}/connect/client.json"
    assert (asked["resource"], asked["code_challenge_method"]) == (url, "S256")
    assert set(asked["scope"].split()) == {"track", "offline_access"}
    hub.run("server", "tools", "parcels").good()
    hub.run("server", "enable", "parcels", "whose", "--class", "read").good()
    hub.run("server", "assign", "parcels", "whose", "--agent", "helper").good()
    key = hub.ask("key", "mint", "--agent", "helper")["key"]
    assert text_of(setting.call(key, "whose")) == "parcels of owner"
    setting.told("documents", "expire", who="owner")
    assert text_of(setting.call(key, "whose")) == "parcels of owner"
    for turn in (2, 3):  # by other processes: each goes on with the refresh token that the one before got
        setting.told("documents", "expire", who="owner")
        assert hub.ask("server", "test", "parcels")["ok"]
        assert setting.told("documents")["grants"] == ["authorization_code", *["refresh_token"] * turn]
    setting.told("documents", "revoke", who="owner")
    assert "has ended the connection" in hub.run("server", "test", "parcels", "--json").out
    for _ in range(2):
        ended = setting.call(key, "whose")
        assert ended["isError"]
        assert "has ended" in text_of(ended)
        assert f"{setting.url}/connect/servers/parcels" in text_of(ended)
    seen = setting.told("documents")
    assert seen["refused"] == ["invalid_grant"]  # once: what is over is not tried again
    assert set(seen["clients"]) == {asked["client_id"]}
    shown = next(one for one in hub.ask("server", "list") if one["slug"] == "parcels")
    assert shown["connection"] == "reconnect"
    assert owner.connect("parcels")[1].status_code == 200
    assert text_of(setting.call(key, "whose")) == "parcels of owner"
    owner.close()


def test_each_person_connects_for_themselves_as_a_client_that_registered_itself(setting: Setting) -> None:
    hub, url = setting.hub, setting.parcels["registration"]
    hub.run("server", "add", "own-parcels", url, "--oauth", "user").good()
    people = {name: Person(setting, name) for name in ("owner", "ann", "bob")}
    with_scope = ("--profile", "team", "--scope", "read:tools.own-parcels")
    keys = {
        name: hub.ask("key", "mint", "--user", f"{name}@acme.example", *with_scope)["key"] for name in ("ann", "bob")
    }
    clients = {people[name].connect("own-parcels")[0]["client_id"] for name in people}
    assert len(clients) == 1  # the hub registers itself once
    hub.run("server", "tools", "own-parcels", "--as", "owner@acme.example").good()
    hub.run("server", "enable", "own-parcels", "whose", "--class", "read").good()
    hub.run("server", "assign", "own-parcels", "whose", "--profile", "team", "--name", "own_whose").good()
    for name, key in keys.items():
        assert text_of(setting.call(key, "own_whose")) == f"parcels of {name}"
    setting.told("registration", "expire", who="ann")
    setting.told("registration", "revoke", who="bob")
    assert text_of(setting.call(keys["ann"], "own_whose")) == "parcels of ann"
    assert "has ended" in text_of(setting.call(keys["bob"], "own_whose"))
    assert text_of(setting.call(keys["ann"], "own_whose")) == "parcels of ann"
    assert set(setting.told("registration")["clients"]) == clients
    for person in people.values():
        person.close()
