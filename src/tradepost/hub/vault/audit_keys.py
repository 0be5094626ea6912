"""The key that signs the audit of a workspace: Ed25519, sealed like every other secret, the same in every process.

Only whoever has the database and the vault's keys has it. A key that is replaced stays, so that what it signed can
still be told from what somebody else signed.
"""

import base64

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.errors import Unavailable
from tradepost.foundation.ids import new_id
from tradepost.hub.audit.statement import public_key
from tradepost.hub.vault.held_keys import HeldKeys
from tradepost.hub.vault.models import SealedValue

OWNER = "audit"


class AuditKeys:
    """Finds them, and makes them when they are first needed."""

    def __init__(self, database: Database, keys: HeldKeys) -> None:
        self._database = database
        self._keys = keys

    async def signing(self, workspace_id: str) -> Ed25519PrivateKey:
        """The key that signs now. Raises Unavailable where it cannot be opened."""
        async with self._database.transaction(workspace_id, write=False) as session:
            rows = await _rows(session)
        if not rows:
            try:
                async with self._database.transaction(workspace_id, write=True) as session:
                    await self._make(session, 1)
            except IntegrityError:  # another process made it at the same moment
                pass
            async with self._database.transaction(workspace_id, write=False) as session:
                rows = await _rows(session)
        return self._open(rows[-1])

    async def public(self, workspace_id: str) -> list[str]:
        """The public keys, the newest last, as far as the private ones can be opened: nobody else can have put them
        there."""
        async with self._database.transaction(workspace_id, write=False) as session:
            rows = await _rows(session)
        found = []
        for row in rows:
            try:
                found.append(public_key(self._open(row)))
            except Unavailable:
                continue  # lost with the keys that sealed it; what it signed counts for whoever noted it
        return found

    async def replace(self, session: AsyncSession) -> str:
        """Make another key, which signs from now on, in the caller's transaction. Returns its public one."""
        count = await session.scalar(select(func.count()).where(SealedValue.owner_id == OWNER)) or 0
        return public_key(await self._make(session, count + 1))

    async def _make(self, session: AsyncSession, number: int) -> Ed25519PrivateKey:
        key = Ed25519PrivateKey.generate()
        workspace_id, name = str(session.info["workspace_id"]), f"signing-{number:06}"
        value = base64.b64encode(key.private_bytes_raw()).decode()
        version, ciphertext = self._keys.seal((workspace_id, OWNER, name), value)
        session.add(
            SealedValue(id=new_id("sealed"), owner_id=OWNER, name=name, key_version=version, ciphertext=ciphertext)
        )
        await session.flush()
        return key

    def _open(self, row: SealedValue) -> Ed25519PrivateKey:
        try:
            opened = self._keys.open(row.place, row.key_version, row.ciphertext)
        except Unavailable as error:
            raise Unavailable(
                "The key that signs the audit cannot be opened.",
                hint="The vault's keys are not the right ones, or `tradepost audit signing-key --new` makes another.",
            ) from error
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(opened))


async def _rows(session: AsyncSession) -> list[SealedValue]:
    named = select(SealedValue).where(SealedValue.owner_id == OWNER).order_by(SealedValue.name)
    return list(await session.scalars(named))
