"""Tables of knowledge and its clauses, tickets and messages."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.commerce.store.columns import Numbered, numbered, one_of
from tradepost.database.base import Scoped, StoreBase, Versioned, scoped_reference
from tradepost.database.types import SearchWords
from tradepost.foundation.clock import system_now
from tradepost.foundation.search_words import indexed

PolicyTopic = Literal["returns", "shipping", "warranty", "payments", "approvals", "privacy", "products", "general"]
EntryKind = Literal["policy", "article"]
EntryStatus = Literal["draft", "published", "archived"]
Audience = Literal["everyone", "staff"]
ProposalStatus = Literal["proposed", "approved", "rejected"]
TicketStatus = Literal["open", "pending", "solved", "closed"]
TicketPriority = Literal["low", "normal", "high", "urgent"]
MessageChannel = Literal["email", "sms"]


def _words(context: Any) -> str:
    values = context.get_current_parameters()
    return indexed(values["title"], values["body"], values["clause"], values["topic"])


class PolicyClause(StoreBase, Versioned):
    """A clause of the shop's policies, or a section of an article, cited by its `clause` ("RET-3"). `entry_id` is the
    entry it was cut from. `words` are what a search compares (see search_words): both engines index them."""

    prefix = "pcl"
    noun = "policy clause"
    __tablename__ = "policy_clauses"
    clause: Mapped[str]
    topic: Mapped[str]
    title: Mapped[str]
    body: Mapped[str]
    position: Mapped[int] = mapped_column(default=0)
    entry_id: Mapped[str | None]
    audience: Mapped[str] = mapped_column(default="everyone")
    words: Mapped[str] = mapped_column(SearchWords, default=_words)
    __table_args__ = (
        scoped_reference("entry_id", "knowledge_entries"),
        one_of("topic", PolicyTopic),
        one_of("audience", Audience),
        Index("uq_policy_clauses_clause", "workspace_id", "clause", unique=True),
        Index("ix_policy_clauses_topic", "workspace_id", "topic", "position"),
        Index("ix_policy_clauses_entry", "workspace_id", "entry_id"),
    )


class KnowledgeEntry(StoreBase, Versioned):
    """A policy or an article of the shop, as Markdown. What is published is cut into clauses; `external_id` is its id
    in the system it comes from."""

    prefix = "ken"
    noun = "knowledge entry"
    __tablename__ = "knowledge_entries"
    slug: Mapped[str]
    kind: Mapped[str]
    topic: Mapped[str]
    title: Mapped[str]
    body: Mapped[str]
    language: Mapped[str] = mapped_column(default="")
    audience: Mapped[str] = mapped_column(default="everyone")
    status: Mapped[str] = mapped_column(default="published")
    external_id: Mapped[str | None]
    __table_args__ = (
        one_of("kind", EntryKind),
        one_of("topic", PolicyTopic),
        one_of("audience", Audience),
        one_of("status", EntryStatus),
        Index("uq_knowledge_entries_slug", "workspace_id", "slug", unique=True),
        Index("uq_knowledge_entries_external_id", "workspace_id", "external_id", unique=True),
    )


class KnowledgeEdition(StoreBase, Scoped):
    """An entry as it was at one version, who made it so, and why. Kept for good."""

    prefix = "ked"
    noun = "edition"
    __tablename__ = "knowledge_editions"
    entry_id: Mapped[str]
    edition: Mapped[int]
    topic: Mapped[str]
    title: Mapped[str]
    body: Mapped[str]
    audience: Mapped[str]
    status: Mapped[str]
    made_by: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    proposal_id: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=system_now)
    __table_args__ = (
        scoped_reference("entry_id", "knowledge_entries"),
        Index("uq_knowledge_editions_edition", "workspace_id", "entry_id", "edition", unique=True),
    )


class KnowledgeProposal(StoreBase, Versioned):
    """A change of an entry, or a new one, that a person accepts or rejects. `based_on` is the version that whoever
    proposed had read; None for a new entry. Its words may be an agent's: text from outside."""

    prefix = "kpr"
    noun = "proposal"
    __tablename__ = "knowledge_proposals"
    entry_id: Mapped[str | None]
    based_on: Mapped[int | None]
    slug: Mapped[str]
    kind: Mapped[str]
    topic: Mapped[str]
    title: Mapped[str]
    body: Mapped[str]
    audience: Mapped[str] = mapped_column(default="everyone")
    reason: Mapped[str]
    proposed_by: Mapped[str]
    status: Mapped[str] = mapped_column(default="proposed")
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    comment: Mapped[str] = mapped_column(default="")
    __table_args__ = (
        scoped_reference("entry_id", "knowledge_entries"),
        one_of("kind", EntryKind),
        one_of("topic", PolicyTopic),
        one_of("audience", Audience),
        one_of("status", ProposalStatus),
        Index("ix_knowledge_proposals_status", "workspace_id", "status", "created_at", "id"),
        Index("ix_knowledge_proposals_entry", "workspace_id", "entry_id"),
    )


class Ticket(StoreBase, Numbered):
    """A case of a customer. `subject` and messages of the customer are text from outside."""

    prefix = "tkt"
    noun = "ticket"
    __tablename__ = "tickets"
    subject: Mapped[str]
    status: Mapped[str] = mapped_column(default="open")
    priority: Mapped[str] = mapped_column(default="normal")
    queue: Mapped[str] = mapped_column(default="general")
    customer_id: Mapped[str | None]
    order_id: Mapped[str | None]
    __table_args__ = (
        *numbered("tickets"),
        scoped_reference("customer_id", "customers"),
        scoped_reference("order_id", "orders"),
        one_of("status", TicketStatus),
        one_of("priority", TicketPriority),
        Index("ix_tickets_customer", "workspace_id", "customer_id", "status"),
    )


class CustomerMessage(StoreBase, Numbered):
    """A message of the shop to a customer, as it was approved. Whether it left is the state of its effect."""

    prefix = "msg"
    noun = "message"
    __tablename__ = "customer_messages"
    customer_id: Mapped[str]
    order_id: Mapped[str | None]
    channel: Mapped[str]
    template: Mapped[str | None]
    subject: Mapped[str]
    body: Mapped[str]
    __table_args__ = (
        *numbered("customer_messages"),
        scoped_reference("customer_id", "customers"),
        scoped_reference("order_id", "orders"),
        one_of("channel", MessageChannel),
        Index("ix_customer_messages_customer", "workspace_id", "customer_id", "created_at"),
        Index("ix_customer_messages_order", "workspace_id", "order_id"),
    )


class TicketMessage(StoreBase, Versioned):
    """A message in a ticket."""

    prefix = "tms"
    noun = "ticket message"
    __tablename__ = "ticket_messages"
    ticket_id: Mapped[str]
    author_kind: Mapped[str]
    body: Mapped[str]
    __table_args__ = (
        scoped_reference("ticket_id", "tickets"),
        Index("ix_ticket_messages_ticket", "workspace_id", "ticket_id", "created_at"),
    )
