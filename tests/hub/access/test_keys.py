"""The format of keys, and that nothing but a hash is kept."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from tests.hub.world import World
from tradepost.foundation.errors import ForbiddenScope, InvalidArgument, NotFound, StateConflict
from tradepost.hub.access.keys import KeyTerms, find_key, list_keys, mint, parse_key, revoke, rotate
from tradepost.hub.access.models import ApiKey


async def test_a_key_has_prefix_256_bits_and_checksum(world: World):
    minted = await world.key()
    assert re.fullmatch(r"tp_[a-z2-7]{8}_[A-Za-z0-9_-]{43}[a-z2-7]{7}", minted.secret)
    assert parse_key(minted.secret) == minted.prefix == minted.secret[3:11]


async def test_a_key_with_a_wrong_character_is_seen_without_the_database(world: World):
    secret = (await world.key()).secret
    swapped = secret[:20] + ("A" if secret[20] != "A" else "B") + secret[21:]
    assert parse_key(swapped) is None
    assert [parse_key(bad) for bad in ("", "tp_", secret[:-1], secret + "a", secret.upper(), "Bearer " + secret)] == [
        None
    ] * 6


async def test_only_the_hash_of_a_key_is_stored(world: World):
    minted = await world.key(label="laptop")
    async with world.reading() as session:
        row = await session.scalar(select(ApiKey))
        assert row is not None
        assert row.digest not in minted.secret
        tables = ["api_keys", "audit_events", "hub_outbox"]
        for table in tables:
            stored = str((await session.execute(text(f"SELECT * FROM {table}"))).all())
            assert minted.secret not in stored
            assert minted.secret[12:] not in stored


async def test_rotation_gives_the_same_rights_and_ends_the_old_key_after_the_grace(world: World):
    old = await world.key(scopes=frozenset({"read:orders"}), label="cursor")
    async with world.changing() as session:
        new = await rotate(session, world.owner, old.prefix, grace=timedelta(hours=1))
    async with world.reading() as session:
        before, after = await find_key(session, old.id), await find_key(session, new.id)
        assert (after.agent_id, after.scopes, after.label) == (before.agent_id, ["read:orders"], "cursor")
        assert before.expires_at is not None
        assert before.revoked_at is None
        assert len(await list_keys(session)) == 2


async def test_a_revoked_key_is_not_rotated(world: World):
    minted = await world.key()
    async with world.changing() as session:
        await revoke(session, world.owner, minted.id)
        await revoke(session, world.owner, minted.id)
    with pytest.raises(StateConflict):
        async with world.changing() as session:
            await rotate(session, world.owner, minted.id)


async def test_minting_refuses_what_makes_no_sense(world: World):
    async with world.reading() as session:
        with pytest.raises(InvalidArgument):
            await mint(session, world.owner)
        with pytest.raises(InvalidArgument):
            await mint(session, world.owner, agent_id="a", user_id="b")
        with pytest.raises(NotFound):
            await mint(session, world.owner, agent_id="agt_nobody")
        with pytest.raises(InvalidArgument):
            await mint(
                session, world.owner, KeyTerms(expires_at=datetime(2020, 1, 1, tzinfo=UTC)), agent_id=world.agent_id
            )


async def test_only_an_admin_mints(world: World):
    operator = await world.person("operator")
    for by in (operator, world.as_agent()):
        with pytest.raises(ForbiddenScope):
            async with world.changing() as session:
                await mint(session, by, agent_id=world.agent_id)
