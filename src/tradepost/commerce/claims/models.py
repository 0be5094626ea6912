"""Tables of claims and their evidence."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.commerce.store.columns import Numbered, not_negative, numbered, one_of
from tradepost.database.base import StoreBase, Versioned, scoped_reference
from tradepost.database.types import JsonColumn

ClaimType = Literal[
    "damage", "concealed_damage", "loss", "shortage", "overage", "misdelivery", "delay", "wrong_item", "defect"
]
ClaimSide = Literal["customer_claim", "carrier_claim"]
ClaimStatus = Literal[
    "draft",
    "submitted",
    "evidence_needed",
    "under_review",
    "approved",
    "partially_approved",
    "denied",
    "paid",
    "withdrawn",
    "closed",
]
Liability = Literal["carrier", "merchant", "supplier", "customer", "undetermined"]
EvidenceKind = Literal["photo", "pod", "invoice", "bol", "inspection", "packaging"]


class Claim(StoreBase, Numbered):
    """A claim for goods that arrived damaged, late, short or not at all. `description` is text from outside."""

    prefix = "clm"
    noun = "claim"
    __tablename__ = "claims"
    type: Mapped[str]
    side: Mapped[str]
    status: Mapped[str] = mapped_column(default="draft")
    liability: Mapped[str] = mapped_column(default="undetermined")
    order_id: Mapped[str | None]
    shipment_id: Mapped[str | None]
    purchase_order_id: Mapped[str | None]
    carrier_id: Mapped[str | None]
    customer_id: Mapped[str | None]
    currency: Mapped[str]
    reserve_minor: Mapped[int] = mapped_column(default=0)
    claimed_minor: Mapped[int] = mapped_column(default=0)
    settled_minor: Mapped[int] = mapped_column(default=0)
    opened_at: Mapped[datetime]
    file_by: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    description: Mapped[str | None]
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JsonColumn, default=list)
    external_reference: Mapped[str | None]
    __table_args__ = (
        *numbered("claims"),
        scoped_reference("order_id", "orders"),
        scoped_reference("shipment_id", "shipments"),
        scoped_reference("purchase_order_id", "purchase_orders"),
        scoped_reference("carrier_id", "carriers"),
        scoped_reference("customer_id", "customers"),
        one_of("type", ClaimType),
        one_of("side", ClaimSide),
        one_of("status", ClaimStatus),
        one_of("liability", Liability),
        *not_negative("reserve_minor", "claimed_minor", "settled_minor"),
        Index("ix_claims_opened", "workspace_id", "opened_at", "id"),
        Index("ix_claims_file_by", "workspace_id", "file_by", "id", "status", "side", "type", "carrier_id"),
        Index("ix_claims_order", "workspace_id", "order_id"),
    )


class ClaimEvidence(StoreBase, Versioned):
    """A piece of evidence at a claim: what kind, where it lies, what it shows."""

    prefix = "evd"
    noun = "evidence"
    __tablename__ = "claim_evidence"
    claim_id: Mapped[str]
    kind: Mapped[str]
    media: Mapped[str]
    note: Mapped[str | None]
    __table_args__ = (
        scoped_reference("claim_id", "claims"),
        one_of("kind", EvidenceKind),
        Index("ix_claim_evidence_claim", "workspace_id", "claim_id"),
    )
