"""Laying a server's lists over its registry rows: new, changed, removed, refused; and into its history."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.clock import system_now
from tradepost.foundation.ids import new_id
from tradepost.foundation.untrusted import clean
from tradepost.hub.registration.changes import CLOAKED, Change, Changed, change_of
from tradepost.hub.registration.content_lists import ContentChanges, ContentLists
from tradepost.hub.registration.history import Identity, Scribe
from tradepost.hub.registration.intake import MAX_TOOLS, content_finding, form_finding, outward_finding, tool_finding
from tradepost.hub.registration.known_names import known_names
from tradepost.hub.registration.names import folded
from tradepost.hub.registration.pins import Pin, pin
from tradepost.hub.registry.models import PromptEntry, ResourceEntry, Server, ToolEntry
from tradepost.hub.registry.rules import KEEP, read_rules

Json = dict[str, Any]
Finding = Callable[[Mapping[str, Any]], str | None]


@dataclass(frozen=True, slots=True)
class InUse:
    """What a server shows over the connection over which calls go; templates are among the resources."""

    tools: Sequence[Json] = ()
    resources: Sequence[Json] = ()
    prompts: Sequence[Json] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """How a server was looked at: what it said it is, who made the hub look, when, and what it shows where calls go, as
    far as there is such a connection."""

    identity: Identity = field(default_factory=Identity)
    who: str = "discovery"
    now: datetime = field(default_factory=system_now)
    in_use: InUse = field(default_factory=InUse)


@dataclass(slots=True)
class Difference:
    """What a look at a server changed in the registry. Tools that were `set_aside` are known ones that agents saw and
    that are refused as they are now. Resources and prompts are counted; `contents` tells what of them is other than
    before. `kept` says that agents go on with the approved definitions of what changed."""

    new: list[str] = field(default_factory=list)
    changed: list[Changed] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    set_aside: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    resources: int = 0
    prompts: int = 0
    contents: ContentChanges = field(default_factory=ContentChanges)
    kept: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether the registry stands as it stood."""
        return not (self.new or self.changed or self.removed or self.set_aside) and self.contents.is_empty

    def summary(self) -> Json:
        """Plain values for the audit."""
        return {
            "new": self.new[:100],
            "changed": [change.summary() for change in self.changed[:100]],
            "removed": self.removed[:100],
            "set_aside": self.set_aside[:100],
            "refused": [[name, why] for name, why in self.refused[:100]],
            "contents": self.contents.summary(),
        }


async def apply_lists(
    session: AsyncSession,
    server: Server,
    tools: Sequence[Json],
    resources: Sequence[Json],
    templates: Sequence[Json],
    prompts: Sequence[Json],
    look: Look | None = None,
) -> Difference:
    """Store a foreign server's lists in the session's transaction. Nothing gets enabled here."""
    look = look or Look()
    difference = Difference(kept=(await read_rules(session)).changed_tools == KEEP)
    good = _sorted_out(tools[:MAX_TOOLS], "name", tool_finding, difference)
    for extra in tools[MAX_TOOLS:]:
        difference.refused.append((_label(extra, "name"), f"The server offers more than {MAX_TOOLS} tools."))
    scribe = await Scribe(session, server.id, look.who, look.now).open()  # first, for its lock
    known = await known_names(session)
    shown = await _apply_tools(
        session, server, good, tools, _Laying(difference, scribe, known, _by(look.in_use.tools, "name"))
    )
    fixed = _sorted_out(resources, "uri", lambda one: content_finding(one, "uri"), difference)
    moving = _sorted_out(templates, "uriTemplate", lambda one: content_finding(one, "uriTemplate"), difference)
    spoken = _sorted_out(prompts, "name", lambda one: content_finding(one, "name"), difference)
    used = {**_by(look.in_use.resources, "uriTemplate"), **_by(look.in_use.resources, "uri")}
    contents = ContentLists(session, server, difference.contents, scribe, known, used)
    await contents.apply(ResourceEntry, {**moving, **fixed}, (*resources, *templates))
    contents = replace(contents, in_use=_by(look.in_use.prompts, "name"))
    await contents.apply(PromptEntry, spoken, prompts)
    difference.resources, difference.prompts = len(fixed) + len(moving), len(spoken)
    await scribe.saw_server(look.identity, shown)
    await scribe.close()
    return difference


def _sorted_out(items: Sequence[Json], key: str, finding: Finding, difference: Difference) -> dict[str, Json]:
    """The acceptable definitions by name, in the server's order; names that stand twice are all refused, and so are
    names that look like one another."""
    names = Counter(str(item.get(key)) for item in items)
    looks = Counter(folded(name) if key == "name" else name for name in names)
    good: dict[str, Json] = {}
    for item in items:
        found = finding(item)
        if found is None and names[item[key]] > 1:
            found = "The server offers it twice."
        elif found is None and key == "name" and looks[folded(item[key])] > 1:
            found = "The server offers another one whose name differs in case or separators alone."
        if found is None:
            good[item[key]] = item
        else:
            difference.refused.append((_label(item, key), found))
    return good


