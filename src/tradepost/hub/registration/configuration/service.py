"""Configurations: a workspace's registry and access, given out as a document and brought to what a document says."""

import asyncio
from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import ForbiddenScope, InvalidArgument, StateConflict, TradepostError
from tradepost.hub.access.changes import bump
from tradepost.hub.access.roles import require_role
from tradepost.hub.registration.caller_assertion import check_audience
from tradepost.hub.registration.configuration.applying import apply
from tradepost.hub.registration.configuration.applying_servers import ServerChanges
from tradepost.hub.registration.configuration.checks import checked
from tradepost.hub.registration.configuration.comparing import compare
from tradepost.hub.registration.configuration.document import Document, ServerPart
from tradepost.hub.registration.configuration.exporting import document_of
from tradepost.hub.registration.configuration.headers import Values
from tradepost.hub.registration.configuration.plan import Plan
from tradepost.hub.registration.configuration.reading import Path, Read
from tradepost.hub.registration.configuration.rows import Rows, read_rows
from tradepost.hub.registration.servers import list_servers
from tradepost.hub.upstreams.guard import Guard
from tradepost.hub.upstreams.programs import SCHEME, Programs
from tradepost.hub.vault.header_rules import Header
from tradepost.hub.vault.vault import Vault

Given = Mapping[str, Mapping[str, str]]


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
        self._guard = guard
        self._programs = programs
        self._now = now

    async def export(self, by: Caller) -> Document:
        """What the workspace has. Raises ForbiddenScope."""
        async with self._database.transaction(by.workspace_id, write=False) as session:
            await require_role(session, by, "admin")
            return document_of(await read_rows(session))

    async def bring(
        self, by: Caller, read: Read, *, dry_run: bool = False, prune: bool = False, given: Given | None = None
    ) -> Plan:
        """Bring the workspace to what a file says, wholly or not at all. A dry run does the same and keeps nothing, so
        that what it finds wrong is what would go wrong. `prune` removes what the lists of the file do not have. `given`
        are values of headers, by server and then by name in lower case."""
        wanted = await asyncio.to_thread(checked, read)  # digests of some thousand definitions take their time
        asked = await self._check_urls(by, read, wanted, given or {})
        plan = Plan(())
        try:
            async with self._database.transaction(by.workspace_id, write=True) as session:
                await require_role(session, by, "admin")
                await bump(session)  # for its lock: nobody else changes the registry in between
                rows = await read_rows(session)
                self._check_unchanged(rows, wanted, asked)
                values = Values(given or {}, await self._stored(session, wanted, rows))
                plan = compare(read, wanted, document_of(rows), rows, values, prune=prune)
                if not plan.is_empty:
                    servers = ServerChanges(session, by, read, rows, self._vault, values, self._now())
                    await apply(session, by, plan, rows, servers)
                if dry_run or plan.is_empty:
                    raise _Undone
        except _Undone:
            pass
        return plan

    async def _check_urls(self, by: Caller, read: Read, wanted: Document, given: Given) -> Mapping[str, str | None]:
        """What the URLs of servers are before the import; those that would be others pass the guard. Nobody's name is
        looked up while a transaction is open."""
        async with self._database.transaction(by.workspace_id, write=False) as session:
            await require_role(session, by, "admin")
            urls = {row.slug: row.url for row in await list_servers(session)}
        for number, part in enumerate(wanted.servers):
            path: Path = ("servers", number, "url" if part.url is not None else "slug")
            before = urls.get(part.slug)
            url = part.url or before
            if url is None:
                continue
            try:
                if url.startswith(SCHEME):
                    if url != before:
                        self._check_program(url.removeprefix(SCHEME))
                else:
                    await self._check_url(part, url, before, bool(given.get(part.slug)))
            except ForbiddenScope:
                raise
            except TradepostError as error:
                raise read.wrong(path, error.message, error.hint) from None
        return urls

    def _check_program(self, name: str) -> None:
        if self._programs is None:
            raise ForbiddenScope(
                "Servers that are programs are added on the hub's own machine alone.",
                hint="Let its operator import the file: tradepost import FILE",
            )
        self._programs.starter(name)

    async def _check_url(self, part: ServerPart, url: str, before: str | None, has_values: bool) -> None:
        """A URL that is there already counts as good; whether a secret may travel there is looked at anew."""
        if isinstance(part.caller_assertion, str):
            check_audience(part.caller_assertion, url)
        is_plain = not url.startswith("https:")
        protects = part.caller_assertion is not False or (has_values and any(one.secret for one in part.headers))
        if url == before and not (is_plain and protects):
            return
        origin = await self._guard.check(url)
        if is_plain and protects:
            addresses = await self._guard.addresses(origin.host, origin.port)
            if not self._guard.may_use_plain_http(origin, addresses):
                raise InvalidArgument(
                    "A secret header or assertion would travel over plain http.", hint="Use the server's https URL."
                )

    @staticmethod
    def _check_unchanged(rows: Rows, wanted: Document, asked: Mapping[str, str | None]) -> None:
        for part in wanted.servers:
            row = rows.servers.get(part.slug)
            if part.url is not None and (row.url if row is not None else None) != asked.get(part.slug):
                raise StateConflict(f"The URL of '{part.slug}' was changed at this moment.", hint="Import it again.")

    async def _stored(self, session: AsyncSession, wanted: Document, rows: Rows) -> dict[str, dict[str, Header]]:
        """The values that servers have whose headers the file names."""
        found = {}
        for part in wanted.servers:
            row = rows.servers.get(part.slug)
            if row is not None and part.says("headers") and rows.headers.get(row.id):
                headers = await self._vault.stored(session, row.id)
                found[part.slug] = {header.name.lower(): header for header in headers}
        return found
