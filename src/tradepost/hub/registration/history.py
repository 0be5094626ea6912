"""The history of a server and of each of its tools, resources and prompts: every definition that was shown, who
approved which and when, and what was noticed in use. Written in the transaction of what it tells of; an entry is never
changed.

What nobody approved is kept within bounds: a server that shows another definition each time fills no disk.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.foundation.canonical import digest as digest_of
from tradepost.foundation.ids import new_id
from tradepost.foundation.untrusted import clean
from tradepost.hub.registry.models import EntryKind, HistoryEntry, PromptEntry, ResourceEntry, Server, ToolEntry
from tradepost.hub.upstreams.redaction import redact
from tradepost.protocol.server_identity import ServerIdentity

MAX_NAME = 100  # characters of a server's name for itself
MOST_KEPT = 1_000  # entries of a server, beside what was approved or stands in the registry
_LIMITED = ("server", "definition", "removed", "noticed")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Identity:
    """What a server says it is. Text from outside, for display and comparison."""

    name: str = ""
    release: str = ""
    era: str = ""
    protocol_version: str = ""

    def differs_from(self, details: Mapping[str, Any]) -> bool:
        """Whether another server, or another release of it, answers now than the one of a history entry."""
        known = (details.get("name", ""), details.get("release", ""))
        return any(known) and (self.name, self.release) != known


def identity_of(said: ServerIdentity, secrets: Sequence[str]) -> Identity:
    """What a server says it is, without what cannot be seen and without its own secrets."""
    name, release = (clean(redact(text or "", secrets), MAX_NAME) for text in (said.name, said.release))
    return Identity(name, release, said.era, said.version)


@dataclass(slots=True)
class _Known:
    """The definitions of one tool that were seen: their numbers by digest, and the last one."""

    numbers: dict[str, int] = field(default_factory=dict)
    last: str | None = None


class Scribe:
    """Writes the history of one server, for one look at it or one decision. `who` is a person or what made the hub
    look."""

    def __init__(self, session: AsyncSession, server_id: str, who: str, now: datetime) -> None:
        self._session = session
        self._server_id = server_id
        self._who = who
        self._now = now
        self._seen: dict[tuple[str, str], _Known] = {}
        self._place = 0

    async def open(self) -> "Scribe":
        """Read what was written so far. Whoever else writes about this server waits until this transaction ends."""
        await self._session.execute(
            select(Server.id).where(Server.id == self._server_id).with_for_update(key_share=True)
        )
        rows = await self._session.execute(
            select(HistoryEntry.kind, HistoryEntry.tool, HistoryEntry.digest, HistoryEntry.number)
            .where(HistoryEntry.server_id == self._server_id, HistoryEntry.what == "definition")
            .order_by(HistoryEntry.place)
        )
        for kind, name, digest, number in rows:
            known = self._seen.setdefault((kind, name or ""), _Known())
            known.numbers.setdefault(digest or "", number or 0)
            known.last = digest
        highest = await self._session.scalar(
            select(func.max(HistoryEntry.place)).where(HistoryEntry.server_id == self._server_id)
        )
        self._place = (highest or 0) + 1
        return self

    def saw_definition(
        self, name: str, digest: str, text: str, details: Json | None = None, kind: EntryKind = "tool"
    ) -> int:
        """A tool as the server shows it, unless that is how it showed it last. The number of this version."""
        known = self._seen.setdefault((kind, name), _Known())
        number = known.numbers.get(digest)
        if known.last == digest and number is not None:
            return number
        seen_before = number is not None
        if number is None:
            number = max(known.numbers.values(), default=0) + 1
            known.numbers[digest] = number
        known.last = digest
        kept = None if seen_before else text
        self._add("definition", name, number, digest, kept, details, kind)
        return number

    def seed(self, name: str, digest: str, text: str, kind: EntryKind = "tool") -> None:
        """A definition that was pinned before anything was written down."""
        if (kind, name) not in self._seen:
            self.saw_definition(name, digest, text, kind=kind)

    def approved(self, name: str, digest: str, text: str, details: Json, kind: EntryKind = "tool") -> None:
        """Somebody approved a definition. One that nobody wrote down yet is written down first."""
        known = self._seen.setdefault((kind, name), _Known())
        number = known.numbers.get(digest) or self.saw_definition(name, digest, text, kind=kind)
        self._add("approved", name, number, digest, None, details, kind)

    def removed(self, name: str, kind: EntryKind = "tool") -> None:
        """The server does not show a tool any more."""
        self._seen.setdefault((kind, name), _Known()).last = None
        self._add("removed", name, None, None, None, None, kind)

    def noticed(self, name: str | None, details: Json, kind: EntryKind = "tool") -> None:
        """It did not do in use what it says of itself."""
        self._add("noticed", name, None, None, None, details, kind)

    async def saw_server(self, identity: Identity, tools: Mapping[str, str]) -> None:
        """The server as a whole, with the digest of each tool it shows, unless nothing of that is new."""
        said = {"name": identity.name, "release": identity.release, "protocol": identity.protocol_version}
        digest = digest_of({**said, "tools": dict(tools)})
        last = await last_server(self._session, self._server_id)
        if last is None or last.digest != digest:
            number = (last.number or 0) + 1 if last is not None else 1
            self._add("server", None, number, digest, None, {**said, "era": identity.era, "tools": dict(tools)})

    async def close(self) -> None:
        """Let go of the oldest entries that nobody needs, where there are too many."""
        await self._session.flush()
        approved = select(HistoryEntry.digest).where(
            HistoryEntry.server_id == self._server_id, HistoryEntry.what == "approved"
        )
        in_registry = [
            select(digest).where(table.server_id == self._server_id, digest.is_not(None))
            for table in (ToolEntry, ResourceEntry, PromptEntry)
            for digest in (table.digest, table.candidate_digest)
        ]
        needed = or_(*(HistoryEntry.digest.in_(digests) for digests in (approved, *in_registry)))
        limited = (
            HistoryEntry.server_id == self._server_id,
            HistoryEntry.what.in_(_LIMITED),
            or_(HistoryEntry.what != "definition", HistoryEntry.definition.is_(None), not_(needed)),
        )
        oldest_kept = await self._session.scalar(
            select(HistoryEntry.place)
            .where(*limited)
            .order_by(HistoryEntry.place.desc())
            .offset(MOST_KEPT - 1)
            .limit(1)
        )
        if oldest_kept is not None:
            await self._session.execute(delete(HistoryEntry).where(*limited, HistoryEntry.place < oldest_kept))

    def _add(
        self,
        what: str,
        name: str | None,
        number: int | None,
        digest: str | None,
        text: str | None,
        details: Json | None,
        kind: EntryKind = "tool",
    ) -> None:
        self._session.add(
            HistoryEntry(
                id=new_id("hst"),
                server_id=self._server_id,
                place=self._place,
                what=what,
                kind=kind,
                tool=name,
                number=number,
                digest=digest,
                definition=text,
                details=details or {},
                who=self._who,
                happened_at=self._now,
            )
        )
        self._place += 1


async def last_server(session: AsyncSession, server_id: str) -> HistoryEntry | None:
    """The newest version of a server that was written down."""
    row: HistoryEntry | None = await session.scalar(
        select(HistoryEntry)
        .where(HistoryEntry.server_id == server_id, HistoryEntry.what == "server")
        .order_by(HistoryEntry.place.desc())
        .limit(1)
    )
    return row


async def read_history(
    session: AsyncSession, server: Server, tool: str | None = None, limit: int = 100
) -> list[HistoryEntry]:
    """The newest entries of a server, or of one of its tools, resources or prompts by that name, the newest first."""
    statement = select(HistoryEntry).where(HistoryEntry.server_id == server.id)
    if tool is not None:
        statement = statement.where(HistoryEntry.tool == tool)
    return list(await session.scalars(statement.order_by(HistoryEntry.place.desc()).limit(limit)))


async def find_version(session: AsyncSession, server: Server, tool: str, number: int) -> HistoryEntry | None:
    """The entry that has the text of a version of a tool, resource or prompt; of a tool where one has that name."""
    row: HistoryEntry | None = await session.scalar(
        select(HistoryEntry)
        .where(
            HistoryEntry.server_id == server.id,
            HistoryEntry.tool == tool,
            HistoryEntry.number == number,
            HistoryEntry.what == "definition",
        )
        .order_by(HistoryEntry.kind.desc(), HistoryEntry.place)
        .limit(1)
    )
    return row