def _label(item: Mapping[str, Any], key: str) -> str:
    name = item.get(key)
    return clean(" ".join(name.split()), 80) if isinstance(name, str) else "?"  # on one line, whatever it is


async def _apply_tools(
    session: AsyncSession,
    server: Server,
    tools: dict[str, Json],
    offered: Sequence[Json],
    laying: "_Laying",
) -> dict[str, str]:
    """The digests of the tools that the server shows, by name."""
    difference, scribe = laying.difference, laying.scribe
    rows = {row.name: row for row in await session.scalars(select(ToolEntry).where(ToolEntry.server_id == server.id))}
    shown: dict[str, str] = {}
    for position, (name, definition) in enumerate(tools.items()):
        row, made = rows.get(name), pin(definition)
        shown[name] = made.digest
        if row is None:
            entry = ToolEntry(
                id=new_id("tool"),
                server_id=server.id,
                name=name,
                position=position,
                definition=made.text,
                digest=made.digest,
            )
            session.add(entry)
            scribe.saw_definition(name, made.digest, made.text)
            difference.new.append(name)
        else:
            row.position = position
            await laying.lay_over(row, made)
    refusals: dict[str, list[Json]] = {}
    for one in offered:
        said = one.get("name")
        if isinstance(said, str) and said in rows and said not in tools:
            refusals.setdefault(said, []).append(one)
    for name, row in rows.items():
        refused = refusals.get(name, [])
        if refused and not _is_merely_broken(refused):
            await laying.set_aside(row, refused)
        elif name not in tools and not refused and row.state != "removed":
            row.state, row.candidate, row.candidate_digest = "removed", None, None
            scribe.removed(name)
            difference.removed.append(name)
    return shown


def _by(shown: Sequence[Json], key: str) -> dict[str, Json]:
    """The definitions that can be kept, by name or URI; one that stands twice is the last."""
    return {one[key]: one for one in shown if isinstance(one.get(key), str) and form_finding(one) is None}


def _is_merely_broken(refused: Sequence[Json]) -> bool:
    """A known tool that is refused as it is now is not gone. Where its schema is not usable, its server is at fault,
    and agents go on with the pinned one; anything else may be meant to deceive."""
    return len(refused) == 1 and outward_finding(refused[0]) is None


@dataclass(frozen=True, slots=True)
class _Laying:
    """Lays definitions over known tools. What agents saw is never replaced without a person."""

    difference: Difference
    scribe: Scribe
    known_names: frozenset[str]
    in_use: Mapping[str, Json]

    async def lay_over(self, row: ToolEntry, listed: Pin) -> None:
        """A known tool as the server shows it now. What it shows to callers counts where that is another one."""
        self.scribe.seed(row.name, row.digest, row.definition)
        used = self.in_use.get(row.name)
        made = listed if used is None else pin(used)
        cloaked = made.digest != listed.digest
        if made.digest == row.digest:
            made = listed  # callers see what was approved, and the list is another one
        if row.state == "removed":
            # It was away: whoever approved it did not approve its return.
            row.definition, row.digest, row.state = made.text, made.digest, "unapproved"
            row.approved_by = row.approved_at = None
            self.scribe.saw_definition(row.name, made.digest, made.text)
            self.difference.new.append(row.name)
        elif made.digest == row.digest:
            # Back to the pinned definition: a quarantine stays until somebody has looked.
            row.candidate = row.candidate_digest = None
            self.scribe.saw_definition(row.name, made.digest, made.text)
        elif made.digest != row.candidate_digest:
            await self._changed(row, made, (CLOAKED,) if cloaked else ())

    async def set_aside(self, row: ToolEntry, refused: Sequence[Json]) -> None:
        """A known tool that cannot be taken as it is now, and may be meant to deceive: agents do not see it any more,
        and a person sees how it differs, where it can be shown."""
        if row.state == "removed":
            return
        if row.state == "enabled":
            self.difference.set_aside.append(row.name)
        if len(refused) == 1 and form_finding(refused[0]) is None:
            await self.lay_over(row, pin(refused[0]))
        if row.state == "enabled":
            row.state = "quarantined"

    async def _changed(self, row: ToolEntry, made: Pin, also: tuple[str, ...]) -> None:
        before, after = orjson.loads(row.definition), orjson.loads(made.text)
        # In a thread: much text is looked through, and others are served meanwhile.
        change: Change = await asyncio.to_thread(change_of, before, after, self.known_names)
        kinds = change.kinds
        if also and "suspicious" not in kinds:
            kinds = ("suspicious", *kinds)
        reasons, says = (*also, *change.reasons), tuple(edit.says for edit in change.edits)
        self.scribe.saw_definition(row.name, made.digest, made.text, {"kinds": kinds, "reasons": reasons})
        self.difference.changed.append(Changed(row.name, row.digest, made.digest, kinds, reasons, says))
        if row.state == "unapproved":
            row.definition, row.digest = made.text, made.digest
            return
        row.candidate, row.candidate_digest = made.text, made.digest
        if row.state == "enabled":
            row.state = "quarantined"
