"""Header values of servers and other secrets: sealed when they come in, opened for the request that needs them, never
shown again. The keys that sign for a workspace are kept the same way."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import SetupError, Unavailable
from tradepost.foundation.ids import new_id
from tradepost.hub.vault.assertion_keys import AssertionKeys, place_of
from tradepost.hub.vault.header_rules import Header, checked_headers
from tradepost.hub.vault.keyring import KeyRing, load_key_ring, make_key_ring
from tradepost.hub.vault.models import AssertionKey, SealedHeader, SealedValue
from tradepost.hub.vault.sealing import seal, unseal

HIDDEN = "••••••••"

_Sealed = tuple[str, str, str, int, str]  # workspace, server, name, key version, ciphertext


@dataclass(frozen=True, slots=True)
class ShownHeader:
    """A header as people see it."""

    name: str
    value: str
    hidden: bool


class Vault:
    """Keeps the headers of servers, and secrets of other rows."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self._database = database
        self._ring = ring

    def secret_for(self, purpose: str) -> bytes:
        """32 bytes that only those have who have the key file, of their own for each purpose."""
        key = self._ring.keys[self._ring.current]
        return HKDF(hashes.SHA256(), length=32, salt=None, info=purpose.encode()).derive(key)

    def assertion_keys(self, now: Now = system_now) -> AssertionKeys:
        """The keys that sign what servers are told of callers."""
        return AssertionKeys(self._database, self._ring, now)

    async def replace(self, session: AsyncSession, server_id: str, headers: Sequence[Header]) -> None:
        """Store these headers for a server instead of those before, in the caller's transaction."""
        checked = checked_headers(headers)
        await self.clear(session, server_id)
        workspace_id = str(session.info["workspace_id"])
        for header in checked:
            version, ciphertext = seal(self._ring, workspace_id, server_id, header.name, header.value)
            session.add(
                SealedHeader(
                    id=new_id("hdr"),
                    server_id=server_id,
                    name=header.name,
                    hidden=header.hidden,
                    key_version=version,
                    ciphertext=ciphertext,
                )
            )
        await session.flush()

    async def clear(self, session: AsyncSession, server_id: str) -> None:
        """Forget a server's headers."""
        await session.execute(delete(SealedHeader).where(SealedHeader.server_id == server_id))

    async def show(self, session: AsyncSession, server_id: str) -> list[ShownHeader]:
        """A server's headers for people: hidden values stay hidden."""
        rows = await session.scalars(
            select(SealedHeader).where(SealedHeader.server_id == server_id).order_by(SealedHeader.name)
        )
        return [ShownHeader(row.name, HIDDEN if row.hidden else self._open(row), row.hidden) for row in rows]

    async def stored(self, session: AsyncSession, server_id: str) -> list[Header]:
        """A server's headers as they are sealed, to be sealed again beside others."""
        rows = await session.scalars(
            select(SealedHeader).where(SealedHeader.server_id == server_id).order_by(SealedHeader.name)
        )
        return [Header(row.name, self._open(row), row.hidden) for row in rows]

    async def headers_for(self, workspace_id: str, server_id: str) -> list[Header]:
        """The values to send to a server. Raises Unavailable when one cannot be opened: nothing is sent without it."""
        async with self._database.transaction(workspace_id, write=False) as session:
            rows = await session.scalars(
                select(SealedHeader).where(SealedHeader.server_id == server_id).order_by(SealedHeader.name)
            )
            return [Header(row.name, self._open(row), row.hidden) for row in rows]

    async def keep(self, session: AsyncSession, owner_id: str, name: str, value: str) -> None:
        """Keep a secret of a row instead of the one before, in the caller's transaction."""
        await self.forget(session, owner_id, name)
        version, ciphertext = seal(self._ring, str(session.info["workspace_id"]), owner_id, name, value)
        session.add(
            SealedValue(id=new_id("sealed"), owner_id=owner_id, name=name, key_version=version, ciphertext=ciphertext)
        )
        await session.flush()

    async def kept(self, session: AsyncSession, owner_id: str, name: str) -> str | None:
        """The secret of a row. Raises Unavailable when it cannot be opened."""
        row = await session.scalar(
            select(SealedValue).where(SealedValue.owner_id == owner_id, SealedValue.name == name)
        )
        if row is None:
            return None
        return unseal(self._ring, row.workspace_id, owner_id, name, row.key_version, row.ciphertext)

    async def forget(self, session: AsyncSession, owner_id: str, name: str) -> None:
        """Forget the secret of a row."""
        await session.execute(delete(SealedValue).where(SealedValue.owner_id == owner_id, SealedValue.name == name))

    def _open(self, row: SealedHeader) -> str:
        return unseal(self._ring, row.workspace_id, row.server_id, row.name, row.key_version, row.ciphertext)


async def open_vault(database: Database, key_file: Path) -> Vault:
    """The vault of this database with the keys in the file; makes the file on the first start.

    Raises SetupError, having changed nothing, when the file does not belong to the sealed values in the database.
    """
    ring = load_key_ring(key_file)
    samples = await _samples(database)
    if ring is None and samples:
        raise SetupError(
            f"The key file {key_file} is missing, but the database holds values that were sealed with it.",
            hint="Restore the key file from its backup. Nothing was changed.",
        )
    if ring is None:
        ring = make_key_ring(key_file)
    for row in samples:
        try:
            unseal(ring, *row)
        except Unavailable as error:
            raise SetupError(
                f"The key file {key_file} does not open the values in the database (key version {row[3]}).",
                hint="Restore the key file that belongs to this database. Nothing was changed.",
            ) from error
    return Vault(database, ring)


async def _samples(database: Database) -> list[_Sealed]:
    """One sealed value per key version of each kind."""
    async with database.system(write=False) as session:
        first = select(func.min(SealedHeader.id)).group_by(SealedHeader.key_version)
        headers = await session.scalars(select(SealedHeader).where(SealedHeader.id.in_(first)))
        oldest = select(func.min(AssertionKey.id)).group_by(AssertionKey.key_version)
        keys = await session.scalars(select(AssertionKey).where(AssertionKey.id.in_(oldest)))
        others = select(func.min(SealedValue.id)).group_by(SealedValue.key_version)
        values = await session.scalars(select(SealedValue).where(SealedValue.id.in_(others)))
        return [
            *((row.workspace_id, row.server_id, row.name, row.key_version, row.ciphertext) for row in headers),
            *((*place_of(row), row.key_version, row.ciphertext) for row in keys),
            *((row.workspace_id, row.owner_id, row.name, row.key_version, row.ciphertext) for row in values),
        ]
