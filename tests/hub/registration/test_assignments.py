"""Assignments: names stand once in every catalog concerned, and too many tools are said."""

import asyncio
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from tests.hub.bundled import Bundled, tool
from tests.hub.world import World
from tradepost.foundation.errors import ForbiddenScope, InvalidArgument, NotFound, StateConflict, TradepostError
from tradepost.hub.audit.models import AuditEvent
from tradepost.hub.registration import rules
from tradepost.hub.registration.assignments import assign, unassign
from tradepost.hub.registration.builtin import sync_builtin
from tradepost.hub.registration.tools import find_tool, set_tool_enabled
from tradepost.hub.registry.catalogs import Catalogs
from tradepost.hub.registry.models import Assignment
from tradepost.hub.registry.watch import RegistryWatch


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


async def test_more_than_the_workspace_wants_warn_and_a_disabled_one_does_not_count(world: World):
    async with world.changing() as session:
        await rules.change(session, world.owner, given={"visible_tools": "2"})
        made = [await assign(session, world.owner, "many", f"tool_{number}", profile="team") for number in range(3)]
        assert "find_tools and load_tools" in made[2].warnings[0]
        await set_tool_enabled(session, world.owner, "many", "tool_0", False)
        assert (await assign(session, world.owner, "many", "tool_1", profile="team")).warnings == ()


@pytest.mark.parametrize("name", ["Get_Order", "get-order", "get.order", "get__order"])
async def test_a_name_that_hardly_differs_is_taken_too(world: World, name: str):
    """security.md §2 row 3: twins."""
    async with world.changing() as session:
        await assign(session, world.owner, "orders", "get_order", profile="team")
        await assign(session, world.owner, "many", "tool_1", profile="team", exposed_name="shop-orders_get_order")
    with pytest.raises(StateConflict) as refused:
        async with world.changing() as session:
            await assign(session, world.owner, "shop-orders", "get_order", agent="helper", exposed_name=name)
    assert refused.value.details["suggestion"] == "shop-orders_get_order_2"
    async with world.changing() as session:
        again = await assign(session, world.owner, "orders", "get_order", profile="team", exposed_name=name)
        assert again.exposed_name == name  # of the same tool it is no twin


async def test_an_admins_words_stand_in_place_of_the_servers_and_the_audit_has_both(world: World, watch: RegistryWatch):
    words = {"title": "Look up", "description": "Looks an order up.\nBy number."}
    async with world.changing() as session:
        await assign(session, world.owner, "orders", "get_order", agent="helper", exposed_name="look_up", **words)
        await assign(session, world.owner, "orders", "get_order", profile="team", description="For all.")
    catalogs = Catalogs(world.database, watch)
    shown, _ = orjson.loads((await catalogs.for_agent(world.workspace_id, world.agent_id)).tools_json)
    assert (shown["name"], shown["title"], shown["description"]) == ("look_up", *words.values())
    other = orjson.loads((await catalogs.for_agent(world.workspace_id, await world.agent("other"))).tools_json)
    assert [(one["name"], one["description"]) for one in other[:1]] == [("get_order", "For all.")]
    async with world.changing() as session:
        await assign(session, world.owner, "orders", "get_order", agent="helper", title="", position=7)
    async with world.reading() as session:
        entry = await find_tool(session, "orders", "get_order")
        details = [
            row.details
            for row in await session.scalars(select(AuditEvent).order_by(AuditEvent.id))
            if row.details.get("subject") == entry.id and row.details.get("agent") == "helper"
        ]
    seen = {"name": "look_up", "position": 0, **words}
    assert [(one["before"], one["after"]) for one in details] == [
        (None, seen),
        (seen, {"name": "look_up", "position": 7, "description": words["description"]}),
    ]


async def test_an_admins_words_are_looked_at_as_well(world: World):
    bad = [
        {"title": "a\u200bb"},
        {"title": "two\nlines"},
        {"description": "\u202etxt"},
        {"description": "\U000e0041"},
        {"description": "x" * 4_001},
        {"title": "x" * 201},
        {"description": "  "},
    ]
    for words in bad:
        with pytest.raises(InvalidArgument):
            async with world.changing() as session:
                await assign(session, world.owner, "orders", "get_order", agent="helper", **words)
    async with world.reading() as session:
        assert list(await session.scalars(select(Assignment.id))) == []


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
