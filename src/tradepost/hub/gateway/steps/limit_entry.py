"""What is set for a tool and for its server: so many calls in a minute, of all principals together; and the features
that a workspace does not have."""

from collections.abc import Awaitable

from tradepost.hub.gateway.call import Call, Entry
from tradepost.hub.gateway.parts import Parts
from tradepost.hub.registry.catalog import CatalogTool


def limit_entry(call: Call, parts: Parts) -> Awaitable[None] | None:
    """Raises RateLimited, ForbiddenScope."""
    entry = call.found
    require_features(call)
    limits = entry.limits
    if not limits.calls_per_minute and limits.shared is None:
        return None
    return _count(call, parts, entry)


def require_features(call: Call) -> None:
    """Raises ForbiddenScope when the workspace does not have what the call needs."""
    if not call.quotas.off:
        return
    entry = call.found
    if entry.server_kind == "remote":
        call.quotas.require("remote_servers")
    if isinstance(entry, CatalogTool) and entry.tool_class != "read":
        call.quotas.require("writes")


async def _count(call: Call, parts: Parts, entry: Entry) -> None:
    """The server's count first: a call that it refuses does not count for the tool."""
    limits, workspace_id = entry.limits, call.caller.workspace_id
    of_server = (limits.shared or limits).calls_per_minute
    if of_server:
        counted = parts.pace.servers.take((workspace_id, entry.server_id), of_server)
        if counted is not None:
            await counted
    if limits.own_pace and limits.calls_per_minute:
        counted = parts.pace.tools.take((workspace_id, entry.entry_id), limits.calls_per_minute)
        if counted is not None:
            await counted
