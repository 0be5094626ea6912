"""Header values: sealed, bound to their place, never shown, opened only with the right key file."""

import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update

from tests.hub.world import World, founded
from tradepost.database.engine import Database
from tradepost.foundation.errors import InvalidArgument, SetupError, Unavailable
from tradepost.hub.vault.header_rules import Header
from tradepost.hub.vault.keyring import load_key_ring, make_key_ring, parse_key_ring
from tradepost.hub.vault.models import AssertionKey, Sealed, SealedHeader, SealedValue
from tradepost.hub.vault.vault import HIDDEN, Vault, open_vault

SECRET = "Bearer CANARY-5a1f-secret"


@pytest.fixture
async def vault(database: Database, tmp_path: Path) -> Vault:
    return await open_vault(database, tmp_path / "vault.keys")


async def store(world: World, vault: Vault, server_id: str = "srv_1") -> None:
    async with world.changing() as session:
        await vault.replace(session, server_id, [Header("Authorization", SECRET), Header("X-Shop", "acme", False)])


async def test_values_come_back_for_sending_and_stay_hidden_from_people(world: World, vault: Vault):
    await store(world, vault)
    assert await vault.headers_for(world.workspace_id, "srv_1") == [
        Header("Authorization", SECRET),
        Header("X-Shop", "acme", False),
    ]
    async with world.reading() as session:
        shown = await vault.show(session, "srv_1")
        assert [(one.name, one.value) for one in shown] == [("Authorization", HIDDEN), ("X-Shop", "acme")]
        stored = str((await session.execute(text("SELECT * FROM sealed_headers"))).all())
    assert "CANARY" not in stored
    assert "CANARY" not in repr(Header("Authorization", SECRET))


async def test_replacing_forgets_the_values_before(world: World, vault: Vault):
    await store(world, vault)
    async with world.changing() as session:
        await vault.replace(session, "srv_1", [Header("X-Key", "other")])
    assert [one.name for one in await vault.headers_for(world.workspace_id, "srv_1")] == ["X-Key"]


@pytest.mark.parametrize("moved", ["server", "name", "version", "cut"])
async def test_a_ciphertext_in_another_place_does_not_open(world: World, vault: Vault, moved: str):
    await store(world, vault)
    async with world.changing() as session:
        row = await session.scalar(select(SealedHeader).where(SealedHeader.name == "Authorization"))
        assert row is not None
        changes: dict[str, dict[str, Any]] = {
            "server": {"server_id": "srv_2"},
            "name": {"name": "X-Other"},
            "version": {"key_version": 2},
            "cut": {"ciphertext": row.ciphertext[:-8]},
        }
        await session.execute(update(SealedHeader).where(SealedHeader.id == row.id).values(**changes[moved]))
    with pytest.raises(Unavailable) as refused:
        await vault.headers_for(world.workspace_id, "srv_2" if moved == "server" else "srv_1")
    assert "CANARY" not in str(refused.value)


async def test_a_ciphertext_of_another_workspace_does_not_open(world: World, vault: Vault):
    await store(world, vault)
    other = await founded(world.database, "other")
    async with world.reading() as session:
        row = await session.scalar(select(SealedHeader).where(SealedHeader.name == "Authorization"))
    assert row is not None
    async with other.changing() as session:
        session.add(
            SealedHeader(
                id=row.id, server_id="srv_1", name=row.name, key_version=row.key_version, ciphertext=row.ciphertext
            )
        )
    with pytest.raises(Unavailable):
        await vault.headers_for(other.workspace_id, "srv_1")


