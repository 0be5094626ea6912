"""Tables of what people are told: links in mails, webhooks, what is to be sent, and what a person wants."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, Text, true
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.database.base import HubBase, Versioned, scoped_reference
from tradepost.database.types import JsonColumn


class ApprovalLink(HubBase, Versioned):
    """A link with which one person answers one action in one round, once. It has 256 random bits; only its hash is
    here."""

    __tablename__ = "approval_links"
    action_id: Mapped[str]
    round: Mapped[int]
    user_id: Mapped[str]
    digest: Mapped[str]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    __table_args__ = (
        scoped_reference("action_id", "actions"),
        scoped_reference("user_id", "users"),
        Index("uq_approval_links_digest", "digest", unique=True),
    )


class Webhook(HubBase, Versioned):
    """Where a workspace wants to be told. Its URL and secrets are in the vault; `origin` is what of the URL may be
    shown. After `failures` attempts in a row that went wrong its `state` is `disabled`. The secret before the last
    rotation signs too until `before_until`."""

    __tablename__ = "webhooks"
    name: Mapped[str]
    form: Mapped[str]
    origin: Mapped[str]
    events: Mapped[list[str]] = mapped_column(JsonColumn, default=list)
    state: Mapped[str] = mapped_column(default="active")
    failures: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None]
    last_sent_at: Mapped[datetime | None]
    before_until: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("form IN ('standard', 'slack')", name="form"),
        CheckConstraint("state IN ('active', 'paused', 'disabled')", name="state"),
        Index("uq_webhooks_name", "workspace_id", "name", unique=True),
    )


class Notice(HubBase, Versioned):
    """One message to one receiver (`target_id`: a person or a webhook) about one event, until it is sent. `body` is
    what a webhook gets, the same in every attempt; a mail is written when it goes out, since its link exists then
    alone. `attempts` is the fence: who claimed it last records."""

    __tablename__ = "notices"
    event_id: Mapped[str]
    event_type: Mapped[str]
    kind: Mapped[str]
    target_id: Mapped[str]
    action_id: Mapped[str | None]
    round: Mapped[int] = mapped_column(default=1)
    body: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(default="pending")
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime]
    claimed_until: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    error: Mapped[str | None]
    __table_args__ = (
        CheckConstraint("kind IN ('mail', 'webhook')", name="kind"),
        CheckConstraint("state IN ('pending', 'sending', 'sent', 'failed', 'dropped')", name="state"),
        Index("uq_notices_receiver", "workspace_id", "event_id", "kind", "target_id", unique=True),
        Index("ix_notices_due", "state", "due_at"),
        Index("ix_notices_target", "workspace_id", "target_id", "created_at"),
    )


class NotificationChoice(HubBase, Versioned):
    """How a person wants to hear of what waits for them; the row's id is the person's. Without one, by mail."""

    __tablename__ = "notification_choices"
    mail: Mapped[bool] = mapped_column(default=True, server_default=true())


def facts_of_webhook(row: Webhook) -> dict[str, Any]:
    """A webhook as people and programs see it: no URL, no secret."""
    return {
        "id": row.id,
        "name": row.name,
        "form": row.form,
        "origin": row.origin,
        "events": list(row.events),
        "state": row.state,
        "failures": row.failures,
        "last_error": row.last_error,
        "last_sent_at": row.last_sent_at,
        "before_until": row.before_until,
        "created_at": row.created_at,
    }
