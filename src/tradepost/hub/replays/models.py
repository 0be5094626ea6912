"""Table of requests that carried an idempotency key, and of how they were answered."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.database.base import HubBase, Versioned


class Replay(HubBase, Versioned):
    """One request of one principal. Its id is made of principal, operation and key, so that there is one at most.

    `fingerprint` is the digest of what was asked, `body` the text of the answer, without anything that is shown once.
    `running` ones have no answer yet: after `claim_ends_at` nobody knows what became of them.
    """

    __tablename__ = "replays"
    principal_id: Mapped[str]
    operation: Mapped[str]
    key: Mapped[str]
    fingerprint: Mapped[str]
    state: Mapped[str]
    claim_ends_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    status: Mapped[int | None]
    body: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (
        CheckConstraint("state IN ('running', 'answered')", name="state"),
        Index("ix_replays_expires_at", "workspace_id", "expires_at"),
    )
