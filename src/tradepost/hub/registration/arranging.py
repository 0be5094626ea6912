"""From a registered server to a call in one go: tested, discovered, what only reads enabled, and assigned.

An admin asks for it, so the server's own word counts for its reads, with one doubt: a tool whose name says that it does
something waits for a person, whatever it says of itself.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import orjson

from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import InvalidArgument, StateConflict, UpstreamError
from tradepost.hub.access.agents import find_agent, find_profile
from tradepost.hub.access.roles import require_role
from tradepost.hub.registration.assignments import assign
from tradepost.hub.registration.content_decisions import approve_waiting, list_contents
from tradepost.hub.registration.contents import key_of
from tradepost.hub.registration.discovery import Discovery
from tradepost.hub.registration.tools import approve_tool, list_tools
from tradepost.hub.registration.trial import TestReport

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
# Words that say so wherever they stand, and those that do as the first word alone: `order_status` is no order.
_DOING = frozenset(
    "cancel create delete deploy drop execute insert modify pay purge remove revoke send transfer update upsert wire "
    "write".split()
)
_BEGINNING = frozenset(
    "accept add adjust apply approve archive assign book buy capture change charge clear close commit confirm copy "
    "credit deactivate disable dispatch edit enable fire forward grant import invite issue kill mark merge move notify "
    "overwrite place post publish put refund reject release rename replace reset restart run save schedule set ship "
    "start stop submit subscribe sync terminate trigger upload void withdraw".split()
)


@dataclass(slots=True)
class Arranged:
    """What was done. `contents` are resources and prompts that were enabled, `assigned` names by which the tools are
    seen; `left` are tools that a person has to decide about, `refused` those that cannot be enabled, each with the
    reason."""

    report: TestReport
    enabled: list[str] = field(default_factory=list)
    contents: list[str] = field(default_factory=list)
    assigned: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


async def check_target(database: Database, by: Caller, agent: str | None, profile: str | None) -> None:
    """That the tools can be assigned there, before anything is done. Raises InvalidArgument, NotFound."""
    if agent is not None and profile is not None:
        raise InvalidArgument("A tool is assigned to a profile or to an agent.", hint="Name one of them.")
    async with database.transaction(by.workspace_id, write=False) as session:
        await require_role(session, by, "admin")
        if agent is not None:
            await find_agent(session, agent)
        if profile is not None:
            await find_profile(session, profile)


async def arrange(
    database: Database, discovery: Discovery, by: Caller, server: str, agent: str | None, profile: str | None
) -> Arranged:
    """Do all of it. Raises UpstreamError with what is wrong with the server; then nothing of it is visible."""
    await check_target(database, by, agent, profile)
    report = await discovery.test(by, server)
    if not report.ok:
        raise UpstreamError(report.problem or "The server did not answer.", hint=report.hint)
    difference = await discovery.discover(by, server)
    done = Arranged(report, refused=list(difference.refused))
    async with database.transaction(by.workspace_id, write=True) as session:
        for entry in await list_tools(session, server):
            if entry.state == "unapproved" and not only_reads(orjson.loads(entry.definition)):
                done.left.append(entry.name)
            elif entry.state == "unapproved":
                try:
                    await approve_tool(session, by, server, entry.id, tool_class="read", digest=entry.digest)
                except StateConflict as finding:
                    done.refused.append((entry.name, finding.message))
                else:
                    done.enabled.append(entry.name)
        there = {row.id: row.digest for row in await list_contents(session, server) if row.state == "unapproved"}
        done.contents = [key_of(row) for row in await approve_waiting(session, by, server, there)]
        for name in done.enabled if agent is not None or profile is not None else ():
            target: dict[str, Any] = {"agent": agent, "profile": profile}
            try:
                made = await assign(session, by, server, name, **target)
            except StateConflict as taken:
                if "suggestion" not in taken.details:
                    raise
                made = await assign(session, by, server, name, exposed_name=taken.details["suggestion"], **target)
            done.assigned.append(made.exposed_name)
            done.warnings = list(made.warnings)
    return done


def only_reads(definition: dict[str, Any]) -> bool:
    """Whether a tool says of itself that it only reads, and its name does not say otherwise."""
    said = definition.get("annotations")
    if not isinstance(said, dict) or said.get("readOnlyHint") is not True or said.get("destructiveHint") is True:
        return False
    words = [word.lower() for word in _WORD.findall(str(definition.get("name", "")))]
    return _DOING.isdisjoint(words) and _BEGINNING.isdisjoint(words[:1])
