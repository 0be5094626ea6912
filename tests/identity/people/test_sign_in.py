"""Signing in with a password: who gets in, what others are told, how often anybody may try (rows 30, 37)."""

import re
from dataclasses import replace

import pytest
from argon2 import PasswordHasher
from markupsafe import escape
from sqlalchemy import select

from tests.hub.world import founded
from tests.identity.people.desk import PASSWORD, Desk, said
from tradepost.hub.access import attempts, passwords
from tradepost.hub.access.attempts import HERE
from tradepost.hub.access.people import disable_user, find_user
from tradepost.hub.access.workspaces import set_workspace_active
from tradepost.hub.audit.models import AuditEvent


async def test_a_person_signs_in_and_out(desk: Desk):
    await desk.user("ann@acme.test")
    browser = desk.browser()
    assert (await browser.get("/account")).headers["location"] == "/sign-in?back_to=%2Faccount"
    answer = await browser.sign_in(" Ann@ACME.test ", back_to="/approvals?state=pending")
    assert answer.headers["location"] == "/approvals?state=pending"
    page = await browser.get("/account")
    assert "ann@acme.test" in page.text
    assert "Firefox on Linux" in page.text
    assert (await browser.get("/sign-in?back_to=/approvals")).headers["location"] == "/approvals"
    await browser.get("/account")
    cookie = browser.session or ""
    out = await browser.post("/sign-out")
    assert out.headers["location"] == "/sign-in"
    assert not await browser.is_in()
    stolen = desk.browser(cookie=f"tradepost_session={cookie}")
    assert not await stolen.is_in()
    async with desk.world.reading() as session:
        seen = list(await session.scalars(select(AuditEvent.details).where(AuditEvent.tag == "user:signed_in")))
    assert [one["way"] for one in seen] == ["password"]


async def test_whoever_is_wrong_hears_the_same(desk: Desk):
    """No difference tells who is a user: not the words, not the status, not whether a hash is computed."""
    await desk.user("ann@acme.test")
    await desk.user("new@acme.test", password=None)
    await desk.user("off@acme.test")
    async with desk.world.changing() as session:
        await disable_user(session, desk.world.owner, "off@acme.test")
    heard = set()
    for email, password in (
        ("ann@acme.test", "wrong"),
        ("ann@acme.test", ""),
        ("nobody@acme.test", PASSWORD),
        ("new@acme.test", PASSWORD),
        ("off@acme.test", PASSWORD),
        ("no address", PASSWORD),
        ("ann@acme.test", "x" * 20_000),
    ):
        answer = await desk.browser().try_sign_in(email, password)
        heard.add((answer.status_code, said(answer), answer.headers.get("set-cookie")))
    assert len(heard) == 1, heard
    assert "fit together" in heard.pop()[1]


