"""Tables of the store itself: settings, number ranges, operations already done, the outbox."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, Index
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.database.base import Scoped, StoreBase, Versioned
from tradepost.database.outbox import OutboxRow
from tradepost.database.types import JsonColumn
from tradepost.foundation.clock import system_now


class StoreSettings(StoreBase, Versioned):
    """One row per workspace: name, default currency, timezone, the day through which the books are closed, and a clock
    that is held still for demonstrations."""

    noun = "store"
    __tablename__ = "store_settings"
    name: Mapped[str]
    currency: Mapped[str]
    timezone: Mapped[str] = mapped_column(default="UTC")
    books_closed_through: Mapped[date | None] = mapped_column(Date)
    fixed_now: Mapped[datetime | None]


class NumberRange(StoreBase, Scoped):
    """The last number given per kind of record; `id` is the prefix ("PO-")."""

    __tablename__ = "number_ranges"
    last: Mapped[int]


class Operation(StoreBase, Scoped):
    """A write that was done, under its idempotency key (`id`), with the result it gave. Written in the transaction
    of the effect: the effect and its key stand or fall together."""

    __tablename__ = "operations"
    tool: Mapped[str]
    fingerprint: Mapped[str]
    result: Mapped[Any] = mapped_column(JsonColumn)
    done_at: Mapped[datetime] = mapped_column(default=system_now)


class StoreEvent(StoreBase, OutboxRow):
    """The store's outbox."""

    __tablename__ = "store_outbox"
    __table_args__ = (Index("uq_store_outbox_sequence", "sequence", unique=True),)
