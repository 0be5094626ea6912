"""Entries of the shop's knowledge: written whole, kept in editions, found and shown."""

import re
from dataclasses import asdict, dataclass, replace
from typing import Any, get_args

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.commerce.flows.knowledge.publishing import publish, withdraw
from tradepost.commerce.store.models import StoreSettings
from tradepost.commerce.store.store import Store
from tradepost.commerce.support.models import (
    Audience,
    EntryKind,
    EntryStatus,
    KnowledgeEdition,
    KnowledgeEntry,
    PolicyTopic,
)
from tradepost.commerce.support.sections import sections_of
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import system_now
from tradepost.foundation.errors import InvalidArgument, NotFound, StateConflict, VersionConflict
from tradepost.foundation.ids import new_id
from tradepost.foundation.untrusted import clean

MAX_BODY, MAX_TITLE, MAX_REASON = 200_000, 200, 1_000

_SLUG = re.compile(r"^[a-z0-9]+(-[a-z0-9]+)*$")
_CHOICES: dict[str, tuple[str, ...]] = {
    "kind": get_args(EntryKind),
    "topic": get_args(PolicyTopic),
    "audience": get_args(Audience),
    "status": get_args(EntryStatus),
}


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry as somebody wants it. `body` is Markdown; a policy's headings carry clause ids. `audience` staff: the
    shop's customers do not find it. Only what is published is found."""

    slug: str
    kind: str
    topic: str
    title: str
    body: str
    language: str = ""
    audience: str = "everyone"
    status: str = "published"
    external_id: str | None = None

    def checked(self) -> "Draft":
        """The same with clean text. Raises InvalidArgument naming the field."""
        for field, allowed in _CHOICES.items():
            if getattr(self, field) not in allowed:
                raise _wrong(field, f"{field} '{getattr(self, field)}' is none of {', '.join(allowed)}.")
        if not _SLUG.match(self.slug) or len(self.slug) > 80:
            raise _wrong("slug", f"'{self.slug[:90]}' is no slug.", "Use a-z, 0-9 and hyphens, at most 80.")
        tidy = replace(self, title=clean(self.title, MAX_TITLE + 1).strip(), body=clean(self.body, MAX_BODY + 1))
        if not tidy.title or len(tidy.title) > MAX_TITLE or "\n" in tidy.title:
            raise _wrong("title", f"The title has to be one line of 1 to {MAX_TITLE} characters.")
        if len(tidy.body) > MAX_BODY:
            raise _wrong("body", f"The text has more than {MAX_BODY:,} characters.", "Make several entries of it.")
        sections_of(tidy.slug, tidy.title, tidy.body, named=tidy.kind == "policy")
        return tidy


async def knowledge_store(session: AsyncSession, caller: Caller) -> Store:
    """The unit of work for who writes knowledge without a tool: over REST or at the keyboard."""
    settings = (await session.scalars(select(StoreSettings))).first()
    if settings is None:
        return Store(session, caller, system_now(), "EUR")
    return Store(session, caller, settings.fixed_now or system_now(), settings.currency)


async def find_entry(session: AsyncSession, reference: str, *, lock: bool = False) -> KnowledgeEntry:
    """An entry by its slug, id or external id. Raises NotFound."""
    statement = select(KnowledgeEntry).where(
        or_(KnowledgeEntry.slug == reference, KnowledgeEntry.id == reference, KnowledgeEntry.external_id == reference)
    )
    found = (await session.scalars(statement.with_for_update() if lock else statement)).all()
    exact = [entry for entry in found if reference in (entry.slug, entry.id)] or found
    if not exact:
        raise NotFound(f"There is no knowledge entry '{reference}'.", hint="List the entries to see their slugs.")
    return exact[0]


