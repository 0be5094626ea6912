"""Proving a claim: photos, papers and inspections."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field
from sqlalchemy import select

from tradepost.commerce.claims.models import Claim, ClaimEvidence, EvidenceKind
from tradepost.commerce.claims.states import CLAIM, OPEN
from tradepost.commerce.flows.claims.claim_result import ClaimResult, claim_result
from tradepost.commerce.flows.claims.claim_search import ClaimRef
from tradepost.commerce.serving.declare import Answer, write_tool
from tradepost.commerce.store.states import not_in_this_state
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument, LimitExceeded
from tradepost.foundation.ids import new_id
from tradepost.foundation.untrusted import clean

Kind = Annotated[EvidenceKind, Field(description="What it is.", examples=["photo"])]
Media = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=300)]] | None,
    Field(min_length=1, max_length=10, description="Media ids or URLs.", examples=[["med_1"]]),
]
Note = Annotated[str | None, Field(max_length=500, description="What it shows.", examples=["Crushed corner"])]
MAX_EVIDENCE = 50


@write_tool(title="Add claim evidence", scope="write:claims")
async def add_claim_evidence(
    store: Store, claim_id: ClaimRef, kind: Kind = "photo", media: Media = None, note: Note = None
) -> Answer[ClaimResult]:
    """Add evidence to an open claim: photos, a proof of delivery, an invoice, a bill of lading, an inspection. Use when
    something is at hand that proves it; give media ids or URLs, or an inspection's words in note. Not for the claim
    itself (open_claim) and not to send it (file_carrier_claim). Changes nothing but the claim. Returns the claim with
    the evidence that is still missing."""
    if media is None and note is None:
        raise InvalidArgument("There is no evidence.", hint="Give media, or a note.", field="media")
    claim = await store.primary(Claim, claim_id, field="claim_id")
    if claim.status not in OPEN:
        raise not_in_this_state(claim, "and takes no evidence any more", CLAIM, hint="Only open claims do.")
    pieces = await add_pieces(store, claim, kind, media or [""], note)
    view = await claim_result(store, claim)
    left = f" Still needed: {' or '.join(view['evidence_missing'])}." if view["evidence_missing"] else ""
    return Answer(view, f"{claim.number} has {pieces} pieces of evidence.{left}")


async def add_pieces(store: Store, claim: Claim, kind: EvidenceKind, media: Sequence[str], note: str | None) -> int:
    """Put pieces of evidence to a locked claim; how many it has then. Raises LimitExceeded."""
    there = (await store.session.scalars(select(ClaimEvidence).where(ClaimEvidence.claim_id == claim.id))).all()
    if len(there) + len(media) > MAX_EVIDENCE:
        raise LimitExceeded(f"A claim holds {MAX_EVIDENCE} pieces of evidence; {claim.number} has {len(there)}.")
    for item in media:
        store.add(
            ClaimEvidence(
                id=new_id(ClaimEvidence.prefix),
                claim_id=claim.id,
                kind=kind,
                media=clean(item, 300),
                note=clean(note, 500) if note else None,
            )
        )
    claim.updated_at = store.now
    await store.session.flush()
    store.emit("claim:evidence_added", claim, kind=kind, pieces=len(media))
    return len(there) + len(media)


TOOLS = (add_claim_evidence,)
