"""Test and Discover: the only moments in which the registry looks at a live server.

Discovering is also refreshing: what is new waits unapproved, what changed leaves the catalogs until a person has
looked, what is gone is flagged. The list is stored as a whole or not at all; no transaction is open while the server
is asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import StateConflict, UpstreamError, UpstreamTimeout
from tradepost.foundation.ids import new_id
from tradepost.foundation.untrusted import clean
from tradepost.hub.access.changes import note, record_change
from tradepost.hub.access.roles import require_role, system_caller
from tradepost.hub.limits.settings import limits_of
from tradepost.hub.registration.difference import Difference, apply_lists
from tradepost.hub.registration.openapi.classes import propose_classes
from tradepost.hub.registration.servers import find_server
from tradepost.hub.registry.models import Server
from tradepost.hub.upstreams.connections import Connection, Connections
from tradepost.hub.upstreams.feed import tells_of_updates
from tradepost.hub.upstreams.redaction import redact
from tradepost.hub.vault.vault import Vault
from tradepost.protocol.api_marks import is_api

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TestReport:
    """What a test found: how the server is reached and what it offers, or one sentence about what is wrong."""

    ok: bool
    era: str | None = None
    protocol_version: str | None = None
    transport: str | None = None
    latency_ms: float | None = None
    server_name: str | None = None
    tools: int | None = None
    watches: bool = False
    problem: str | None = None
    hint: str | None = None
    __test__ = False  # not a test class, whatever a collector thinks of its name


@dataclass(frozen=True, slots=True)
class Lists:
    """All that a server offers, as it said it."""

    tools: Sequence[Json]
    resources: Sequence[Json] = field(default=())
    templates: Sequence[Json] = field(default=())
    prompts: Sequence[Json] = field(default=())


class Discovery:
    """Looks at remote servers for an admin."""

    def __init__(self, database: Database, vault: Vault, connections: Connections, now: Now = system_now) -> None:
        self._database = database
        self._vault = vault
        self._connections = connections
        self._now = now

    async def test(self, by: Caller, server: str) -> TestReport:
        """Connect anew, with the server's headers, and list its tools. Says what is wrong instead of raising."""
        target = await self._target(by, server)
        connection = await self._connect(target)
        try:
            identity = await connection.client.probe()
            tools = await connection.client.list_tools()
        except (UpstreamError, UpstreamTimeout) as error:
            report = TestReport(ok=False, problem=error.message, hint=error.hint)
        else:
            report = TestReport(
                ok=True,
                era=identity.era,
                protocol_version=identity.version,
                transport=identity.transport,
                latency_ms=identity.latency_ms,
                server_name=clean(redact(identity.title or identity.name, connection.secrets), 100),
                tools=len(tools),
                watches=tells_of_updates(identity),
            )
        finally:
            await connection.close()
        await self._store(by, target, report)
        return report

    async def discover(self, by: Caller, server: str) -> Difference:
        """Store what the server offers now and say what is different from before. Raises UpstreamError,
        UpstreamTimeout; then nothing is changed."""
        return await self._laid_over(by, server, always=True)

    async def relist(self, workspace_id: str, server: str) -> Difference:
        """The same because a server says that its lists changed. Where they did not, nothing is recorded."""
        return await self._laid_over(system_caller(workspace_id, new_id("req")), server, always=False)

    async def _laid_over(self, by: Caller, server: str, *, always: bool) -> Difference:
        target = await self._target(by, server)
        connection = await self._connect(target)
        try:
            await connection.client.probe()
            lists = Lists(
                await connection.client.list_tools(),
                await connection.client.list_resources(),
                await connection.client.list_resource_templates(),
                await connection.client.list_prompts(),
            )
        finally:
            await connection.close()
        async with self._database.transaction(by.workspace_id, write=True) as session:
            await require_role(session, by, "admin")
            current = await find_server(session, target.id)
            if (current.url, current.credential_version) != (target.url, target.credential_version):
                raise StateConflict("The server was changed while it was asked.", hint="Discover it again.")
            clear = redact([lists.tools, lists.resources, lists.templates, lists.prompts], connection.secrets)
            difference = await apply_lists(session, current, *clear)
            if is_api(current.url):
                await propose_classes(session, by, current, difference)
            if always or not difference.is_empty or difference.contents_changed:
                await record_change(session, by, "server:discovered", current.id, difference.summary())
            return difference

    async def _target(self, by: Caller, server: str) -> Server:
        async with self._database.transaction(by.workspace_id, write=False) as session:
            await require_role(session, by, "admin")
            found = await find_server(session, server)
        if found.kind != "remote" or found.url is None:
            raise StateConflict(f"'{found.slug}' is a bundled server: it is always up to date with this release.")
        return found

    async def _connect(self, target: Server) -> Connection:
        place = (target.workspace_id, target.id)
        headers, ambient = await self._vault.headers_for(*place), await self._connections.ambient(*place)
        return self._connections.fresh(target.url or "", headers, limits_of(target.settings), ambient, place)

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
            note(session, by, "server:tested", target.id, {"ok": report.ok, "problem": report.problem})
