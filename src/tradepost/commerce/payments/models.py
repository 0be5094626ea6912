"""Tables of payments, refunds, disputes, payouts and settlement lines."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.commerce.payments.refund_states import RefundState as RefundState
from tradepost.commerce.payments.refund_states import RefundStates
from tradepost.commerce.store.columns import Numbered, first_given, not_negative, numbered, one_of, where, where_given
from tradepost.database.base import StoreBase, Versioned, scoped_reference
from tradepost.database.types import JsonColumn

PaymentState = Literal["requires_action", "authorized", "partially_captured", "captured", "voided", "failed", "expired"]
DisputeStatus = Literal["needs_response", "under_review", "accepted", "won", "lost", "prevented"]
PayoutStatus = Literal["scheduled", "pending", "in_transit", "paid", "failed", "canceled"]
TAKEN = ("captured_at", "authorized_at", "created_at")  # the first that is there says when money was taken
SettlementType = Literal["charge", "refund", "fee", "adjustment", "dispute", "reserve", "transfer"]


class Payment(StoreBase, Numbered, RefundStates):
    """Money from a customer for an order. `sequence` counts payments and refunds of an order together."""

    prefix = "pay"
    noun = "payment"
    __tablename__ = "payments"
    order_id: Mapped[str]
    sequence: Mapped[int]
    method_id: Mapped[str | None]
    psp_reference: Mapped[str | None]
    status: Mapped[str]
    currency: Mapped[str]
    amount_minor: Mapped[int]
    captured_minor: Mapped[int] = mapped_column(default=0)
    refunded_minor: Mapped[int] = mapped_column(default=0)
    authorized_at: Mapped[datetime | None]
    auth_expires_at: Mapped[datetime | None]
    captured_at: Mapped[datetime | None]
    __table_args__ = (
        *numbered("payments"),
        scoped_reference("order_id", "orders"),
        scoped_reference("method_id", "payment_methods"),
        one_of("status", PaymentState),
        *not_negative("amount_minor", "captured_minor", "refunded_minor"),
        CheckConstraint("captured_minor <= amount_minor", name="capture_within_amount"),
        CheckConstraint("refunded_minor <= captured_minor", name="refund_within_captured"),
        Index("ix_payments_order", "workspace_id", "order_id", "sequence"),
        Index("ix_payments_psp", "workspace_id", "psp_reference"),
        Index("ix_payments_time", "workspace_id", "created_at", "id"),
        Index("ix_payments_status", "workspace_id", "status", "created_at", "id"),
        where_given("ix_payments_captured", "captured_at", "created_at", "id"),
        # With the moments themselves, too: without them PostgreSQL would read each payment to know which came first.
        Index(
            "ix_payments_taken",
            *("workspace_id", "status", first_given(*TAKEN), "created_at", "id", "captured_at", "authorized_at"),
        ),
        where(
            "ix_payments_refunded",
            *("created_at", "id", "refund_states", "status", "captured_at", "authorized_at"),
            condition="refund_states IS NOT NULL",
        ),
        where(
            "ix_payments_refunded_taken",
            *(first_given(*TAKEN), "created_at", "id", "refund_states", "status", "captured_at", "authorized_at"),
            condition="refund_states IS NOT NULL",
        ),
        where(
            "ix_payments_taken_early",
            *("created_at", "id", "captured_at", "authorized_at"),
            condition="captured_at < created_at OR authorized_at < created_at",
        ),
    )


class Refund(StoreBase, Numbered):
    """Money back to a customer, out of one payment, to `method_id` (by default the payment's own)."""

    prefix = "ref"
    noun = "refund"
    __tablename__ = "refunds"
    order_id: Mapped[str]
    payment_id: Mapped[str]
    return_id: Mapped[str | None]
    sequence: Mapped[int]
    method_id: Mapped[str | None]
    psp_reference: Mapped[str | None]
    status: Mapped[str] = mapped_column(default="succeeded")
    reason: Mapped[str]
    currency: Mapped[str]
    amount_minor: Mapped[int]
    lines_minor: Mapped[int] = mapped_column(default=0)
    shipping_minor: Mapped[int] = mapped_column(default=0)
    restocking_fee_minor: Mapped[int] = mapped_column(default=0)
    refunded_at: Mapped[datetime | None]
    __table_args__ = (
        *numbered("refunds"),
        scoped_reference("order_id", "orders"),
        scoped_reference("payment_id", "payments"),
        scoped_reference("return_id", "returns"),
        scoped_reference("method_id", "payment_methods"),
        one_of("status", RefundState),
        *not_negative("amount_minor"),
        Index("ix_refunds_order", "workspace_id", "order_id", "sequence"),
        Index("ix_refunds_payment", "workspace_id", "payment_id"),
        Index("ix_refunds_status", "workspace_id", "status", "payment_id"),
        where_given("ix_refunds_psp", "psp_reference"),
        where_given("ix_refunds_time", "refunded_at"),
    )


class RefundLine(StoreBase, Versioned):
    """Which order line a refund pays back, and how much of it."""

    prefix = "rfl"
    noun = "refund line"
    __tablename__ = "refund_lines"
    refund_id: Mapped[str]
    order_line_id: Mapped[str]
    quantity: Mapped[int]
    amount_minor: Mapped[int]
    __table_args__ = (
        scoped_reference("refund_id", "refunds"),
        scoped_reference("order_line_id", "order_lines"),
        *not_negative("quantity", "amount_minor"),
        Index("ix_refund_lines_refund", "workspace_id", "refund_id"),
    )


class Dispute(StoreBase, Numbered):
    """A chargeback or inquiry of a customer's bank."""

    prefix = "dsp"
    noun = "dispute"
    __tablename__ = "disputes"
    payment_id: Mapped[str]
    order_id: Mapped[str]
    status: Mapped[str] = mapped_column(default="needs_response")
    reason_code: Mapped[str]
    currency: Mapped[str]
    amount_minor: Mapped[int]
    fee_minor: Mapped[int] = mapped_column(default=0)
    opened_at: Mapped[datetime]
    evidence_due_by: Mapped[datetime | None]
    __table_args__ = (
        *numbered("disputes"),
        scoped_reference("payment_id", "payments"),
        scoped_reference("order_id", "orders"),
        one_of("status", DisputeStatus),
        Index("ix_disputes_due", "workspace_id", "evidence_due_by"),
        Index("ix_disputes_opened", "workspace_id", "opened_at", "id"),
        Index("ix_disputes_order", "workspace_id", "order_id"),
    )


class DisputeEvidence(StoreBase, Versioned):
    """What the shop sent to the bank about a dispute, once. `media` are ids of pictures and papers."""

    prefix = "dev"
    noun = "dispute evidence"
    __tablename__ = "dispute_evidence"
    dispute_id: Mapped[str]
    statement: Mapped[str]
    media: Mapped[list[str]] = mapped_column(JsonColumn)
    proof: Mapped[dict[str, Any]] = mapped_column(JsonColumn)
    submitted_at: Mapped[datetime]
    __table_args__ = (
        scoped_reference("dispute_id", "disputes"),
        Index("uq_dispute_evidence_dispute", "workspace_id", "dispute_id", unique=True),
    )


class Payout(StoreBase, Numbered):
    """A transfer of the payment provider to our bank. net = gross - fees."""

    prefix = "out"
    noun = "payout"
    __tablename__ = "payouts"
    status: Mapped[str]
    currency: Mapped[str]
    gross_minor: Mapped[int]
    fees_minor: Mapped[int]
    net_minor: Mapped[int]
    period_from: Mapped[datetime]
    period_to: Mapped[datetime]
    arrives_at: Mapped[datetime | None]
    paid_at: Mapped[datetime | None]
    __table_args__ = (
        *numbered("payouts"),
        one_of("status", PayoutStatus),
        CheckConstraint("net_minor = gross_minor - fees_minor", name="net_adds_up"),
        Index("ix_payouts_period", "workspace_id", "period_to", "id"),
    )


class SettlementLine(StoreBase, Versioned):
    """One line of a payout's statement as the provider sent it. `reference` is the provider's reference of the payment
    or refund; amounts are signed: money to us is positive."""

    prefix = "stl"
    noun = "settlement line"
    __tablename__ = "settlement_lines"
    payout_id: Mapped[str]
    position: Mapped[int]
    type: Mapped[str]
    reference: Mapped[str | None]
    currency: Mapped[str]
    gross_minor: Mapped[int]
    fee_minor: Mapped[int] = mapped_column(default=0)
    net_minor: Mapped[int]
    occurred_at: Mapped[datetime]
    __table_args__ = (
        scoped_reference("payout_id", "payouts"),
        one_of("type", SettlementType),
        Index("ix_settlement_lines_payout", "workspace_id", "payout_id", "position"),
        where_given("ix_settlement_lines_reference", "reference", "type"),
    )
