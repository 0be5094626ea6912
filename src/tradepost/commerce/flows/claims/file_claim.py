"""Sending a claim to whoever is liable, before its deadline and with its proof."""

from typing import Annotated

from pydantic import Field
from sqlalchemy import select

from tradepost.commerce.claims.models import Claim, ClaimEvidence
from tradepost.commerce.claims.states import CLAIM
from tradepost.commerce.flows.claims.claim_result import ClaimResult, claim_result, missing_proof
from tradepost.commerce.flows.claims.claim_search import ClaimRef
from tradepost.commerce.logistics.models import Carrier
from tradepost.commerce.purchasing.models import PurchaseOrder, Supplier
from tradepost.commerce.serving.declare import Answer, write_tool
from tradepost.commerce.store.states import require_step, step
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import StateConflict
from tradepost.foundation.money import display
from tradepost.foundation.untrusted import clean

LateReason = Annotated[
    str | None, Field(max_length=300, description="Why it is filed after its deadline.", examples=["Customer was away"])
]


@write_tool(title="File carrier claim", scope="write:claims", open_world=True)
async def file_carrier_claim(store: Store, claim_id: ClaimRef, late_reason: LateReason = None) -> Answer[ClaimResult]:
    """Send a drafted claim to the carrier, or to the supplier of a purchase order. Use when its evidence is complete
    and its deadline has not passed; a late one needs late_reason. Not for a customer's claim against us (decide_claim).
    It is sent outside the store and cannot be called back. Moves no money. Returns the claim as submitted."""
    claim = await store.primary(Claim, claim_id, field="claim_id")
    if claim.side != "carrier_claim":
        raise StateConflict(
            f"{claim.number} is a customer's claim against us: there is nobody to file it with.",
            hint="Decide it with decide_claim; open_claim with the parcel's shipment_id passes it on.",
        )
    again = claim.status == "evidence_needed"
    require_step(claim, "under_review" if again else "submitted", CLAIM)
    kinds = set(await store.session.scalars(select(ClaimEvidence.kind).where(ClaimEvidence.claim_id == claim.id)))
    missing = missing_proof(claim.type, kinds)
    if missing:
        raise StateConflict(
            f"A {claim.type} claim is not filed without evidence: {' or '.join(missing)}.",
            hint="Add it with add_claim_evidence.",
            details={"missing": missing},
        )
    if claim.file_by is not None and store.now > claim.file_by and not again and not (late_reason or "").strip():
        raise StateConflict(
            f"The deadline of {claim.number} was {to_rfc3339(claim.file_by)}.",
            hint="Say in late_reason why it is filed all the same, or leave it.",
            field="late_reason",
            details={"file_by": to_rfc3339(claim.file_by)},
        )
    step(claim, "under_review" if again else "submitted", CLAIM)
    target = await _recipient(store, claim)
    store.side_effect(f"The claim over {display(claim.claimed_minor, claim.currency)} is sent to {target}.")
    await store.session.flush()
    store.emit(
        "claim:filed",
        claim,
        recipient=target,
        claimed_minor=claim.claimed_minor,
        late_reason=clean(late_reason, 300) if late_reason else None,
    )
    view = await claim_result(store, claim)
    return Answer(view, f"{claim.number} over {view['claimed']['display']} is {claim.status}: sent to {target}.")


async def _recipient(store: Store, claim: Claim) -> str:
    carrier = await store.get(Carrier, claim.carrier_id)
    if carrier is not None:
        return clean(carrier.name, 80)
    purchase = await store.get(PurchaseOrder, claim.purchase_order_id)
    supplier = None if purchase is None else await store.get(Supplier, purchase.supplier_id)
    if supplier is None:
        raise StateConflict(
            f"{claim.number} names no carrier and no purchase order, so there is nobody to send it to.",
            hint="Open it again with the shipment_id of the parcel.",
        )
    return f"{supplier.number} ({clean(supplier.name, 60)})"


TOOLS = (file_carrier_claim,)
