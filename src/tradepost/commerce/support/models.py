"""Tables of policy clauses, tickets and messages."""

from typing import Literal

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.commerce.store.columns import Numbered, numbered, one_of
from tradepost.database.base import StoreBase, Versioned, scoped_reference

PolicyTopic = Literal["returns", "shipping", "warranty", "payments", "approvals", "privacy"]
TicketStatus = Literal["open", "pending", "solved", "closed"]
TicketPriority = Literal["low", "normal", "high", "urgent"]
MessageChannel = Literal["email", "sms"]


class PolicyClause(StoreBase, Versioned):
    """A clause of the shop's policies, cited by its `clause` ("RET-3")."""

    prefix = "pcl"
    noun = "policy clause"
    __tablename__ = "policy_clauses"
    clause: Mapped[str]
    topic: Mapped[str]
    title: Mapped[str]
    body: Mapped[str]
    position: Mapped[int] = mapped_column(default=0)
    __table_args__ = (
        one_of("topic", PolicyTopic),
        Index("uq_policy_clauses_clause", "workspace_id", "clause", unique=True),
        Index("ix_policy_clauses_topic", "workspace_id", "topic", "position"),
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
