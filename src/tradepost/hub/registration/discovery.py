"""Test and Discover: the only moments in which the registry looks at a live server.

Discovering is also refreshing: what is new waits unapproved, what changed is quarantined until a person has looked,
what is gone is flagged. The list is stored as a whole or not at all; no transaction is open while the server is asked.

Agents never wait for any of it. Whoever looks at the same moment shares one look, and what was seen is kept for 300
seconds for those who need nothing newer. A server is also asked over the connection over which calls go, where there is
one: what it shows there has to be what it shows here.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import StateConflict, Unavailable, UpstreamError, UpstreamTimeout
from tradepost.foundation.ids import new_id
from tradepost.hub.access.changes import note, record_change
from tradepost.hub.access.roles import require_role, system_caller
from tradepost.hub.limits.settings import limits_of
from tradepost.hub.registration.difference import Difference, InUse, Look, apply_lists
from tradepost.hub.registration.flights import Flights
from tradepost.hub.registration.history import Identity, identity_of
from tradepost.hub.registration.openapi.classes import propose_classes
from tradepost.hub.registration.servers import find_server
from tradepost.hub.registration.trial import TestReport, failure, tried
from tradepost.hub.registry.models import Server
from tradepost.hub.upstreams.connection import Connection
from tradepost.hub.upstreams.connections import Connections
from tradepost.hub.upstreams.redaction import redact
from tradepost.hub.vault.vault import Vault
from tradepost.protocol.api_marks import is_api, web_url

Json = dict[str, Any]

logger = logging.getLogger(__name__)

KEPT_SECONDS = 300.0
MOST_KEPT = 32  # servers whose lists are kept


@dataclass(frozen=True, slots=True)
class Lists:
    """All that a server offers, as it said it, but for its own secrets; `in_use` is what it shows where calls
    go."""

    tools: Sequence[Json]
    resources: Sequence[Json] = field(default=())
    templates: Sequence[Json] = field(default=())
    prompts: Sequence[Json] = field(default=())
    in_use: InUse = field(default_factory=InUse)
    identity: Identity = field(default_factory=Identity)


class Discovery:
    """Looks at remote servers for an admin."""

    def __init__(self, database: Database, vault: Vault, connections: Connections, now: Now = system_now) -> None:
        self._database = database
        self._vault = vault
        self._connections = connections
        self._now = now
        self._looks: Flights[tuple[str, str, str | None, int, str], Lists] = Flights(KEPT_SECONDS, MOST_KEPT)

    async def test(self, by: Caller, server: str) -> TestReport:
        """Connect anew, with the server's credential, and list its tools. Says what is wrong instead of raising."""
        target = await self._target(by, server)
        try:
            connection = await self._connect(by, target)
            try:
                report = await tried(connection)
            except (UpstreamError, UpstreamTimeout) as error:
                report = await self._what_is_wrong(target, connection, error)
            finally:
                await connection.close()
        except UpstreamError as error:  # there is no credential to try it with
            report = TestReport(ok=False, problem=error.message, hint=error.hint)
        await self._store(by, target, report)
        return report

    async def discover(self, by: Caller, server: str, *, fresh: bool = True) -> Difference:
        """Store what the server offers now and say what is different from before; without `fresh`, what it offered at
        most 300 seconds ago. Raises UpstreamError, UpstreamTimeout; then nothing is changed."""
        return await self._laid_over(by, server, by.user_id or by.principal.id, always=True, fresh=fresh)

    async def relist(self, workspace_id: str, server: str, cause: str = "list_changed") -> Difference:
        """The same because of what happened, which no earlier look can know of. Where nothing is different, nothing is
        recorded."""
        by = system_caller(workspace_id, new_id("req"))
        return await self._laid_over(by, server, cause, always=False, later=True)

    async def _laid_over(
        self, by: Caller, server: str, who: str, *, always: bool, fresh: bool = False, later: bool = False
    ) -> Difference:
        target = await self._target(by, server)
        place = (target.workspace_id, target.id, target.url, target.credential_version, by.user_id or "")
        lists = await self._looks.get(place, lambda: self._ask(by, target), fresh=fresh, later=later)
        async with self._database.transaction(by.workspace_id, write=True) as session:
            await require_role(session, by, "admin")
            current = await find_server(session, target.id)
            if (current.url, current.credential_version) != (target.url, target.credential_version):
                raise StateConflict("The server was changed while it was asked.", hint="Discover it again.")
            look = Look(lists.identity, who, self._now(), lists.in_use)
            difference = await apply_lists(
                session, current, lists.tools, lists.resources, lists.templates, lists.prompts, look
            )
            if is_api(current.url):
                await propose_classes(session, by, current, difference)
            if always or not difference.is_empty:
                await record_change(session, by, "server:discovered", current.id, {**difference.summary(), "who": who})
            return difference

    async def _ask(self, by: Caller, target: Server) -> Lists:
        connection = await self._connect(by, target)
        try:
            found = await connection.client.probe()
            said = [
                await connection.client.list_tools(),
                await connection.client.list_resources(),
                await connection.client.list_resource_templates(),
                await connection.client.list_prompts(),
            ]
        except (UpstreamError, UpstreamTimeout) as error:
            report = await self._what_is_wrong(target, connection, error)
            error.message, error.hint = report.problem or error.message, report.hint
            error.args = (error.message,)
            raise
        finally:
            await connection.close()
        tools, resources, templates, prompts = redact(said, connection.secrets)
        in_use = await self._shown_in_use(target)
        return Lists(tools, resources, templates, prompts, in_use, identity_of(found, connection.secrets))

    async def _what_is_wrong(
        self, target: Server, connection: Connection, error: UpstreamError | UpstreamTimeout
    ) -> TestReport:
        """The same words for whoever meets it: who tests a server, and who discovers it."""
        return await failure(self._connections.guard, target.slug, web_url(target.url or ""), connection, error)

    async def _shown_in_use(self, target: Server) -> InUse:
        """What it shows over the connection over which calls go, as far as this process has one and it can be had."""
        connection = self._connections.open_to(target.workspace_id, target.id)
        if connection is None:
            return InUse()
        try:
            shown = [
                await connection.client.list_tools(),
                [*await connection.client.list_resources(), *await connection.client.list_resource_templates()],
                await connection.client.list_prompts(),
            ]
        except (UpstreamError, UpstreamTimeout) as error:
            logger.info("what %s shows where calls go was not listed: %s", target.slug, error.message)
            return InUse()
        return InUse(*redact(shown, connection.secrets))

    async def _target(self, by: Caller, server: str) -> Server:
        async with self._database.transaction(by.workspace_id, write=False) as session:
            await require_role(session, by, "admin")
            found = await find_server(session, server)
        if found.kind != "remote" or found.url is None:
            raise StateConflict(f"'{found.slug}' is a bundled server: it is always up to date with this release.")
        return found

    async def _connect(self, by: Caller, target: Server) -> Connection:
        if by.principal.kind == "system" and by.user_id is None:
            by = replace(by, user_id=target.owner_id)  # a list that is everybody's: as whoever registered the server
        place = (target.workspace_id, target.id, target.url or "", limits_of(target.settings))
        try:
            return await self._connections.anew(*place, slug=target.slug, caller=by)
        except Unavailable as error:  # where its secret is kept, for example, there is none
            raise UpstreamError(error.message, hint=error.hint) from error

    async def _store(self, by: Caller, target: Server, report: TestReport) -> None:
        async with self._database.transaction(by.workspace_id, write=True) as session:
            current = await find_server(session, target.id)
            current.tested_at = self._now()
            current.last_error = report.problem
            if current.status != "disabled":
                current.status = "ready" if report.ok else "failing"
            if report.ok:
                current.identity = {
                    "era": report.era,
                    "protocol_version": report.protocol_version,
                    "transport": report.transport,
                    "name": report.server_name,
                    "latency_ms": report.latency_ms,
                    "watches": report.watches,
                }
            details = {"ok": report.ok, "problem": report.problem, "scopes_missing": list(report.scopes_missing)}
            note(session, by, "server:tested", target.id, details)
