"""Shoppers in the hub: they see what is assigned to their profile, and stand as long as session and profile do."""

from datetime import timedelta
from typing import Any

import pytest

from tradepost.app import Tradepost
from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.clock import system_now
from tradepost.foundation.errors import NotFound, Unauthenticated
from tradepost.foundation.ids import new_id
from tradepost.hub.access.agents import create_agent, set_posture
from tradepost.hub.access.keys import mint
from tradepost.hub.access.shoppers import MintedSession, mint_shopper_session, revoke_shopper_session
from tradepost.hub.registration.assignments import assign, unassign
from tradepost.hub.registry.catalogs import Catalogs
from tradepost.starter.agents import PROFILES

(SHOPPERS,) = [profile for profile in PROFILES if profile.slug == "shoppers"]


async def minted(hub: Tradepost, by: Caller, **options: Any) -> MintedSession:
    async with hub.hub.transaction(by.workspace_id, write=True) as session:
        return await mint_shopper_session(session, by, "cus_1", **options)


async def shopper(hub: Tradepost, by: Caller, **options: Any) -> Caller:
    made = await minted(hub, by, **options)
    return await hub.authenticator.authenticate(made.token, new_id("req"))


async def seen(hub: Tradepost, caller: Caller) -> list[str]:
    return [tool["name"] for tool in await hub.gateway.door.list(caller)]


async def test_a_shopper_sees_exactly_what_is_assigned_to_the_profile(hub: Tradepost, by: Caller):
    caller = await shopper(hub, by)
    assert await seen(hub, caller) == [*SHOPPERS.tools, "get_approval"]
    for name in ("get_order", "list_invoices", "cancel_order", "search_customers", "none_such"):
        with pytest.raises(NotFound):
            await hub.gateway.door.call(caller, name, {})
    found = await hub.gateway.door.call(caller, "list_my_orders", {})
    assert found["structuredContent"]["items"] == []


async def test_a_change_of_the_profile_acts_on_the_next_call(hub: Tradepost, by: Caller):
    made = await minted(hub, by)

    async def now() -> list[str]:
        return await seen(hub, await hub.authenticator.authenticate(made.token, new_id("req")))

    before = await now()
    async with hub.hub.transaction(by.workspace_id, write=True) as session:
        await unassign(session, by, "self_service", "cancel_my_order", profile="shoppers")
    assert await now() == [name for name in before if name != "cancel_my_order"]
    async with hub.hub.transaction(by.workspace_id, write=True) as session:
        await assign(session, by, "self_service", "cancel_my_order", profile="shoppers", exposed_name="cancel_it")
    assert "cancel_it" in await now()


async def test_an_agent_of_the_profile_sees_it_too(hub: Tradepost, by: Caller):
    async with hub.hub.transaction(by.workspace_id, write=True) as session:
        agent = await create_agent(session, by, "shoppers", "chat", scopes=("me:orders.read",))
        key = await mint(session, by, agent_id=agent.id)
    caller = await hub.authenticator.authenticate(key.secret, new_id("req"))
    assert await seen(hub, caller) == await seen(hub, await shopper(hub, by))
    refused = await hub.gateway.door.call(caller, "list_my_orders", {})  # it is no customer
    assert refused["structuredContent"]["code"] == "forbidden_scope"


@pytest.mark.parametrize("how", ["revoked", "expired", "no longer customer-facing"])
async def test_a_caller_that_was_let_in_before_stands_no_more(hub: Tradepost, by: Caller, how: str):
    """Whoever is known from an earlier look is looked at again: the credential, and the profile behind it."""
    made = await minted(hub, by)
    caller = await hub.authenticator.authenticate(made.token, new_id("req"))
    assert not (await hub.gateway.door.call(caller, "list_my_orders", {}))["isError"]
    async with hub.hub.transaction(by.workspace_id, write=True) as session:
        if how == "revoked":
            await revoke_shopper_session(session, by, made.id)
        elif how == "no longer customer-facing":
            await set_posture(session, by, "shoppers", "guarded")
    if how == "expired":
        late = await minted(hub, by, now=lambda: system_now() - timedelta(minutes=20))
        with pytest.raises(Unauthenticated):
            await hub.authenticator.authenticate(late.token, new_id("req"))
        caller = Caller(
            caller.workspace_id,
            Principal("shopper", late.id),
            new_id("req"),
            profile_id=caller.profile_id,
            scopes=caller.scopes,
            attributes=caller.attributes,
        )
    with pytest.raises(Unauthenticated):
        await hub.gateway.door.call(caller.for_request(new_id("req")), "list_my_orders", {})


async def test_a_session_has_no_more_than_its_scopes(hub: Tradepost, by: Caller):
    caller = await shopper(hub, by, scopes=["me:orders.read"])
    assert not (await hub.gateway.door.call(caller, "list_my_orders", {}))["isError"]
    refused = await hub.gateway.door.call(caller, "list_my_invoices", {})
    assert refused["structuredContent"]["code"] == "forbidden_scope"


async def test_an_operators_agent_sees_its_own_prompts_and_a_shopper_theirs(hub: Tradepost, by: Caller):
    caller = await shopper(hub, by)
    assert caller.profile_id is not None
    catalog = await Catalogs(hub.hub, hub.watch).for_profile(caller.workspace_id, caller.profile_id, caller.scopes)
    assert sorted(catalog.prompts) == ["start_a_return", "where_is_my_order"]
    assert {prompt.server_slug for prompt in catalog.prompts.values()} == {"self_service"}
    assert "me://orders" in catalog.resources
