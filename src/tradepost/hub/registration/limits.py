"""What an admin sets for a server or one of its tools: in force on the next call, with a line in the audit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.roles import require_role
from tradepost.hub.limits.settings import SETTINGS, Value, allowed, checked, limits_of
from tradepost.hub.registration.servers import find_server
from tradepost.hub.registration.tools import find_tool
from tradepost.hub.registry.models import Server, ToolEntry
from tradepost.hub.registry.rules import Rules, read_rules


@dataclass(frozen=True, slots=True)
class InForce:
    """One setting: the value that holds, whether the tool, the server, the workspace or nobody (`default`) set it, what
    it means."""

    name: str
    value: Value
    set_by: str
    what: str


async def change(
    session: AsyncSession,
    by: Caller,
    server: str,
    tool: str | None = None,
    *,
    given: Mapping[str, object] | None = None,
    dropped: Sequence[str] = (),
) -> list[InForce]:
    """Set some values and let go of others, of a server or of one of its tools. Returns what holds then. Raises
    InvalidArgument for a name or value that there is not."""
    await require_role(session, by, "admin")
    found = await find_server(session, server)
    row: Server | ToolEntry = found if tool is None else await find_tool(session, server, tool)
    options = {"of_tool": tool is not None, "bundled": found.kind == "builtin"}
    wanted = {name: checked(name, value, **options) for name, value in (given or {}).items()}
    for name in dropped:
        if name not in SETTINGS:
            raise InvalidArgument(
                f"There is no setting '{name[:60]}'.", hint=f"There are: {', '.join(SETTINGS)}.", field=name[:60]
            )
    before = dict(row.settings)
    after = {name: value for name, value in {**before, **wanted}.items() if name not in dropped}
    if after != before:
        row.settings = after
        changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
        details = {
            "of": row.slug if isinstance(row, Server) else row.name,
            "before": {name: before[name] for name in sorted(changed & before.keys())},
            "after": {name: after[name] for name in sorted(changed & after.keys())},
        }
        kind = "server" if isinstance(row, Server) else "tool"
        await record_change(session, by, f"{kind}:settings", row.id, details)
    return _in_force(found, row if isinstance(row, ToolEntry) else None, await read_rules(session))


async def in_force(session: AsyncSession, server: str, tool: str | None = None) -> list[InForce]:
    """What holds for a server, or for one of its tools, in the order of the names."""
    found = await find_server(session, server)
    return _in_force(found, None if tool is None else await find_tool(session, server, tool), await read_rules(session))


def _in_force(server: Server, tool: ToolEntry | None, rules: Rules) -> list[InForce]:
    own, bundled = tool.settings if tool is not None else {}, server.kind == "builtin"
    limits = limits_of(server.settings, own, rules.result_tokens, bundled=bundled)
    of_workspace = {"result_tokens"} if rules.result_tokens is not None else set[str]()
    return [
        InForce(
            name,
            getattr(limits, name),
            "tool"
            if name in own
            else "server"
            if name in server.settings
            else "workspace"
            if name in of_workspace
            else "default",
            SETTINGS[name].what,
        )
        for name in allowed(of_tool=tool is not None, bundled=bundled)
    ]
