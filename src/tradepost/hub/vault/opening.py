"""The keys when a process starts: only those that belong to the database, else nothing is changed."""

from typing import Any

from sqlalchemy import Select, func, select

from tradepost.database.engine import Database
from tradepost.foundation.clock import Now
from tradepost.foundation.errors import SetupError, Unavailable
from tradepost.hub.vault.held_keys import HeldKeys
from tradepost.hub.vault.key_source import KeySource
from tradepost.hub.vault.key_state import KeyState, found_state, holders, state_in
from tradepost.hub.vault.keyring import KeyRing
from tradepost.hub.vault.models import SEALED, Sealed

_UNCHANGED = "Nothing was changed."


async def open_keys(database: Database, source: KeySource, now: Now) -> HeldKeys:
    """The keys of this database; they are made on its first start. Raises SetupError, having changed nothing, when the
    source has others."""
    ring = source.load()
    async with database.system(write=False) as session:
        state = await state_in(session)
        samples = [row for table in SEALED for row in await session.scalars(_one_per_version(table))]
        serving = [holder.name for holder in await holders(session, now())]
    if ring is None and (samples or serving):
        raise SetupError(
            f"{source.name} is missing, but {_needed(samples, serving)}.", hint=f"{source.restore}. {_UNCHANGED}"
        )
    if ring is None:
        ring = source.make()
    _check_samples(source, ring, [row for row in samples if not state.vouches(ring, row.key_version)])
    fits = not state.contradicts(ring) and (state.sealing is None or state.sealing in ring.keys)
    if not fits and (samples or serving):
        raise SetupError(
            f"{source.name} does not have the keys of this database, and {_needed(samples, serving)}.",
            hint=f"{source.restore}. {_UNCHANGED}",
        )
    if not fits or state.sealing is None:
        state = await found_state(database, ring, now())
        _check_founded(source, ring, state)
    return HeldKeys(source, ring, state)


def _check_samples(source: KeySource, ring: KeyRing, samples: list[Sealed]) -> None:
    held = HeldKeys(source, ring, KeyState({}))
    for row in samples:
        try:
            held.open(row.place, row.key_version, row.ciphertext)
        except Unavailable as error:
            raise SetupError(
                f"{source.name} does not open the values in the database (key version {row.key_version}).",
                hint=f"{source.restore}. {_UNCHANGED}",
            ) from error


def _check_founded(source: KeySource, ring: KeyRing, state: KeyState) -> None:
    if state.contradicts(ring):
        raise SetupError(
            f"{source.name} does not have the keys with which another process began at this moment.",
            hint="Give every process that uses this database the same keys.",
        )


def _needed(samples: list[Sealed], serving: list[str]) -> str:
    if samples:
        return "the database holds values that were sealed with others"
    return f"another hub serves with others ({', '.join(serving[:3])})"


def _one_per_version(table: type[Sealed]) -> Select[Any]:
    first = select(func.min(table.id)).group_by(table.key_version)
    return select(table).where(table.id.in_(first))