async def put_entry(
    store: Store, draft: Draft, *, reason: str = "", expected_version: int | None = None, proposal_id: str | None = None
) -> tuple[KnowledgeEntry, bool]:
    """Write an entry whole: the one with this external id, else with this slug, else a new one. Says whether anything
    changed; where nothing did there is no new edition, so a sync may send everything again. Raises InvalidArgument,
    VersionConflict, StateConflict (a slug or a clause id that another entry has)."""
    wanted = draft.checked()
    entry = await _present(store.session, wanted)
    _require_version(entry, expected_version)
    if entry is not None and _as_draft(entry) == wanted:
        return entry, False
    if entry is None:
        entry = KnowledgeEntry(id=new_id(KnowledgeEntry.prefix), **asdict(wanted))
        store.add(entry)
    else:
        await _require_free_slug(store.session, wanted.slug, entry.id)
        for field, value in asdict(wanted).items():
            setattr(entry, field, value)
    await store.session.flush()
    await (publish(store, entry) if entry.status == "published" else withdraw(store, entry))
    _keep_edition(store, entry, reason, proposal_id)
    await store.session.flush()
    store.emit(f"knowledge:{entry.status}", entry, slug=entry.slug)
    return entry, True


async def set_status(
    store: Store, reference: str, status: EntryStatus, *, reason: str = "", expected_version: int | None = None
) -> tuple[KnowledgeEntry, bool]:
    """Publish an entry, take it back into drafts, or archive it. Raises NotFound, VersionConflict, StateConflict."""
    entry = await find_entry(store.session, reference, lock=True)
    draft = replace(_as_draft(entry), status=status)
    return await put_entry(store, draft, reason=reason, expected_version=expected_version)


async def editions_of(session: AsyncSession, entry: KnowledgeEntry) -> list[KnowledgeEdition]:
    """All editions of an entry, the newest first."""
    statement = select(KnowledgeEdition).where(KnowledgeEdition.entry_id == entry.id)
    return list((await session.scalars(statement.order_by(KnowledgeEdition.edition.desc()))).all())


def by_whom(caller: Caller) -> str:
    """Who acts, as editions and proposals keep it: "user:usr_…", "agent:agt_…"."""
    if caller.agent_id is not None:
        return f"agent:{caller.agent_id}"
    return f"user:{caller.user_id}" if caller.user_id else f"{caller.principal.kind}:{caller.principal.id}"


def _as_draft(entry: KnowledgeEntry) -> Draft:
    return Draft(**{field: getattr(entry, field) for field in Draft.__dataclass_fields__})


async def _present(session: AsyncSession, wanted: Draft) -> KnowledgeEntry | None:
    statement = select(KnowledgeEntry).with_for_update()
    if wanted.external_id is not None:
        found = (await session.scalars(statement.where(KnowledgeEntry.external_id == wanted.external_id))).first()
        if found is not None:
            return found
    return (await session.scalars(statement.where(KnowledgeEntry.slug == wanted.slug))).first()


async def _require_free_slug(session: AsyncSession, slug: str, own_id: str) -> None:
    other = select(KnowledgeEntry.id).where(KnowledgeEntry.slug == slug, KnowledgeEntry.id != own_id)
    if (await session.scalars(other)).first() is not None:
        raise StateConflict(f"Another entry has the slug '{slug}'.", hint="Choose another slug.", field="slug")


def _require_version(entry: KnowledgeEntry | None, expected: int | None) -> None:
    there: Any = None if entry is None else entry.version
    if expected is not None and there != expected:
        raise VersionConflict(
            f"The entry is at version {there}, not {expected}: somebody changed it."
            if entry is not None
            else "The entry is not there any more.",
            hint="Read it again, bring your change into its present text, and send its present version.",
            field="expected_version",
            details={"version": there},
        )


def _keep_edition(store: Store, entry: KnowledgeEntry, reason: str, proposal_id: str | None) -> None:
    if len(reason) > MAX_REASON:
        raise _wrong("reason", f"The reason has more than {MAX_REASON:,} characters.", "Shorten it.")
    kept = ("topic", "title", "body", "audience", "status")
    store.add(
        KnowledgeEdition(
            id=new_id(KnowledgeEdition.prefix),
            entry_id=entry.id,
            edition=entry.version,
            made_by=by_whom(store.caller),
            reason=clean(reason, MAX_REASON),
            proposal_id=proposal_id,
            created_at=store.now,
            **{field: getattr(entry, field) for field in kept},
        )
    )


def _wrong(field: str, message: str, hint: str | None = None) -> InvalidArgument:
    return InvalidArgument(message, hint=hint or "Send the entry with this field mended.", field=field)
