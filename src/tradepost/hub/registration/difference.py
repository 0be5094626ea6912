"""Laying a server's lists over its registry rows: new, changed, removed, refused."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.ids import new_id
from tradepost.foundation.untrusted import clean
from tradepost.hub.registration.intake import MAX_TOOLS, content_finding, outward_finding, tool_finding
from tradepost.hub.registration.names import look
from tradepost.hub.registration.pins import ChangeKind, kind_of_change, pin
from tradepost.hub.registry.models import PromptEntry, ResourceEntry, Server, ToolEntry

Json = dict[str, Any]
Finding = Callable[[Mapping[str, Any]], str | None]


@dataclass(frozen=True, slots=True)
class Changed:
    """A tool whose definition is not the pinned one any more."""

    name: str
    kind: ChangeKind
    before: str
    after: str


@dataclass(slots=True)
class Difference:
    """What a look at a server changed in the registry. Tools that were `set_aside` are known ones that agents saw and
    that are refused as they are now. Resources and prompts are counted; `contents_changed` tells that some are others
    than before."""

    new: list[str] = field(default_factory=list)
    changed: list[Changed] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    set_aside: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    resources: int = 0
    prompts: int = 0
    contents_changed: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether the registry stands as it stood."""
        return not (self.new or self.changed or self.removed or self.set_aside)

    def summary(self) -> Json:
        """Plain values for the audit."""
        return {
            "new": self.new[:100],
            "changed": [[change.name, change.kind, change.before, change.after] for change in self.changed[:100]],
            "removed": self.removed[:100],
            "set_aside": self.set_aside[:100],
            "refused": [[name, why] for name, why in self.refused[:100]],
        }


async def apply_lists(
    session: AsyncSession,
    server: Server,
    tools: Sequence[Json],
    resources: Sequence[Json],
    templates: Sequence[Json],
    prompts: Sequence[Json],
) -> Difference:
    """Store a foreign server's lists in the session's transaction. Nothing gets enabled here."""
    difference = Difference()
    good = _sorted_out(tools[:MAX_TOOLS], "name", tool_finding, difference)
    for extra in tools[MAX_TOOLS:]:
        difference.refused.append((_label(extra, "name"), f"The server offers more than {MAX_TOOLS} tools."))
    await _apply_tools(session, server, good, tools, difference)
    fixed = _sorted_out(resources, "uri", lambda one: content_finding(one, "uri"), difference)
    moving = _sorted_out(templates, "uriTemplate", lambda one: content_finding(one, "uriTemplate"), difference)
    spoken = _sorted_out(prompts, "name", lambda one: content_finding(one, "name"), difference)
    expandable = set(moving) - set(fixed)
    changes = await _apply_contents(session, server, ResourceEntry, {**moving, **fixed}, expandable)
    changes += await _apply_contents(session, server, PromptEntry, spoken, set())
    difference.contents_changed = changes > 0
    difference.resources, difference.prompts = len(fixed) + len(moving), len(spoken)
    return difference


def _sorted_out(items: Sequence[Json], key: str, finding: Finding, difference: Difference) -> dict[str, Json]:
    """The acceptable definitions by name, in the server's order; names that stand twice are all refused, and so are
    names that look like one another."""
    names = Counter(str(item.get(key)) for item in items)
    looks = Counter(look(name) if key == "name" else name for name in names)
    good: dict[str, Json] = {}
    for item in items:
        found = finding(item)
        if found is None and names[item[key]] > 1:
            found = "The server offers it twice."
        elif found is None and key == "name" and looks[look(item[key])] > 1:
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
    session: AsyncSession, server: Server, tools: dict[str, Json], offered: Sequence[Json], difference: Difference
) -> None:
    rows = {row.name: row for row in await session.scalars(select(ToolEntry).where(ToolEntry.server_id == server.id))}
    for position, (name, definition) in enumerate(tools.items()):
        row = rows.get(name)
        if row is None:
            made = pin(definition)
            session.add(
                ToolEntry(
                    id=new_id("tool"),
                    server_id=server.id,
                    name=name,
                    position=position,
                    definition=made.text,
                    digest=made.digest,
                )
            )
            difference.new.append(name)
        else:
            row.position = position
            _lay_over(row, definition, difference)
    for name, row in rows.items():
        refused = [one for one in offered if one.get("name") == name] if name not in tools else []
        if refused and row.state == "enabled" and not _is_merely_broken(refused):
            row.state = "quarantined"
            difference.set_aside.append(name)
        elif name not in tools and not refused and row.state != "removed":
            row.state, row.candidate, row.candidate_digest = "removed", None, None
            difference.removed.append(name)


