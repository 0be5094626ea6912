"""Saying which argument of a foreign tool makes a dry run of it, so that people are shown what it says it would do."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import InvalidArgument, StateConflict
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.roles import require_role
from tradepost.hub.registration.servers import find_server
from tradepost.hub.registration.tools import find_tool
from tradepost.hub.registry.dry_runs import KEY, dry_run_of, mark
from tradepost.hub.registry.models import ToolEntry
from tradepost.hub.registry.pinned import pinned

OWN_PREVIEWS = "Bundled tools are previewed by the very code that carries them out."


async def declare(session: AsyncSession, by: Caller, server: str, tool: str, argument: str | None) -> str | None:
    """Say it of the tool as it is approved now, or with None take it back. Returns what holds. Raises InvalidArgument
    for no such argument of yes and no, NotFound, StateConflict (the tool is bundled, or changes nothing)."""
    await require_role(session, by, "admin")
    entry = await find_tool(session, server, tool)
    if (await find_server(session, server)).kind == "builtin":
        raise StateConflict(OWN_PREVIEWS)
    if argument is not None:
        check_dry_run(entry, argument)
    before = dry_run_of(entry.settings, entry.digest)
    others = {name: value for name, value in entry.settings.items() if name != KEY}
    after = others if argument is None else {**others, KEY: mark(argument, entry.digest)}
    if after != entry.settings:
        entry.settings = after
        details: dict[str, Any] = {"tool": entry.name, "before": before, "after": argument}
        await record_change(session, by, "tool:dry_run", entry.id, details)
    return argument


def only_reads(tool: str) -> str:
    """Why nothing can be said of a tool that is classed as a read."""
    return f"{tool} only reads: it is never asked about."


async def declared(session: AsyncSession, server: str, tool: str) -> str | None:
    """What holds of a tool. Raises NotFound."""
    entry = await find_tool(session, server, tool)
    return dry_run_of(entry.settings, entry.digest)


def check_dry_run(entry: ToolEntry, argument: str) -> None:
    """Raises InvalidArgument for no such argument of yes and no, StateConflict for a tool that changes nothing."""
    if entry.tool_class == "read":
        raise StateConflict(only_reads(entry.name))
    schema = pinned(entry.definition).definition.get("inputSchema") or {}
    known = schema.get("properties") or {}
    found = known.get(argument)
    if not isinstance(found, dict) or found.get("type") != "boolean":
        switches = sorted(name for name, one in known.items() if isinstance(one, dict) and one.get("type") == "boolean")
        raise InvalidArgument(
            f"{entry.name} has no argument '{argument[:60]}' that is true or false.",
            hint=f"There are: {', '.join(switches[:20])}." if switches else "It has none that is true or false.",
            field="argument",
        )
