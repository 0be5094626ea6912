"""The table of effects outside the store."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.commerce.store.columns import not_negative, one_of
from tradepost.database.base import StoreBase, Versioned, scoped_reference
from tradepost.database.types import JsonColumn

EffectKind = Literal[
    "email",
    "sms",
    "buy_label",
    "void_label",
    "return_label",
    "file_claim",
    "charge",
    "authorize",
    "capture",
    "void_payment",
    "refund",
    "dispute_evidence",
]
EffectStatus = Literal["pending", "sending", "sent", "failed"]


class Effect(StoreBase, Versioned):
    """One thing to do at a mail server, carrier or payment provider, because of an event of the outbox.

    Its id is the key the other side is given, so that a repeated attempt does nothing twice there. `request` is what is
    asked for, `reference` what the other side called it. `claimed_until` is the lease of the attempt under way.
    """

    prefix = "eff"
    noun = "effect"
    __tablename__ = "effects"
    event_id: Mapped[str]
    event_type: Mapped[str]
    kind: Mapped[str]
    subject: Mapped[str]
    order_id: Mapped[str | None]
    request: Mapped[dict[str, Any]] = mapped_column(JsonColumn)
    status: Mapped[str] = mapped_column(default="pending")
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime]
    claimed_until: Mapped[datetime | None]
    error: Mapped[str | None]
    reference: Mapped[str | None]
    finished_at: Mapped[datetime | None]
    __table_args__ = (
        scoped_reference("event_id", "store_outbox"),
        scoped_reference("order_id", "orders"),
        one_of("kind", EffectKind),
        one_of("status", EffectStatus),
        *not_negative("attempts"),
        Index("uq_effects_event", "workspace_id", "event_id", "kind", unique=True),
        Index("ix_effects_due", "status", "due_at"),
        Index("ix_effects_order", "workspace_id", "order_id"),
        Index("ix_effects_subject", "workspace_id", "subject"),
    )
