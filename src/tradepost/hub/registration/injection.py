"""What an admin says a server is told of its callers: rules for the server and for its tools. In force on the next
call, with a line in the audit.

What all requests to a server carry belongs to its connections: a change of that counts as one of its credential, so
that they are opened anew, and what people approved before is asked again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import NotFound, StateConflict
from tradepost.hub.access.changes import record_change
from tradepost.hub.access.roles import require_role
from tradepost.hub.registration.injection_check import check_against_tools
from tradepost.hub.registration.servers import find_server
from tradepost.hub.registration.tools import find_tool, list_tools
from tradepost.hub.registry.injection_rules import (
    ASSERTION,
    INJECT,
    Rule,
    checked_number,
    checked_rule,
    stored_rules,
)
from tradepost.hub.registry.models import Server, ToolEntry
from tradepost.hub.upstreams.programs import SCHEME
from tradepost.hub.vault.models import SealedHeader


@dataclass(frozen=True, slots=True)
class InForce:
    """What a server, or one tool of it, is told: each rule with whose it is (`tool` or `server`), and the audience of
    the signed assertion, None where there is none."""

    rules: Sequence[tuple[Rule, str]]
    audience: str | None


async def in_force(session: AsyncSession, server: str, tool: str | None = None) -> InForce:
    """What holds for a server, or for one of its tools. Raises NotFound."""
    found = await find_server(session, server)
    return told(found, None if tool is None else await find_tool(session, server, tool))


async def change_rules(
    session: AsyncSession,
    by: Caller,
    server: str,
    tool: str | None = None,
    *,
    given: Sequence[Mapping[str, object]] = (),
    removed: Sequence[tuple[str, str]] = (),
) -> InForce:
    """Set rules (see `checked_rule`) and remove others, by target and name, of a server or of one of its tools. Returns
    what holds then. Raises InvalidArgument for a rule that could not work, NotFound for one that is not there."""
    await require_role(session, by, "admin")
    found = await find_server(session, server)
    entry = None if tool is None else await find_tool(session, server, tool)
    row: Server | ToolEntry = found if entry is None else entry
    before = stored_rules(row.settings)
    after = {rule.key: rule for rule in before}
    for target, name in removed:
        key = Rule(target, name).key  # type: ignore[arg-type]
        if key not in after:
            raise NotFound(
                f"There is no rule for the {target[:20]} '{name[:60]}'.", hint="Look at the rules there are."
            )
        del after[key]
    wanted = [checked_rule(rule) for rule in given]
    await _check(session, found, entry, wanted)
    after.update({rule.key: rule for rule in wanted})
    rules = tuple(checked_number(list(after.values())))
    if rules != before:
        kept = {name: value for name, value in row.settings.items() if name != INJECT}
        row.settings = {**kept, INJECT: [rule.as_stored() for rule in rules]} if rules else kept
        if entry is None and _ambient(rules) != _ambient(before):
            found.credential_version += 1
        details = {
            "of": found.slug if entry is None else entry.name,
            "before": [rule.as_stored() for rule in before],
            "after": [rule.as_stored() for rule in rules],
        }
        await record_change(session, by, "server:inject" if entry is None else "tool:inject", row.id, details)
    return told(found, entry)


def told(server: Server, tool: ToolEntry | None) -> InForce:
    """What holds for these rows."""
    rules = {rule.key: (rule, "server") for rule in stored_rules(server.settings)}
    rules.update({rule.key: (rule, "tool") for rule in stored_rules(tool.settings if tool is not None else {})})
    asserted = server.settings.get(ASSERTION)
    return InForce([rules[key] for key in sorted(rules)], server.url if asserted is True else asserted or None)


async def _check(session: AsyncSession, server: Server, tool: ToolEntry | None, rules: Sequence[Rule]) -> None:
    """Raises InvalidArgument, StateConflict."""
    named = [rule for rule in rules if rule.target == "argument"]
    if named:
        check_against_tools(server.slug, server.kind == "builtin", named, tool, await list_tools(session, server.slug))
    if any(rule.target == "header" for rule in rules):
        check_takes_headers(server)
    if server.kind == "builtin" and any(rule.target == "meta" for rule in rules):
        raise StateConflict(
            f"'{server.slug}' is a bundled server, which knows its caller.", hint="A rule can only set its arguments."
        )
    stored = await session.scalars(select(SealedHeader.name).where(SealedHeader.server_id == server.id))
    taken = {name.lower() for name in stored}
    for rule in rules:
        if rule.target == "header" and rule.name.lower() in taken:
            raise StateConflict(
                f"The server already gets a header '{rule.name}' from the vault.", hint="Name another one."
            )


def check_takes_headers(server: Server) -> None:
    """Raises StateConflict for a server that is no other program behind HTTP."""
    if server.kind == "builtin":
        raise StateConflict(
            f"'{server.slug}' is a bundled server, which knows its caller.", hint="A rule can only set its arguments."
        )
    if (server.url or "").startswith(SCHEME):
        raise StateConflict(f"'{server.slug}' is a program, which gets no headers.", hint="Send it in _meta instead.")


def _ambient(rules: Sequence[Rule]) -> set[Rule]:
    return {rule for rule in rules if rule.is_ambient and rule.target != "argument"}
