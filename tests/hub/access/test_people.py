"""Workspaces, people, agents: who may change what, and that no workspace sees another."""

import pytest
from sqlalchemy import select

from tests.hub.world import World, founded
from tradepost.database.engine import Database
from tradepost.foundation.errors import ForbiddenScope, InvalidArgument, NotFound, StateConflict
from tradepost.hub.access.agents import (
    create_agent,
    create_profile,
    find_agent,
    list_agents,
    list_profiles,
    set_posture,
)
from tradepost.hub.access.models import User
from tradepost.hub.access.people import (
    create_user,
    disable_user,
    find_user,
    list_users,
    password_fits,
    set_role,
)
from tradepost.hub.access.workspaces import create_workspace, ensure_workspace, find_workspace, list_workspaces
from tradepost.hub.audit.models import AuditEvent


async def test_the_first_start_makes_an_owner_once(database: Database):
    first = await ensure_workspace(database, "shop", "Shop", "boss@shop.test")
    second = await ensure_workspace(database, "shop", "Shop", "boss@shop.test")
    assert first.id == second.id
    async with database.transaction(first.id, write=False) as session:
        (owner,) = await list_users(session)
        assert (owner.role, owner.email) == ("owner", "boss@shop.test")


async def test_a_taken_slug_leaves_nothing_behind(world: World):
    with pytest.raises(StateConflict):
        await create_workspace(world.database, "acme", "Another", "x@y.test")
    async with world.database.system(write=False) as session:
        assert list(await session.scalars(select(User.email))) == ["owner@acme.test"]


async def test_workspaces_do_not_see_each_other(world: World):
    other = await founded(world.database, "other")
    async with other.reading() as session:
        with pytest.raises(NotFound):
            await find_agent(session, world.agent_id)
        with pytest.raises(NotFound):
            await find_user(session, world.owner.user_id or "")
        assert [agent.slug for agent in await list_agents(session)] == ["helper"]
    assert [one.slug for one in await list_workspaces(world.database)] == ["acme", "other"]
    with pytest.raises(NotFound):
        await find_workspace(world.database, "nowhere")


async def test_passwords_are_argon2_hashes(world: World):
    async with world.changing() as session:
        user = await create_user(session, world.owner, "Ann@Acme.test", "Ann", "admin", "correct horse battery")
    assert user.email == "ann@acme.test"
    assert user.password_hash is not None
    assert user.password_hash.startswith("$argon2id$")
    assert password_fits(user, "correct horse battery")
    assert not password_fits(user, "wrong")
    with pytest.raises(InvalidArgument):
        async with world.changing() as session:
            await create_user(session, world.owner, "b@acme.test", "B", "admin", "short")


@pytest.mark.parametrize("twin", ["\uff41nn@acme.test", "ann@acme.test.", "an\u0301n@acme.test", "ann@acme\uff0etest"])
async def test_one_address_makes_no_two_people(world: World, twin: str):
    """Where two people have to approve, one with two spellings of their address would be both."""
    with pytest.raises(InvalidArgument):
        async with world.changing() as session:
            await create_user(session, world.owner, twin, "Ann", "operator")


async def test_the_last_owner_stays(world: World):
    with pytest.raises(StateConflict):
        async with world.changing() as session:
            await set_role(session, world.owner, "owner@acme.test", "admin")
    with pytest.raises(StateConflict):
        async with world.changing() as session:
            await disable_user(session, world.owner, "owner@acme.test")


async def test_an_admin_makes_no_owner_and_touches_none(world: World):
    admin = await world.person("admin")
    with pytest.raises(InvalidArgument):
        async with world.changing() as session:
            await create_user(session, admin, "b@acme.test", "B", "owner")
    with pytest.raises(StateConflict):
        async with world.changing() as session:
            await disable_user(session, admin, "owner@acme.test")


@pytest.mark.parametrize("role", ["operator", "viewer"])
async def test_lower_roles_change_no_access(world: World, role: str):
    person = await world.person(role)  # type: ignore[arg-type]
    async with world.reading() as session:
        for attempt in (
            create_user(session, person, "b@acme.test", "B", "viewer"),
            create_agent(session, person, "team", "new"),
            create_profile(session, person, "new"),
            set_posture(session, person, "team", "guarded"),
        ):
            with pytest.raises(ForbiddenScope):
                await attempt


async def test_bad_names_are_one_sentence(world: World):
    async with world.reading() as session:
        for slug in ("", "Upper", "under_score", "-x", "a--b", "x" * 41, "é", "a/b"):
            with pytest.raises(InvalidArgument) as refused:
                await create_profile(session, world.owner, slug)
            assert refused.value.hint
        with pytest.raises(InvalidArgument):
            await create_profile(session, world.owner, "fine", posture="reckless")  # type: ignore[arg-type]
        with pytest.raises(StateConflict):
            await create_profile(session, world.owner, "team")
        with pytest.raises(StateConflict):
            await create_agent(session, world.owner, "team", "helper")
        assert [profile.slug for profile in await list_profiles(session)] == ["team"]


async def test_every_change_of_access_is_audited(world: World):
    await world.key()
    async with world.reading() as session:
        tags = set(await session.scalars(select(AuditEvent.tag).where(AuditEvent.kind == "admin")))
    assert {"workspace:created", "user:created", "profile:created", "agent:created", "key:minted"} <= tags
