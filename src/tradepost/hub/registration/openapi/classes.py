"""The class of a tool that stands for a request: what its method promises, until an admin says something else.

A document is chosen by an admin, and its methods mean what HTTP says; so a GET need not wait to be called a read. Where
a changed document makes more of a tool than it was, it counts as that at once.
"""

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.hub.access.changes import note
from tradepost.hub.registration.difference import Difference
from tradepost.hub.registration.openapi.operations import class_of
from tradepost.hub.registry.models import Server, ToolEntry
from tradepost.hub.upstreams.rest.plan import plan_of

_CARE = ("read", "write", "destructive")  # the more careful the later


async def propose_classes(session: AsyncSession, by: Caller, server: Server, difference: Difference) -> None:
    """Set the classes of tools that are new, raise those of changed ones. In the session's transaction."""
    changed = {change.name for change in difference.changed}
    names = {*difference.new, *changed}
    if not names:
        return
    for entry in await session.scalars(select(ToolEntry).where(ToolEntry.server_id == server.id)):
        plan = plan_of(orjson.loads(entry.candidate or entry.definition)) if entry.name in names else None
        if plan is None:
            continue
        said = class_of(plan["method"])
        if entry.name not in changed:
            entry.tool_class = said
        elif _CARE.index(said) > _CARE.index(entry.tool_class):
            note(session, by, "tool:class", entry.id, {"tool": entry.name, "before": entry.tool_class, "after": said})
            entry.tool_class = said
