"""Keys become callers; every reason for a refusal looks the same; a change acts on the next call."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.hub.world import World, founded
from tradepost.database.engine import Database
from tradepost.database.lookups import Lookup
from tradepost.foundation.errors import InvalidArgument, Unauthenticated
from tradepost.hub.access.agents import set_agent_active, set_agent_scopes
from tradepost.hub.access.authenticate import Authenticator
from tradepost.hub.access.keys import mint, revoke
from tradepost.hub.access.models import ApiKey
from tradepost.hub.access.people import create_user, disable_user
from tradepost.hub.access.workspaces import set_workspace_active
from tradepost.hub.registry.watch import RegistryWatch
from tradepost.protocol.hosting import Arrival


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


async def test_an_agent_key_acts_as_its_agent_with_its_scopes(world: World, authenticator: Authenticator):
    minted = await world.key()
    caller = await authenticator.authenticate(minted.secret, "req_1")
    assert caller.workspace_id == world.workspace_id
    assert (caller.principal.kind, caller.principal.id) == ("agent_key", minted.id)
    assert (caller.agent_id, caller.request_id) == (world.agent_id, "req_1")
    assert caller.profile_id is not None
    assert caller.scopes == frozenset({"read:orders"})
    assert (await authenticator.authenticate(minted.secret, "req_2")).request_id == "req_2"


async def test_a_keys_scopes_narrow_its_agents_and_never_widen_them(world: World, authenticator: Authenticator):
    minted = await world.key(scopes=frozenset({"read:orders", "write:orders"}))
    assert (await authenticator.authenticate(minted.secret, "r")).scopes == frozenset({"read:orders"})
    empty = await world.key(scopes=frozenset())
    assert (await authenticator.authenticate(empty.secret, "r")).scopes == frozenset()


async def test_an_api_key_acts_as_its_user(world: World, authenticator: Authenticator):
    minted = await world.key(user_id=world.owner.user_id, scopes=frozenset({"read:orders"}))
    caller = await authenticator.authenticate(minted.secret, "r")
    assert (caller.principal.kind, caller.user_id, caller.agent_id) == ("api_key", world.owner.user_id, None)


@pytest.mark.behaviour("S3.6")
async def test_every_refusal_looks_the_same(world: World, authenticator: Authenticator, clock: Clock):
    good, expiring, revoked = await world.key(), await world.key(expires_at=clock() + timedelta(minutes=1)), None
    revoked = await world.key()
    async with world.changing() as session:
        await revoke(session, world.owner, revoked.id)
    clock.moment += timedelta(minutes=2)
    other = await founded(world.database, "other")
    unknown = (await other.key()).secret
    async with other.changing() as session:
        await session.delete(await session.scalar(select(ApiKey)))
    wrong = [
        "",
        "sk-1234567890",
        good.secret[:-1],
        good.secret + " ",
        "x" * 1_000_000,
        "tp_é",
        "tp_\ud800",
        expiring.secret,
        revoked.secret,
        unknown,
    ]
    said = set()
    for bearer in wrong:
        with pytest.raises(Unauthenticated) as refused:
            await authenticator.authenticate(bearer, "r")
        said.add((refused.value.message, refused.value.hint))
    assert len(said) == 1


async def test_every_refusal_asks_the_database_once(
    world: World, authenticator: Authenticator, monkeypatch: pytest.MonkeyPatch
):
    known, asked = await world.key(), []
    async with world.changing() as session:
        await revoke(session, world.owner, known.id)
    rows = Lookup.rows

    async def noted(lookup: Lookup, session: Any, values: Mapping[str, Any]) -> Any:
        asked.append((lookup, *values))
        return await rows(lookup, session, values)

    monkeypatch.setattr(Lookup, "rows", noted)
    for bearer in ("nothing", known.secret, "tp_aaaaaaaa_" + "A" * 50):
        with pytest.raises(Unauthenticated):
            await authenticator.authenticate(bearer, "r")
    assert len(asked) == 3
    assert len(set(asked)) == 1


Change = Callable[[World, str], Awaitable[Any]]


async def _revoke(world: World, key: str) -> None:
    async with world.changing() as session:
        await revoke(session, world.owner, key)


async def _disable_agent(world: World, _key: str) -> None:
    async with world.changing() as session:
        await set_agent_active(session, world.owner, "helper", False)


async def _suspend(world: World, _key: str) -> None:
    await set_workspace_active(world.database, world.owner, False)


@pytest.mark.parametrize("change", [_revoke, _disable_agent, _suspend])
async def test_a_key_stops_on_the_very_next_call(world: World, authenticator: Authenticator, change: Change):
    minted = await world.key()
    await authenticator.authenticate(minted.secret, "r")
    await change(world, minted.id)
    with pytest.raises(Unauthenticated):
        await authenticator.authenticate(minted.secret, "r")


async def test_a_remembered_key_expires_on_time(world: World, authenticator: Authenticator, clock: Clock):
    minted = await world.key(expires_at=clock() + timedelta(seconds=60))
    await authenticator.authenticate(minted.secret, "r")
    clock.moment += timedelta(seconds=60)
    with pytest.raises(Unauthenticated):
        await authenticator.authenticate(minted.secret, "r")


async def test_new_scopes_act_on_the_next_call(world: World, authenticator: Authenticator):
    minted = await world.key()
    await authenticator.authenticate(minted.secret, "r")
    async with world.changing() as session:
        await set_agent_scopes(session, world.owner, "helper", ["write:orders"])
    assert (await authenticator.authenticate(minted.secret, "r")).scopes == frozenset({"write:orders"})


async def test_a_disabled_users_key_stops(world: World, authenticator: Authenticator):
    async with world.changing() as session:
        user = await create_user(session, world.owner, "ann@acme.test", "Ann", "viewer")
        minted = await mint(session, world.owner, user_id=user.id)
    await authenticator.authenticate(minted.secret, "r")
    async with world.changing() as session:
        await disable_user(session, world.owner, "ann@acme.test")
    with pytest.raises(Unauthenticated):
        await authenticator.authenticate(minted.secret, "r")


async def test_last_use_is_written_in_a_batch_and_changes_nothing_else(world: World, authenticator: Authenticator):
    first, second = await world.key(), await world.key()
    for secret in (first.secret, second.secret, first.secret):
        await authenticator.authenticate(secret, "r")
    async with world.reading() as session:
        assert set(await session.scalars(select(ApiKey.last_used_at))) == {None}
    await authenticator.stop()
    async with world.reading() as session:
        rows = list(await session.scalars(select(ApiKey)))
        assert all(row.last_used_at is not None and row.version == 1 for row in rows)


async def test_a_key_bound_to_addresses_is_refused_from_elsewhere(world: World, authenticator: Authenticator):
    minted = await world.key(allowed_addresses=("192.0.2.0/24", "2001:db8::7", "::ffff:198.51.100.0/120"))
    for address in ("192.0.2.9", "::ffff:192.0.2.9", "2001:db8::7", "198.51.100.9", "::ffff:198.51.100.9"):
        assert await authenticator.authenticate(minted.secret, "r", Arrival({}, address, "/mcp"))
    said = set()
    for arrival in (None, *(Arrival({}, address, "/mcp") for address in ("192.0.3.1", "2001:db8::8", "", "here"))):
        with pytest.raises(Unauthenticated) as refused:
            await authenticator.authenticate(minted.secret, "r", arrival)
        said.add(refused.value.message)
    with pytest.raises(Unauthenticated) as unknown:
        await authenticator.authenticate("nothing", "r")
    assert said == {unknown.value.message}


async def test_a_key_may_be_bound_to_one_customer(world: World, authenticator: Authenticator):
    minted = await world.key(customer="cus_7")
    assert (await authenticator.authenticate(minted.secret, "r")).attributes == {"customer": "cus_7"}
    with pytest.raises(InvalidArgument):
        await world.key(customer="7' OR 1=1")
