"""Changes of knowledge that an agent or a person proposes, and a person accepts or rejects."""

from dataclasses import dataclass, replace
from difflib import unified_diff
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.commerce.flows.knowledge.entries import MAX_REASON, Draft, by_whom, find_entry, put_entry
from tradepost.commerce.store.store import Store
from tradepost.commerce.support.models import KnowledgeEntry, KnowledgeProposal
from tradepost.foundation.errors import InvalidArgument, NotFound, RateLimited, StateConflict, VersionConflict
from tradepost.foundation.ids import new_id
from tradepost.foundation.untrusted import clean

MAX_OPEN = 100  # of one proposer: a queue that nobody can read helps nobody


@dataclass(frozen=True, slots=True)
class Change:
    """What is proposed. With `entry` (slug or id) its text, title, topic or audience change where given; without, the
    proposal is a new entry and needs slug, title and body."""

    reason: str
    entry: str | None = None
    slug: str | None = None
    kind: str | None = None
    topic: str | None = None
    title: str | None = None
    body: str | None = None
    audience: str | None = None


async def propose(store: Store, change: Change) -> KnowledgeProposal:
    """Keep a proposal. Raises InvalidArgument where the entry could not be written like that, NotFound, RateLimited
    when too many of the same proposer wait."""
    reason = clean(change.reason, MAX_REASON + 1).strip()
    if not reason or len(reason) > MAX_REASON:
        raise InvalidArgument(
            f"A proposal needs a reason of 1 to {MAX_REASON:,} characters.",
            hint="Say what is wrong or missing, and how you know.",
            field="reason",
        )
    by = by_whom(store.caller)
    await _require_room(store.session, by)
    entry = await find_entry(store.session, change.entry) if change.entry is not None else None
    draft = _wanted(change, entry).checked()
    proposal = KnowledgeProposal(
        id=new_id(KnowledgeProposal.prefix),
        entry_id=None if entry is None else entry.id,
        based_on=None if entry is None else entry.version,
        reason=reason,
        proposed_by=by,
        slug=draft.slug,
        kind=draft.kind,
        topic=draft.topic,
        title=draft.title,
        body=draft.body,
        audience=draft.audience,
    )
    store.add(proposal)
    await store.session.flush()
    store.emit("knowledge:proposed", proposal, slug=proposal.slug, by=by)
    return proposal


async def find_proposal(session: AsyncSession, reference: str, *, lock: bool = False) -> KnowledgeProposal:
    """A proposal by its id. Raises NotFound."""
    statement = select(KnowledgeProposal).where(KnowledgeProposal.id == reference)
    found = (await session.scalars(statement.with_for_update() if lock else statement)).first()
    if found is None:
        raise NotFound(f"There is no proposal '{reference}'.", hint="List the proposals to see their ids.")
    return found


async def decide(
    store: Store, reference: str, verdict: Literal["approved", "rejected"], comment: str = ""
) -> KnowledgeProposal:
    """Approve a proposal, which writes the entry in the same transaction, or reject it with a comment for whoever
    proposed. Raises NotFound, StateConflict where it was decided before, VersionConflict where the entry changed since
    it was proposed: whoever approves has read a difference that is not true any more."""
    proposal = await find_proposal(store.session, reference, lock=True)
    if proposal.status != "proposed":
        raise StateConflict(
            f"The proposal was {proposal.status} by {proposal.decided_by} before.", details={"status": proposal.status}
        )
    if len(comment) > MAX_REASON:
        raise InvalidArgument(f"The comment has more than {MAX_REASON:,} characters.", field="comment")
    if verdict == "approved":
        await _carry_out(store, proposal)
    proposal.status, proposal.comment = verdict, clean(comment, MAX_REASON)
    proposal.decided_by, proposal.decided_at = by_whom(store.caller), store.now
    await store.session.flush()
    store.emit(f"knowledge:proposal_{verdict}", proposal, slug=proposal.slug)
    return proposal


async def difference(session: AsyncSession, proposal: KnowledgeProposal) -> str:
    """What would change in the text, as a unified diff against the entry as it is now."""
    before = ""
    if proposal.entry_id is not None:
        entry = await find_entry(session, proposal.entry_id)
        before = f"# {entry.title}\n\n{entry.body}"
    after = f"# {proposal.title}\n\n{proposal.body}"
    lines = unified_diff(before.splitlines(), after.splitlines(), "now", "proposed", lineterm="")
    return "\n".join(lines)


async def _carry_out(store: Store, proposal: KnowledgeProposal) -> None:
    draft = Draft(
        proposal.slug, proposal.kind, proposal.topic, proposal.title, proposal.body, audience=proposal.audience
    )
    if proposal.entry_id is not None:
        entry = await find_entry(store.session, proposal.entry_id, lock=True)
        if entry.version != proposal.based_on:
            raise VersionConflict(
                f"The entry is at version {entry.version}; the proposal was made for version {proposal.based_on}.",
                hint="Reject it, or have it proposed again from the present text.",
                details={"version": entry.version, "based_on": proposal.based_on},
            )
        draft = replace(draft, language=entry.language, status=entry.status, external_id=entry.external_id)
    elif await _slug_is_taken(store.session, proposal.slug):
        raise StateConflict(
            f"An entry '{proposal.slug}' was written meanwhile.", hint="Have the change of that entry proposed instead."
        )
    entry, _ = await put_entry(store, draft, reason=proposal.reason, proposal_id=proposal.id)
    proposal.entry_id = entry.id


def _wanted(change: Change, entry: KnowledgeEntry | None) -> Draft:
    if entry is not None:
        return Draft(
            slug=entry.slug,
            kind=entry.kind,
            topic=change.topic or entry.topic,
            title=change.title or entry.title,
            body=entry.body if change.body is None else change.body,
            audience=change.audience or entry.audience,
        )
    for field in ("slug", "title", "body"):
        if not getattr(change, field):
            raise InvalidArgument(
                f"A new entry needs {field}.",
                hint="Name the entry to change, or give slug, title and body.",
                field=field,
            )
    return Draft(
        slug=change.slug or "",
        kind=change.kind or "article",
        topic=change.topic or "general",
        title=change.title or "",
        body=change.body or "",
        audience=change.audience or "everyone",
    )


async def _slug_is_taken(session: AsyncSession, slug: str) -> bool:
    return (await session.scalars(select(KnowledgeEntry.id).where(KnowledgeEntry.slug == slug))).first() is not None


async def _require_room(session: AsyncSession, by: str) -> None:
    waiting = select(func.count()).where(KnowledgeProposal.proposed_by == by, KnowledgeProposal.status == "proposed")
    if int(await session.scalar(waiting) or 0) >= MAX_OPEN:
        raise RateLimited(
            f"{MAX_OPEN} proposals of yours wait already.", hint="Somebody has to approve or reject some of them first."
        )