async def test_the_key_file_is_the_owners_alone_and_made_once(database: Database, tmp_path: Path):
    path = tmp_path / "data" / "vault.keys"
    await open_vault(database, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    await open_vault(database, path)
    assert path.read_bytes() == before
    assert make_key_ring(path) == load_key_ring(path)
    assert [one.name for one in path.parent.iterdir()] == ["vault.keys"]


async def test_the_wrong_key_file_stops_the_start_and_changes_nothing(world: World, vault: Vault, tmp_path: Path):
    await store(world, vault)
    wrong = tmp_path / "wrong.keys"
    make_key_ring(wrong)
    with pytest.raises(SetupError, match="does not open"):
        await open_vault(world.database, wrong)
    missing = tmp_path / "missing.keys"
    with pytest.raises(SetupError, match="missing"):
        await open_vault(world.database, missing)
    assert not missing.exists()
    again = await open_vault(world.database, tmp_path / "vault.keys")
    assert await again.headers_for(world.workspace_id, "srv_1")


async def test_an_older_key_still_opens_after_a_newer_one_was_added(world: World, vault: Vault, tmp_path: Path):
    await store(world, vault)
    path = tmp_path / "vault.keys"
    newer = tmp_path / "newer.keys"
    make_key_ring(newer)
    path.write_text(path.read_text() + newer.read_text().replace("1 ", "2 ", 1))
    ring = await open_vault(world.database, path)
    await store(world, ring, "srv_2")
    assert await ring.headers_for(world.workspace_id, "srv_1") == await ring.headers_for(world.workspace_id, "srv_2")
    async with world.reading() as session:
        versions = await session.scalars(select(SealedHeader.key_version).distinct())
        assert list(versions) == [1]  # a line in the file alone does not make it seal: others may not have it yet


@pytest.mark.parametrize("lines", [[], ["1 short"], ["nonsense"], ["1 " + "!" * 44], ["1 " + "A" * 44] * 2])
def test_a_damaged_key_file_is_one_sentence(lines: list[str]):
    with pytest.raises(SetupError) as refused:
        parse_key_ring(lines, "The file", "Restore it")
    assert refused.value.hint


SMUGGLING: list[tuple[str, str]] = [
    ("Host", "evil.test"),
    ("content-length", "0"),
    ("Mcp-Session-Id", "x"),
    ("Cookie", "a=b"),
    ("X-Forwarded-For", "1.2.3.4"),
    ("X-A\r\nX-B", "x"),
    ("X A", "x"),
    ("X-A", "one\r\nX-Admin: 1"),
    ("X-A", ""),
    ("X-A", " padded"),
    ("X-A", "ünïcode"),
    ("X-A", "x" * 9000),
]


async def test_headers_that_could_smuggle_are_refused(world: World, vault: Vault, subtests: pytest.Subtests):
    for name, value in SMUGGLING:
        with subtests.test(name=name, value=value):
            async with world.reading() as session:
                with pytest.raises(InvalidArgument) as refused:
                    await vault.replace(session, "srv_1", [Header(name, value)])
            assert value == "" or value not in refused.value.message


async def test_a_header_stands_once(world: World, vault: Vault):
    async with world.reading() as session:
        with pytest.raises(InvalidArgument):
            await vault.replace(session, "srv_1", [Header("X-A", "1"), Header("x-a", "2")])


async def test_values_and_signing_keys_that_changed_places_do_not_open(world: World, vault: Vault):
    """Between owners, between workspaces, and between tables."""
    other = await founded(world.database, "other")
    for place, owners in ((world, ("usr_1", "usr_2")), (other, ("usr_1",))):
        async with place.changing() as session:
            for owner in owners:
                await vault.keep(session, owner, "totp", "CANARY-totp")
        await vault.assertion_keys().signing(place.workspace_id)
    async with world.database.system(write=True) as session:
        values: Sequence[Sealed] = list(await session.scalars(select(SealedValue).order_by(SealedValue.owner_id)))
        keys: Sequence[Sealed] = list(await session.scalars(select(AssertionKey)))
        for rows in (values, keys):
            texts = [row.ciphertext for row in rows]
            for row, ciphertext in zip(rows, [*texts[1:], texts[0]], strict=True):
                row.ciphertext = ciphertext
    for place, owner in ((world, "usr_1"), (world, "usr_2"), (other, "usr_1")):
        async with place.reading() as session:
            with pytest.raises(Unavailable) as refused:
                await vault.kept(session, owner, "totp")
        with pytest.raises(Unavailable, match="which signs who calls"):
            await vault.assertion_keys().signing(place.workspace_id)
        assert "CANARY" not in str(refused.value)
    async with world.database.system(write=True) as session:
        (value,) = await session.scalars(select(SealedValue).where(SealedValue.owner_id == "usr_2"))
        header, value.ciphertext = vault.keys.seal((world.workspace_id, "usr_2", "X-Key"), "CANARY-header")
        assert header == value.key_version
    async with world.reading() as session:
        with pytest.raises(Unavailable):
            await vault.kept(session, "usr_2", "totp")
