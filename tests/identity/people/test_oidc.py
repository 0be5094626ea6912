"""Signing in with an identity provider: who is believed, and who gets in (security.md C2, R3, rows 24, 39, 48)."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from joserfc.jwk import ECKey
from sqlalchemy import select

from tests.hub.world import World, founded
from tests.identity.people.desk import Browser, Clock, Desk, built, said
from tests.identity.people.provider import (
    Provider,
    running,
    signed_by_another,
    signed_with_the_secret,
    unsigned,
)
from tests.protocol.conftest import served
from tradepost.hub.access.people import disable_user, find_user
from tradepost.hub.access.person_links import first_links, invite
from tradepost.hub.access.person_models import LinkedIdentity, SignInStep

CALLBACK = "/sign-in/oidc/callback"


@pytest.fixture
async def provider(clock: Clock) -> AsyncIterator[Provider]:
    async with running(clock) as made:
        yield made


@pytest.fixture
def options() -> dict[str, Any]:
    """What the operator says beside issuer and client; override it with parametrize."""
    return {}


@pytest.fixture
async def hub(
    world: World, clock: Clock, tmp_path: Path, provider: Provider, options: dict[str, Any]
) -> AsyncIterator[Desk]:
    holder: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await holder[0](scope, receive, send)

    async with served(app) as url:
        people = await built(world, clock, tmp_path, url, provider.settings(**options))
        holder.append(people.door)
        made = Desk(url, people, world, clock)
        yield made
        for browser in made.browsers:
            await browser.http.aclose()


async def begin(browser: Browser, provider: Provider, code: str = "c1", back_to: str = "/approvals") -> dict[str, str]:
    """The browser goes to the provider: what it comes back with."""
    there = await browser.get(f"/sign-in/oidc?back_to={back_to}")
    assert there.status_code == 303, said(there)
    return provider.visited(there.headers["location"], code)


async def come(browser: Browser, answer: dict[str, str]) -> httpx2.Response:
    return browser._seen(await browser.http.get(CALLBACK, params=answer))


async def enter(hub: Desk, provider: Provider, code: str = "c1") -> tuple[Browser, httpx2.Response]:
    browser = hub.browser()
    return browser, await come(browser, await begin(browser, provider, code))


async def test_a_user_comes_in_with_the_organizations_account(hub: Desk, provider: Provider):
    await hub.user("ann@acme.test", password=None)
    browser = hub.browser()
    page = await browser.get("/sign-in?back_to=/approvals")
    assert "Sign in with Acme ID" in page.text
    assert 'href="/sign-in/oidc?back_to=/approvals"' in page.text
    answer = await come(browser, await begin(browser, provider))
    assert answer.headers["location"] == "/approvals"
    assert await browser.is_in()
    (asked,) = provider.asked
    assert asked["redirect_uri"] == hub.url + CALLBACK
    assert asked["authorization"].startswith("Basic ")
    assert "client_secret" not in asked
    async with hub.world.reading() as session:
        (linked,) = await session.scalars(select(LinkedIdentity))
        assert (linked.issuer, linked.subject) == (provider.issuer, "s-1")
    provider.claims = {"email": "ann.lee@acme.test"}  # the name changed, the person did not
    again, answer = await enter(hub, provider, "c2")
    assert await again.is_in()
    assert "ann@acme.test" in (await again.get("/account")).text


BAD: dict[str, dict[str, Any]] = {
    "another nonce": {"claims": {"nonce": "x"}},
    "no nonce": {"claims": {"nonce": None}},
    "another audience": {"claims": {"aud": "another"}},
    "a party that is not us": {"claims": {"aud": ["tradepost", "another"]}},
    "made for another": {"claims": {"azp": "another"}},
    "no audience": {"claims": {"aud": None}},
    "another issuer": {"claims": {"iss": "https://evil.example"}},
    "over": {"claims": {"exp": 1_700_000_000}},
    "without end": {"claims": {"exp": None}},
    "not yet": {"claims": {"nbf": 4_000_000_000}},
    "no subject": {"claims": {"sub": None}},
    "an empty subject": {"claims": {"sub": ""}},
    "unsigned": {"sign": unsigned},
    "signed with the client's secret": {"sign": signed_with_the_secret},
    "signed by another": {"sign": signed_by_another},
    "no token": {"sign": lambda _: 7},
    "nonsense": {"sign": lambda _: "a.b.c"},
    "an error": {"token_status": 400},
    "not verified": {"claims": {"email_verified": False}},
    "not said to be verified": {"claims": {"email_verified": None}},
    "no address": {"claims": {"email": "nowhere"}},
    "a strange name": {"claims": {"name": "a\u202eb"}},
}


async def test_what_does_not_hold_lets_nobody_in(hub: Desk, provider: Provider):
    await hub.user("ann@acme.test", password=None)
    kept = {"claims": {}, "sign": None, "token_status": 200}
    for why, said_so in BAD.items():
        for name, value in {**kept, **said_so}.items():
            setattr(provider, name, value)
        browser, answer = await enter(hub, provider)
        assert answer.status_code in (403, 502), (why, answer.status_code, said(answer))
        assert "cannot be reached" not in said(answer), why  # else nothing was looked at
        assert browser.session is None, why
        assert "evil.example" not in answer.text
    for name, value in kept.items():
        setattr(provider, name, value)
    browser, answer = await enter(hub, provider)
    assert await browser.is_in(), (answer.status_code, said(answer))


async def test_an_answer_from_somebody_else_is_no_answer(hub: Desk, provider: Provider):
    """Mix-up (RFC 9207): no code is sent anywhere when `iss` is another one, or is missing although it is promised."""
    await hub.user("ann@acme.test", password=None)
    for issuer in ("https://evil.example", provider.issuer + "/", ""):
        browser = hub.browser()
        given = await begin(browser, provider)
        answer = await come(browser, {**given, "iss": issuer, "error": "from evil"})
        assert answer.status_code == 502
        assert "evil" not in answer.text
    browser = hub.browser()
    given = await begin(browser, provider)
    del given["iss"]
    assert (await come(browser, given)).status_code == 502
    assert provider.asked == []


async def test_a_state_belongs_to_one_browser_and_counts_once(hub: Desk, provider: Provider):
    await hub.user("ann@acme.test", password=None)
    browser, thief = hub.browser(), hub.browser()
    await thief.get("/sign-in")
    given = await begin(browser, provider)
    for wrong in ({**given, "state": "x" * 43}, {**given, "state": ""}, {"code": "c1", "iss": provider.issuer}):
        assert (await come(browser, wrong)).status_code == 400
    assert (await come(thief, given)).status_code == 400
    assert provider.asked == []
    assert (await come(browser, given)).status_code == 303
    await browser.get("/account")
    await browser.post("/sign-out")
    assert (await come(browser, given)).status_code == 400
    late = await begin(browser, provider)
    hub.clock.forward(minutes=10)
    assert (await come(browser, late)).status_code == 400
    assert len(provider.asked) == 1
    twice = await browser.get(f"{CALLBACK}?state=a&state=b&code=c")
    assert twice.status_code == 400


async def test_two_tabs_do_not_disturb_each_other(hub: Desk, provider: Provider):
    """The one that comes back first counts; the browser has signed in then, and the other way is over."""
    await hub.user("ann@acme.test", password=None)
    for order, goes_to in ((("c1", "c2"), "/a"), (("c2", "c1"), "/b")):
        browser = hub.browser()
        given = {"c1": await begin(browser, provider, "c1", "/a"), "c2": await begin(browser, provider, "c2", "/b")}
        first, second = [await come(browser, given[code]) for code in order]
        assert first.headers["location"] == goes_to
        assert second.status_code == 400
        assert await browser.is_in()


async def test_nothing_secret_is_kept_while_the_browser_is_away(hub: Desk, provider: Provider):
    browser = hub.browser()
    given = await begin(browser, provider)
    async with hub.database.system(write=False) as session:
        kept = str([vars(row) for row in await session.scalars(select(SignInStep))])
    challenge, nonce = provider.challenges["c1"]
    assert not any(secret in kept for secret in (given["state"], nonce, challenge))


async def test_the_provider_may_refuse(hub: Desk, provider: Provider):
    for error in ("access_denied", "<script>alert(1)</script>"):
        browser = hub.browser()
        given = await begin(browser, provider)
        answer = await come(browser, {"state": given["state"], "iss": provider.issuer, "error": error})
        assert answer.status_code == 502
        assert ("access_denied" in answer.text) == (error == "access_denied")
        assert "<script" not in answer.text


async def test_nobody_gets_in_who_was_not_asked(hub: Desk, provider: Provider):
    browser, answer = await enter(hub, provider)
    assert (answer.status_code, browser.session) == (403, None)
    assert "no invitation" in said(answer)
    assert (await hub.rows())["users"] == 1


async def test_an_invited_person_becomes_a_user(hub: Desk, provider: Provider):
    other = await founded(hub.database, "other")
    for world in (hub.world, other):
        async with world.changing() as session:
            await invite(session, world.owner, "ann@acme.test", "admin", now=hub.clock)
    browser, answer = await enter(hub, provider)
    assert "Choose a workspace" in answer.text
    await browser.post("/sign-in/workspace", workspace=other.workspace_id)
    page = (await browser.get("/account")).text
    assert "<dd>Ann Lee</dd>" in page
    assert "<dd>Other</dd>" in page
    assert "You have none" in page
    async with other.reading() as session:
        assert (await find_user(session, "ann@acme.test")).role == "admin"


@pytest.mark.parametrize("options", [{"domains": ("acme.test",)}])
async def test_people_of_the_own_domain_may_look(hub: Desk, provider: Provider):
    browser, _ = await enter(hub, provider)
    assert "<dd>viewer</dd>" in (await browser.get("/account")).text
    for address in ("eve@evil.acme.test", "eve@acme.test.evil.example", "eve@notacme.test"):
        provider.claims = {"email": address, "sub": address}
        _, answer = await enter(hub, provider)
        assert answer.status_code == 403, address
    async with hub.world.changing() as session:
        await disable_user(session, hub.world.owner, "ann@acme.test")
    provider.claims = {}
    _, answer = await enter(hub, provider)
    assert answer.status_code == 403
    await founded(hub.database, "other")  # and with several workspaces the operator has to say which
    provider.claims = {"email": "bob@acme.test", "sub": "s-2"}
    _, answer = await enter(hub, provider)
    assert answer.status_code == 403


@pytest.mark.parametrize("options", [{"domains": ("acme.test",), "workspace": "other"}])
async def test_the_operator_says_into_which_workspace(hub: Desk, provider: Provider):
    _, answer = await enter(hub, provider)
    assert answer.status_code == 403  # it is not there yet
    await founded(hub.database, "other")
    browser, _ = await enter(hub, provider)
    assert "<dd>Other</dd>" in (await browser.get("/account")).text


async def test_an_address_that_went_over_to_somebody_else_opens_nothing(hub: Desk, provider: Provider):
    await hub.user("ann@acme.test", password=None)
    await enter(hub, provider)
    provider.claims = {"sub": "s-2"}
    browser, answer = await enter(hub, provider)
    assert (answer.status_code, browser.session) == (403, None)


async def test_what_the_token_leaves_out_is_asked_for(hub: Desk, provider: Provider):
    await hub.user("ann@acme.test", password=None)
    provider.claims = {"email": None, "email_verified": None}
    provider.user = {"sub": "somebody else", "email": "ann@acme.test", "email_verified": True}
    browser, answer = await enter(hub, provider)
    assert (answer.status_code, browser.session) == (502, None)
    provider.user["sub"] = "s-1"
    browser, _ = await enter(hub, provider)
    assert await browser.is_in()


async def test_keys_may_change(hub: Desk, provider: Provider):
    await hub.user("ann@acme.test", password=None)
    await enter(hub, provider)
    provider.key = ECKey.generate_key("P-256", {"kid": "two", "use": "sig"})
    provider.header = {"alg": "ES256", "kid": "two"}
    _, answer = await enter(hub, provider)
    assert answer.status_code == 502  # asked for a moment ago: a stranger's tokens do not make us ask each time
    hub.clock.forward(minutes=1)
    browser, _ = await enter(hub, provider)
    assert await browser.is_in()
    assert provider.requests.count("/keys") == 2
    assert provider.requests.count("/.well-known/openid-configuration") == 1


@pytest.mark.parametrize(
    "lie",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": None},
        {"token_endpoint": "file:///etc/passwd"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": "http://169.254.169.254/keys"},
        {"token_endpoint": "http://10.0.0.1/token"},
        {"userinfo_endpoint": "https://user:pw@evil.example/me"},
    ],
    ids=str,
)
async def test_a_provider_that_names_strange_places_is_not_used(hub: Desk, provider: Provider, lie: dict[str, Any]):
    provider.discovered = lie
    answer = await hub.browser().get("/sign-in/oidc")
    assert answer.status_code == 502
    assert "location" not in answer.headers


async def test_two_factors_there_are_two_factors_here(hub: Desk, provider: Provider):
    await hub.user("ann@acme.test", password=None)
    for methods, counts in ((["pwd"], False), (["pwd", "mfa"], True), ("mfa", False)):
        provider.claims = {"amr": methods}
        browser, _ = await enter(hub, provider)
        person = await hub.people.sessions.of({"cookie": f"tradepost_session={browser.session}"})
        assert person is not None
        assert person.second_factor == counts


async def test_an_owner_with_an_identity_needs_no_first_link(hub: Desk, provider: Provider):
    provider.claims = {"email": "owner@acme.test"}
    browser, _ = await enter(hub, provider)
    assert await browser.is_in()
    assert await first_links(hub.database, hub.clock) == []


async def test_an_account_without_a_password_may_set_one_soon_after_signing_in(hub: Desk, provider: Provider):
    await hub.user("ann@acme.test", password=None)
    browser, _ = await enter(hub, provider)
    await browser.get("/account")
    new = {"password": "a new password of mine", "again": "a new password of mine"}
    hub.clock.forward(minutes=11)
    late = await browser.post("/account/password", **new)
    assert (late.status_code, "a while ago" in said(late)) == (400, True)
    browser, _ = await enter(hub, provider)
    await browser.get("/account")
    assert (await browser.post("/account/password", **new)).status_code == 303
    await hub.browser().sign_in("ann@acme.test", "a new password of mine")


async def test_without_a_provider_there_is_no_way_to_one(desk: Desk):
    assert "/sign-in/oidc" not in (await desk.browser().get("/sign-in")).text
    assert (await desk.browser().get("/sign-in/oidc")).status_code == 404
    assert (await desk.browser().get(CALLBACK)).status_code == 404


async def test_a_provider_that_is_away_is_one_sentence(world: World, clock: Clock, tmp_path: Path, desk: Desk):
    async with running(clock) as gone:
        settings = gone.settings()
    people = await built(world, clock, tmp_path, desk.url, settings)
    async with served(people.door) as url, httpx2.AsyncClient(base_url=url, trust_env=False) as http:
        answer = await http.get("/sign-in/oidc")
    assert answer.status_code == 502
    assert "cannot be reached" in said(answer)
