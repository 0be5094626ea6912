"""Tables of customers, their groups and payment methods."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Index, event, inspect
from sqlalchemy.orm import Mapped, mapped_column, validates

from tradepost.commerce.customers.addresses import Key, keys_of
from tradepost.commerce.customers.names import keep_names
from tradepost.commerce.store.columns import Numbered, not_negative, numbered, one_of, where_given
from tradepost.database.base import StoreBase, Versioned, scoped_reference
from tradepost.database.scoping import ScopedSession
from tradepost.database.types import JsonColumn

CustomerKind = Literal["guest", "registered", "business"]
CustomerStatus = Literal["active", "blocked", "closed"]
PaymentMethodType = Literal["credit_card", "paypal", "gift_card", "store_credit", "bank_transfer", "invoice"]


class CustomerGroup(StoreBase, Versioned):
    """A segment; prices may hang on it."""

    prefix = "grp"
    noun = "customer group"
    __tablename__ = "customer_groups"
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")


class Customer(StoreBase, Numbered):
    """A person or company that buys. `company`, names and `note` are text from outside. `address` is the default
    address: line1, line2, city, region, postal_code, country (and, where known, name, phone)."""

    prefix = "cus"
    noun = "customer"
    __tablename__ = "customers"
    kind: Mapped[str] = mapped_column(default="registered")
    status: Mapped[str] = mapped_column(default="active")
    first_name: Mapped[str]
    last_name: Mapped[str]
    company: Mapped[str | None]
    email: Mapped[str]
    email_folded: Mapped[str]  # lower case: e-mail addresses are unique without case
    email_domain: Mapped[Key]
    email_turned: Mapped[Key]
    phone: Mapped[str | None]
    address: Mapped[dict[str, Any]] = mapped_column(JsonColumn)
    region: Mapped[str | None]
    language: Mapped[str] = mapped_column(default="en")
    group_id: Mapped[str | None]
    price_list_id: Mapped[str | None]
    marketing_email_consent: Mapped[bool] = mapped_column(default=False)
    marketing_sms_consent: Mapped[bool] = mapped_column(default=False)
    note: Mapped[str | None]
    last_contact_at: Mapped[datetime | None]
    __table_args__ = (
        *numbered("customers"),
        scoped_reference("group_id", "customer_groups"),
        one_of("kind", CustomerKind),
        one_of("status", CustomerStatus),
        Index("uq_customers_email", "workspace_id", "email_folded", unique=True),
        # Each has both, so that a search by a part of an address reads no customer that it does not show.
        Index("ix_customers_email_domain", "workspace_id", "email_domain", "email_turned", "id"),
        Index("ix_customers_email_turned", "workspace_id", "email_turned", "email_domain", "id"),
        # Each has all names, so that a search by several words reads no customer that it does not show.
        Index("ix_customers_name", "workspace_id", "last_name", "first_name", "id", "company"),
        Index("ix_customers_first_name", "workspace_id", "first_name", "last_name", "id", "company"),
        where_given("ix_customers_company", "company", "last_name", "first_name", "id"),
        where_given("ix_customers_group", "group_id", "kind", "price_list_id"),
    )

    @validates("email_folded")
    def _keep_address_keys(self, _name: str, folded: str) -> str:
        """A changed address is found by its new parts."""
        self.email_domain, self.email_turned = keys_of(folded)
        return folded


NAMES = ("first_name", "last_name", "company")


@event.listens_for(ScopedSession, "before_flush")
def _keep_names(session: ScopedSession, _context: Any, _instances: Any) -> None:
    """Whoever is added or renamed can be found by the new name."""
    changed = [row for row in session.dirty if isinstance(row, Customer) and _is_renamed(row)]
    rows = [row for row in session.new if isinstance(row, Customer)] + changed
    for workspace_id in {row.workspace_id or session.workspace_id for row in rows}:
        own = [row for row in rows if row.workspace_id in (None, workspace_id)]
        keep_names(session, workspace_id, [getattr(row, name) for row in own for name in NAMES])


def _is_renamed(row: Customer) -> bool:
    state = inspect(row)
    return any(state.attrs[name].history.has_changes() for name in NAMES)


class PaymentMethod(StoreBase, Versioned):
    """A way a customer pays. `balance_minor` only for gift_card and store_credit; never below zero. A store credit is
    one grant: `reason` says what for, and after `expires_at` its balance pays nothing."""

    prefix = "pm"
    noun = "payment method"
    __tablename__ = "payment_methods"
    external_id: Mapped[str | None]
    customer_id: Mapped[str]
    position: Mapped[int] = mapped_column(default=0)
    type: Mapped[str]
    brand: Mapped[str | None]
    last4: Mapped[str | None]
    balance_minor: Mapped[int | None]
    currency: Mapped[str]
    expires_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    __table_args__ = (
        scoped_reference("customer_id", "customers"),
        one_of("type", PaymentMethodType),
        *not_negative("balance_minor"),
        Index("ix_payment_methods_customer", "workspace_id", "customer_id", "position"),
        Index("uq_payment_methods_external_id", "workspace_id", "external_id", unique=True),
    )
