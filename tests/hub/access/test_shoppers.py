"""Shopper sessions: who may mint one and for whom, what a token becomes, and how it ends."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from tests.hub.world import World, founded
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.errors import (
    ForbiddenScope,
    InvalidArgument,
    NotFound,
    StateConflict,
    TradepostError,
    Unauthenticated,
)
from tradepost.hub.access.agents import create_profile
from tradepost.hub.access.authenticate import Authenticator
from tradepost.hub.access.models import ShopperSession
from tradepost.hub.access.shoppers import (
    KEPT_FOR,
    LIVES,
    MINTING_SCOPE,
    SHOPPER_SCOPES,
    MintedSession,
    list_shopper_sessions,
    mint_shopper_session,
    revoke_shopper_session,
)
from tradepost.hub.access.workspaces import set_workspace_active
from tradepost.hub.audit.models import AuditEvent
from tradepost.hub.registry.watch import RegistryWatch


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.moment = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.moment


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def authenticator(database: Database, watch: RegistryWatch, clock: Clock) -> Authenticator:
    return Authenticator(database, watch, clock)


@pytest.fixture
async def open_shop(world: World) -> World:
    """A workspace with a customer-facing profile."""
    async with world.changing() as session:
        await create_profile(session, world.owner, "shoppers", posture="customer")
    return world


async def minted(world: World, by: Caller | None = None, customer: str = "cus_7", **options: Any) -> MintedSession:
    async with world.changing() as session:
        return await mint_shopper_session(session, by or world.owner, customer, **options)


async def revoked(world: World, name: str) -> None:
    async with world.changing() as session:
        await revoke_shopper_session(session, world.owner, name)


async def test_a_token_acts_as_one_customer_of_one_profile(open_shop: World, authenticator: Authenticator):
    made = await minted(open_shop)
    caller = await authenticator.authenticate(made.token, "req_1")
    assert (caller.workspace_id, caller.request_id) == (open_shop.workspace_id, "req_1")
    assert caller.principal == Principal("shopper", made.id)
    assert (caller.agent_id, caller.user_id, caller.profile_id is None) == (None, None, False)
    assert dict(caller.attributes) == {"customer": "cus_7"}
    assert caller.scopes == SHOPPER_SCOPES
    narrow = await minted(open_shop, scopes=["me:orders.read"], profile="shoppers")
    assert (await authenticator.authenticate(narrow.token, "r")).scopes == frozenset({"me:orders.read"})


async def test_only_a_hash_is_kept(open_shop: World):
    """Security.md §2 row 36: looked up by its public part, compared by the hash of the whole."""
    made = await minted(open_shop)
    async with open_shop.reading() as session:
        row = await session.scalar(select(ShopperSession))
        kept = [str(value) for line in await session.execute(text("SELECT * FROM shopper_sessions")) for value in line]
        audited = [str(event.details) for event in await session.scalars(select(AuditEvent))]
    assert row is not None
    assert len(row.digest) == 64
    secret = made.token.removeprefix(f"tpss_{made.prefix}_")
    assert len(secret) >= 43
    assert not [value for value in (*kept, *audited) if secret in value]


@pytest.mark.behaviour("S3.6")
async def test_every_refusal_looks_the_same(open_shop: World, authenticator: Authenticator, clock: Clock):
    good, ended = await minted(open_shop, lives=timedelta(minutes=60)), await minted(open_shop)
    expired = await minted(open_shop, lives=timedelta(minutes=1))
    await authenticator.authenticate(expired.token, "r")  # was let in before, and is remembered
    await revoked(open_shop, ended.id)
    clock.moment += timedelta(minutes=2)
    other = await founded(open_shop.database, "other")
    wrong = [
        ended.token,
        expired.token,
        good.token[:-1],
        good.token + "a",
        good.token.replace("tpss_", "tp_"),
        good.token.replace(good.prefix, ended.prefix),
        (await other.key()).secret.replace("tp_", "tpss_"),
        "tpss_",
        "tpss_" + "a" * 600,
    ]
    told = set()
    for token in wrong:
        with pytest.raises(Unauthenticated) as caught:
            await authenticator.authenticate(token, "r")
        told.add(str(caught.value.as_dict()))
    assert len(told) == 1
    await authenticator.authenticate(good.token, "r")


async def test_a_revoked_token_is_refused_on_the_very_next_call(open_shop: World, authenticator: Authenticator):
    made = await minted(open_shop)
    for name in (made.id, made.prefix, made.id):
        await authenticator.authenticate((await minted(open_shop)).token, "r")  # others go on
        await revoked(open_shop, name)
        with pytest.raises(Unauthenticated):
            await authenticator.authenticate(made.token, "r")
    with pytest.raises(NotFound):
        await revoked(open_shop, "none-such")


async def test_a_suspended_workspace_lets_no_shopper_in(open_shop: World, authenticator: Authenticator):
    made = await minted(open_shop)
    await authenticator.authenticate(made.token, "r")
    await set_workspace_active(open_shop.database, open_shop.owner, False)
    with pytest.raises(Unauthenticated):
        await authenticator.authenticate(made.token, "r")


async def test_minting_needs_an_admin_or_a_key_that_may_manage_keys(open_shop: World, authenticator: Authenticator):
    user = open_shop.owner.user_id
    may = await open_shop.key(user_id=user, scopes=frozenset({MINTING_SCOPE}))
    made = await minted(open_shop, await authenticator.authenticate(may.secret, "r"))
    shopper = await authenticator.authenticate(made.token, "r")
    without = await open_shop.key(user_id=user, scopes=frozenset({"read:orders"}))
    agent = await open_shop.key()
    refused = [
        await authenticator.authenticate(without.secret, "r"),
        await authenticator.authenticate(agent.secret, "r"),
        await open_shop.person("operator"),
        await open_shop.person("viewer"),
        shopper,
    ]
    for by in refused:
        with pytest.raises(ForbiddenScope):
            await minted(open_shop, by)
        async with open_shop.changing() as session:
            with pytest.raises(ForbiddenScope):
                await revoke_shopper_session(session, by, made.id)
            with pytest.raises(ForbiddenScope):
                await list_shopper_sessions(session, by)
    await minted(open_shop, await open_shop.person("admin"))


NOT_MINTED: list[tuple[dict[str, Any], type[TradepostError], str | None]] = [
    ({"customer": ""}, InvalidArgument, "customer"),
    ({"customer": "a" * 65}, InvalidArgument, "customer"),
    ({"customer": "7' OR 1=1"}, InvalidArgument, "customer"),
    ({"customer": "%"}, InvalidArgument, "customer"),
    ({"customer": "cus_7\n"}, InvalidArgument, "customer"),
    ({"lives": timedelta(0)}, InvalidArgument, "minutes"),
    ({"lives": timedelta(minutes=61)}, InvalidArgument, "minutes"),
    ({"scopes": ["read:orders"]}, InvalidArgument, "scopes"),
    ({"scopes": ["me:returns", "manage:api_keys"]}, InvalidArgument, "scopes"),
    ({"scopes": []}, InvalidArgument, "scopes"),
    ({"profile": "none-such"}, NotFound, None),
    ({"profile": "team"}, StateConflict, "profile"),
]


async def test_what_cannot_be_minted_is_refused_with_the_field(open_shop: World, subtests: pytest.Subtests):
    for given, kind, field in NOT_MINTED:
        with subtests.test(given=given):
            with pytest.raises(kind) as caught:
                await minted(open_shop, **given)
            assert caught.value.field == field
            assert caught.value.hint
            async with open_shop.reading() as session:
                assert await session.scalar(select(ShopperSession)) is None


OWN_NAMES: list[str] = ["cus_0123456789", "CUST-10495", "42", "gid://shopify/Customer/7", "a" * 64]


async def test_the_shops_own_names_of_customers_are_taken(open_shop: World, subtests: pytest.Subtests):
    for customer in OWN_NAMES:
        with subtests.test(customer=customer):
            assert (await minted(open_shop, customer=customer)).customer == customer


async def test_the_profile_may_be_left_out_where_there_is_one(world: World):
    with pytest.raises(InvalidArgument, match="There are 0"):
        await minted(world)
    async with world.changing() as session:
        await create_profile(session, world.owner, "shoppers", posture="customer")
    assert (await minted(world)).profile == "shoppers"
    async with world.changing() as session:
        await create_profile(session, world.owner, "guests", posture="customer")
    with pytest.raises(InvalidArgument) as caught:
        await minted(world)
    assert "guests, shoppers" in (caught.value.hint or "")


async def test_sessions_are_listed_without_their_tokens(open_shop: World, clock: Clock):
    first = await minted(open_shop, customer="a", now=clock)
    second = await minted(open_shop, customer="b", now=clock, lives=timedelta(minutes=30))
    await revoked(open_shop, first.id)
    async with open_shop.reading() as session:
        listed = await list_shopper_sessions(session, open_shop.owner, now=clock)
        every = await list_shopper_sessions(session, open_shop.owner, ended=True, now=clock)
        of_a = await list_shopper_sessions(session, open_shop.owner, customer="a", ended=True, now=clock)
    assert [row.id for row in listed] == [second.id]
    assert [row.id for row in every] == [second.id, first.id]
    assert [row.id for row in of_a] == [first.id]
    clock.moment += timedelta(minutes=30)
    async with open_shop.reading() as session:
        assert await list_shopper_sessions(session, open_shop.owner, now=clock) == []


async def test_minting_disturbs_nobody_and_what_is_long_over_goes(
    open_shop: World, authenticator: Authenticator, watch: RegistryWatch, clock: Clock
):
    await minted(open_shop, now=clock)
    before = await watch.version(open_shop.workspace_id)
    clock.moment += LIVES + KEPT_FOR + timedelta(minutes=1)
    last = await minted(open_shop, now=clock)
    assert await watch.version(open_shop.workspace_id) == before
    async with open_shop.reading() as session:
        assert [row.id for row in await session.scalars(select(ShopperSession))] == [last.id]
