"""Laying a server's lists of resources, templates and prompts over its rows: as with tools, what agents saw is never
replaced without a person."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.hub.registration.changes import CLOAKED, Changed, change_of
from tradepost.hub.registration.contents import contents_of, key_of, kind_of, lay, new_content, repin
from tradepost.hub.registration.history import Scribe
from tradepost.hub.registration.intake import form_finding
from tradepost.hub.registration.pins import Pin, pin_content
from tradepost.hub.registry.models import PromptEntry, ResourceEntry, Server

Json = dict[str, Any]
Entry = ResourceEntry | PromptEntry


@dataclass(slots=True)
class ContentChanges:
    """What a look at a server changed of its resources, templates and prompts, by URI or name. Those that were
    `set_aside` are known ones that agents saw and that are refused as they are now."""

    new: list[str] = field(default_factory=list)
    changed: list[Changed] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    set_aside: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether all of them stand as they stood."""
        return not (self.new or self.changed or self.removed or self.set_aside)

    def summary(self) -> Json:
        """Plain values for the audit."""
        return {
            "new": self.new[:100],
            "changed": [change.summary() for change in self.changed[:100]],
            "removed": self.removed[:100],
            "set_aside": self.set_aside[:100],
        }


@dataclass(frozen=True, slots=True)
class ContentLists:
    """Lays one server's lists over its rows, in the session's transaction. Nothing gets enabled here."""

    session: AsyncSession
    server: Server
    changes: ContentChanges
    scribe: Scribe
    known_names: frozenset[str]
    in_use: Mapping[str, Json] = field(default_factory=dict)

    async def apply(
        self, table: type[ResourceEntry] | type[PromptEntry], items: Mapping[str, Json], offered: Sequence[Json]
    ) -> None:
        """`items` are the acceptable definitions by URI or name, `offered` all that the server has shown."""
        rows = {key_of(row): row for row in await contents_of(self.session, table, self.server.id)}
        for row in rows.values():
            repin(row)
        for position, (key, definition) in enumerate(items.items()):
            known = rows.get(key)
            if known is None:
                is_template = definition.get("uri") != key
                row = new_content(table, self.server.id, key, position, definition, is_template=is_template)
                self.session.add(row)
                self._saw(row, pin_content(definition))
                self.changes.new.append(key)
            else:
                known.position = position
                await self._lay_over(known, pin_content(definition))
        refused: dict[str, list[Json]] = {}
        for one in offered:
            said = one.get("name") if table is PromptEntry else one.get("uri", one.get("uriTemplate"))
            if isinstance(said, str) and said in rows and said not in items:
                refused.setdefault(said, []).append(one)
        for key, row in rows.items():
            if key in refused:
                await self._set_aside(row, refused[key])
            elif key not in items and row.state != "removed":
                row.state, row.candidate, row.candidate_digest = "removed", None, None
                self.scribe.removed(key, kind_of(row))
                self.changes.removed.append(key)

    async def _lay_over(self, row: Entry, listed: Pin) -> None:
        """A known one as the server shows it now. What it shows where calls go counts where that is another one."""
        key = key_of(row)
        used = self.in_use.get(key)
        made = listed if used is None else pin_content(used)
        cloaked = made.digest != listed.digest
        if made.digest == row.digest:
            made = listed  # there it is what was approved, and the list is another one
        self.scribe.seed(key, row.digest, row.definition, kind_of(row))
        if row.state == "removed":
            # It was away: whoever approved it did not approve its return.
            lay(row, made.text, made.digest)
            row.state, row.approved_by, row.approved_at = "unapproved", None, None
            self._saw(row, made)
            self.changes.new.append(key)
        elif made.digest == row.digest:
            # Back to the pinned definition: a quarantine stays until somebody has looked.
            row.candidate = row.candidate_digest = None
            self._saw(row, made)
        elif made.digest != row.candidate_digest:
            await self._changed(row, made, (CLOAKED,) if cloaked else ())

    async def _changed(self, row: Entry, made: Pin, also: tuple[str, ...]) -> None:
        before, after = orjson.loads(row.definition), orjson.loads(made.text)
        # In a thread: much text is looked through, and others are served meanwhile.
        change = await asyncio.to_thread(change_of, before, after, self.known_names)
        kinds, reasons = change.kinds, (*also, *change.reasons)
        if also and "suspicious" not in kinds:
            kinds = ("suspicious", *kinds)
        self._saw(row, made, {"kinds": kinds, "reasons": reasons})
        says = tuple(edit.says for edit in change.edits)
        self.changes.changed.append(Changed(key_of(row), row.digest, made.digest, kinds, reasons, says))
        if row.state == "unapproved":
            lay(row, made.text, made.digest)
            return
        row.candidate, row.candidate_digest = made.text, made.digest
        if row.state == "enabled":
            row.state = "quarantined"

    async def _set_aside(self, row: Entry, refused: Sequence[Json]) -> None:
        """A known one that cannot be taken as it is now: agents do not see it any more, and a person sees how it
        differs, where it can be shown."""
        if row.state == "removed":
            return
        if row.state == "enabled":
            self.changes.set_aside.append(key_of(row))
        if len(refused) == 1 and form_finding(refused[0]) is None:
            await self._lay_over(row, pin_content(refused[0]))
        if row.state == "enabled":
            row.state = "quarantined"

    def _saw(self, row: Entry, made: Pin, details: Json | None = None) -> None:
        self.scribe.saw_definition(key_of(row), made.digest, made.text, details, kind_of(row))
