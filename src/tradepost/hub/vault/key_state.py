"""What the database knows of the keys: which version seals, which are on their way in or out, and which processes have
which. The keys themselves are never in it."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.hub.vault.keyring import KeyRing
from tradepost.hub.vault.models import INSTALLATION, VaultHolder, VaultKey
from tradepost.hub.vault.sealing import fingerprint

GONE = timedelta(seconds=30)  # a process that has said nothing for so long has ended


@dataclass(frozen=True, slots=True)
class KeyState:
    """The versions there are, by number. Empty before the first start."""

    keys: Mapping[int, VaultKey]

    @property
    def sealing(self) -> int | None:
        """The version that seals."""
        return next((number for number, key in self.keys.items() if key.state == "sealing"), None)

    @property
    def is_unfinished(self) -> bool:
        """Whether a rotation changed the version that seals, and did not come to its end."""
        return any(key.state == "opening" and key.replaced_at is None for key in self.keys.values())

    @property
    def retired(self) -> frozenset[int]:
        """Versions that count no more, wherever they still stand."""
        return frozenset(number for number, key in self.keys.items() if key.state == "retired")

    def unusable(self, ring: KeyRing) -> frozenset[int]:
        """Versions of a ring that do not count: retired, or with another key than the database's."""
        return self.retired | {
            number for number in ring.keys.keys() & self.keys.keys() if not self.vouches(ring, number)
        }

    def vouches(self, ring: KeyRing, number: int) -> bool:
        """Whether a ring has the right key of a version. One value that does not open is another matter then."""
        return number in ring.keys and number in self.keys and self._fits(number, ring.keys[number])

    def contradicts(self, ring: KeyRing) -> bool:
        """Whether a ring belongs to another database."""
        return any(number in self.keys and not self._fits(number, key) for number, key in ring.keys.items())

    def _fits(self, number: int, key: bytes) -> bool:
        return hmac.compare_digest(self.keys[number].fingerprint, fingerprint(key))


async def read_state(database: Database) -> KeyState:
    """How it stands now."""
    async with database.system(write=False) as session:
        return await state_in(session)


async def state_in(session: AsyncSession, *, locked: bool = False) -> KeyState:
    """How it stands in a session over all workspaces; `locked`, nobody else changes it until that ends."""
    rows = select(VaultKey).order_by(VaultKey.number)
    found = await session.scalars(rows.with_for_update() if locked else rows)
    return KeyState({row.number: row for row in found})


async def found_state(database: Database, ring: KeyRing, now: datetime) -> KeyState:
    """Write down what a ring has, instead of what was there: the newest version seals."""
    try:
        async with database.system(write=True) as session:
            await session.execute(delete(VaultKey))
            for number, key in ring.keys.items():
                row = known(number, key, "sealing" if number == ring.newest else "opening")
                row.replaced_at = now if row.state == "opening" else None
                session.add(row)
    except IntegrityError:
        pass  # another process did it at this moment, which is as good
    return await read_state(database)


def known(number: int, key: bytes, state: str) -> VaultKey:
    """A row for a version."""
    return VaultKey(
        workspace_id=INSTALLATION, id=f"key_{number}", number=number, fingerprint=fingerprint(key), state=state
    )


async def holders(session: AsyncSession, now: datetime) -> Sequence[VaultHolder]:
    """The processes that serve now."""
    alive = select(VaultHolder).where(VaultHolder.seen_at > now - GONE).order_by(VaultHolder.name)
    return (await session.scalars(alive)).all()
