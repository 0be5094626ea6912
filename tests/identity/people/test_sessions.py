"""How long a session lasts, who ends it, and that every process knows (S3.8, security.md row 30)."""

from pathlib import Path

import httpx2
import pytest
from sqlalchemy import select

from tests.hub.world import World
from tests.identity.people.desk import PASSWORD, Clock, Desk, built, said
from tests.protocol.conftest import served
from tradepost.hub.access.people import disable_user, enable_user, set_role
from tradepost.hub.access.person_links import link_for
from tradepost.hub.access.person_models import PersonSession


async def test_a_session_that_nobody_uses_ends(desk: Desk):
    browser = await desk.signed_in()
    desk.clock.forward(hours=1, minutes=59)
    assert await browser.is_in()
    desk.clock.forward(hours=1, minutes=59)
    assert await browser.is_in()
    desk.clock.forward(hours=2)
    assert not await browser.is_in()


async def test_a_session_ends_after_half_a_day_however_much_it_is_used(desk: Desk):
    browser = await desk.signed_in()
    for _ in range(11):
        desk.clock.forward(hours=1)
        assert await browser.is_in()
    desk.clock.forward(minutes=59)
    assert await browser.is_in()
    desk.clock.forward(minutes=1)
    assert not await browser.is_in()


async def test_only_a_hash_is_kept(desk: Desk):
    browser = await desk.signed_in()
    cookie = browser.session or ""
    async with desk.world.reading() as session:
        (row,) = await session.scalars(select(PersonSession))
        kept = {column: getattr(row, column) for column in row.__mapper__.columns.keys()}  # noqa: SIM118
    assert cookie not in str(kept)
    assert browser.token not in str(kept)


async def test_disabling_signs_out_for_good(desk: Desk):
    browser = await desk.signed_in()
    async with desk.world.changing() as session:
        await disable_user(session, desk.world.owner, "ann@acme.test")
    assert not await browser.is_in()
    async with desk.world.changing() as session:
        await enable_user(session, desk.world.owner, "ann@acme.test")
    assert not await browser.is_in()
    await desk.browser().sign_in("ann@acme.test")


async def test_a_role_holds_from_the_next_click_on(desk: Desk):
    browser = await desk.signed_in(role="admin")
    async with desk.world.changing() as session:
        await set_role(session, desk.world.owner, "ann@acme.test", "viewer")
    assert "<dd>viewer</dd>" in (await browser.get("/account")).text
    headers = {"cookie": f"tradepost_session={browser.session}"}
    person = await desk.people.sessions.of(headers)
    assert person is not None
    assert (person.role, person.email, person.second_factor) == ("viewer", "ann@acme.test", False)
    assert person.signed_in_at == desk.clock()
    assert person.form_token == browser.token
    assert await desk.people.sessions.of({}) is None


async def test_another_password_ends_the_other_sessions(desk: Desk):
    browser = await desk.signed_in()
    other = desk.browser()
    await other.sign_in("ann@acme.test")
    async with desk.world.changing() as session:
        link = await link_for(session, desk.world.owner, "ann@acme.test", desk.clock)
    await browser.get("/account")
    before = browser.session
    new = "a new password of mine"
    changed = await browser.post("/account/password", current=PASSWORD, password=new, again=new)
    assert changed.headers["location"] == "/account?done=password"
    assert browser.session != before
    assert await browser.is_in()
    assert not await other.is_in()
    assert (await desk.browser().get(link.path)).status_code == 404  # it could have undone the change
    assert (await desk.browser().try_sign_in("ann@acme.test")).status_code == 400
    await desk.browser().sign_in("ann@acme.test", new)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"current": "wrong"}, "password of today"),
        ({"again": "something else entirely"}, "not the same"),
        ({"password": "short", "again": "short"}, "shorter than 12"),
        ({"password": "x" * 257, "again": "x" * 257}, "longer than 256"),
        ({"password": "ann.at.work@acme.test", "again": "ann.at.work@acme.test"}, "e-mail address"),
    ],
)
async def test_a_bad_new_password_changes_nothing(desk: Desk, fields: dict[str, str], why: str):
    browser = await desk.signed_in("ann.at.work@acme.test")
    await browser.get("/account")
    good = {"current": PASSWORD, "password": "a new password of mine", "again": "a new password of mine"}
    answer = await browser.post("/account/password", **{**good, **fields})
    assert answer.status_code == 400
    assert why in said(answer)
    assert await browser.is_in()
    await desk.browser().sign_in("ann.at.work@acme.test")


async def test_the_password_of_today_is_not_tried_out(desk: Desk):
    browser = await desk.signed_in()
    await browser.get("/account")
    new = {"password": "a new password of mine", "again": "a new password of mine"}
    heard = [(await browser.post("/account/password", current="wrong", **new)).status_code for _ in range(9)]
    assert heard == [400] * 8 + [429]
    assert (await browser.post("/account/password", current=PASSWORD, **new)).status_code == 429


async def test_people_see_and_end_their_own_sessions(desk: Desk):
    browser, stranger = await desk.signed_in(), await desk.signed_in("bob@acme.test")
    phone = desk.browser(**{"user-agent": "Mozilla/5.0 (iPhone) Version/26.0 Safari/605.1"})
    await phone.sign_in("ann@acme.test")
    page = (await browser.get("/account")).text
    assert "Safari on iPhone" in page
    assert page.count('name="end" value="ses_') == 2
    headers = {"cookie": f"tradepost_session={stranger.session}"}
    theirs = await desk.people.sessions.of(headers)
    assert theirs is not None
    assert (await browser.post("/account/sessions", end=theirs.session_id)).status_code == 404
    mine = await desk.people.sessions.of({"cookie": f"tradepost_session={phone.session}"})
    assert mine is not None
    assert (await browser.post("/account/sessions", end=mine.session_id)).status_code == 303
    assert [await one.is_in() for one in (phone, stranger, browser)] == [False, True, True]
    for _ in range(2):
        await desk.browser().sign_in("ann@acme.test")
    await browser.get("/account")
    await browser.post("/account/sessions", end="others")
    assert (await browser.get("/account")).text.count('name="end" value="ses_') == 1


async def test_every_process_knows_a_session_and_its_end(desk: Desk, world: World, clock: Clock, tmp_path: Path):
    browser = await desk.signed_in()
    people = await built(world, clock, tmp_path, desk.url)
    async with served(people.door) as url, httpx2.AsyncClient(base_url=url, trust_env=False) as http:
        headers = {"cookie": f"tradepost_session={browser.session}"}
        assert (await http.get("/account", headers=headers)).status_code == 200
        await browser.get("/account")
        await browser.post("/sign-out")
        assert (await http.get("/account", headers=headers)).status_code == 303


async def test_rows_of_old_sessions_go(desk: Desk):
    for email in ("ann@acme.test", "bob@acme.test"):
        await desk.signed_in(email)
    await desk.browser().sign_in("ann@acme.test")
    desk.clock.forward(hours=12)
    await desk.browser().sign_in("ann@acme.test")
    assert (await desk.rows())["person_sessions"] == 2  # the new one, and bob's
