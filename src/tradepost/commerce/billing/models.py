"""Tables of invoices, quotes and subscriptions."""

from datetime import datetime
from typing import Literal

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.commerce.store.columns import Numbered, not_negative, numbered, one_of
from tradepost.database.base import StoreBase, Versioned, scoped_reference

InvoiceStatus = Literal["draft", "open", "paid", "overdue", "uncollectible", "void"]
QuoteStatus = Literal["draft", "sent", "accepted", "declined", "expired", "converted"]
SubscriptionStatus = Literal["active", "paused", "canceled", "past_due"]


class Invoice(StoreBase, Numbered):
    """An invoice to a customer."""

    prefix = "inv"
    noun = "invoice"
    __tablename__ = "invoices"
    customer_id: Mapped[str]
    order_id: Mapped[str | None]
    status: Mapped[str]
    currency: Mapped[str]
    total_minor: Mapped[int]
    paid_minor: Mapped[int] = mapped_column(default=0)
    terms_days: Mapped[int] = mapped_column(default=30)
    po_number: Mapped[str | None]
    issued_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    paid_at: Mapped[datetime | None]
    __table_args__ = (
        *numbered("invoices"),
        scoped_reference("customer_id", "customers"),
        scoped_reference("order_id", "orders"),
        one_of("status", InvoiceStatus),
        *not_negative("total_minor", "paid_minor"),
        Index("ix_invoices_issued", "workspace_id", "issued_at", "id"),
        Index("ix_invoices_customer", "workspace_id", "customer_id", "issued_at"),
    )


class InvoiceLine(StoreBase, Versioned):
    """A line of an invoice."""

    prefix = "ivl"
    noun = "invoice line"
    __tablename__ = "invoice_lines"
    invoice_id: Mapped[str]
    position: Mapped[int]
    description: Mapped[str]
    sku: Mapped[str | None]
    quantity: Mapped[int]
    unit_price_minor: Mapped[int]
    total_minor: Mapped[int]
    __table_args__ = (
        scoped_reference("invoice_id", "invoices"),
        Index("ix_invoice_lines_invoice", "workspace_id", "invoice_id", "position"),
    )


class Quote(StoreBase, Numbered):
    """An offer to a customer."""

    prefix = "quo"
    noun = "quote"
    __tablename__ = "quotes"
    customer_id: Mapped[str]
    status: Mapped[str] = mapped_column(default="draft")
    currency: Mapped[str]
    total_minor: Mapped[int]
    price_list_id: Mapped[str | None]
    order_id: Mapped[str | None]
    expires_at: Mapped[datetime | None]
    __table_args__ = (
        *numbered("quotes"),
        scoped_reference("customer_id", "customers"),
        scoped_reference("order_id", "orders"),
        one_of("status", QuoteStatus),
    )


class QuoteLine(StoreBase, Versioned):
    """A line of a quote."""

    prefix = "qul"
    noun = "quote line"
    __tablename__ = "quote_lines"
    quote_id: Mapped[str]
    position: Mapped[int]
    variant_id: Mapped[str]
    sku: Mapped[str]
    quantity: Mapped[int]
    unit_price_minor: Mapped[int]
    total_minor: Mapped[int]
    __table_args__ = (
        scoped_reference("quote_id", "quotes"),
        scoped_reference("variant_id", "variants"),
        Index("ix_quote_lines_quote", "workspace_id", "quote_id", "position"),
    )


class Subscription(StoreBase, Numbered):
    """A recurring order."""

    prefix = "sub"
    noun = "subscription"
    __tablename__ = "subscriptions"
    customer_id: Mapped[str]
    variant_id: Mapped[str]
    status: Mapped[str] = mapped_column(default="active")
    quantity: Mapped[int] = mapped_column(default=1)
    interval_days: Mapped[int] = mapped_column(default=30)
    price_minor: Mapped[int]
    currency: Mapped[str]
    next_at: Mapped[datetime | None]
    paused_until: Mapped[datetime | None]
    cancel_at: Mapped[datetime | None]
    __table_args__ = (
        *numbered("subscriptions"),
        scoped_reference("customer_id", "customers"),
        scoped_reference("variant_id", "variants"),
        one_of("status", SubscriptionStatus),
    )
