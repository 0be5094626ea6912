"""Every tool needs a scope: of a server that is not bundled, one made from the server, which comes and goes with what
an agent is assigned."""

import pytest

from tests.hub.bundled import Bundled, tool
from tests.hub.registration.conftest import Registration
from tests.hub.remote import running
from tests.hub.world import World
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.access.agents import create_agent, find_agent, find_profile, set_agent_scopes
from tradepost.hub.access.scopes import checked_scopes, in_words
from tradepost.hub.access.shoppers import mint_shopper_session
from tradepost.hub.registration.assignments import assign, unassign
from tradepost.hub.registration.content_decisions import approve_waiting
from tradepost.hub.registration.granting import greet, out_of_reach, scopes_through_profile
from tradepost.hub.registration.tools import approve_tool, find_tool, scope_needed, set_tool_class
from tradepost.hub.registry.catalog import Catalog
from tradepost.hub.registry.compile import compile_catalog
from tradepost.hub.registry.models import Server
from tradepost.hub.registry.rows import read_rows

READ, WRITE = "read:tools.tracker", "write:tools.tracker"


async def scopes(world: World, agent: str = "helper") -> list[str]:
    async with world.reading() as session:
        return (await find_agent(session, agent)).scopes


async def catalog(world: World, *held: str) -> Catalog:
    async with world.reading() as session:
        profile = await find_profile(session, "team")
        return compile_catalog(await read_rows(session, profile.id, world.agent_id, frozenset()), frozenset(held))


@pytest.fixture
async def tracker(world: World, registration: Registration) -> None:
    """A server with two tools, both approved: one reads, the other writes."""
    offered = Bundled(slug="tracker", tools=[tool("track"), tool("cancel_label")])
    async with running(offered) as remote:
        await registration.servers.register(world.owner, "tracker", remote.url)
        await registration.discovery.discover(world.owner, "tracker")
    async with world.changing() as session:
        await approve_tool(session, world.owner, "tracker", "track", tool_class="read")
        await approve_tool(session, world.owner, "tracker", "cancel_label")


async def test_scopes_come_with_assignments_and_go_with_the_last_that_needs_them(
    world: World, registration: Registration, tracker: None
):
    async with world.changing() as session:
        assert not (await assign(session, world.owner, "tracker", "track", agent="helper")).warnings
    assert await scopes(world) == ["read:orders", READ]
    async with world.changing() as session:
        await assign(session, world.owner, "tracker", "cancel_label", profile="team")
    assert await scopes(world) == ["read:orders", READ, WRITE]
    seen = await catalog(world)
    assert {name: found.scope for name, found in seen.tools.items()} == {"track": READ, "cancel_label": WRITE}

    async with world.changing() as session:  # said to read after all
        await set_tool_class(session, world.owner, "tracker", "cancel_label", "read")
    assert await scopes(world) == ["read:orders", READ]
    async with world.changing() as session:
        await set_tool_class(session, world.owner, "tracker", "cancel_label", "destructive")
    assert await scopes(world) == ["read:orders", READ, WRITE]
    async with world.changing() as session:  # its own scope is for whoever is given that
        await set_tool_class(session, world.owner, "tracker", "cancel_label", "write", "custom:labels")
    assert await scopes(world) == ["read:orders", READ]

    async with world.changing() as session:
        made = await create_agent(session, world.owner, "team", "late")
        await greet(session, world.owner, made)
    assert await scopes(world, "late") == [READ]
    async with world.changing() as session:
        await unassign(session, world.owner, "tracker", "cancel_label", profile="team")
    assert (await scopes(world), await scopes(world, "late")) == (["read:orders", READ], [])
    await registration.servers.delete(world.owner, "tracker")
    assert await scopes(world) == ["read:orders"]


async def test_what_an_admin_took_away_does_not_come_back_by_the_way(world: World, tracker: None):
    async with world.changing() as session:
        await assign(session, world.owner, "tracker", "cancel_label", agent="helper")
        await set_agent_scopes(session, world.owner, "helper", [READ])
    async with world.changing() as session:
        made = await assign(session, world.owner, "tracker", "track", agent="helper")
        again = await assign(session, world.owner, "tracker", "cancel_label", agent="helper", exposed_name="stop")
    assert not made.warnings  # it has what this one needs
    assert WRITE in again.warnings[0]
    async with world.changing() as session:
        await set_tool_class(session, world.owner, "tracker", "track", "write")
    assert await scopes(world) == [READ]
    async with world.reading() as session:
        lacking = await out_of_reach(session, await find_agent(session, "helper"))
    assert lacking == {"stop": WRITE, "track": WRITE}


async def test_resources_and_prompts_need_what_reading_needs(world: World, tracker: None):
    async with world.changing() as session:
        await assign(session, world.owner, "tracker", "cancel_label", agent="helper")
        assert len(await approve_waiting(session, world.owner, "tracker")) == 3
    for held, seen in (((), 0), ((WRITE,), 0), (await scopes(world), 1)):
        found = await catalog(world, *held)
        assert (len(found.prompts), len(found.resources), len(found.templates)) == (seen,) * 3, held


async def test_a_shopper_has_what_the_profile_shows_and_can_have_less(world: World, tracker: None):
    async with world.changing() as session:
        profile = await find_profile(session, "team")
        profile.posture = "customer"
        await assign(session, world.owner, "tracker", "track", profile="team")
        entry = await find_tool(session, "tracker", "track")
        server = await session.get(Server, (world.workspace_id, entry.server_id))
        assert server is not None
        assert scope_needed(entry, server) == READ
        made = await mint_shopper_session(session, world.owner, "cus_1", shown=scopes_through_profile)
        assert READ in made.scopes
        assert WRITE not in made.scopes
        less = await mint_shopper_session(
            session, world.owner, "cus_1", scopes=["me:orders.read"], shown=scopes_through_profile
        )
        assert less.scopes == ("me:orders.read",)
        with pytest.raises(InvalidArgument):
            await mint_shopper_session(session, world.owner, "cus_1", scopes=[WRITE], shown=scopes_through_profile)


def test_scopes_of_servers_are_written_in_one_way():
    assert checked_scopes([WRITE, "read:tools.a-2"]) == ["read:tools.a-2", WRITE]
    assert in_words(READ) == "Look things up with the tools of the server tracker"
    for wrong in ("read:tools.", "read:tools.Crm", "delete:tools.crm", "read:tools.a--b", "read:tools." + "x" * 60):
        with pytest.raises(InvalidArgument):
            checked_scopes([wrong])
