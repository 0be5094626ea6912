"""Comparing the tools, resources and prompts of one server. A definition is approved by its digest alone: what the
server shows now is never let in because a file says so about another definition."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tradepost.hub.registration.changes import change_of
from tradepost.hub.registration.configuration.document import ContentPart, ServerPart, ToolPart
from tradepost.hub.registration.configuration.plan import Change
from tradepost.hub.registration.configuration.reading import Path, Read
from tradepost.hub.registration.intake import content_finding, tool_finding

MOST_EDITS = 5


@dataclass(slots=True)
class Found:
    """What a comparison came to."""

    changes: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    gone: list[Change] = field(default_factory=list)


def compare_tools(
    read: Read, server: ServerPart, now: ServerPart | None, path: Path, waiting: Mapping[str, str], *, prune: bool
) -> Found:
    """`waiting` are the digests of definitions that the server shows by now and nobody has approved, by tool."""
    found = Found()
    there = {tool.name: tool for tool in now.tools} if now is not None else {}
    for number, tool in enumerate(server.tools):
        place = (*path, "tools", number)
        current = there.get(tool.name)
        if server.kind == "bundled":
            _bundled(server.slug, tool, current, place, found)
        elif current is None:
            _new_tool(read, server.slug, tool, place, found)
        else:
            _known_tool(read, server.slug, tool, current, place, waiting.get(tool.name), found)
    if prune and server.kind == "remote" and server.says("tools"):
        for name in sorted(there.keys() - {tool.name for tool in server.tools}):
            members = {"state": (there[name].state, None)}
            found.gone.append(Change("remove", "tool", f"{server.slug}/{name}", (server.slug, name), members))
    return found


_OF_TOOL = ("tool_class", "moves_money", "scope", "settings", "inject", "figures", "dry_run")


def _bundled(server: str, tool: ToolPart, current: ToolPart | None, place: Path, found: Found) -> None:
    name = f"{server}/{tool.name}"
    if current is None:
        found.notes.append(f"The bundled tool {name} is not in this release: left out.")
        return
    if tool.digest is not None and tool.digest != current.digest:
        found.notes.append(f"The bundled tool {name} has another definition in this release, which counts.")
    members = _differing(tool, current, ("state", "settings", "inject"))
    if members:
        found.changes.append(Change("change", "tool", name, (server, tool.name), members, None, tool, place))


def _new_tool(read: Read, server: str, tool: ToolPart, place: Path, found: Found) -> None:
    if tool.definition is None:
        raise read.wrong(
            place,
            f"This hub does not know the tool '{tool.name}', and the file has no definition of it.",
            f"Discover the server first (tradepost server tools {server}), or put the definition into the file.",
        )
    _check(read, tool_finding(tool.definition), place)
    members = {
        "state": (None, tool.state),
        "class": (None, tool.tool_class),
        "scope": (None, tool.scope),
        "dry_run": (None, tool.dry_run),
        "digest": (None, tool.digest),
    }
    found.changes.append(
        Change("create", "tool", f"{server}/{tool.name}", (server, tool.name), members, None, tool, place)
    )


def _known_tool(
    read: Read, server: str, tool: ToolPart, current: ToolPart, place: Path, waiting: str | None, found: Found
) -> None:
    name, note = f"{server}/{tool.name}", None
    members = _differing(tool, current, _OF_TOOL)
    pins_other = tool.digest != current.digest
    if current.state == "removed" and (pins_other or tool.state != "removed"):
        found.notes.append(f"The tool {name} stays removed: its server does not offer it any more.")
        pins_other = False
    elif pins_other:
        note = _pinning(read, tool, current, place, waiting)
        members["digest"] = (current.digest, tool.digest)
        if tool.dry_run is not None:  # what was said of one definition is said anew of another
            members["dry_run"] = (current.dry_run, tool.dry_run)
    elif tool.says("state") and tool.state == "enabled" and current.state != "enabled" and waiting is not None:
        found.notes.append(
            f"The tool {name} stays {current.state}: its server shows another definition by now ({waiting}), which "
            "waits for review."
        )
    may_change = pins_other or tool.state != "enabled" or waiting is None
    if tool.says("state") and tool.state != current.state and current.state != "removed" and may_change:
        members["state"] = (current.state, tool.state)
    if members:
        found.changes.append(Change("change", "tool", name, (server, tool.name), members, note, tool, place))


def _pinning(read: Read, tool: ToolPart, current: ToolPart, place: Path, waiting: str | None) -> str:
    """What to say about another definition than the pinned one. Raises InvalidArgument where it is not at hand."""
    if tool.definition is None:
        if tool.digest == waiting:
            return "approves the definition that waits for review"
        raise read.wrong(
            (*place, "digest"),
            f"This hub has pinned another definition of '{tool.name}' ({current.digest}), and the file has none.",
            "Put the definition into the file, or discover the server and approve what it shows.",
        )
    _check(read, tool_finding(tool.definition), place)
    before = current.definition or {}
    change = change_of(before, tool.definition)
    where = [edit.place for edit in change.edits]
    more = f" and {len(where) - MOST_EDITS} more" if len(where) > MOST_EDITS else ""
    differs = f"{', '.join(change.kinds)}: {', '.join(where[:MOST_EDITS])}{more}"
    if tool.digest == waiting:
        return f"approves the definition that waits for review; {differs}"
    return f"pins another definition than the one this hub knows from the server; {differs}"


def compare_contents(
    read: Read, server: ServerPart, now: ServerPart | None, path: Path, waiting: Mapping[tuple[str, str], str]
) -> Found:
    """Resources, templates and prompts; `waiting` as for tools, by kind and name."""
    found = Found()
    lists: tuple[tuple[Literal["resource", "prompt"], Sequence[ContentPart], Sequence[ContentPart]], ...] = (
        ("resource", server.resources, now.resources if now is not None else ()),
        ("prompt", server.prompts, now.prompts if now is not None else ()),
    )
    for kind, wanted, current in lists:
        there = {one.name: one for one in current}
        for number, part in enumerate(wanted):
            place = (*path, f"{kind}s", number)
            other = waiting.get((kind, part.name))
            _content(read, kind, server.slug, part, there.get(part.name), place, other, found)
    return found


def _content(
    read: Read,
    kind: Literal["resource", "prompt"],
    server: str,
    part: ContentPart,
    current: ContentPart | None,
    place: Path,
    waiting: str | None,
    found: Found,
) -> None:
    name, key = f"{server} {part.name}", (server, part.name)
    pins_other = current is None or part.digest != current.digest
    if current is not None and current.state == "removed":
        if part.state == "enabled":
            found.notes.append(f"The {kind} {name} stays removed: its server does not offer it any more.")
        return
    if pins_other and (part.definition is not None or part.digest != waiting):
        if part.definition is None:
            raise read.wrong(place, f"This hub does not have this definition of '{part.name[:60]}', nor has the file.")
        called = "name" if kind == "prompt" else "uriTemplate" if part.template else "uri"
        _check(read, content_finding(part.definition, called), place)
    if current is None:
        members = {"state": (None, part.state), "digest": (None, part.digest)}
        found.changes.append(Change("create", kind, name, key, members, None, part, place))
        return
    members = _differing(part, current, ("state", "digest"))
    if waiting is not None and not pins_other and members.get("state", ("", ""))[1] == "enabled":
        del members["state"]
        found.notes.append(
            f"The {kind} {name} stays {current.state}: its server shows another definition by now ({waiting}), which "
            "waits for review."
        )
    if members:
        found.changes.append(Change("change", kind, name, key, members, None, part, place))


def _check(read: Read, finding: str | None, place: Path) -> None:
    if finding is not None:
        raise read.wrong((*place, "definition"), f"The definition cannot be used. {finding}")


def _differing(part: Any, now: Any, members: Sequence[str]) -> dict[str, tuple[Any, Any]]:
    found = {}
    for member in members:
        before, after = getattr(now, member), getattr(part, member)
        if part.says(member) and before != after:
            found["class" if member == "tool_class" else member] = (before, after)
    return found
