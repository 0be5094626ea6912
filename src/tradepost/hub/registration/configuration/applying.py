"""Doing what a plan says, in the session's transaction, with a line in the audit for each change."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import StateConflict
from tradepost.foundation.ids import new_id
from tradepost.hub.access import quotas
from tradepost.hub.access.changes import note, record_change
from tradepost.hub.access.models import Agent, Profile
from tradepost.hub.registration import rules
from tradepost.hub.registration.configuration.applying_servers import ServerChanges
from tradepost.hub.registration.configuration.document import AgentPart, AssignmentPart, ProfilePart
from tradepost.hub.registration.configuration.following import Following
from tradepost.hub.registration.configuration.plan import Change, Plan
from tradepost.hub.registration.configuration.policies import apply_policy
from tradepost.hub.registration.configuration.recording import apply_recording
from tradepost.hub.registration.configuration.rows import Rows, read_rows
from tradepost.hub.registration.names import folded
from tradepost.hub.registration.policies import rules as policy_rules
from tradepost.hub.registry.catalogs import HUB_SERVER
from tradepost.hub.registry.models import Assignment

Step = Callable[[Change], Awaitable[None]]


async def apply(
    session: AsyncSession, by: Caller, plan: Plan, rows: Rows, servers: ServerChanges, following: Following
) -> list[str]:
    """Returns notes about what follows from it. Raises InvalidArgument, StateConflict or ForbiddenScope for what cannot
    be done; then nothing may be kept."""
    changes = _Changes(session, by, rows)
    await following.look(plan)
    steps: Mapping[str, Step] = {
        "zone": changes.zone,
        "limits": changes.limits,
        "rules": changes.rules,
        "audit": changes.audit,
        "profile": changes.profile,
        "agent": changes.agent,
        "assignment": changes.assignment,
        "policy": changes.policy,
        "server": servers.server,
        "tool": servers.tool,
        "resource": servers.content,
        "prompt": servers.content,
    }
    before = None
    for change in plan.changes:
        if change.kind != before:  # what is new must be there before others refer to it
            await session.flush()
            before = change.kind
        await steps[change.kind](change)
        details = {"name": change.name, "before": change.before, "after": change.after}
        note(session, by, f"{change.kind}:{_VERBS[change.action]}", "configuration", details)
    await changes.name_assignments()
    await session.flush()
    await servers.finish()
    notes = await following.follow()
    _check_names(await read_rows(session))
    await record_change(session, by, "configuration:imported", "configuration", dict(plan.counted()))
    return notes


_VERBS = {"create": "created", "change": "changed", "remove": "removed"}


class _Changes:
    def __init__(self, session: AsyncSession, by: Caller, rows: Rows) -> None:
        self._session, self._by, self._rows = session, by, rows
        self._names: list[tuple[Assignment, str]] = []
        self._next: dict[tuple[str, str], int] = defaultdict(int)  # positions, by profile or agent
        for (kind, target, _), row in rows.assignments.items():
            self._next[kind, target] = max(self._next[kind, target], row.position + 1)

    async def zone(self, change: Change) -> None:
        await policy_rules.set_zone(self._session, self._by, change.members["time_zone"][1])

    async def limits(self, change: Change) -> None:
        given = {name: after for name, (_, after) in change.members.items() if after is not None}
        dropped = [name for name, (_, after) in change.members.items() if after is None]
        await quotas.change(self._session, self._by, given=given, dropped=dropped)

    async def rules(self, change: Change) -> None:
        given = {name: after for name, (_, after) in change.members.items() if after is not None}
        dropped = [name for name, (_, after) in change.members.items() if after is None]
        await rules.change(self._session, self._by, given=given, dropped=dropped)

    async def audit(self, change: Change) -> None:
        await apply_recording(self._session, self._by, change)

    async def profile(self, change: Change) -> None:
        (slug,) = change.key
        if change.action == "remove":
            row = self._rows.profiles.pop(slug)
            await self._session.execute(delete(Assignment).where(Assignment.profile_id == row.id))
            await self._session.delete(row)
            await self._session.flush()
            return
        part = change.part(ProfilePart)
        if change.action == "create":
            row = Profile(id=new_id("prf"), slug=slug, name=part.name or slug, posture=part.posture, fields=part.fields)
            self._session.add(row)
            self._rows.profiles[slug] = row
            await self._session.flush()
        else:
            row = self._rows.profiles[slug]
            for member, (_, after) in change.members.items():
                setattr(row, member, after)

    async def agent(self, change: Change) -> None:
        (slug,) = change.key
        part = change.part(AgentPart)
        if change.action == "create":
            row = Agent(
                id=new_id("agt"),
                profile_id=self._rows.profiles[part.profile].id,
                slug=slug,
                name=part.name or slug,
                description=part.description,
                status="active" if part.enabled else "disabled",
                scopes=part.scopes,
            )
            self._session.add(row)
            self._rows.agents[slug] = row
            await self._session.flush()
        else:
            row = self._rows.agents[slug]
            self._change_agent(row, part, change.members)
        if "limits" in change.members:
            before, after = change.members["limits"]
            dropped = [name for name in before or () if name not in after]
            await quotas.change(self._session, self._by, slug, given=after, dropped=dropped)

    def _change_agent(self, row: Agent, part: AgentPart, members: Mapping[str, Any]) -> None:
        for member in members:
            if member == "profile":
                row.profile_id = self._rows.profiles[part.profile].id
            elif member == "enabled":
                row.status = "active" if part.enabled else "disabled"
            elif member != "limits":
                setattr(row, member, getattr(part, member))

    async def assignment(self, change: Change) -> None:
        kind, target, server, tool = change.key
        key = (kind, target, (server, tool))
        if change.action == "remove":
            await self._session.delete(self._rows.assignments.pop(key))
            await self._session.flush()
            return
        part = change.part(AssignmentPart)
        row = self._rows.assignments.get(key)
        if row is None:
            row = self._new_assignment(kind, target, server, tool)
            self._rows.assignments[key] = row
            self._names.append((row, part.name or tool))
        elif "name" in change.members:
            row.exposed_name = f"~{row.id}"  # free for another one, until all have their names
            self._names.append((row, part.name or tool))
        for member, (_, after) in change.members.items():
            if member != "name":
                setattr(row, member, after)
        self._next[kind, target] = max(self._next[kind, target], row.position + 1)

    async def policy(self, change: Change) -> None:
        await apply_policy(self._session, self._by, change)

    def _new_assignment(self, kind: str, target: str, server: str, tool: str) -> Assignment:
        entry = self._rows.tools[server, tool]
        profile = self._rows.profiles[target].id if kind == "profile" else None
        agent = self._rows.agents[target].id if kind == "agent" else None
        row = Assignment(
            id=new_id("asg"),
            tool_entry_id=entry.id,
            profile_id=profile,
            agent_id=agent,
            exposed_name="",
            position=self._next[kind, target],
        )
        row.exposed_name = f"~{row.id}"
        self._session.add(row)
        return row

    async def name_assignments(self) -> None:
        """Give all assignments the names they are to have: two may have changed theirs with each other."""
        await self._session.flush()
        _check_unique(self._rows, {row.id: name for row, name in self._names})
        for row, name in self._names:
            row.exposed_name = name
        await self._session.flush()


def _check_unique(rows: Rows, names: Mapping[str, str]) -> None:
    """Raises StateConflict where two of one profile, or of one agent, would have the same name."""
    seen: dict[tuple[str, str, str], str] = {}
    for (kind, target, (server, tool)), row in rows.assignments.items():
        name = names.get(row.id, row.exposed_name)
        other = seen.setdefault((kind, target, name), f"{server}/{tool}")
        if other != f"{server}/{tool}":
            raise _clash(name, f"the {kind} {target}", other, f"{server}/{tool}")


def _check_names(rows: Rows) -> None:
    """Raises StateConflict for a name that stands for two tools in a catalog, or hardly differs from another one."""
    always = {folded(name) for server, name in rows.tools if server == HUB_SERVER}
    of_profiles: dict[str, dict[str, str]] = defaultdict(dict)
    own: dict[str, dict[str, str]] = defaultdict(dict)
    for (kind, target, (server, tool)), row in rows.assignments.items():
        name, tool_of = folded(row.exposed_name), f"{server}/{tool}"
        names = (own if kind == "agent" else of_profiles)[target]
        other = "a tool of the hub itself" if name in always else names.setdefault(name, tool_of)
        if other != tool_of:
            raise _clash(row.exposed_name, f"the {kind} {target}", other, tool_of)
    profiles = {row.id: row.slug for row in rows.profiles.values()}
    for slug, names in own.items():
        shared = of_profiles[profiles[rows.agents[slug].profile_id]]
        for name, tool_of in names.items():
            if shared.get(name, tool_of) != tool_of:
                raise _clash(name, f"the agent {slug}", shared[name], tool_of)


def _clash(name: str, where: str, one: str, other: str) -> StateConflict:
    return StateConflict(
        f"The name '{name}' would stand for two tools for {where}: {one} and {other}.",
        hint=f"Give one of them another name, for example '{other.replace('/', '_')}'.",
        field="assignments",
    )
