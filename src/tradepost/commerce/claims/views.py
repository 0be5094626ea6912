"""How claims and their evidence look to callers."""

from collections.abc import Sequence
from typing import Any, Required

from typing_extensions import TypedDict

from tradepost.commerce.claims.models import Claim, ClaimEvidence
from tradepost.commerce.store.listing import Detail
from tradepost.commerce.store.periods import days_until
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.money import MoneyView, money
from tradepost.foundation.outsiders import clean_name
from tradepost.foundation.untrusted import UntrustedText, clean

FINAL = ("denied", "paid", "withdrawn", "closed")
TO_FILE = ("draft", "evidence_needed")  # what the deadline still matters for
_LINE_KEYS = ("sku", "order_line_id", "quantity", "condition", "amount_minor")


class EvidenceView(TypedDict):
    """A piece of evidence: its kind, where it lies, when it was added."""

    id: str
    kind: str
    media: str
    note: UntrustedText | None
    added_at: str


class ClaimView(TypedDict, total=False):
    """A claim. `days_left` counts to the carrier's filing deadline (negative: missed); null once it is filed."""

    id: Required[str]
    number: str
    type: str
    side: str
    status: str
    liability: str
    order_number: str | None
    shipment_number: str | None
    purchase_order_number: str | None
    carrier: str | None
    customer_number: str | None
    claimed: MoneyView
    settled: MoneyView
    reserve: MoneyView
    opened_at: str
    file_by: str | None
    days_left: int | None
    decided_at: str | None
    external_reference: str | None
    evidence_count: int
    version: int
    lines: list[dict[str, Any]]
    evidence: list[EvidenceView]
    description: UntrustedText | None


class ClaimLinks(TypedDict):
    """The numbers of what a claim is about."""

    order: str | None
    shipment: str | None
    purchase_order: str | None
    carrier: str | None
    customer: str | None


def claim_view(
    store: Store, claim: Claim, links: ClaimLinks, evidence: Sequence[ClaimEvidence], detail: Detail = "standard"
) -> ClaimView:
    """A claim as callers see it; only `full` brings lines, evidence and the outsider's description."""
    view: ClaimView = {
        "id": claim.id,
        "number": claim.number,
        "type": claim.type,
        "side": claim.side,
        "status": claim.status,
        "order_number": links["order"],
        "carrier": links["carrier"],
        "claimed": money(claim.claimed_minor, claim.currency),
        "file_by": None if claim.file_by is None else to_rfc3339(claim.file_by),
        "days_left": days_until(store.now, claim.file_by) if claim.status in TO_FILE else None,
    }
    if detail == "summary":
        return view
    view["liability"] = claim.liability
    view["shipment_number"] = links["shipment"]
    view["purchase_order_number"] = links["purchase_order"]
    view["customer_number"] = links["customer"]
    view["settled"] = money(claim.settled_minor, claim.currency)
    view["reserve"] = money(claim.reserve_minor, claim.currency)
    view["opened_at"] = to_rfc3339(claim.opened_at)
    view["decided_at"] = None if claim.decided_at is None else to_rfc3339(claim.decided_at)
    view["external_reference"] = claim.external_reference
    view["evidence_count"] = len(evidence)
    view["version"] = claim.version
    if detail == "full":
        view["lines"] = [_line_view(line) for line in claim.lines]
        view["evidence"] = [evidence_view(store, piece) for piece in evidence]
        view["description"] = store.free_text(claim.description, what="the words of a claim")
    return view


def evidence_view(store: Store, piece: ClaimEvidence) -> EvidenceView:
    """A piece of evidence as callers see it."""
    return {
        "id": piece.id,
        "kind": piece.kind,
        "media": clean_name(piece.media, 300, "a file of evidence"),
        "note": store.free_text(piece.note, what="a note on evidence"),
        "added_at": to_rfc3339(piece.created_at),
    }


def _line_view(line: dict[str, Any]) -> dict[str, Any]:
    shown = {key: line[key] for key in _LINE_KEYS if key in line}
    return {key: clean(value, 80) if isinstance(value, str) else value for key, value in shown.items()}
