"""People by commands: invitations and links up to a browser, roles, attributes, what a start prints; and that what a
browser holds is no key (S3.8)."""

from __future__ import annotations

import re

import httpx2
import pytest

from tests.cli.conftest import OWNER, VIEWER
from tests.processes import Place

PASSWORD = "correct horse battery"


def link_in(text: str) -> str:
    """The one link that was printed."""
    (found,) = re.findall(r"http://\S+/(?:welcome|invitation)/\S+", text)
    return str(found)


def set_password(http: httpx2.Client, link: str, **fields: str) -> httpx2.Response:
    token = re.search(r'form_token" value="([^"]+)"', http.get(link).text)
    assert token is not None
    known = {"form_token": token[1], "password": PASSWORD, "again": PASSWORD}
    return http.post(link, data={**known, **fields})


@pytest.fixture
def http() -> httpx2.Client:
    return httpx2.Client(trust_env=False, timeout=30)


def test_the_first_start_says_how_the_owner_gets_in(place: Place, http: httpx2.Client):
    with place.start("serve") as hub, http:
        hub.wait_ready()
        link = link_in(hub.said())
        assert OWNER in hub.said()
        assert set_password(http, link).headers["location"] == "/today"
        assert OWNER in http.get(f"{place.url}/account").text
    with place.start("serve") as hub:
        hub.wait_ready()
        assert hub.said().count("/welcome/") == 1  # the log goes on: there is no second one


def test_of_several_processes_one_says_it(place: Place, http: httpx2.Client):
    with place.start("serve", "--workers", "2") as hub, http:
        hub.wait_ready()
        answer = set_password(http, link_in(hub.said()))
        assert answer.headers["location"] == "/today"
        pages = [httpx2.get(f"{place.url}/account", cookies=dict(http.cookies), trust_env=False) for _ in range(8)]
        assert {page.status_code for page in pages} == {200}


@pytest.mark.behaviour("S3.8")
def test_what_a_browser_holds_is_no_key(served: Place, http: httpx2.Client):
    """Nothing but the pages looks at the cookie, and its value is no bearer (security.md rows 24, 30)."""
    with http:
        invited = served.run("user", "invite", "ann@acme.example", "--role", "admin", "--json").json()
        assert set_password(http, invited["link"], name="Ann").is_redirect
        cookie = http.cookies["tradepost_session"]
        assert http.get(f"{served.url}/account").status_code == 200
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
        bearer = {"Authorization": f"Bearer {cookie}"}
        for path in ("/mcp", "/mcp/servers/orders"):
            assert http.post(served.url + path, json=body).status_code == 401
            assert httpx2.post(served.url + path, json=body, headers=bearer, trust_env=False).status_code == 401
            assert http.post(served.url + path, json=body, headers=bearer).status_code == 401
        assert httpx2.get(f"{served.url}/account", headers=bearer, trust_env=False).status_code == 303


def test_invitations_are_listed_and_taken_back(place: Place):
    made = place.run("user", "invite", "bob@acme.example", "--role", "viewer", "--json").json()
    shown = place.run("user", "invitations").good().out
    assert "bob@acme.example" in shown
    token = made["link"].rpartition("/")[2]
    assert token not in shown + place.run("audit", "tail", "--limit", "100", "--json").good().out
    assert "bob@acme.example" in place.run("user", "uninvite", "bob@acme.example").good().out
    assert place.run("user", "invitations", "--json").json() == []
    assert "no open invitation" in place.run("user", "uninvite", "bob@acme.example").refusal()
    assert "user already" in place.run("user", "invite", VIEWER).refusal()
    assert "no role" in place.run("user", "invite", "bob@acme.example", "--role", "king").refusal()
    assert "role admin" in place.run("user", "invite", "bob@acme.example", "--as", VIEWER).refusal()


def test_people_are_changed(place: Place):
    assert (
        "operator in team, and viewer" in place.run("user", "role", VIEWER, "operator", "--profile", "team").good().out
    )
    assert "nobody" in place.run("user", "role", VIEWER, "none", "--profile", "team").good().out
    assert "is admin" in place.run("user", "role", VIEWER, "admin").good().out
    assert "is disabled" in place.run("user", "disable", VIEWER).good().out
    assert "is disabled" in place.run("user", "link", VIEWER).refusal()
    assert "is active" in place.run("user", "enable", VIEWER).good().out
    assert "/welcome/" in place.run("user", "link", VIEWER).good().out
    assert "no owner" in place.run("user", "role", OWNER, "viewer").refusal()
    assert "Only an owner" in place.run("user", "link", OWNER, "--as", VIEWER).refusal()
    assert "no second factor" in place.run("user", "reset-second-factor", VIEWER).refusal()
    assert "required" in place.run("workspace", "second-factor", "required").good().out
    assert "neither" in place.run("workspace", "second-factor", "maybe").refusal()
    assert "suspended" in place.run("workspace", "suspend").good().out
    assert "active" in place.run("workspace", "resume").good().out


def test_attributes_bind_a_person(place: Place):
    """S4.16: safe words alone, kept with the person and audited."""
    assert place.run("user", "attributes", VIEWER, "region=EU", "warehouse=BER 1", "--json").json() == {
        "region": "EU",
        "warehouse": "BER 1",
    }
    assert place.run("user", "attributes", VIEWER, "warehouse=", "--json").json() == {"region": "EU"}
    assert "region=EU" in place.run("user", "attributes", VIEWER).good().out
    for bad in ("region", "Region=EU", "region=a'b", "region=a\nb", "region=" + "x" * 101, "=EU", "a-b=c"):
        assert place.run("user", "attributes", VIEWER, bad).refusal()
    assert "role admin" in place.run("user", "attributes", VIEWER, "region=US", "--as", VIEWER).refusal()
    assert place.run("user", "attributes", VIEWER, "--json").json() == {"region": "EU"}


@pytest.mark.parametrize(
    "env",
    [
        {"TRADEPOST_OIDC_ISSUER": "http://id.example"},
        {"TRADEPOST_OIDC_ISSUER": "https://id.example"},
        {"TRADEPOST_OIDC_CLIENT_ID": "tradepost"},
    ],
    ids=str,
)
def test_half_a_provider_is_refused(place: Place, env: dict[str, str]):
    assert "oidc" in place.run("user", "list", env=env).refusal()


def test_a_provider_nobody_can_ask_is_refused_at_the_start(place: Place):
    env = {"TRADEPOST_OIDC_ISSUER": "https://id.example:22", "TRADEPOST_OIDC_CLIENT_ID": "tradepost"}
    assert "TRADEPOST_OIDC_ISSUER" in place.run("serve", env=env).refusal()
