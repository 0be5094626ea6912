"""From what a workspace has to what a file says: which changes that takes. Nothing is written here."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

from tradepost.hub.registration.configuration.addresses import compare_url, is_secret, moves
from tradepost.hub.registration.configuration.apis import compare_api, lost_choices
from tradepost.hub.registration.configuration.comparing_tools import compare_contents, compare_tools
from tradepost.hub.registration.configuration.document import (
    AgentPart,
    AssignmentPart,
    Document,
    Part,
    ProfilePart,
    ServerPart,
)
from tradepost.hub.registration.configuration.headers import compare_headers
from tradepost.hub.registration.configuration.oauth import compare_oauth
from tradepost.hub.registration.configuration.plan import Action, Change, Plan, ToBeSet
from tradepost.hub.registration.configuration.policies import compare_policies
from tradepost.hub.registration.configuration.reading import Path, Read
from tradepost.hub.registration.configuration.recording import compare_recording
from tradepost.hub.registration.configuration.rows import Rows
from tradepost.hub.registration.configuration.values import Values, client_variable, url_variable, variable_of
from tradepost.hub.registration.contents import key_of, kind_of
from tradepost.hub.registry.catalogs import HUB_SERVER
from tradepost.hub.registry.models import PromptEntry, ResourceEntry
from tradepost.protocol.api_marks import is_api

Named = TypeVar("Named", ProfilePart, AgentPart, ServerPart)

_OF_SERVER = ("name", "enabled", "settings", "inject", "caller_assertion")


def compare(read: Read, wanted: Document, current: Document, rows: Rows, values: Values, *, prune: bool) -> Plan:
    """The plan. `wanted` is the checked document that was `read`, `current` that of the `rows`. Raises InvalidArgument
    for what the file names and nobody has."""
    return _Comparison(read, wanted, current, rows, values, prune).plan()


class _Comparison:
    def __init__(
        self, read: Read, wanted: Document, current: Document, rows: Rows, values: Values, prune: bool
    ) -> None:
        self._read, self._wanted, self._current, self._rows = read, wanted, current, rows
        self._values, self._prune = values, prune
        self._in_file = _by_slug(wanted.servers)
        self._changes: list[Change] = []
        self._gone: list[Change] = []
        self._notes: list[str] = []
        self._to_be_set: list[ToBeSet] = []

    def plan(self) -> Plan:
        if self._wanted.says("time_zone") and self._wanted.time_zone != self._current.time_zone:
            members = {"time_zone": (self._current.time_zone, self._wanted.time_zone)}
            self._changes.append(Change("change", "zone", "of the workspace", (), members))
        self._of_workspace("limits", self._current.limits, self._wanted.limits)
        self._of_workspace("rules", self._current.rules, self._wanted.rules)
        self._changes += compare_recording(self._wanted, self._current)
        self._profiles()
        self._agents()
        self._servers()
        self._assignments()
        # What is no longer assigned goes first: its names may be wanted for others.
        first = [change for change in self._gone if change.kind == "assignment"]
        self._policies()
        last = [change for change in reversed(self._gone) if change.kind != "assignment"]
        return Plan((*first, *self._changes, *last), tuple(self._notes), tuple(self._to_be_set))

    def _of_workspace(
        self, kind: Literal["limits", "rules"], current: Mapping[str, Any], wanted: Mapping[str, Any]
    ) -> None:
        if self._wanted.says(kind):
            members = {
                name: (current.get(name), wanted.get(name))
                for name in sorted({*current, *wanted})
                if current.get(name) != wanted.get(name)
            }
            if members:
                whose = "of the workspace" if kind == "limits" else "of the registry"
                self._changes.append(Change("change", kind, whose, (), members, wanted=self._wanted, path=(kind,)))

    def _profiles(self) -> None:
        there = _by_slug(self._current.profiles)
        for number, part in enumerate(self._wanted.profiles):
            self._one("profile", part, there.get(part.slug), ("profiles", number), ("name", "posture", "fields"))
        if self._prune and self._wanted.says("profiles"):
            for slug in sorted(there.keys() - _by_slug(self._wanted.profiles).keys()):
                why = self._why_profile_stays(slug)
                if why is None:
                    self._gone.append(Change("remove", "profile", slug, (slug,)))
                else:
                    self._notes.append(f"The profile {slug} is not in the file and stays: {why}.")

    def _why_profile_stays(self, slug: str) -> str | None:
        agents = {agent.slug: agent.profile for agent in self._current.agents}
        agents.update({agent.slug: agent.profile for agent in self._wanted.agents})
        if slug in agents.values():
            return "it has agents"
        if slug in {part.profile for part in self._wanted.assignments}:
            return "the file assigns tools to it"
        return "keys, sessions or people belong to it" if self._rows.profiles[slug].id in self._rows.held else None

    def _agents(self) -> None:
        there = _by_slug(self._current.agents)
        profiles = {*_by_slug(self._current.profiles), *_by_slug(self._wanted.profiles)}
        for number, part in enumerate(self._wanted.agents):
            path: Path = ("agents", number)
            if part.profile not in profiles:
                raise self._read.wrong((*path, "profile"), f"There is no profile '{part.profile[:60]}'.")
            members = ("profile", "name", "description", "enabled", "scopes", "limits")
            self._one("agent", part, there.get(part.slug), path, members)
        if self._prune and self._wanted.says("agents"):
            kept = _by_slug(self._wanted.agents)
            for slug in sorted(there.keys() - kept.keys()):
                if there[slug].enabled:
                    note = "agents are never deleted, for the record's sake; its keys stop working"
                    off = AgentPart(slug=slug, profile=there[slug].profile, enabled=False)
                    self._changes.append(
                        Change("change", "agent", slug, (slug,), {"enabled": (True, False)}, note, wanted=off)
                    )

    def _servers(self) -> None:
        there = _by_slug(self._current.servers)
        for number, part in enumerate(self._wanted.servers):
            path: Path = ("servers", number)
            now = there.get(part.slug)
            if now is not None and now.kind != part.kind:
                raise self._read.wrong((*path, "kind"), f"The server '{part.slug}' is {now.kind} in this hub.")
            if now is None and part.kind == "bundled":
                self._notes.append(f"The bundled server {part.slug} is not in this release: left out.")
                continue
            if now is None and part.url is None:
                raise self._read.wrong(path, f"The new server '{part.slug}' needs a url.")
            if now is None and is_api(part.url) and part.api is None:
                raise self._read.wrong(path, f"The new REST API '{part.slug}' needs api: a source, or its document.")
            self._server(part, now, path)
        if self._prune and self._wanted.says("servers"):
            kept = _by_slug(self._wanted.servers)
            for slug in sorted(there.keys() - kept.keys()):
                if there[slug].kind == "remote":
                    tools = [tool.name for tool in there[slug].tools]
                    note = f"with its headers and {len(tools)} tools" if tools else None
                    gone = {"url": (there[slug].url, None)}
                    self._gone.append(Change("remove", "server", slug, (slug,), gone, note))

    def _server(self, part: ServerPart, now: ServerPart | None, path: Path) -> None:
        members, note = dict(_differing(part, now, _OF_SERVER)), None
        if part.kind == "remote":
            members.update(self._way_in(part, now, path))
            members.update(compare_api(part, now))
            self._notes += lost_choices(part)
        if now is not None and moves(part, now):
            note = "another origin loses the credential that was for the old one"
        if now is None:
            self._changes.append(Change("create", "server", part.slug, (part.slug,), members, None, part, path))
        elif members:
            self._changes.append(Change("change", "server", part.slug, (part.slug,), members, note, part, path))
        waiting = {
            name: row.candidate_digest
            for (slug, name), row in self._rows.tools.items()
            if slug == part.slug and row.candidate_digest is not None
        }
        found = compare_tools(self._read, part, now, path, waiting, prune=self._prune)
        contents = compare_contents(self._read, part, now, path, self._waiting_contents(part.slug))
        self._changes += [*found.changes, *contents.changes]
        self._notes += [*found.notes, *contents.notes]
        self._gone += found.gone

    def _way_in(self, part: ServerPart, now: ServerPart | None, path: Path) -> Mapping[str, tuple[Any, Any]]:
        """The members that are about where a server is and what it is shown, where they change."""
        slug, row, sealed = part.slug, self._rows.servers.get(part.slug), self._rows.sealed
        stays = row is not None and now is not None and not moves(part, now)
        members = dict(compare_url(self._read, part, now, path, self._values))
        has_url = stays and row is not None and (row.id in sealed or not row.url_hidden)
        if is_secret(part, now) and slug not in self._values.given.urls and not has_url:
            self._to_be_set.append(ToBeSet(slug, "url", None, True, url_variable(slug)))
        headers, missing = compare_headers(part, now, self._values)
        self._to_be_set += [
            ToBeSet(slug, "header", header.name, header.secret, variable_of(slug, header.name)) for header in missing
        ]
        setup = self._rows.oauth.get(row.id) if row is not None else None
        has_secret = setup is not None and setup.client_kind == "given" and setup.id in sealed
        oauth, is_missing = compare_oauth(part, now, self._values, has_secret)
        if is_missing:
            self._to_be_set.append(ToBeSet(slug, "client_secret", None, True, client_variable(slug)))
        return {**members, **headers, **oauth}

    def _waiting_contents(self, server: str) -> dict[tuple[str, str], str]:
        rows: list[ResourceEntry | PromptEntry] = [
            *(row for (slug, _), row in self._rows.resources.items() if slug == server),
            *(row for (slug, _), row in self._rows.prompts.items() if slug == server),
        ]
        return {(kind_of(row), key_of(row)): row.candidate_digest for row in rows if row.candidate_digest is not None}

    def _policies(self) -> None:
        found = compare_policies(self._read, self._wanted, self._current, self._rows, prune=self._prune)
        self._changes += found.changes
        self._gone += found.gone

    def _assignments(self) -> None:
        there = {_key(part): part for part in self._current.assignments}
        wanted = {_key(part) for part in self._wanted.assignments}
        for number, part in enumerate(self._wanted.assignments):
            path: Path = ("assignments", number)
            self._known(part, path)
            now = there.get(_key(part))
            differing = _differing(part, now, ("name", "position", "title", "description"))
            # Without a name or place of its own it keeps the one it has; words can be let go of.
            kept = {"name", "position"} if now is not None else differing.keys()
            members = {member: pair for member, pair in differing.items() if member not in kept or pair[1] is not None}
            if now is None and part.name is None:
                members["name"] = (None, part.tool)
            if now is None or members:
                action: Action = "create" if now is None else "change"
                change = Change(action, "assignment", _named(part), _key(part), members, None, part, path)
                self._changes.append(change)
        if self._prune and self._wanted.says("assignments"):
            for key, part in there.items():
                if key not in wanted:
                    self._gone.append(Change("remove", "assignment", _named(part), key, {"name": (part.name, None)}))

    def _known(self, part: AssignmentPart, path: Path) -> None:
        """Raises InvalidArgument for a name that neither the hub nor the file has."""
        if part.server == HUB_SERVER:
            raise self._read.wrong((*path, "server"), "The hub's own tools are in every catalog already.")
        found = {
            "profile": {*self._rows.profiles, *_by_slug(self._wanted.profiles)},
            "agent": {*self._rows.agents, *_by_slug(self._wanted.agents)},
        }
        for member, name in (("profile", part.profile), ("agent", part.agent)):
            if name is not None and name not in found[member]:
                raise self._read.wrong((*path, member), f"There is no {member} '{name[:60]}'.")
        if not self._will_be_there(part.server, part.tool):
            raise self._read.wrong(
                (*path, "tool"), f"There is no tool '{part.tool[:60]}' of a server '{part.server[:60]}'."
            )

    def _will_be_there(self, server: str, tool: str) -> bool:
        part = self._in_file.get(server)
        if part is not None and part.kind == "remote" and tool in {one.name for one in part.tools}:
            return True
        row = self._rows.servers.get(server)
        if row is None or (server, tool) not in self._rows.tools:
            return False
        pruned = self._prune and row.kind == "remote" and self._wanted.says("servers")
        return not pruned or (part is not None and not part.says("tools"))

    def _one(
        self,
        kind: Any,
        part: ProfilePart | AgentPart,
        now: ProfilePart | AgentPart | None,
        path: Path,
        members: Sequence[str],
    ) -> None:
        differing = _differing(part, now, members)
        if now is None:
            self._changes.append(Change("create", kind, part.slug, (part.slug,), differing, None, part, path))
        elif differing:
            self._changes.append(Change("change", kind, part.slug, (part.slug,), differing, None, part, path))


def _differing(part: Part, now: Part | None, members: Sequence[str]) -> Mapping[str, tuple[Any, Any]]:
    """The members that the file names and that are others now."""
    found = {}
    for member in members:
        if part.says(member):
            before, after = getattr(now, member, None), getattr(part, member)
            if now is None or before != after or type(before) is not type(after):
                found[member] = (before, after)
    return found


def _by_slug(parts: Sequence[Named]) -> dict[str, Named]:
    return {part.slug: part for part in parts}


def _key(part: AssignmentPart) -> tuple[str, ...]:
    if part.agent is not None:
        return "agent", part.agent, part.server, part.tool
    return "profile", part.profile or "", part.server, part.tool


def _named(part: AssignmentPart) -> str:
    whom = f"agent {part.agent}" if part.agent is not None else f"profile {part.profile}"
    return f"{part.server}/{part.tool} to {whom}"
