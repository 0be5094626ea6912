"""The second factor: set up with a first code, asked for at each sign-in, each code taken once (row 39)."""

import asyncio
import re
from html import unescape

import pyotp
import pytest
from sqlalchemy import select

from tests.identity.people.desk import PASSWORD, Browser, Desk, said
from tradepost.foundation.errors import ForbiddenScope, StateConflict
from tradepost.hub.access.person_links import link_for
from tradepost.hub.access.person_models import RecoveryCode
from tradepost.hub.access.second_factor import SecondFactors, require_second_factor
from tradepost.hub.vault.models import SealedValue
from tradepost.hub.vault.vault import Vault

FACTOR = "/account/second-factor"


def code_at(desk: Desk, secret: str, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(int(desk.clock().timestamp()) + 30 * steps)


async def set_up(desk: Desk, browser: Browser) -> tuple[str, list[str]]:
    """The authenticator's secret, and the recovery codes."""
    await browser.get(FACTOR)
    page = await browser.post(f"{FACTOR}/begin")
    found = re.search(r"<code>([A-Z2-7]{32})</code>", page.text)
    assert found is not None
    assert '<svg viewBox="0 0' in page.text
    done = await browser.post(f"{FACTOR}/confirm", code=code_at(desk, found[1]), current=PASSWORD)
    assert done.status_code == 200, said(done)
    codes = [unescape(code) for code in re.findall(r"<li>([a-z0-9-]{23})</li>", done.text)]
    assert len(set(codes)) == 10
    return found[1], codes


async def test_a_code_is_asked_for_after_the_password(desk: Desk):
    browser = await desk.signed_in()
    before = browser.session
    other = desk.browser()
    await other.sign_in("ann@acme.test")
    secret, _ = await set_up(desk, browser)
    assert browser.session != before
    assert await browser.is_in()
    assert not await other.is_in()
    desk.clock.forward(seconds=30)
    page = await other.try_sign_in("ann@acme.test", back_to="/approvals")
    assert page.status_code == 200
    wrong = await other.post("/sign-in/code", code="000000")
    assert wrong.status_code == 400
    assert not await other.is_in()
    code = code_at(desk, secret)
    right = await other.post("/sign-in/code", code=f"{code[:3]} {code[3:]}")
    assert right.headers["location"] == "/approvals"
    person = await desk.people.sessions.of({"cookie": f"tradepost_session={other.session}"})
    assert person is not None
    assert person.second_factor


async def test_each_code_is_taken_once(desk: Desk):
    """Also the one with which the factor was set up, and the one of the half minute before a taken one."""
    browser = await desk.signed_in()
    secret, _ = await set_up(desk, browser)
    thief = desk.browser()
    await thief.try_sign_in("ann@acme.test")
    assert (await thief.post("/sign-in/code", code=code_at(desk, secret))).status_code == 400
    desk.clock.forward(seconds=60)
    await other_in(desk, code_at(desk, secret))
    for steps in (0, -1):
        assert (await thief.post("/sign-in/code", code=code_at(desk, secret, steps))).status_code == 400
    assert (await thief.post("/sign-in/code", code=code_at(desk, secret, 2))).status_code == 400
    assert (await thief.post("/sign-in/code", code=code_at(desk, secret, 1))).status_code == 303


async def other_in(desk: Desk, code: str) -> Browser:
    browser = desk.browser()
    await browser.try_sign_in("ann@acme.test")
    assert (await browser.post("/sign-in/code", code=code)).status_code == 303
    return browser


async def test_recovery_codes_are_taken_once_and_kept_as_hashes(desk: Desk):
    browser = await desk.signed_in()
    _, codes = await set_up(desk, browser)
    await other_in(desk, codes[0])
    await other_in(desk, codes[1].upper().replace("-", " "))
    thief = desk.browser()
    await thief.try_sign_in("ann@acme.test")
    assert (await thief.post("/sign-in/code", code=codes[0])).status_code == 400
    assert "8 recovery codes" in (await browser.get("/account")).text
    async with desk.world.reading() as session:
        kept = str([vars(row) for row in await session.scalars(select(RecoveryCode))])
    assert not any(code in kept or code.replace("-", "") in kept for code in codes)


async def test_codes_are_not_tried_out(desk: Desk):
    browser = await desk.signed_in()
    secret, codes = await set_up(desk, browser)
    desk.clock.forward(hours=1)
    thief = desk.browser("127.0.0.12")
    await thief.try_sign_in("ann@acme.test")
    heard = [(await thief.post("/sign-in/code", code=f"{number:06}")).status_code for number in range(9)]
    assert heard == [400] * 8 + [429]
    assert (await thief.post("/sign-in/code", code=codes[0])).status_code == 429
    desk.clock.forward(minutes=5)
    assert (await thief.post("/sign-in/code", code=code_at(desk, secret))).status_code == 303


async def test_a_step_belongs_to_its_browser_and_ends(desk: Desk):
    browser = await desk.signed_in()
    secret, _ = await set_up(desk, browser)
    desk.clock.forward(seconds=30)
    one, two = desk.browser(), desk.browser()
    await one.try_sign_in("ann@acme.test")
    await two.get("/sign-in")
    code = code_at(desk, secret)
    assert (await two.post("/sign-in/code", step=one.step, code=code)).status_code == 400
    desk.clock.forward(minutes=10)
    assert (await one.post("/sign-in/code", code=code_at(desk, secret))).status_code == 400
    assert (await one.post("/sign-in/code", step="", code=code_at(desk, secret))).status_code == 400
    assert one.session is None


async def test_setting_it_up_takes_the_password_and_a_right_code(desk: Desk):
    browser = await desk.signed_in()
    await browser.get(FACTOR)
    assert (await browser.post(f"{FACTOR}/confirm", code="123456", current=PASSWORD)).status_code == 409
    page = await browser.post(f"{FACTOR}/begin")
    secret = re.search(r"<code>([A-Z2-7]{32})</code>", page.text)[1]  # type: ignore[index]
    good = code_at(desk, secret)
    wrong = await browser.post(f"{FACTOR}/confirm", code=good, current="wrong")
    assert (wrong.status_code, secret in wrong.text) == (400, True)
    for code in ("", "12345", "abcdef", "１２３４５６", "0" * 100):
        assert (await browser.post(f"{FACTOR}/confirm", code=code, current=PASSWORD)).status_code == 400
    await desk.browser().sign_in("ann@acme.test")  # it does not count yet
    assert (await browser.post(f"{FACTOR}/confirm", code=good, current=PASSWORD)).status_code == 200
    assert (await browser.post(f"{FACTOR}/begin")).status_code in (403, 409)


async def test_taking_it_away_and_other_codes_take_a_code(desk: Desk):
    browser = await desk.signed_in()
    _, codes = await set_up(desk, browser)
    await browser.get(FACTOR)
    assert (await browser.post(f"{FACTOR}/remove", code="000000")).status_code == 400
    fresh = re.findall(r"<li>([a-z0-9-]{23})</li>", (await browser.post(f"{FACTOR}/codes", code=codes[0])).text)
    assert not set(fresh) & set(codes)
    assert (await browser.post(f"{FACTOR}/remove", code=codes[1])).status_code == 400
    gone = await browser.post(f"{FACTOR}/remove", code=fresh[0])
    assert gone.headers["location"] == "/account?done=factor"
    assert await browser.is_in()
    await desk.browser().sign_in("ann@acme.test")
    rows = await desk.rows()
    assert (rows["sealed_values"], rows["recovery_codes"], rows["second_factors"]) == (0, 0, 0)


async def test_the_secret_is_sealed(desk: Desk, vault: Vault):
    browser = await desk.signed_in()
    secret, _ = await set_up(desk, browser)
    async with desk.world.changing() as session:
        (row,) = await session.scalars(select(SealedValue))
        assert secret not in str(vars(row))
        await vault.keep(session, desk.world.owner.user_id or "", "second factor", secret)
        theirs = select(SealedValue.ciphertext).where(SealedValue.owner_id == desk.world.owner.user_id)
        row.ciphertext = await session.scalar(theirs) or ""  # a swapped ciphertext opens nothing (row 28)
    desk.clock.forward(seconds=30)
    other = desk.browser()
    await other.try_sign_in("ann@acme.test")
    assert (await other.post("/sign-in/code", code=code_at(desk, secret))).status_code == 503
    assert other.session is None


async def test_a_workspace_asks_everybody_for_one(desk: Desk):
    """Who lacks it may do nothing but set it up; the doors that ask who has signed in see nobody."""
    browser = await desk.signed_in()
    admin = await desk.world.person("admin")
    async with desk.world.changing() as session:
        with pytest.raises(ForbiddenScope):
            await require_second_factor(session, admin, True)
        await require_second_factor(session, desk.world.owner, True)
    assert (await browser.get("/account")).headers["location"] == FACTOR
    assert await desk.people.sessions.of({"cookie": f"tradepost_session={browser.session}"}) is None
    await browser.get(FACTOR)
    new = {"current": PASSWORD, "password": "a new password of mine", "again": "a new password of mine"}
    assert (await browser.post("/account/password", **new)).status_code == 403
    other = desk.browser()
    assert (await other.sign_in("ann@acme.test", back_to="/approvals")).headers["location"] == FACTOR
    page = await other.get(FACTOR)
    assert "asks everybody" in said(page)
    await set_up(desk, other)
    assert await other.is_in()
    async with desk.world.changing() as session:
        await require_second_factor(session, desk.world.owner, False)
    await desk.user("bob@acme.test")
    assert (await desk.browser().sign_in("bob@acme.test")).headers["location"] == "/today"


async def test_an_admin_helps_whoever_has_lost_it(desk: Desk, vault: Vault):
    browser = await desk.signed_in()
    await set_up(desk, browser)
    factors, admin = SecondFactors(vault, desk.clock), await desk.world.person("admin")
    operator = await desk.world.person("operator")
    async with desk.world.changing() as session:
        with pytest.raises(ForbiddenScope):
            await factors.remove(session, operator, "ann@acme.test")
        with pytest.raises(StateConflict):
            await factors.remove(session, admin, "owner@acme.test")
        await factors.remove(session, admin, "ann@acme.test")
    assert not await browser.is_in()
    await desk.browser().sign_in("ann@acme.test")


async def test_a_link_for_a_password_does_not_get_round_it(desk: Desk):
    browser = await desk.signed_in()
    _, codes = await set_up(desk, browser)
    async with desk.world.changing() as session:
        link = await link_for(session, desk.world.owner, "ann@acme.test", desk.clock)
    other = desk.browser()
    await other.get(link.path)
    page = await other.post(link.path, password="a new password of mine", again="a new password of mine")
    assert (page.status_code, other.session) == (200, None)
    assert (await other.post("/sign-in/code", code=codes[0])).status_code == 303


async def test_beginning_twice_at_the_same_moment_is_one_factor(desk: Desk):
    browser = await desk.signed_in()
    await browser.get(FACTOR)
    answers = await asyncio.gather(*(browser.post(f"{FACTOR}/begin") for _ in range(4)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    rows = await desk.rows()
    assert (rows["second_factors"], rows["sealed_values"]) == (1, 1)


async def test_another_password_voids_a_sign_in_under_way(desk: Desk):
    browser = await desk.signed_in()
    secret, _ = await set_up(desk, browser)
    desk.clock.forward(seconds=30)
    thief = desk.browser()
    await thief.try_sign_in("ann@acme.test")
    await browser.get("/account")
    new = {"password": "a new password of mine", "again": "a new password of mine"}
    assert (await browser.post("/account/password", current=PASSWORD, **new)).is_redirect
    assert (await thief.post("/sign-in/code", code=code_at(desk, secret))).status_code == 400
    assert thief.session is None
