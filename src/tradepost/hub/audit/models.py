"""Tables of audit events and of the chain that seals them."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import FetchedValue, Index
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.database.base import HubBase, Scoped
from tradepost.database.types import JsonColumn

AuditKind = Literal["read", "intent", "outcome", "refused", "decision", "admin"]


class AuditEvent(HubBase, Scoped):
    """One fact, never changed. Reads have one row; a write has an intent row before it is dispatched and an outcome
    row after; `refused` is a call that never reached a server; `decision` a person's verdict; `admin` a change of the
    registry or of access. `tag` is subject:verb ("tool:call", "approval:approved")."""

    __tablename__ = "audit_events"
    __mapper_args__: dict[str, Any] = {"eager_defaults": False}  # noqa: RUF012 (SQLAlchemy reads it once)
    sequence: Mapped[int | None] = mapped_column(FetchedValue())
    occurred_at: Mapped[datetime]
    kind: Mapped[str]
    tag: Mapped[str]
    request_id: Mapped[str]
    run_id: Mapped[str | None]
    principal_kind: Mapped[str]
    principal_id: Mapped[str]
    agent_id: Mapped[str | None]
    user_id: Mapped[str | None]
    server: Mapped[str | None]
    tool: Mapped[str | None]
    action_id: Mapped[str | None]
    arguments_digest: Mapped[str | None]
    definition_digest: Mapped[str | None]
    decision: Mapped[str | None]
    approver_id: Mapped[str | None]
    outcome: Mapped[str | None]
    error_code: Mapped[str | None]
    duration_us: Mapped[int | None]
    details: Mapped[dict[str, Any]] = mapped_column(JsonColumn)
    __table_args__ = (
        Index("uq_audit_events_sequence", "sequence", unique=True),
        Index("ix_audit_events_time", "workspace_id", "occurred_at"),
        Index("ix_audit_events_request", "workspace_id", "request_id"),
        Index("ix_audit_events_action", "workspace_id", "action_id"),
    )


class AuditLink(HubBase, Scoped):
    """A link of a workspace's chain: position 1, 2, 3, …; `row_hash` of the event and `chain_hash` over it and the
    link before. The row's id is the event's id."""

    __tablename__ = "audit_links"
    position: Mapped[int]
    row_hash: Mapped[str]
    chain_hash: Mapped[str]
    sealed_at: Mapped[datetime]
    __table_args__ = (Index("uq_audit_links_position", "workspace_id", "position", unique=True),)
