"""The ready-made agents: made once, completed later, and never taken back from what an admin made of them."""

import pytest
from sqlalchemy import select

from tradepost.app import Tradepost
from tradepost.foundation.ids import new_id
from tradepost.hub.access import agents as access
from tradepost.hub.access.models import Agent, Workspace
from tradepost.hub.access.roles import system_caller
from tradepost.hub.registration.assignments import unassign
from tradepost.hub.registry.catalogs import Catalogs
from tradepost.starter.agents import AGENTS, PII, PROFILES, ReadyAgent
from tradepost.starter.setup import set_up_agents

ALL = [agent.slug for agent in AGENTS]


async def catalogs(hub: Tradepost, workspace: Workspace) -> dict[str, list[str]]:
    """What each agent sees, but for the hub's own tools."""
    built = Catalogs(hub.hub, hub.watch)
    async with hub.hub.transaction(workspace.id, write=False) as session:
        rows = {row.slug: row for row in await session.scalars(select(Agent))}
    found = {}
    for slug, row in rows.items():
        catalog = await built.for_agent(workspace.id, row.id, frozenset(row.scopes))
        found[slug] = [name for name in catalog.tools if name != "get_approval"]
    return found


async def test_every_agent_gets_a_key_and_its_catalog_in_order(hub: Tradepost, workspace: Workspace):
    keys = await set_up_agents(hub.hub, workspace.id)
    assert list(keys) == [agent.slug for agent in AGENTS if agent.role != "shopper"]  # who works inside the hub alone
    assert len(set(keys.values())) == len(keys)
    there = {tool["name"] for server in hub.shop.servers for tool in server.definitions().tools}
    seen = await catalogs(hub, workspace)
    for agent in (one for one in AGENTS if one.role != "shopper"):
        assert seen[agent.slug] == [name for name in agent.tools if name in there], agent.slug


async def test_doing_it_again_changes_nothing(hub: Tradepost, workspace: Workspace):
    await set_up_agents(hub.hub, workspace.id)
    before = await catalogs(hub, workspace)
    async with hub.hub.transaction(workspace.id, write=False) as session:
        version = await hub.watch.version(workspace.id)
        assert len(await access.list_profiles(session)) == len(PROFILES)
    assert await set_up_agents(hub.hub, workspace.id, kept=ALL) == {}
    assert await catalogs(hub, workspace) == before
    assert await hub.watch.version(workspace.id) == version


async def test_a_key_that_was_not_kept_is_made_anew(hub: Tradepost, workspace: Workspace):
    first = await set_up_agents(hub.hub, workspace.id)
    again = await set_up_agents(hub.hub, workspace.id, kept=ALL[1:])
    assert again.keys() == {ALL[0]}
    assert again[ALL[0]] != first[ALL[0]]
    for secret in (*again.values(), first[ALL[1]]):
        assert (await hub.authenticator.authenticate(secret, new_id("req"))).workspace_id == workspace.id


async def test_what_is_missing_is_added_and_its_scope_with_it(hub: Tradepost, workspace: Workspace):
    await set_up_agents(hub.hub, workspace.id)
    before = await catalogs(hub, workspace)
    by = system_caller(workspace.id, new_id("req"))
    async with hub.hub.transaction(workspace.id, write=True) as session:
        await unassign(session, by, "catalog", "search_products", agent="product_expert")
        await access.set_agent_scopes(session, by, "product_expert", ["read:inventory"])
    assert await set_up_agents(hub.hub, workspace.id, kept=ALL) == {}
    assert sorted((await catalogs(hub, workspace))["product_expert"]) == sorted(before["product_expert"])


async def test_personal_data_is_for_those_who_need_it(hub: Tradepost, workspace: Workspace):
    await set_up_agents(hub.hub, workspace.id)
    async with hub.hub.transaction(workspace.id, write=False) as session:
        rows = list(await session.scalars(select(Agent)))
    assert {row.slug for row in rows if PII in row.scopes} == {"returns_specialist", "customer_care"}


@pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: agent.slug)
def test_a_tool_stands_once_in_a_catalog(agent: ReadyAgent):
    assert len(agent.tools) == len(set(agent.tools))