def _is_merely_broken(refused: Sequence[Json]) -> bool:
    """A known tool that is refused as it is now is not gone. Where its schema is not usable, its server is at fault,
    and agents go on with the pinned one; anything else may be meant to deceive."""
    return len(refused) == 1 and outward_finding(refused[0]) is None


def _lay_over(row: ToolEntry, definition: Json, difference: Difference) -> None:
    """A known tool as the server shows it now. What agents saw is never replaced without a person."""
    made = pin(definition)
    is_same = made.digest == row.digest
    if row.state == "removed":
        # It was away: whoever approved it did not approve its return.
        row.definition, row.digest, row.state = made.text, made.digest, "unapproved"
        row.approved_by = row.approved_at = None
        difference.new.append(row.name)
    elif is_same:
        # Back to the pinned definition: a quarantine stays until somebody has looked.
        row.candidate = row.candidate_digest = None
    elif made.digest != row.candidate_digest:
        kind = kind_of_change(orjson.loads(row.definition), definition)
        difference.changed.append(Changed(row.name, kind, row.digest, made.digest))
        if row.state == "unapproved":
            row.definition, row.digest = made.text, made.digest
            return
        row.candidate, row.candidate_digest = made.text, made.digest
        if row.state == "enabled":
            row.state = "quarantined"


async def _apply_contents(
    session: AsyncSession,
    server: Server,
    table: type[ResourceEntry] | type[PromptEntry],
    items: dict[str, Json],
    templates: set[str],
) -> int:
    """Resources and prompts: a changed one is not shown until it is approved again. How many are others than before."""
    changes = 0
    rows = {key_of(row): row for row in await contents_of(session, table, server.id)}
    for position, (key, definition) in enumerate(items.items()):
        made, row = pin(definition), rows.get(key)
        if row is None:
            session.add(new_content(table, server.id, key, position, definition, is_template=key in templates))
            changes += 1
            continue
        row.position = position
        if row.digest != made.digest or row.state == "removed":
            changes += 1
            row.state = "quarantined" if row.state == "enabled" else "unapproved"
            row.definition, row.digest = made.text, made.digest
    for key, row in rows.items():
        if key not in items:
            changes += row.state != "removed"
            row.state = "removed"
    return changes


def new_content(
    table: type[ResourceEntry] | type[PromptEntry],
    server_id: str,
    key: str,
    position: int,
    definition: Json,
    *,
    is_template: bool = False,
) -> ResourceEntry | PromptEntry:
    """An unapproved row for a resource, template or prompt."""
    made = pin(definition)
    if table is PromptEntry:
        return PromptEntry(
            id=new_id("prm"),
            server_id=server_id,
            name=key,
            position=position,
            definition=made.text,
            digest=made.digest,
            state="unapproved",
        )
    return ResourceEntry(
        id=new_id("res"),
        server_id=server_id,
        uri=key,
        is_template=is_template,
        position=position,
        definition=made.text,
        digest=made.digest,
        state="unapproved",
    )


async def contents_of(
    session: AsyncSession, table: type[ResourceEntry] | type[PromptEntry], server_id: str
) -> list[ResourceEntry] | list[PromptEntry]:
    """A server's resources or prompts, whatever their state."""
    if table is PromptEntry:
        return list(await session.scalars(select(PromptEntry).where(PromptEntry.server_id == server_id)))
    return list(await session.scalars(select(ResourceEntry).where(ResourceEntry.server_id == server_id)))


def key_of(row: ResourceEntry | PromptEntry) -> str:
    """The URI or name."""
    return row.uri if isinstance(row, ResourceEntry) else row.name
