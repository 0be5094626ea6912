"""Tables of audit events and of the chain that seals them."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import FetchedValue, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.database.base import HubBase, Scoped, Versioned
from tradepost.database.types import JsonColumn


def _where_there(name: str) -> Index:
    """Rows that have one: most have none, and cost nothing then."""
    there: dict[str, Any] = dict.fromkeys(("sqlite_where", "postgresql_where"), text(f"{name} IS NOT NULL"))
    return Index(f"ix_audit_events_{name}", "workspace_id", name, "sequence", **there)


AuditKind = Literal["read", "intent", "outcome", "refused", "decision", "admin"]


class AuditEvent(HubBase, Scoped):
    """One fact, never changed. Reads have one row; a write has an intent row before it is dispatched and an outcome
    row after; `refused` is a call that never reached a server; `decision` a person's verdict; `admin` a change of the
    registry or of access. `tag` is subject:verb ("tool:call", "approval:approved"). `arguments` are canonical JSON, as
    far as the workspace keeps them."""

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
    rule_id: Mapped[str | None]
    upstream_request_id: Mapped[str | None]
    upstream_us: Mapped[int | None]
    arguments: Mapped[str | None] = mapped_column(Text)
    arguments_bytes: Mapped[int | None]
    result_bytes: Mapped[int | None]
    result_tokens: Mapped[int | None]
    details: Mapped[dict[str, Any]] = mapped_column(JsonColumn)
    __table_args__ = (
        Index("uq_audit_events_sequence", "sequence", unique=True),
        Index("ix_audit_events_time", "workspace_id", "occurred_at", "sequence", "agent_id", "tool"),
        Index("ix_audit_events_request", "workspace_id", "request_id"),
        Index("ix_audit_events_newest", "workspace_id", "sequence"),
        Index("ix_audit_events_server", "workspace_id", "server", "sequence", "kind"),
        Index("ix_audit_events_tool", "workspace_id", "tool", "sequence", "kind"),
        Index("ix_audit_events_agent_id", "workspace_id", "agent_id", "sequence", "kind", "server"),
        Index("ix_audit_events_agent_tool", "workspace_id", "agent_id", "tool", "sequence"),
        Index("ix_audit_events_kind", "workspace_id", "kind", "sequence", "agent_id", "tool", "server"),
        *(_where_there(name) for name in ("user_id", "action_id", "run_id")),
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


class AuditCheckpoint(HubBase, Scoped):
    """Up to which link the rows of a chain may be deleted, and what stood there: never changed. The row's id is that of
    the audit event that says the same, which has its own link further on. Only behind a linked one does the database
    let anybody delete."""

    __tablename__ = "audit_checkpoints"
    position: Mapped[int]
    chain_hash: Mapped[str]
    rows: Mapped[int]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    made_at: Mapped[datetime]
    made_by: Mapped[str]
    key: Mapped[str | None]
    signature: Mapped[str | None]
    __table_args__ = (Index("uq_audit_checkpoints_position", "workspace_id", "position", unique=True),)


class AuditSignature(HubBase, Scoped):
    """A signed statement (statement.Statement) that a hash stood at a position: never changed. Each names the position
    of the one before (0: the first)."""

    __tablename__ = "audit_signatures"
    position: Mapped[int]
    chain_hash: Mapped[str]
    previous: Mapped[int]
    signed_at: Mapped[datetime]
    key: Mapped[str]
    signature: Mapped[str]
    __table_args__ = (
        Index("uq_audit_signatures_position", "workspace_id", "position", unique=True),
        Index("uq_audit_signatures_previous", "workspace_id", "previous", unique=True),
    )


class AuditSettings(HubBase, Versioned):
    """How a workspace records: what is kept of arguments, by tool where that differs, names of fields that hold
    personal data or secrets beside those that are known, and for how many days rows are kept (None: for good)."""

    __tablename__ = "audit_settings"
    arguments: Mapped[str] = mapped_column(default="masked")
    tools: Mapped[dict[str, str]] = mapped_column(JsonColumn, default=dict)
    personal_fields: Mapped[list[str]] = mapped_column(JsonColumn, default=list)
    secret_fields: Mapped[list[str]] = mapped_column(JsonColumn, default=list)
    keep_days: Mapped[int | None]


class AuditDay(HubBase, Scoped):
    """What was called on one day (UTC), by whom and of what, summed up from linked rows. `buckets` counts calls by how
    long they took, at most so many milliseconds each (usage.BOUNDS_MS) and the rest."""

    __tablename__ = "audit_days"
    day: Mapped[str]
    agent_id: Mapped[str]
    user_id: Mapped[str]
    server: Mapped[str]
    tool: Mapped[str]
    calls: Mapped[int]
    reads: Mapped[int]
    writes: Mapped[int]
    refused: Mapped[int]
    errors: Mapped[int]
    approvals: Mapped[int]
    tokens: Mapped[int]
    timed: Mapped[int]
    total_us: Mapped[int]
    upstream_us: Mapped[int]
    buckets: Mapped[list[int]] = mapped_column(JsonColumn)
    __table_args__ = (
        Index("uq_audit_days_key", "workspace_id", "day", "agent_id", "user_id", "server", "tool", unique=True),
    )


class AuditMark(HubBase, Scoped):
    """How far something has read along a workspace's chain ("usage"), and the highest number of a row up to there."""

    __tablename__ = "audit_marks"
    position: Mapped[int]
    sequence: Mapped[int]
