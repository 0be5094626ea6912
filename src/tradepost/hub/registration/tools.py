"""A person's decisions about tools: approve, enable, disable, say what class and scope they have."""

from typing import get_args

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import Now, system_now
from tradepost.foundation.errors import InvalidArgument, NotFound, StateConflict
from tradepost.hub.access.changes import bump, record_change
from tradepost.hub.access.roles import require_role
from tradepost.hub.access.scopes import checked_scopes, needed_scope
from tradepost.hub.registration.granting import follow_needs, needs_of
from tradepost.hub.registration.history import Scribe
from tradepost.hub.registration.injection_check import check_definition
from tradepost.hub.registration.intake import tool_finding
from tradepost.hub.registration.servers import find_server
from tradepost.hub.registry.catalog import ToolClass
from tradepost.hub.registry.models import Server, ToolEntry


async def approve_tool(
    session: AsyncSession,
    by: Caller,
    server: str,
    tool: str,
    *,
    tool_class: ToolClass | None = None,
    scope: str | None = None,
    digest: str | None = None,
    now: Now = system_now,
) -> ToolEntry:
    """Approve a tool's current definition and enable it. A changed definition that waits becomes the pinned one.
    Without a class it counts as a write. `digest` is that of the definition which was looked at: StateConflict where
    another one stands there by now."""
    await require_role(session, by, "admin")
    found = await find_server(session, server)
    approver, at = by.user_id or by.principal.id, now()
    scribe = await Scribe(session, found.id, approver, at).open()  # first, for its lock
    entry = await find_tool(session, found.id, tool)
    current = entry.candidate_digest or entry.digest
    if digest is not None and digest != current:
        raise StateConflict(
            f"The definition of '{entry.name}' is {current} now, not {digest[:80]}.",
            hint="Look at it again before approving it.",
            details={"digest": current},
        )
    if entry.state == "removed":
        raise StateConflict(
            f"The server does not offer '{entry.name}' any more.",
            hint="Discover the server again.",
        )
    pinned_before = entry.digest
    if entry.candidate is not None and entry.candidate_digest is not None:
        entry.definition, entry.digest = entry.candidate, entry.candidate_digest
        entry.candidate = entry.candidate_digest = None
    definition = orjson.loads(entry.definition)
    finding = tool_finding(definition)
    if finding is not None:
        raise StateConflict(f"'{entry.name}' cannot be approved. {finding}", hint="Its owner has to change it first.")
    check_definition(found, entry, definition)
    needed = await needs_of(session, found)
    if tool_class is not None:
        entry.tool_class = _checked_class(tool_class)
    if scope is not None:
        entry.scope = _scope(scope)
    before = {"state": entry.state, "digest": pinned_before}
    entry.state, entry.approved_by, entry.approved_at = "enabled", approver, at
    facts = {"class": entry.tool_class, "scope": entry.scope}
    scribe.approved(entry.name, entry.digest, entry.definition, {**facts, "before": pinned_before})
    details = {"tool": entry.name, "digest": entry.digest, **facts, "before": before}
    await record_change(session, by, "tool:approved", entry.id, details)
    await follow_needs(session, by, found, needed)
    return entry


async def set_tool_enabled(session: AsyncSession, by: Caller, server: str, tool: str, enabled: bool) -> ToolEntry:
    """Disable a tool (refused from the next call on) or enable one that a person approved before."""
    await require_role(session, by, "admin")
    entry = await find_tool(session, server, tool)
    if enabled and (entry.state in ("unapproved", "quarantined", "removed") or entry.candidate is not None):
        raise StateConflict(
            f"'{entry.name}' is {entry.state}: its definition has not been approved.", hint="Approve it instead."
        )
    wanted = "enabled" if enabled else "disabled"
    if entry.state == "removed":
        raise StateConflict(f"The server does not offer '{entry.name}' any more.")
    if entry.state != wanted:
        before, entry.state = entry.state, wanted
        details = {"tool": entry.name, "before": before, "after": wanted}
        await record_change(session, by, f"tool:{wanted}", entry.id, details)
    return entry


async def set_tool_class(
    session: AsyncSession, by: Caller, server: str, tool: str, tool_class: ToolClass, scope: str | None = None
) -> ToolEntry:
    """Say whether a foreign tool reads, writes or destroys, and which scope it needs. A server's own claim about that
    never counts."""
    await require_role(session, by, "admin")
    await bump(session)  # first, for its lock
    entry = await find_tool(session, server, tool)
    owner = await find_server(session, entry.server_id)
    if owner.kind == "builtin":
        raise StateConflict("The class of a bundled tool comes with the release.")
    needed = await needs_of(session, owner)
    before = {"class": entry.tool_class, "scope": entry.scope}
    entry.tool_class = _checked_class(tool_class)
    entry.scope = _scope(scope) if scope is not None else entry.scope
    after = {"class": entry.tool_class, "scope": entry.scope}
    details = {"tool": entry.name, "before": before, "after": after}
    await record_change(session, by, "tool:class", entry.id, details)
    await follow_needs(session, by, owner, needed)
    return entry


async def find_tool(session: AsyncSession, server: str, tool: str) -> ToolEntry:
    """A tool by its server (slug or id) and its own name or id. Raises NotFound."""
    found = await find_server(session, server)
    entry = await session.scalar(
        select(ToolEntry).where(ToolEntry.server_id == found.id, (ToolEntry.name == tool) | (ToolEntry.id == tool))
    )
    if entry is None:
        raise NotFound(
            f"The server '{found.slug}' has no tool '{tool[:60]}'.",
            hint=f"Run `tradepost server tools {found.slug}` to see what it has, or discover it again.",
        )
    return entry


def scope_needed(entry: ToolEntry, server: Server) -> str | None:
    """The scope that a caller needs for a tool now: the one an admin or the release said, else its server's."""
    return needed_scope(entry.scope, server.slug, server.kind, entry.tool_class)


async def list_tools(session: AsyncSession, server: str) -> list[ToolEntry]:
    """All tools of a server with their states, in its order."""
    found: Server = await find_server(session, server)
    return list(
        await session.scalars(
            select(ToolEntry).where(ToolEntry.server_id == found.id).order_by(ToolEntry.position, ToolEntry.name)
        )
    )


def _checked_class(tool_class: str) -> str:
    if tool_class not in get_args(ToolClass):
        raise InvalidArgument(
            f"'{tool_class[:40]}' is no class of tools.", field="class", hint="Use read, write or destructive."
        )
    return tool_class


def _scope(scope: str) -> str:
    return checked_scopes([scope], "scope")[0]
