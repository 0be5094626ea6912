"""Assignments: names stand once in every catalog concerned, and too many tools are said."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from tests.hub.bundled import Bundled, tool
from tests.hub.world import World
from tradepost.foundation.errors import ForbiddenScope, InvalidArgument, NotFound, StateConflict, TradepostError
from tradepost.hub.registration.assignments import assign, unassign
from tradepost.hub.registration.builtin import sync_builtin
from tradepost.hub.registry.models import Assignment


@pytest.fixture(autouse=True)
async def servers(world: World) -> None:
    own = Bundled(slug="hub", title="Hub", tools=[tool("get_approval")])
    many = Bundled(slug="many", tools=[tool(f"tool_{number}") for number in range(31)])
    for server in (own, many):
        server.resources, server.templates, server.prompts = [], [], []
    twin = Bundled(slug="shop-orders")
    await sync_builtin(world.database, world.workspace_id, [Bundled(), twin, own, many])


async def test_a_taken_name_is_refused_with_a_suggestion(world: World):
    async with world.changing() as session:
        await assign(session, world.owner, "orders", "get_order", agent="helper")
    with pytest.raises(StateConflict) as refused:
        async with world.changing() as session:
            await assign(session, world.owner, "shop-orders", "get_order", agent="helper")
    assert refused.value.details["suggestion"] == "shop-orders_get_order"
    async with world.changing() as session:
        made = await assign(
            session, world.owner, "shop-orders", "get_order", agent="helper", exposed_name="shop-orders_get_order"
        )
    assert made.exposed_name == "shop-orders_get_order"


@pytest.mark.parametrize("first", ["profile", "agent"])
async def test_a_name_is_taken_across_profile_and_agent(world: World, first: str):
    places: dict[str, dict[str, Any]] = {"profile": {"profile": "team"}, "agent": {"agent": "helper"}}
    second = "agent" if first == "profile" else "profile"
    async with world.changing() as session:
        await assign(session, world.owner, "orders", "get_order", **places[first])
    with pytest.raises(StateConflict):
        async with world.changing() as session:
            await assign(session, world.owner, "shop-orders", "get_order", **places[second])


async def test_another_agents_names_do_not_matter(world: World):
    await world.agent("other")
    async with world.changing() as session:
        await assign(session, world.owner, "orders", "get_order", agent="helper")
        await assign(session, world.owner, "shop-orders", "get_order", agent="other")


async def test_two_assignments_of_one_name_at_one_moment_make_one(world: World):
    async def attempt(server: str, **place: Any) -> bool:
        try:
            async with world.changing() as session:
                await assign(session, world.owner, server, "get_order", **place)
        except StateConflict:
            return False
        return True

    done = await asyncio.gather(attempt("orders", profile="team"), attempt("shop-orders", agent="helper"))
    assert sorted(done) == [False, True]


async def test_the_hubs_own_names_are_taken_everywhere(world: World):
    attempts: list[dict[str, Any]] = [{"tool": "get_order", "exposed_name": "get_approval"}, {"tool": "get_approval"}]
    for attempt in attempts:
        server = "hub" if attempt["tool"] == "get_approval" else "orders"
        with pytest.raises(StateConflict):
            async with world.changing() as session:
                await assign(session, world.owner, server, agent="helper", **attempt)


async def test_assigning_again_renames_and_keeps_one_row(world: World):
    async with world.changing() as session:
        first = await assign(session, world.owner, "orders", "get_order", agent="helper")
        again = await assign(session, world.owner, "orders", "get_order", agent="helper", exposed_name="find")
        assert first.id == again.id
    async with world.reading() as session:
        assert list(await session.scalars(select(Assignment.exposed_name))) == ["find"]


async def test_more_than_thirty_tools_warn(world: World):
    async with world.changing() as session:
        made = [await assign(session, world.owner, "many", f"tool_{number}", agent="helper") for number in range(31)]
    assert not any(one.warnings for one in made[:30])
    assert "31 tools" in made[30].warnings[0]


async def test_bad_assignments_are_refused(world: World):
    bad: list[tuple[type[TradepostError], dict[str, Any]]] = [
        (InvalidArgument, {"agent": "helper", "profile": "team"}),
        (InvalidArgument, {}),
        (NotFound, {"agent": "nobody"}),
        (InvalidArgument, {"agent": "helper", "exposed_name": "no spaces"}),
    ]
    for error, options in bad:
        with pytest.raises(error):
            async with world.changing() as session:
                await assign(session, world.owner, "orders", "get_order", **options)
    with pytest.raises(NotFound):
        async with world.changing() as session:
            await unassign(session, world.owner, "orders", "get_order", agent="helper")
    viewer = await world.person("viewer")
    with pytest.raises(ForbiddenScope):
        async with world.changing() as session:
            await assign(session, viewer, "orders", "get_order", agent="helper")
