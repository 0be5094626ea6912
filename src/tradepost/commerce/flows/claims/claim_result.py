"""What every step on a claim answers with."""

from sqlalchemy import select
from typing_extensions import TypedDict

from tradepost.commerce.claims.models import Claim, ClaimEvidence
from tradepost.commerce.claims.states import CLAIM, PROOF
from tradepost.commerce.orders.models import Order
from tradepost.commerce.purchasing.models import PurchaseOrder
from tradepost.commerce.store.periods import days_until
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.money import MoneyView, money


class ClaimResult(TypedDict):
    """A claim as a step leaves it. `evidence_missing`: any one of these kinds lets it be filed; empty: nothing."""

    id: str
    number: str
    version: int
    type: str
    side: str
    claim_status: str
    allowed_next: list[str]
    about: str
    liability: str
    claimed: MoneyView
    settled: MoneyView
    file_by: str | None
    days_left: int | None
    evidence_missing: list[str]


async def claim_result(store: Store, claim: Claim) -> ClaimResult:
    """The claim as a step leaves it."""
    kinds = await store.session.scalars(select(ClaimEvidence.kind).where(ClaimEvidence.claim_id == claim.id))
    return {
        "id": claim.id,
        "number": claim.number,
        "version": claim.version,
        "type": claim.type,
        "side": claim.side,
        "claim_status": claim.status,
        "allowed_next": list(CLAIM.get(claim.status, ())),
        "about": await _about(store, claim),
        "liability": claim.liability,
        "claimed": money(claim.claimed_minor, claim.currency),
        "settled": money(claim.settled_minor, claim.currency),
        "file_by": None if claim.file_by is None else to_rfc3339(claim.file_by),
        "days_left": days_until(store.now, claim.file_by) if claim.status == "draft" else None,
        "evidence_missing": missing_proof(claim.type, set(kinds)),
    }


def missing_proof(claim_type: str, kinds: set[str]) -> list[str]:
    """The kinds of evidence of which one is needed and none is there."""
    wanted = PROOF.get(claim_type, ())
    return [] if kinds & set(wanted) else list(wanted)


async def _about(store: Store, claim: Claim) -> str:
    purchase = await store.get(PurchaseOrder, claim.purchase_order_id)
    if purchase is not None:
        return f"purchase order {purchase.number}"
    order = await store.get(Order, claim.order_id)
    return f"order {order.number}" if order is not None else "no record"
