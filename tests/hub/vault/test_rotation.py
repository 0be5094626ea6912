"""Another key while hubs serve: nothing fails to open meanwhile, an interrupted run goes on, the old key ends."""

import asyncio
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from tests.hub.world import World, founded
from tradepost.database.base import HubBase
from tradepost.database.engine import Database
from tradepost.foundation.errors import SetupError, StateConflict, Unavailable
from tradepost.hub.access.oauth import dynamic
from tradepost.hub.audit.models import AuditEvent
from tradepost.hub.gateway.rounds import RoundSeal
from tradepost.hub.tables import METADATA
from tradepost.hub.vault.header_rules import Header
from tradepost.hub.vault.holding import Holding
from tradepost.hub.vault.key_source import EnvironmentKeys, FileKeys
from tradepost.hub.vault.keyring import key_line, load_key_ring, new_key
from tradepost.hub.vault.models import SEALED, SealedHeader
from tradepost.hub.vault.retiring import CARRIED, retire, vault_status
from tradepost.hub.vault.rotation import Rotated, Rotation
from tradepost.hub.vault.vault import Vault, open_vault

SECRET = "Bearer CANARY-77aa-{number}"
SERVERS = 60  # of each workspace: together more than a batch


@dataclass
class Clock:
    at: datetime = datetime(2026, 2, 24, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


@dataclass
class Hub:
    """A process that serves: its own vault and its own word on which keys it has."""

    vault: Vault
    holding: Holding


class Killed(Exception):
    """The process ended here."""


class Dying:
    """A database under a process that ends after so many writes."""

    def __init__(self, database: Database, writes: int) -> None:
        self._database = database
        self._left = writes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    def system(self, *, write: bool) -> Any:
        return self._mortal(self._database.system(write=write), write)

    def transaction(self, workspace_id: str, *, write: bool) -> Any:
        return self._mortal(self._database.transaction(workspace_id, write=write), write)

    @asynccontextmanager
    async def _mortal(self, block: Any, write: bool) -> AsyncIterator[Any]:
        async with block as session:
            yield session
            if write:
                if self._left == 0:
                    raise Killed  # before it is committed
                self._left -= 1


@dataclass
class Installation:
    """A database with much in it, two hubs, and what rotates."""

    database: Database
    file: Path
    worlds: list[World]
    clock: Clock = field(default_factory=Clock)
    hubs: list[Hub] = field(default_factory=list)

    async def hub(self, source: Any = None) -> Hub:
        vault = await open_vault(self.database, source or self.file)
        made = Hub(vault, vault.holding(self.clock))
        await made.holding.look()
        self.hubs.append(made)
        return made

    async def fill(self, vault: Vault) -> None:
        for world in self.worlds:
            async with world.changing() as session:
                for number in range(SERVERS):
                    header = Header("Authorization", SECRET.format(number=number))
                    await vault.replace(session, f"srv_{number}", [header])
                await vault.keep(session, "usr_1", "totp", "CANARY-totp")
            await vault.assertion_keys().signing(world.workspace_id)

    async def rotate(self, database: Any = None, source: Any = None, pause: Any = None) -> Rotated:
        vault = await open_vault(self.database, source or self.file)
        given = database or self.database
        return await Rotation(given, vault.keys, self.clock, pause or self.look).run()

    async def look(self, _seconds: float = 0.0) -> None:
        for hub in self.hubs:
            await hub.holding.look()

    async def stop(self) -> None:
        for hub in self.hubs:
            await hub.holding.stop()
        self.hubs.clear()

    async def check(self, vault: Vault) -> None:
        """All of it opens."""
        for world in self.worlds:
            for number in (0, 1, SERVERS - 1):
                headers = await vault.headers_for(world.workspace_id, f"srv_{number}")
                assert headers == [Header("Authorization", SECRET.format(number=number))]
            async with world.reading() as session:
                assert await vault.kept(session, "usr_1", "totp") == "CANARY-totp"
            assert (await vault.assertion_keys().signing(world.workspace_id)).kid

    async def versions(self) -> dict[int, int]:
        found: dict[int, int] = {}
        async with self.database.system(write=False) as session:
            for table in SEALED:
                rows = await session.execute(select(table.key_version, func.count()).group_by(table.key_version))
                for version, rows_of in rows:
                    found[version] = found.get(version, 0) + rows_of
        return found


@pytest.fixture
async def place(database: Database, world: World, tmp_path: Path) -> Installation:
    made = Installation(database, tmp_path / "vault.key", [world, await founded(database, "other")])
    for _ in range(2):
        await made.hub()
    await made.fill(made.hubs[0].vault)
    return made


@pytest.mark.behaviour("F42")
async def test_a_rotation_under_load_fails_no_call_and_ends_with_the_old_key_gone(place: Installation):
    before, carried = place.hubs[0].vault, RoundSeal(place.hubs[0].vault.secrets_for("requestState"))
    token, client_id = carried.seal("held", b"here", 60), dynamic.seal("app", ("https://a.test/",), _first(before))
    opened, over = 0, asyncio.Event()

    async def call(hub: Hub) -> None:
        nonlocal opened
        while not over.is_set():
            await place.check(hub.vault)
            opened += 1

    async def write(hub: Hub) -> None:
        for number in count():
            if over.is_set():
                return
            async with place.worlds[0].changing() as session:
                await hub.vault.keep(session, f"usr_{id(hub)}_{number}", "totp", "fresh")

    calls = [asyncio.create_task(work(hub)) for hub in place.hubs for work in (call, write)]
    rotated = await place.rotate()
    over.set()
    await asyncio.gather(*calls)
    assert opened > 4
    assert rotated.version == 2
    assert rotated.resealed >= 2 * SERVERS + 4
    assert rotated.broken == ()
    assert list(await place.versions()) == [2]
    assert stat.S_IMODE(place.file.stat().st_mode) == 0o600
    assert [one.name for one in place.file.parent.iterdir() if "vault.key" in one.name] == ["vault.key"]

    # What was handed out just before is taken by every hub, also by one that starts now; what is new, too.
    late = await place.hub()
    for hub in place.hubs:
        seal = RoundSeal(hub.vault.secrets_for("requestState"))
        assert seal.open(token, b"here") == "held"
        assert dynamic.unseal(client_id, hub.vault.secrets_for("oauthClients")())[0] == "app"
        assert carried.open(seal.seal("new", b"here", 60), b"here") == "new"
    await place.check(late.vault)
    async with place.worlds[0].reading() as session:
        (told,) = await session.scalars(select(AuditEvent).where(AuditEvent.tag == "vault:rotated"))
        assert told.details["key_version"] == 2

    assert await retire(place.database, late.vault.keys, now=place.clock) == []  # clients still carry something
    place.clock.at += CARRIED
    await place.look()
    assert await retire(place.database, late.vault.keys, now=place.clock) == [1]
    await place.look()
    ring = load_key_ring(place.file)
    assert ring is not None
    assert list(ring.keys) == [2]
    again = await place.hub()
    for hub in (*place.hubs, again):
        await place.check(hub.vault)
        assert RoundSeal(hub.vault.secrets_for("requestState")).open(token, b"here") is None
    assert await retire(place.database, late.vault.keys, at_once=True, now=place.clock) == []


def _first(vault: Vault) -> bytes:
    return vault.secrets_for("oauthClients")()[0]


@pytest.mark.behaviour("F42")
async def test_killed_at_any_point_and_run_again_it_goes_on(place: Installation):
    await place.rotate()
    deaths = 0
    rotated: Rotated | None = None
    while rotated is None:
        try:
            rotated = await place.rotate(Dying(place.database, deaths % 3))
        except Killed:
            deaths += 1
        await place.look()
        for vault in (*(hub.vault for hub in place.hubs), await open_vault(place.database, place.file)):
            await place.check(vault)
        assert max(await place.versions()) <= 3
    assert deaths > 5
    assert rotated.version == 3
    assert list(await place.versions()) == [3]


async def test_nothing_is_sealed_with_a_key_that_a_hub_does_not_have(place: Installation):
    """Keys in the environment: each replica has them from its start on."""
    ring = load_key_ring(place.file)
    assert ring is not None
    old = EnvironmentKeys(key_line(1, ring.keys[1]))
    await place.stop()
    replica = await place.hub(old)
    wanted = await place.rotate(source=old)
    assert wanted.line is not None
    assert list(await place.versions()) == [1]
    both = EnvironmentKeys(f"{key_line(1, ring.keys[1])},{wanted.line}")
    with pytest.raises(StateConflict, match="does not have key version 2 yet") as late:
        await place.rotate(source=both)
    assert late.value.hint is not None
    assert "goes on" in late.value.hint
    assert list(await place.versions()) == [1]
    status = await vault_status(place.database, replica.vault.keys, place.clock)
    assert (status.sealing, status.unfinished) == (1, True)
    assert [one.state for one in status.versions] == ["sealing", "waiting"]

    # Another key under the same number, on another machine, is not taken.
    foreign = EnvironmentKeys(f"{key_line(1, ring.keys[1])}\n{key_line(2, new_key())}")
    with pytest.raises(SetupError, match="does not have the keys of this database"):
        await open_vault(place.database, foreign)

    await place.stop()  # it is started again, with both
    slow = Hub(await open_vault(place.database, old), replica.holding)  # it opened before, and serves after
    restarted = await place.hub(both)
    assert restarted.vault.keys.sealing == 1
    rotated = await place.rotate(source=both)
    assert (rotated.version, restarted.vault.keys.sealing) == (2, 2)
    await place.check(restarted.vault)
    with pytest.raises(SetupError, match="does not open the values"):
        await open_vault(place.database, old)
    with pytest.raises(SetupError, match="does not have the version"):
        await slow.vault.holding(place.clock).start()


async def test_a_hub_with_another_key_under_the_same_number_does_not_count_as_having_it(
    place: Installation, tmp_path: Path
):
    """Each machine has a file of its own, and somebody made the line anew instead of copying it."""
    await place.stop()
    other = tmp_path / "other.key"
    other.write_bytes(place.file.read_bytes())
    hub = await place.hub(other)
    with pytest.raises(StateConflict, match="does not have key version 2"):
        await place.rotate()
    other.write_bytes(other.read_bytes() + f"{key_line(2, new_key())}\n".encode())
    with pytest.raises(StateConflict, match="does not have key version 2"):
        await place.rotate()
    other.write_bytes(place.file.read_bytes())
    assert (await place.rotate()).version == 2
    await place.check(hub.vault)


async def test_what_does_not_open_is_named_and_keeps_its_key(place: Installation):
    async with place.database.system(write=True) as session:
        one = await session.scalar(select(SealedHeader).where(SealedHeader.server_id == "srv_7").limit(1))
        assert one is not None
        await session.execute(update(SealedHeader).where(SealedHeader.id == one.id).values(server_id="srv_moved"))
    rotated = await place.rotate()
    assert rotated.broken == (f"sealed_headers {one.workspace_id} {one.id}",)
    assert (await place.versions())[1] == 1
    assert (await place.rotate()).version == 3  # it is in nobody's way
    place.clock.at += CARRIED
    await place.look()
    with pytest.raises(StateConflict, match="1 values are still sealed with key version 1"):
        await retire(place.database, place.hubs[0].vault.keys, now=place.clock)
    with pytest.raises(Unavailable):
        await place.hubs[0].vault.headers_for(one.workspace_id, "srv_moved")


async def test_a_key_that_a_hub_still_seals_with_is_not_retired(place: Installation):
    with pytest.raises(StateConflict, match="does not have key version 2"):  # they have it, and have not said so
        await place.rotate(pause=_no_pause)
    await place.look()
    with pytest.raises(StateConflict, match="does not seal with key version 2"):
        await place.rotate(pause=_no_pause)
    deaf = place.hubs[0]
    with pytest.raises(StateConflict, match="has not come to its end"):
        await retire(place.database, deaf.vault.keys, at_once=True, now=place.clock)
    place.clock.at += timedelta(minutes=1)  # they have ended without a word
    assert (await place.rotate(pause=_no_pause)).version == 2
    assert await retire(place.database, deaf.vault.keys, at_once=True, now=place.clock) == [1]


async def _no_pause(_seconds: float) -> None:
    await asyncio.sleep(0)


async def test_other_keys_than_those_of_the_database_stop_the_start(database: Database, world: World, tmp_path: Path):
    """Also where nothing is sealed yet, as long as another hub serves."""
    clock = Clock()
    hub = await open_vault(database, tmp_path / "vault.key")
    holding = hub.holding(clock)
    await holding.look()
    for other in (tmp_path / "none.key", EnvironmentKeys(key_line(1, new_key()))):
        with pytest.raises(SetupError, match="another hub serves with others") as refused:
            await open_vault(database, other, now=clock)
        assert refused.value.hint is not None
        assert refused.value.hint.endswith("Nothing was changed.")
    assert not (tmp_path / "none.key").exists()
    await holding.stop()
    moved = await open_vault(database, EnvironmentKeys(f" {key_line(3, new_key())} ;"), now=clock)
    assert moved.keys.sealing == 3
    with pytest.raises(SetupError, match="TRADEPOST_VAULT_KEYS has no key"):
        EnvironmentKeys(" , ").load()


async def test_a_file_that_was_damaged_meanwhile_changes_nothing(place: Installation):
    hub = place.hubs[0]
    kept = place.file.read_bytes()
    place.file.write_text("2 nonsense\n")
    await hub.holding.look()
    await place.check(hub.vault)
    place.file.unlink()
    await hub.holding.look()
    await place.check(hub.vault)
    place.file.write_bytes(kept)
    assert FileKeys(place.file).load() == load_key_ring(place.file)


def test_everything_that_is_sealed_is_rotated():
    tables: set[Callable[..., Any]] = {
        mapper.class_ for mapper in HubBase.registry.mappers if "ciphertext" in mapper.columns
    }
    assert tables == set(SEALED)
    assert {table.name for table in METADATA.tables.values() if "ciphertext" in table.c} == {
        table.__tablename__ for table in SEALED
    }


async def test_no_key_is_in_the_database(place: Installation):
    await place.rotate()
    ring = load_key_ring(place.file)
    assert ring is not None
    async with place.database.system(write=False) as session:
        stored = ""
        for name in ("vault_keys", "vault_holders", "sealed_values", "audit_events"):
            stored += str((await session.execute(text(f"SELECT * FROM {name}"))).all())
    for version, key in ring.keys.items():
        for written in (key.hex(), key_line(version, key).split()[1]):
            assert written not in stored
