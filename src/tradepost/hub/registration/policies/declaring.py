"""Saying in which arguments of a foreign tool its amount, currency, quantity and customer stand, so that rules can look
at them. Of a bundled tool the release knows."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import StateConflict
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.roles import require_role
from tradepost.hub.policy.figures import KEY, declared_of
from tradepost.hub.registration.servers import find_server
from tradepost.hub.registration.tools import find_tool


async def declare(
    session: AsyncSession, by: Caller, server: str, tool: str, given: Mapping[str, str | None]
) -> dict[str, str]:
    """Set some and, with None, let go of others. Returns what holds then. Raises InvalidArgument, NotFound,
    StateConflict (the tool is bundled)."""
    await require_role(session, by, "admin")
    entry = await find_tool(session, server, tool)
    if (await find_server(session, server)).kind == "builtin":
        raise StateConflict("What a bundled tool is about comes with the release.")
    before: dict[str, str] = dict(entry.settings.get(KEY, {}))
    wanted = {name: value for name, value in {**before, **given}.items() if value is not None}
    found = declared_of(wanted)
    after = {} if found is None else found.as_stored()
    if after != before:
        others = {name: value for name, value in entry.settings.items() if name != KEY}
        entry.settings = {**others, KEY: after} if after else others
        details: dict[str, Any] = {"tool": entry.name, "before": before, "after": after}
        await record_change(session, by, "tool:figures", entry.id, details)
    return after


async def declared(session: AsyncSession, server: str, tool: str) -> dict[str, str]:
    """What was said of a tool. Raises NotFound."""
    return dict((await find_tool(session, server, tool)).settings.get(KEY, {}))
