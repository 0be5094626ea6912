"""Subscribing goes through the pipeline like reading: the same refusals, one audit row, nothing beyond the catalog."""

import pytest
from sqlalchemy import select

from tests.hub.gateway.world import World, structured
from tradepost.foundation.errors import ForbiddenScope, NotFound, Unauthenticated
from tradepost.foundation.ids import new_id
from tradepost.hub.access import agents, keys
from tradepost.hub.access.changes import bump
from tradepost.hub.registration.pins import pin
from tradepost.hub.registry.models import ResourceEntry, Server
from tradepost.protocol.notices import TOOLS_CHANGED


async def test_a_subscription_has_one_audit_row(world: World):
    caller = await world.agent()
    assert await world.gateway.watch(caller, None, "stock://A1") == "stk_A1"
    (row,) = await world.audited()
    assert (row.kind, row.tag, row.tool, row.outcome) == ("read", "subscription:open", "stock://A1", "ok")
    assert row.request_id == caller.request_id


async def test_what_may_not_be_read_may_not_be_watched(world: World):
    async with world.changing() as session:
        key = await keys.mint(
            session, world.admin, keys.KeyTerms(scopes=frozenset({"write:inventory"})), agent_id=world.facts.agent_id
        )
    narrow = await world.authenticator.authenticate(key.secret, new_id("req"))
    for caller, uri in ((narrow, "stock://A1"), (await world.agent(), "nothing://A1"), (None, "stock://none")):
        with pytest.raises((NotFound, ForbiddenScope)):
            await world.gateway.watch(caller or await world.agent(), None, uri)
    assert not await world.gateway.may_read(narrow, None, "stock://A1")
    assert not await world.gateway.may_read(await world.agent(), "no-such-server", "stock://A1")
    assert await world.gateway.may_read(await world.agent(), None, "stock://A1")
    assert await world.gateway.may_read(await world.agent(), "shop", "stock://A1")


async def test_who_was_disabled_watches_nothing(world: World):
    caller = await world.agent()
    async with world.changing() as session:
        await agents.set_agent_active(session, world.admin, "supply", False)
    with pytest.raises(Unauthenticated):
        await world.gateway.watch(caller, None, "stock://A1")


async def test_an_approval_is_watched_by_its_own_agent_alone(world: World):
    proposed = structured(await world.add_stock())
    uri = f"approval://{proposed['approval_id']}"
    assert await world.gateway.watch(await world.agent(), None, uri) == proposed["approval_id"]
    async with world.changing() as session:
        key = await keys.mint(session, world.admin, agent_id=world.facts.other_agent_id)
    other = await world.authenticator.authenticate(key.secret, new_id("req"))
    with pytest.raises(NotFound):
        await world.gateway.watch(other, None, uri)


async def test_updates_are_announced_where_bundled_resources_are(world: World):
    caller = await world.agent()
    assert (await world.gateway.server_info(caller, None))["watches"]
    assert (await world.gateway.server_info(caller, "shop"))["watches"]


async def test_a_list_counts_as_changed_for_those_alone_who_see_another_one(world: World):
    async with world.changing() as session:
        key = await keys.mint(session, world.admin, agent_id=world.facts.other_agent_id)
    other = await world.authenticator.authenticate(key.secret, new_id("req"))
    caller = await world.agent()
    before = [await world.gateway.list_marks(one, None) for one in (caller, other)]
    of_shop = await world.gateway.list_marks(caller, "shop")
    await world.add_remote("ship")
    mine, others = [await world.gateway.list_marks(one, None) for one in (caller, other)]
    assert [name for name in mine if mine[name] != before[0][name]] == [TOOLS_CHANGED]
    assert others == before[1]
    assert await world.gateway.list_marks(caller, "shop") == of_shop
    assert await world.gateway.list_marks(caller, "nowhere")


@pytest.mark.parametrize("tells", [True, False])
async def test_a_foreign_server_is_announced_as_watchable_where_it_said_so(world: World, tells: bool):
    await world.add_remote("ship")
    async with world.changing() as session:
        server = (await session.scalars(select(Server).where(Server.slug == "foreign"))).one()
        server.identity = {"watches": tells}
        made = pin({"uri": "note://one", "name": "one"})
        session.add(
            ResourceEntry(
                id=new_id("res"),
                server_id=server.id,
                uri="note://one",
                definition=made.text,
                digest=made.digest,
                state="enabled",
            )
        )
        await session.flush()
        await bump(session)
    assert (await world.gateway.server_info(await world.agent(), "foreign"))["watches"] is tells
