"""Header values of servers and other secrets: sealed when they come in, opened for the request that needs them, never
shown again. The keys that sign for a workspace are kept the same way."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import Unavailable
from tradepost.foundation.ids import new_id
from tradepost.foundation.rotating import Rotating
from tradepost.hub.vault.assertion_keys import AssertionKeys
from tradepost.hub.vault.audit_keys import AuditKeys
from tradepost.hub.vault.header_rules import Header, checked_headers, is_header_value
from tradepost.hub.vault.held_keys import HeldKeys
from tradepost.hub.vault.holding import Holding
from tradepost.hub.vault.key_source import FileKeys, KeySource
from tradepost.hub.vault.managers.references import holds_reference
from tradepost.hub.vault.managers.resolving import NO_MANAGERS, References
from tradepost.hub.vault.models import SealedHeader, SealedValue
from tradepost.hub.vault.opening import open_keys

HIDDEN = "••••••••"
URL = "url"  # the name under which a server's secret URL is kept


@dataclass(frozen=True, slots=True)
class ShownHeader:
    """A header as people see it."""

    name: str
    value: str
    hidden: bool


class Vault:
    """Keeps the headers of servers, and secrets of other rows."""

    def __init__(self, database: Database, keys: HeldKeys, references: References | None = None) -> None:
        self._database = database
        self.keys = keys
        self.references = references or NO_MANAGERS

    def secrets_for(self, purpose: str) -> Rotating:
        """Secrets that only those have who have the vault's keys, of their own for each purpose."""
        return self.keys.secrets_for(purpose)

    def assertion_keys(self, now: Now = system_now) -> AssertionKeys:
        """The keys that sign what servers are told of callers."""
        return AssertionKeys(self._database, self.keys, now)

    def audit_keys(self) -> AuditKeys:
        """The keys that sign the audit."""
        return AuditKeys(self._database, self.keys)

    def holding(self, now: Now = system_now) -> Holding:
        """What a process that serves does beside, so that keys can be rotated meanwhile."""
        return Holding(self._database, self.keys, now)

    async def replace(self, session: AsyncSession, server_id: str, headers: Sequence[Header]) -> None:
        """Store these headers for a server instead of those before, in the caller's transaction."""
        checked = checked_headers(headers)
        workspace_id = str(session.info["workspace_id"])
        for header in checked:
            await self.references.check(session, header.value)
        await self.clear(session, server_id)
        for header in checked:
            version, ciphertext = self.keys.seal((workspace_id, server_id, header.name), header.value)
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
        """A server's headers as they were given: references are not followed. Raises Unavailable when one cannot be
        opened."""
        rows = await session.scalars(
            select(SealedHeader).where(SealedHeader.server_id == server_id).order_by(SealedHeader.name)
        )
        return [Header(row.name, self._open(row), row.hidden) for row in rows]

    async def headers_for(self, workspace_id: str, server_id: str) -> list[Header]:
        """The values to send to a server. Raises Unavailable when one cannot be opened, or read where it is kept:
        nothing is sent without it."""
        async with self._database.transaction(workspace_id, write=False) as session:
            headers = await self.stored(session, server_id)
            if not any(holds_reference(header.value) for header in headers):
                return headers
            slug = await self.references.slug(session)
        return [await self._filled(slug, header) for header in headers]

    def refused(self, headers: Sequence[Header]) -> None:
        """A server did not take these: what of them is kept elsewhere is read anew when it is needed next."""
        for header in headers:
            if header.reference is not None:
                self.references.refused(header.reference)

    async def hidden_url(self, workspace_id: str, server_id: str) -> Header | None:
        """The URL of a server where that is a secret itself, under the name `url`. Raises Unavailable when it cannot be
        opened, or read where it is kept."""
        async with self._database.transaction(workspace_id, write=False) as session:
            kept = await self.kept(session, server_id, URL)
        return None if kept is None else await self.filled(workspace_id, Header(URL, kept))

    async def filled(self, workspace_id: str, given: Header) -> Header:
        """A secret as it is used: what of it is kept elsewhere is read there. Raises Unavailable."""
        if not holds_reference(given.value):
            return given
        async with self._database.transaction(workspace_id, write=False) as session:
            slug = await self.references.slug(session)
        found = await self.references.resolve(slug, given.value)
        return Header(given.name, found.value, True, reference=given.value, until=found.until)

    async def keep_given(self, session: AsyncSession, owner_id: str, name: str, value: str) -> None:
        """Keep a secret that a person gave, who may say instead where it is kept. Raises InvalidArgument for a place
        that the session's workspace may not read."""
        await self.references.check(session, value)
        await self.keep(session, owner_id, name, value)

    async def keep(self, session: AsyncSession, owner_id: str, name: str, value: str) -> None:
        """Keep a secret of a row instead of the one before, in the caller's transaction."""
        await self.forget(session, owner_id, name)
        version, ciphertext = self.keys.seal((str(session.info["workspace_id"]), owner_id, name), value)
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
        return self.keys.open(row.place, row.key_version, row.ciphertext)

    async def forget(self, session: AsyncSession, owner_id: str, name: str) -> None:
        """Forget the secret of a row."""
        await session.execute(delete(SealedValue).where(SealedValue.owner_id == owner_id, SealedValue.name == name))

    async def close(self) -> None:
        """Forget what was read elsewhere."""
        await self.references.close()

    async def _filled(self, slug: str, header: Header) -> Header:
        if not holds_reference(header.value):
            return header
        found = await self.references.resolve(slug, header.value)
        value = _encoded(found.value)
        if not is_header_value(value):
            raise Unavailable(
                "What the secrets manager has there cannot be sent as a header: nothing was sent.",
                hint="A header's value is one line of visible ASCII text.",
            )
        return Header(header.name, value, True, reference=header.value, until=found.until)

    def _open(self, row: SealedHeader) -> str:
        return self.keys.open(row.place, row.key_version, row.ciphertext)


def _encoded(value: str) -> str:
    """HTTP's basic scheme carries user and password encoded, of which a manager has one or both as they are."""
    scheme, _, rest = value.partition(" ")
    if scheme.lower() != "basic" or ":" not in rest:
        return value
    return f"{scheme} {base64.b64encode(rest.encode()).decode()}"


async def open_vault(
    database: Database, keys: KeySource | Path, references: References | None = None, now: Now = system_now
) -> Vault:
    """The vault of this database with these keys, or those in a file, which is made on the first start. Raises
    SetupError, having changed nothing, when the keys do not belong to the database."""
    source = FileKeys(keys) if isinstance(keys, Path) else keys
    return Vault(database, await open_keys(database, source, now), references)
