"""The end of a key version that seals no more, and how all of them stand."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tradepost.database.engine import Database
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import StateConflict
from tradepost.hub.vault.held_keys import HeldKeys
from tradepost.hub.vault.key_state import holders, read_state, state_in
from tradepost.hub.vault.keyring import KeyRing
from tradepost.hub.vault.models import VaultKey
from tradepost.hub.vault.sealed_rows import count_by_version, wait_for_writers

# Clients carry what was made with a key: the state of a call for minutes, the handle of a task and the key of a
# request that may be repeated for a week.
CARRIED = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class ShownVersion:
    """A version as people see it. `values` are sealed with it; `here` says whether these keys have it."""

    version: int
    state: str
    values: int
    here: bool
    replaced_at: datetime | None
    retires_from: datetime | None


@dataclass(frozen=True, slots=True)
class ShownProcess:
    """A hub that serves: the versions it has, the one it seals with."""

    name: str
    versions: tuple[int, ...]
    sealing: int
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class VaultStatus:
    """How the keys stand. `unfinished`: a rotation was begun and has to be run again."""

    source: str
    sealing: int
    unfinished: bool
    versions: tuple[ShownVersion, ...]
    processes: tuple[ShownProcess, ...]


async def vault_status(database: Database, keys: HeldKeys, now: Now = system_now) -> VaultStatus:
    """Numbers and states, no key."""
    async with database.system(write=False) as session:
        state, counted = await state_in(session), await count_by_version(session)
        serving = await holders(session, now())
    numbers = sorted({*state.keys, *keys.numbers, *counted})
    shown = tuple(_shown(number, state.keys, counted[number], number in keys.numbers) for number in numbers)
    sealing = state.sealing or keys.sealing
    return VaultStatus(
        source=keys.source.name,
        sealing=sealing,
        unfinished=state.is_unfinished or any(one.state in ("waiting", "new") for one in shown),
        versions=shown,
        processes=tuple(
            ShownProcess(holder.name, tuple(holder.numbers), holder.sealing, holder.seen_at) for holder in serving
        ),
    )


async def retire(database: Database, keys: HeldKeys, *, at_once: bool = False, now: Now = system_now) -> list[int]:
    """Take out the versions that seal no more, from the database's list and, where we may, from the keys. Returns
    which. Without `at_once`, only those whose last traces at clients have ended. Raises StateConflict naming what is in
    the way: something is sealed with one, or a process still seals with it."""
    async with database.system(write=True) as session:
        state = await state_in(session, locked=True)
        if state.is_unfinished:
            raise StateConflict("A rotation has not come to its end.", hint="Run `tradepost vault rotate` again first.")
        ends = {number: _retires_from(key) for number, key in state.keys.items() if key.state == "opening"}
        ending = [number for number, end in ends.items() if at_once or (end is not None and end <= now())]
        for holder in await holders(session, now()):
            if holder.sealing in ending:
                raise StateConflict(
                    f"The hub {holder.name} still seals with key version {holder.sealing}.",
                    hint="It learns of the new one within seconds. Run the command again then.",
                )
        await wait_for_writers(session)
        counted = await count_by_version(session)
        for number in ending:
            if counted[number]:
                raise StateConflict(
                    f"{counted[number]} values are still sealed with key version {number}.",
                    hint="Run `tradepost vault rotate`: it seals them anew and names those that cannot be opened.",
                )
            state.keys[number].state = "retired"
    keys.learn(await read_state(database))
    _write_without_retired(keys)
    return ending


def _write_without_retired(keys: HeldKeys) -> None:
    """Also after a run that ended before it came so far."""
    ring = keys.read()
    kept = {number: key for number, key in ring.keys.items() if number in keys.numbers} if ring is not None else {}
    if ring is not None and kept.keys() != ring.keys.keys():
        keys.source.write(KeyRing(kept))


def _retires_from(key: VaultKey) -> datetime | None:
    return key.replaced_at + CARRIED if key.state == "opening" and key.replaced_at is not None else None


def _shown(number: int, known: Mapping[int, VaultKey], values: int, here: bool) -> ShownVersion:
    key = known.get(number)
    if key is None:
        return ShownVersion(number, "new", values, here, None, None)
    return ShownVersion(number, key.state, values, here, key.replaced_at, _retires_from(key))
