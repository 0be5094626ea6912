"""The outcome of a claim: approved in whole or in part, denied, or back for evidence."""

from typing import Annotated, Literal

from pydantic import Field

from tradepost.commerce.claims.models import Claim
from tradepost.commerce.claims.states import CLAIM, OPEN
from tradepost.commerce.flows.claims.claim_result import ClaimResult, claim_result
from tradepost.commerce.flows.claims.claim_search import ClaimRef
from tradepost.commerce.serving.declare import Answer, write_tool
from tradepost.commerce.store.states import not_in_this_state, require_step, step
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument, LimitExceeded
from tradepost.foundation.money import display
from tradepost.foundation.untrusted import clean

Decision = Annotated[
    Literal["approve", "deny", "ask_evidence"],
    Field(description="approve with an amount, deny, or ask for more evidence.", examples=["approve"]),
]
Amount = Annotated[
    int | None,
    Field(ge=1, le=10**11, description="Approved, in minor units; left out: all that is claimed.", examples=[2490]),
]
Reason = Annotated[
    str | None, Field(min_length=3, max_length=500, description="Why.", examples=["Photo shows our packing"])
]


@write_tool(title="Decide claim", scope="write:claims")
async def decide_claim(
    store: Store, claim_id: ClaimRef, decision: Decision, amount_minor: Amount = None, reason: Reason = None
) -> Answer[ClaimResult]:
    """Record the outcome of a submitted claim: ours on a customer's, or what carrier or supplier answered. Use after
    reading its evidence (search_claims with claim_id). An amount below the claimed one approves in part; deny and
    ask_evidence need a reason. Pays nothing by itself: initiate_refund or apply_store_credit do. Not for a draft
    (file_carrier_claim first). Returns the claim, what was settled and the next steps."""
    claim = await store.primary(Claim, claim_id, field="claim_id")
    _require_decision(claim, decision, amount_minor, reason)
    if claim.status in ("submitted", "evidence_needed"):
        step(claim, "under_review", CLAIM)
    amount = 0
    if decision == "approve":
        amount = claim.claimed_minor if amount_minor is None else amount_minor
        step(claim, "approved" if amount == claim.claimed_minor else "partially_approved", CLAIM)
    else:
        step(claim, "denied" if decision == "deny" else "evidence_needed", CLAIM)
    if decision != "ask_evidence":
        claim.settled_minor, claim.decided_at = amount, store.now
    await store.session.flush()
    why = clean(reason, 500) if reason else None
    store.emit("claim:decided", claim, decision=decision, settled_minor=amount, reason=why)
    view = await claim_result(store, claim)
    settled = f" with {view['settled']['display']} of {view['claimed']['display']}" if amount else ""
    return Answer(view, f"{claim.number} is {claim.status}{settled}. Next: {', '.join(view['allowed_next'])}.")


def _require_decision(claim: Claim, decision: str, amount_minor: int | None, reason: str | None) -> None:
    if claim.status == "draft":
        raise not_in_this_state(claim, "and cannot be decided", CLAIM, hint="Send it first: file_carrier_claim.")
    if claim.status not in OPEN:
        require_step(claim, "under_review", CLAIM)
    if decision != "approve" and amount_minor is not None:
        raise InvalidArgument(
            f"{decision} settles nothing.", hint="amount_minor goes with approve.", field="amount_minor"
        )
    if decision != "approve" and not (reason or "").strip():
        raise InvalidArgument(f"{decision} needs a reason.", hint="Say why, in reason.", field="reason")
    if amount_minor is not None and amount_minor > claim.claimed_minor:
        raise LimitExceeded(
            f"{display(amount_minor, claim.currency)} are more than the {display(claim.claimed_minor, claim.currency)} "
            f"that {claim.number} claims.",
            hint="Approve at most what is claimed.",
            field="amount_minor",
            details={"claimed_minor": claim.claimed_minor},
        )


TOOLS = (decide_claim,)