async def test_an_unknown_address_costs_a_hash_too(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    await desk.user("ann@acme.test")
    counted = []

    def counting(password_hash: str, password: str) -> bool:
        counted.append(password_hash)
        return False

    monkeypatch.setattr(passwords, "fits", counting)
    for email in ("ann@acme.test", "nobody@acme.test"):
        await desk.browser().try_sign_in(email)
    assert len(counted) == 2


async def test_a_person_of_two_workspaces_chooses(desk: Desk):
    """The same address is a user of each; only those with this password are offered (row 18)."""
    other, third = await founded(desk.database, "other"), await founded(desk.database, "third")
    for world in (desk.world, other):
        await desk.user("ann@acme.test", world=world)
    await desk.user("ann@acme.test", password="another password", world=third)
    browser = desk.browser()
    page = await browser.try_sign_in("ann@acme.test")
    assert page.status_code == 200
    offered = re.findall(r'name="workspace" value="([^"]+)"', page.text)
    assert sorted(offered) == sorted([desk.world.workspace_id, other.workspace_id])
    foreign = await desk.browser().post("/sign-in/workspace", step=browser.step, workspace=other.workspace_id)
    assert foreign.status_code == 403
    chosen = await browser.post("/sign-in/workspace", workspace=other.workspace_id)
    assert chosen.status_code == 303
    assert "<dd>Other</dd>" in (await browser.get("/account")).text
    direct = desk.browser()
    await direct.sign_in("ann@acme.test", workspace="acme")
    assert "<dd>Acme</dd>" in (await direct.get("/account")).text


async def test_a_choice_is_made_once_among_what_was_offered(desk: Desk):
    other, third = await founded(desk.database, "other"), await founded(desk.database, "third")
    for world in (desk.world, other):
        await desk.user("ann@acme.test", world=world)
    browser = desk.browser()
    await browser.try_sign_in("ann@acme.test")
    refused = await browser.post("/sign-in/workspace", workspace=third.workspace_id)
    assert refused.status_code == 400
    again = await browser.post("/sign-in/workspace", workspace=other.workspace_id)
    assert again.status_code == 400
    await browser.try_sign_in("ann@acme.test")
    desk.clock.forward(minutes=11)
    late = await browser.post("/sign-in/workspace", workspace=other.workspace_id)
    assert (late.status_code, browser.session) == (400, None)


async def test_a_suspended_workspace_lets_nobody_in(desk: Desk):
    browser = await desk.signed_in()
    await set_workspace_active(desk.database, desk.world.owner, active=False)
    assert not await browser.is_in()
    assert (await desk.browser().try_sign_in("ann@acme.test")).status_code == 400
    await set_workspace_active(desk.database, desk.world.owner, active=True)
    assert not await browser.is_in()  # the session ended; it does not come back
    await desk.browser().sign_in("ann@acme.test")


async def test_attempts_run_out_and_come_back(desk: Desk):
    """Row 37: the account from one address, counted before anything is looked up."""
    await desk.user("ann@acme.test")
    browser = desk.browser()
    for _ in range(HERE.at_once):
        assert (await browser.try_sign_in("ann@acme.test", "wrong")).status_code == 400
    late = await browser.try_sign_in("ann@acme.test")
    assert late.status_code == 429
    assert 0 < int(late.headers["retry-after"]) <= HERE.seconds
    unknown = desk.browser("127.0.0.3")
    for _ in range(HERE.at_once):
        await unknown.try_sign_in("nobody@acme.test", "wrong")
    assert (await unknown.try_sign_in("nobody@acme.test")).status_code == 429
    desk.clock.forward(seconds=HERE.seconds)
    await browser.sign_in("ann@acme.test")
    for _ in range(HERE.at_once):  # who has signed in has them all again
        assert (await desk.browser().try_sign_in("ann@acme.test", "wrong")).status_code == 400


async def test_nobody_locks_the_honest_person_out(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    """Attempts from elsewhere use up the account's own allowance, but not for a place where the person was before."""
    await desk.user("ann@acme.test")
    await desk.browser("127.0.0.7").sign_in("ann@acme.test")
    monkeypatch.setattr(attempts, "ACCOUNT", replace(attempts.ACCOUNT, at_once=20))
    tried = 0
    for place in range(20, 24):
        attacker = desk.browser(f"127.0.1.{place}")
        await attacker.get("/sign-in")
        for _ in range(HERE.at_once):
            answer = await attacker.post("/sign-in", email="ann@acme.test", password="wrong")
            tried += 1
            if answer.status_code == 429:
                break
    assert 20 <= tried < 4 * HERE.at_once
    assert (await desk.browser("127.0.0.8").try_sign_in("ann@acme.test")).status_code == 429
    await desk.browser("127.0.0.7").sign_in("ann@acme.test")


async def test_one_address_cannot_try_all_accounts(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(attempts, "ADDRESS", replace(attempts.ADDRESS, at_once=6))
    browser = desk.browser("127.0.0.9")
    await browser.get("/sign-in")
    heard = [
        (await browser.post("/sign-in", email=f"u{number}@acme.test", password="wrong")).status_code
        for number in range(7)
    ]
    assert heard == [400] * 6 + [429]
    rows = (await desk.rows())["sign_in_buckets"]
    await browser.post("/sign-in", email="another@acme.test", password="wrong")
    assert (await desk.rows())["sign_in_buckets"] == rows  # who has no attempt left makes no rows


async def test_counts_that_count_nothing_are_forgotten(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tradepost.hub.access.attempts.TIDY_EVERY", 5)
    browser = desk.browser()
    for number in range(6):
        await browser.try_sign_in(f"u{number}@acme.test", "wrong")
    desk.clock.forward(days=1)
    for _ in range(2):
        await browser.try_sign_in("last@acme.test", "wrong")
    assert (await desk.rows())["sign_in_buckets"] <= 3


async def test_a_hash_of_earlier_days_is_made_anew(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    await desk.user("ann@acme.test")
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=2, memory_cost=64, parallelism=1))
    await desk.browser().sign_in("ann@acme.test")
    async with desk.world.reading() as session:
        user = await find_user(session, "ann@acme.test")
    assert "t=2" in (user.password_hash or "")
    await desk.browser().sign_in("ann@acme.test")


OURS = ("/servers/orders?tab=tools#x", "/oauth/authorize?redirect_uri=https%3A%2F%2Fok.example", "/a%2f%2fb")
OF_OTHERS = (
    *(
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "http:evil.example",
        "evil.example",
    ),
    *("javascript:alert(1)", "", "/\t/evil.example", "/\n/evil.example", " //evil.example", "/a\\b", "///evil.example"),
    *("/%0d%0a\r\nX: y", "/ä", "/sign-out", "/sign-in?back_to=/x", "/" + "x" * 3000),
)


async def test_only_paths_of_ours_are_gone_to(desk: Desk):
    await desk.user("ann@acme.test")
    for back_to in OURS:
        assert (await desk.browser().sign_in("ann@acme.test", back_to=back_to)).headers["location"] == back_to
    for back_to in OF_OTHERS:
        answer = await desk.browser().sign_in("ann@acme.test", back_to=back_to)
        assert answer.headers["location"] == "/today", back_to


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>", '"><script>a(1)</script>', "{{ 7*7 }}", "&amp;'"])
async def test_names_are_text(desk: Desk, name: str):
    """Row 29: what people are called never becomes part of a page."""
    user = await desk.user("ann@acme.test")
    async with desk.world.changing() as session:
        (await find_user(session, user.id)).name = name
    browser = desk.browser(**{"user-agent": name})
    await browser.sign_in("ann@acme.test")
    page = (await browser.get("/account")).text
    assert f"<dd>{escape(name)}</dd>" in page
    wrong = await desk.browser().try_sign_in(name, "x", workspace=name)
    assert wrong.text.count(str(escape(name.lower()))) == 2
    assert not any("<img" in text or "<script>" in text for text in (page, wrong.text))
