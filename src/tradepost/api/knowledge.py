"""The shop's knowledge: policies and articles, their editions, and proposals to change them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.api.access import Work, may
from tradepost.api.knowledge_shapes import (
    Decision,
    EditionShown,
    EntryGiven,
    EntryLine,
    EntryQuery,
    EntryShown,
    EntryWritten,
    ProposalGiven,
    ProposalLine,
    ProposalQuery,
    ProposalShown,
    StatusGiven,
    edition_shown,
    entry_line,
    entry_shown,
    proposal_line,
    proposal_shown,
)
from tradepost.api.paging import Place, page_of
from tradepost.api.shapes import Page, in_path, page
from tradepost.commerce.flows.knowledge import entries, proposals
from tradepost.commerce.flows.knowledge.searching import entries_with
from tradepost.commerce.store.store import Store
from tradepost.commerce.store.touched import telling
from tradepost.commerce.support.models import KnowledgeEntry, KnowledgeProposal
from tradepost.hub.access.changes import note

router = APIRouter(tags=["knowledge"])

Reading = Annotated[Work, Depends(may("viewer", "read:policies"))]
Writing = Annotated[Work, Depends(may("admin", "write:content"))]
Deciding = Annotated[Work, Depends(may("operator", "write:content"))]
Proposing = Annotated[Work, Depends(may("viewer", "read:policies", agents=True))]
Which = Annotated[str, in_path("The entry's slug, id or external id.", "returns-policy")]
WhichProposal = Annotated[str, in_path("The proposal's id.", "kpr_06fk3w9x0t")]


@dataclass(frozen=True, slots=True)
class _Write:
    """A write to the store, and the audit row that goes with it."""

    store: Store
    hub: AsyncSession

    def note(self, tag: str, subject: str, **details: Any) -> None:
        """Say in the audit what was done."""
        note(self.hub, self.store.caller, f"knowledge:{tag}", subject, details)


@asynccontextmanager
async def _reading(work: Work) -> AsyncIterator[AsyncSession]:
    async with work.parts.store.transaction(work.caller.workspace_id, write=False) as session:
        yield session


@asynccontextmanager
async def _writing(work: Work) -> AsyncIterator[_Write]:
    """The store's transaction commits first: an audit row may be missing after a crash, but never tells of what was not
    done; who did it is kept with the edition or the proposal itself."""
    async with work.writing() as hub, work.parts.store.transaction(work.caller.workspace_id, write=True) as session:
        store = await entries.knowledge_store(session, work.caller)
        async with telling(store):
            yield _Write(store, hub)


@router.get("/knowledge/entries", summary="List knowledge")
async def list_entries(work: Reading, query: Annotated[EntryQuery, Query()]) -> Page[EntryLine]:
    """Policies and articles by slug. With `q`, those with all its words in one clause."""
    chosen = (query.kind, query.topic, query.status, query.q)
    place = Place("knowledge", work.caller.workspace_id, query.limit, query.cursor, chosen)
    statement = select(KnowledgeEntry)
    for name in ("kind", "topic", "status"):
        if getattr(query, name) is not None:
            statement = statement.where(getattr(KnowledgeEntry, name) == getattr(query, name))
    if query.q is not None:
        statement = statement.where(entries_with(query.q, work.caller.workspace_id))
    async with _reading(work) as session:
        rows, more = await page_of(session, place, statement, [(KnowledgeEntry.slug, str)])
    return page([entry_line(row) for row in rows], more)


@router.post("/knowledge/entries", summary="Write an entry", responses={201: {"model": EntryWritten}})
async def put_entry(work: Writing, response: Response, body: EntryGiven) -> EntryWritten:
    """Write an entry whole: for syncs from another system, which may send everything again. 201 where it is new."""
    given = body.model_dump()
    reason, expected = given.pop("reason"), given.pop("expected_version")
    async with _writing(work) as write:
        entry, changed = await entries.put_entry(
            write.store, entries.Draft(**given), reason=reason, expected_version=expected
        )
        if changed:
            write.note(f"entry:{entry.status}", entry.slug, version=entry.version)
        response.status_code = 201 if changed and entry.version == 1 else 200
        return EntryWritten(**entry_shown(entry).model_dump(), changed=changed)


@router.get("/knowledge/entries/{entry}", summary="Show an entry")
async def get_entry(work: Reading, entry: Which) -> EntryShown:
    """An entry with its text."""
    async with _reading(work) as session:
        return entry_shown(await entries.find_entry(session, entry))


@router.patch("/knowledge/entries/{entry}", summary="Publish or archive an entry")
async def set_status(work: Writing, entry: Which, body: StatusGiven) -> EntryWritten:
    """Only what is published is found and cited."""
    async with _writing(work) as write:
        found, changed = await entries.set_status(
            write.store, entry, body.status, reason=body.reason, expected_version=body.expected_version
        )
        if changed:
            write.note(f"entry:{found.status}", found.slug, version=found.version)
        return EntryWritten(**entry_shown(found).model_dump(), changed=changed)


@router.get("/knowledge/entries/{entry}/editions", summary="Show an entry's editions")
async def list_editions(work: Reading, entry: Which) -> list[EditionShown]:
    """Every text it ever had, who wrote it and why, the newest first."""
    async with _reading(work) as session:
        found = await entries.find_entry(session, entry)
        return [edition_shown(one) for one in await entries.editions_of(session, found)]


@router.get("/knowledge/proposals", summary="List proposals")
async def list_proposals(work: Reading, query: Annotated[ProposalQuery, Query()]) -> Page[ProposalLine]:
    """Proposed changes, the newest first."""
    place = Place("proposals", work.caller.workspace_id, query.limit, query.cursor, (query.status,))
    statement = select(KnowledgeProposal)
    if query.status is not None:
        statement = statement.where(KnowledgeProposal.status == query.status)
    async with _reading(work) as session:
        rows, more = await page_of(session, place, statement, [(KnowledgeProposal.id, str)], newest=True)
    return page([proposal_line(row) for row in rows], more)


@router.post("/knowledge/proposals", status_code=201, summary="Propose a change")
async def propose(work: Proposing, body: ProposalGiven) -> ProposalShown:
    """A change of an entry or a new one, for a person to approve. Agents may propose, too."""
    async with _writing(work) as write:
        proposal = await proposals.propose(write.store, proposals.Change(**body.model_dump()))
        write.note("proposed", proposal.id, slug=proposal.slug)
        return proposal_shown(proposal, await proposals.difference(write.store.session, proposal))


@router.get("/knowledge/proposals/{proposal}", summary="Show a proposal")
async def get_proposal(work: Reading, proposal: WhichProposal) -> ProposalShown:
    """A proposal, and what would change in the entry as it is now."""
    async with _reading(work) as session:
        found = await proposals.find_proposal(session, proposal)
        return proposal_shown(found, await proposals.difference(session, found))


@router.patch("/knowledge/proposals/{proposal}", summary="Approve or reject a proposal")
async def decide(work: Deciding, proposal: WhichProposal, body: Decision) -> ProposalShown:
    """Approving writes the entry at once. 409 where it was decided before, or the entry changed since."""
    async with _writing(work) as write:
        found = await proposals.decide(write.store, proposal, body.status, body.comment)
        write.note(f"proposal:{found.status}", found.id, slug=found.slug)
        return proposal_shown(found, await proposals.difference(write.store.session, found))
