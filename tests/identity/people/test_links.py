"""One-time links: invitations, the first owner, a lost password (security.md row 16)."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.hub.world import founded
from tests.identity.people.desk import PASSWORD, Desk, said
from tradepost.foundation.errors import ForbiddenScope, InvalidArgument, NotFound, StateConflict
from tradepost.hub.access.people import disable_user, set_role
from tradepost.hub.access.person_links import (
    NewLink,
    first_links,
    invite,
    link_for,
    list_invitations,
    revoke_invitation,
)
from tradepost.hub.access.person_models import PersonLink
from tradepost.hub.audit.models import AuditEvent

FIELDS = {"password": PASSWORD, "again": PASSWORD}


async def invited(desk: Desk, email: str = "ann@acme.test", role: str = "operator", name: str = "") -> NewLink:
    async with desk.world.changing() as session:
        return await invite(session, desk.world.owner, email, role, name, desk.clock)  # type: ignore[arg-type]


async def test_an_invitation_makes_a_user_once(desk: Desk):
    link = await invited(desk, "Ann@acme.test", "admin", "Ann")
    browser = desk.browser()
    page = await browser.get(link.path)
    assert "You are invited to Acme" in page.text
    assert 'value="Ann"' in page.text
    answer = await browser.post(link.path, name="Ann Lee", **FIELDS)
    assert answer.headers["location"] == "/today"
    account = (await browser.get("/account")).text
    assert "<dd>Ann Lee</dd>" in account
    assert "<dd>admin</dd>" in account
    await desk.browser().sign_in("ann@acme.test")
    late = desk.browser()
    assert (await late.get(link.path)).status_code == 404
    await late.get("/sign-in")
    assert (await late.post(link.path, name="Eve", **FIELDS)).status_code == 404
    async with desk.world.reading() as session:
        tags = set(await session.scalars(select(AuditEvent.tag)))
        assert await list_invitations(session, desk.clock) == []
    assert {"invitation:made", "invitation:accepted", "user:created"} <= tags


async def test_opening_a_link_changes_nothing(desk: Desk):
    """Row 16: mail programs open links. Only sending the form counts."""
    links = [await invited(desk), (await first_links(desk.database, desk.clock))[0][1]]
    before = await desk.rows()
    for link in links:
        for _ in range(3):
            assert (await desk.browser().get(link.path)).status_code == 200
            assert (await desk.browser().http.head(link.path)).status_code == 200
    assert await desk.rows() == before
    async with desk.world.reading() as session:
        assert all(row.used_at is None and row.version == 1 for row in await session.scalars(select(PersonLink)))


async def test_only_hashes_are_kept(desk: Desk):
    link = await invited(desk)
    token = link.path.rpartition("/")[2]
    assert len(token) == 43
    async with desk.world.reading() as session:
        (row,) = await session.scalars(select(PersonLink))
        audited = list(await session.scalars(select(AuditEvent.details)))
    assert token not in str(vars(row)) + str(audited)


async def test_links_end_in_many_ways_and_say_the_same(desk: Desk):
    expired = await invited(desk, "a@acme.test")
    desk.clock.forward(hours=72)
    revoked, replaced = await invited(desk, "b@acme.test"), await invited(desk, "c@acme.test")
    async with desk.world.changing() as session:
        await revoke_invitation(session, desk.world.owner, "b@acme.test", desk.clock)
        with pytest.raises(NotFound):
            await revoke_invitation(session, desk.world.owner, "a@acme.test", desk.clock)
    newest = await invited(desk, "c@acme.test")
    wrong_kind = newest.path.replace("/invitation/", "/welcome/")
    heard = set()
    for path in (expired.path, revoked.path, replaced.path, wrong_kind, "/invitation/unknown", "/welcome/" + "A" * 43):
        browser = desk.browser()
        answer = await browser.get(path)
        await browser.get("/sign-in")
        sent = await browser.post(path, name="Eve", **FIELDS)
        heard.add((answer.status_code, sent.status_code, said(answer), said(sent)))
    assert len(heard) == 1, heard
    assert "not valid" in heard.pop()[2]
    assert (await desk.browser().get(newest.path)).status_code == 200


async def test_of_two_who_accept_at_the_same_moment_one_does(desk: Desk):
    link = await invited(desk)
    browsers = [desk.browser() for _ in range(4)]
    for browser in browsers:
        await browser.get(link.path)
    answers = await asyncio.gather(*(browser.post(link.path, name="Ann", **FIELDS) for browser in browsers))
    assert sorted(answer.status_code for answer in answers) == [303, 404, 404, 404]
    assert (await desk.rows())["users"] == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"again": "another one, quite long"},
        {"password": "short", "again": "short"},
        {"name": "x" * 201},
        {"name": "a\u202eb"},
        {"name": "line\nbreak"},
    ],
)
async def test_a_form_that_does_not_do_leaves_the_link_open(desk: Desk, fields: dict[str, str]):
    link = await invited(desk)
    browser = desk.browser()
    await browser.get(link.path)
    answer = await browser.post(link.path, **{"name": "Ann", **FIELDS, **fields})
    assert answer.status_code == 400
    assert said(answer)
    assert (await desk.rows())["users"] == 1
    assert (await browser.post(link.path, name="Ann", **FIELDS)).status_code == 303


async def test_guessing_links_is_slowed_down(desk: Desk):
    browser = desk.browser("127.0.0.11")
    heard = [(await browser.get(f"/welcome/{number}")).status_code for number in range(31)]
    assert heard == [404] * 30 + [429]


async def test_nobody_gives_what_is_not_theirs(desk: Desk):
    """Only an owner invites owners and makes links for them; lower roles invite nobody."""
    admin, operator = await desk.world.person("admin"), await desk.world.person("operator")
    async with desk.world.changing() as session:
        with pytest.raises(InvalidArgument):
            await invite(session, admin, "eve@acme.test", "owner")
        with pytest.raises(StateConflict):
            await link_for(session, admin, "owner@acme.test")
        with pytest.raises(ForbiddenScope):
            await invite(session, operator, "eve@acme.test", "viewer")
        with pytest.raises(ForbiddenScope):
            await link_for(session, operator, "admin@acme.test")
        with pytest.raises(StateConflict):
            await invite(session, desk.world.owner, "admin@acme.test", "viewer")
        with pytest.raises(InvalidArgument):
            await invite(session, desk.world.owner, "no address", "viewer")


@pytest.mark.parametrize("fate", ["demoted", "disabled"])
async def test_an_invitation_is_worth_what_its_maker_may_give(desk: Desk, fate: str):
    admin = await desk.world.person("admin")
    async with desk.world.changing() as session:
        link = await invite(session, admin, "ann@acme.test", "admin", now=desk.clock)
        if fate == "demoted":
            await set_role(session, desk.world.owner, "admin@acme.test", "viewer")
        else:
            await disable_user(session, desk.world.owner, "admin@acme.test")
    browser = desk.browser()
    await browser.get(link.path)
    assert (await browser.post(link.path, name="Ann", **FIELDS)).status_code == 403
    assert (await desk.rows())["users"] == 2


async def test_the_first_owner_gets_a_link_until_somebody_can_sign_in(desk: Desk):
    await founded(desk.database, "other")
    (slug, first), (other_slug, other) = await first_links(desk.database, desk.clock)
    assert (slug, other_slug) == ("acme", "other")
    (_, again), _ = await first_links(desk.database, desk.clock)  # the hub was started again
    assert (await desk.browser().get(first.path)).status_code == 404
    browser = desk.browser()
    page = await browser.get(again.path)
    assert "owner@acme.test" in page.text
    assert (await browser.post(again.path, **FIELDS)).headers["location"] == "/today"
    assert "<dd>owner</dd>" in (await browser.get("/account")).text
    left = await first_links(desk.database, desk.clock)
    assert [slug for slug, _ in left] == ["other"]
    assert other.expires_at == desk.clock() + timedelta(hours=72)


async def test_a_lost_password_is_replaced_by_a_link(desk: Desk):
    browser = await desk.signed_in()
    async with desk.world.changing() as session:
        link = await link_for(session, desk.world.owner, "ann@acme.test", desk.clock)
    assert await browser.is_in()  # a link alone changes nothing
    other = desk.browser()
    await other.get(link.path)
    assert (await other.post(link.path, password="a new password of mine", again="a new password of mine")).is_redirect
    assert not await browser.is_in()
    assert (await desk.browser().try_sign_in("ann@acme.test")).status_code == 400
    await desk.browser().sign_in("ann@acme.test", "a new password of mine")


async def test_a_disabled_user_has_no_link(desk: Desk):
    await desk.user("ann@acme.test")
    async with desk.world.changing() as session:
        link = await link_for(session, desk.world.owner, "ann@acme.test", desk.clock)
        await disable_user(session, desk.world.owner, "ann@acme.test")
        with pytest.raises(StateConflict):
            await link_for(session, desk.world.owner, "ann@acme.test", desk.clock)
    assert (await desk.browser().get(link.path)).status_code == 404


async def test_a_link_does_not_outgrow_its_maker(desk: Desk):
    """An admin makes a link for an operator, who becomes an owner: the admin cannot become that owner by it."""
    admin = await desk.world.person("admin")
    await desk.user("ann@acme.test")
    async with desk.world.changing() as session:
        link = await link_for(session, admin, "ann@acme.test", desk.clock)
        await set_role(session, desk.world.owner, "ann@acme.test", "owner")
    thief = desk.browser()
    await thief.get(link.path)
    answer = await thief.post(link.path, password="a new password of mine", again="a new password of mine")
    assert (answer.status_code, thief.session) == (409, None)
    await desk.browser().sign_in("ann@acme.test")
