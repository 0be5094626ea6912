"""A role in one profile: its holder approves for that profile's agents, and for nobody else's."""

import pytest

from tests.hub.gateway.world import World, structured
from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import ForbiddenScope, InvalidArgument, NotFound, StateConflict
from tradepost.hub.access import agents
from tradepost.hub.access.models import Role
from tradepost.hub.access.people import create_user
from tradepost.hub.access.profile_roles import list_profile_roles, set_profile_role


async def give(
    world: World, who: Caller, role: Role | None, profile: str = "internal", by: Caller | None = None
) -> None:
    async with world.changing() as session:
        await set_profile_role(session, by or world.admin, who.user_id or "", profile, role)


async def asked(world: World) -> str:
    return str(structured(await world.add_stock())["approval_id"])


async def test_an_approver_of_the_profile_approves(world: World):
    viewer = await world.user("viewer")
    action_id = await asked(world)
    with pytest.raises(ForbiddenScope):
        await world.built.verdicts.approve(viewer, action_id)
    await give(world, viewer, "viewer")
    with pytest.raises(ForbiddenScope):
        await world.built.verdicts.approve(viewer, action_id)
    await give(world, viewer, "operator")
    assert (await world.built.verdicts.approve(viewer, action_id)).state == "approved"
    await world.executor.run_due()
    assert (await world.action(action_id)).state == "succeeded"


async def test_a_role_in_another_profile_says_nothing_here(world: World):
    viewer = await world.user("viewer")
    async with world.changing() as session:
        await agents.create_profile(session, world.admin, "shoppers")
    await give(world, viewer, "admin", "shoppers")
    action_id = await asked(world)
    for attempt in (world.built.verdicts.approve, world.built.verdicts.reject, world.built.verdicts.cancel):
        with pytest.raises(ForbiddenScope):
            await attempt(viewer, action_id)


async def test_who_has_lost_the_role_has_not_approved(world: World):
    viewer = await world.user("viewer")
    await give(world, viewer, "operator")
    action_id = await asked(world)
    await world.built.verdicts.approve(viewer, action_id)
    await give(world, viewer, None)
    await world.executor.run_due()
    assert world.shop.effects() == []
    assert (await world.action(action_id)).state == "failed"


async def test_such_a_role_changes_no_access(world: World):
    """An admin of a profile is none of the workspace, and nobody raises themselves."""
    viewer, admin = await world.user("viewer"), await world.user("admin")
    await give(world, viewer, "admin")
    async with world.changing() as session:
        with pytest.raises(ForbiddenScope):
            await create_user(session, viewer, "eve@x.test", "Eve", "viewer")
        with pytest.raises(ForbiddenScope):
            await agents.create_profile(session, viewer, "mine")
        with pytest.raises(ForbiddenScope):
            await agents.create_agent(session, viewer, "internal", "mine", scopes=["write:returns"])
    for by, who, role, error in (
        (viewer, viewer, "operator", ForbiddenScope),
        (admin, world.owner, "viewer", StateConflict),
        (admin, viewer, "owner", InvalidArgument),
        (admin, viewer, "king", InvalidArgument),
    ):
        with pytest.raises(error):
            await give(world, who, role, by=by)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        await give(world, viewer, "viewer", "nowhere")
    async with world.changing() as session:
        assert await list_profile_roles(session, viewer.user_id or "") == {"internal": "admin"}


async def test_agents_learn_nothing_of_approvals(world: World):
    """Whether an id is there is not told to an agent: the same words for any."""
    action_id = await asked(world)
    heard = set()
    for one in (action_id, "act_nope"):
        with pytest.raises(ForbiddenScope) as refused:
            await world.built.verdicts.approve(await world.agent(), one)
        heard.add(refused.value.message)
    assert len(heard) == 1
