"""The hub's approved servers in the shape of the official MCP Registry: a `server.json` for each, whose remote is the
hub's own endpoint for it. Where a server really is, and with which credential, is not told.

Who comes as an agent, or for a profile, sees the servers of which it may use something; people see all of their
workspace. A server counts as approved from the first tool on that somebody approved.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import ForbiddenScope
from tradepost.foundation.untrusted import clean
from tradepost.hub.access.agents import find_agent
from tradepost.hub.access.roles import require_role
from tradepost.hub.registration.servers import list_servers
from tradepost.hub.registry.catalogs import HUB_SERVER
from tradepost.hub.registry.models import Assignment, Server, ToolEntry

SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
OFFICIAL = "io.modelcontextprotocol.registry/official"
READ_SCOPE = "read:servers"
MAX_DESCRIPTION = 100

Json = dict[str, Any]
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")


@dataclass(frozen=True, slots=True)
class Listed:
    """One server as a registry tells of it. There is one version of it: what was approved last. `deleted` are those
    that were approved once and that nobody can use now."""

    name: str
    title: str
    description: str
    version: str
    url: str
    published: datetime
    updated: datetime
    deleted: bool = False

    def fits(self, search: str) -> bool:
        """Whether a text is in its name, title or description."""
        wanted = search.casefold()
        return any(wanted in text.casefold() for text in (self.name, self.title, self.description))

    def as_response(self) -> Json:
        """A ServerResponse of the registry's API."""
        moment = to_rfc3339(self.updated)
        server = {
            "$schema": SCHEMA,
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "version": self.version,
            "remotes": [{"type": "streamable-http", "url": self.url}],
        }
        about = {
            "status": "deleted" if self.deleted else "active",
            "statusChangedAt": moment,
            "publishedAt": to_rfc3339(self.published),
            "updatedAt": moment,
            "isLatest": True,
        }
        return {"server": server, "_meta": {OFFICIAL: about}}


@dataclass(slots=True)
class _Tools:
    """What is known of a server's tools."""

    usable: int = 0
    approved: bool = False
    changed: list[datetime] = field(default_factory=list)


async def approved_servers(session: AsyncSession, caller: Caller | None, hub_url: str) -> list[Listed]:
    """By name. `caller` is None for everybody, where the operator opened the workspace's list to everybody. Raises
    ForbiddenScope."""
    reach = await _reach(session, caller)
    found = []
    tools = await _tools(session, caller, reach)
    for server in await list_servers(session):
        known = tools.get(server.id)
        if known is None or not known.approved or server.builtin_key == HUB_SERVER:
            continue
        listed = _listed(server, known, hub_url)
        if reach is None or not listed.deleted:
            found.append(listed)
    return sorted(found, key=lambda one: one.name)


async def _reach(session: AsyncSession, caller: Caller | None) -> set[str] | None:
    """The tool entries that are assigned to a caller; None for whoever sees the whole workspace."""
    if caller is None:
        return None
    if caller.agent_id is None and caller.profile_id is None:
        await require_role(session, caller, "viewer")
        if caller.scopes and READ_SCOPE not in caller.scopes:
            raise ForbiddenScope(f"This needs a key with the scope {READ_SCOPE}.", hint="Use another key.")
        return None
    profile_id = caller.profile_id
    if caller.agent_id is not None:
        profile_id = (await find_agent(session, caller.agent_id)).profile_id
    rows = await session.scalars(
        select(Assignment.tool_entry_id).where(
            or_(Assignment.agent_id == caller.agent_id, Assignment.profile_id == profile_id)
        )
    )
    return set(rows)


async def _tools(session: AsyncSession, caller: Caller | None, reach: set[str] | None) -> dict[str, _Tools]:
    rows = await session.execute(
        select(
            *(ToolEntry.id, ToolEntry.server_id, ToolEntry.state, ToolEntry.scope),
            *(ToolEntry.approved_by, ToolEntry.updated_at),
        )
    )
    found: dict[str, _Tools] = defaultdict(_Tools)
    for entry_id, server_id, state, scope, approved_by, updated_at in rows:
        if reach is not None and (entry_id not in reach or not _has(caller, scope)):
            continue
        known = found[server_id]
        known.usable += state == "enabled"
        known.approved = known.approved or approved_by is not None
        known.changed.append(updated_at)
    return found


def _has(caller: Caller | None, scope: str | None) -> bool:
    return scope is None or (caller is not None and caller.has_scope(scope))


def _listed(server: Server, tools: _Tools, hub_url: str) -> Listed:
    changed = max(server.created_at, *tools.changed)
    return Listed(
        name=name_of(server.slug, hub_url),
        title=clean(server.name, MAX_DESCRIPTION - 30) or server.slug,
        description=_description(server, tools.usable),
        version=_version(changed),
        url=f"{hub_url}/mcp/servers/{server.slug}",
        published=server.created_at,
        updated=max(server.updated_at, changed),
        deleted=server.status == "disabled" or tools.usable == 0,
    )


def name_of(slug: str, hub_url: str) -> str:
    """`com.example.hub/tracker` at a hub of hub.example.com; `local.tradepost/tracker` at one that has no name."""
    host = urlsplit(hub_url).hostname or ""
    labels = host.split(".")
    has_name = len(labels) > 1 and not labels[-1].isdigit() and ":" not in host
    return f"{'.'.join(reversed(labels)) if has_name else 'local.tradepost'}/{slug}"


def _description(server: Server, usable: int) -> str:
    """Of a bundled server, the first sentence of what the release says of it. Words of others are not passed on."""
    said = _SENTENCE.match(server.instructions.strip()) if server.kind == "builtin" else None
    text = said[0].strip() if said is not None else f"{usable} approved tool{'' if usable == 1 else 's'}."
    return text if len(text) <= MAX_DESCRIPTION else text[: MAX_DESCRIPTION - 1] + "…"


def _version(changed: datetime) -> str:
    """When its tools changed last, in the form of a semantic version: each is higher than the one before."""
    day, time = changed.month * 100 + changed.day, changed.hour * 10_000 + changed.minute * 100 + changed.second
    return f"{changed.year}.{day}.{time}"


def since(servers: Iterable[Listed], moment: datetime | None) -> Sequence[Listed]:
    """Those that are others since a moment."""
    return [one for one in servers if moment is None or one.updated >= moment]
