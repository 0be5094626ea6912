"""Configurations: a workspace's registry and access, given out as a document and brought to what a document says."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import StateConflict
from tradepost.hub.access.changes import bump
from tradepost.hub.access.roles import require_role
from tradepost.hub.registration.configuration.applying import apply
from tradepost.hub.registration.configuration.applying_servers import ServerChanges
from tradepost.hub.registration.configuration.checks import checked
from tradepost.hub.registration.configuration.comparing import compare
from tradepost.hub.registration.configuration.document import Document
from tradepost.hub.registration.configuration.exporting import document_of
from tradepost.hub.registration.configuration.following import Following
from tradepost.hub.registration.configuration.guarding import Guarding, Looked
from tradepost.hub.registration.configuration.plan import Plan
from tradepost.hub.registration.configuration.reading import Read
from tradepost.hub.registration.configuration.rows import Rows, read_rows
from tradepost.hub.registration.configuration.values import NOTHING_GIVEN, Given, Values
from tradepost.hub.registry.models import Server
from tradepost.hub.upstreams.guard import Guard
from tradepost.hub.upstreams.oauth.kept import CLIENT_SECRET
from tradepost.hub.upstreams.programs import Programs
from tradepost.hub.vault.vault import URL, Vault


class _Undone(Exception):
    """Ends a transaction in which nothing is to be kept."""


class Configurations:
    """An admin's way to everything at once. `programs` are the operator's; where there are none (None), as over HTTP,
    no server can be made one of them."""

    def __init__(
        self, database: Database, vault: Vault, guard: Guard, programs: Programs | None = None, now: Now = system_now
    ) -> None:
        self._database = database
        self._vault = vault
        self._guarding = Guarding(guard, programs)
        self._now = now

    async def export(self, by: Caller) -> Document:
        """What the workspace has. Raises ForbiddenScope."""
        async with self._database.transaction(by.workspace_id, write=False) as session:
            await require_role(session, by, "admin")
            return await asyncio.to_thread(document_of, await read_rows(session))

    async def bring(
        self, by: Caller, read: Read, *, dry_run: bool = False, prune: bool = False, given: Given = NOTHING_GIVEN
    ) -> Plan:
        """Bring the workspace to what a file says, wholly or not at all. A dry run does the same and keeps nothing, so
        that what it finds wrong is what would go wrong. `prune` removes what the lists of the file do not have. `given`
        are values of secrets that the file has the names of."""
        wanted = await asyncio.to_thread(checked, read)  # digests of some thousand definitions take their time
        asked = await self._looked(by)
        await self._guarding.check(read, wanted, asked, given)  # names are looked up while no transaction is open
        plan = Plan(())
        try:
            async with self._database.transaction(by.workspace_id, write=True) as session:
                await require_role(session, by, "admin")
                # For their locks: nobody else changes the registry in between. Who looks at a server takes them so too.
                await session.execute(select(Server.id).order_by(Server.id).with_for_update(key_share=True))
                await bump(session)
                rows = await read_rows(session)
                self._check_unchanged(rows, wanted, asked)
                values = await self._values(session, wanted, rows, given)
                current = await asyncio.to_thread(document_of, rows)  # like what follows, long for long documents
                plan = await asyncio.to_thread(compare, read, wanted, current, rows, values, prune=prune)
                if not plan.is_empty:
                    servers = ServerChanges(session, by, read, rows, self._vault, values, self._now())
                    stated = {part.slug for part in wanted.agents if part.says("scopes")}
                    following = Following(session, by, rows, stated)
                    notes = await apply(session, by, plan, rows, servers, following)
                    plan = replace(plan, notes=(*plan.notes, *notes))
                if dry_run or plan.is_empty:
                    raise _Undone
        except _Undone:
            pass
        return plan

    async def _looked(self, by: Caller) -> Mapping[str, Looked]:
        """Where servers are before the import, by slug."""
        async with self._database.transaction(by.workspace_id, write=False) as session:
            await require_role(session, by, "admin")
            rows = await read_rows(session)
        return {slug: Looked.of(rows, row) for slug, row in rows.servers.items()}

    @staticmethod
    def _check_unchanged(rows: Rows, wanted: Document, asked: Mapping[str, Looked]) -> None:
        for part in wanted.servers:
            row, before = rows.servers.get(part.slug), asked.get(part.slug)
            now = Looked.of(rows, row) if row is not None else None
            if now != before:
                raise StateConflict(f"The server '{part.slug}' was changed at this moment.", hint="Import it again.")

    async def _values(self, session: AsyncSession, wanted: Document, rows: Rows, given: Given) -> Values:
        """The values that servers have beside those that are given."""
        values = Values(given, {}, {}, {})
        for part in wanted.servers:
            row = rows.servers.get(part.slug)
            if row is None:
                continue
            if part.says("headers") and rows.headers.get(row.id):
                headers = await self._vault.stored(session, row.id)
                values.headers[part.slug] = {header.name.lower(): header for header in headers}
            if part.slug in given.urls:
                values.urls[part.slug] = await self._vault.kept(session, row.id, URL)
            if part.slug in given.client_secrets and row.id in rows.oauth:
                setup = rows.oauth[row.id]
                values.client_secrets[part.slug] = await self._vault.kept(session, setup.id, CLIENT_SECRET)
        return values
