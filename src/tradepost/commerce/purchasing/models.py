"""Tables of suppliers and purchase orders."""

from datetime import datetime
from typing import Literal

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.commerce.store.columns import Numbered, not_negative, numbered, one_of
from tradepost.database.base import StoreBase, Versioned, scoped_reference

PurchaseOrderStatus = Literal["draft", "ordered", "confirmed", "partially_received", "received", "closed", "canceled"]


class Supplier(StoreBase, Numbered):
    """A company we buy from."""

    prefix = "sup"
    noun = "supplier"
    __tablename__ = "suppliers"
    name: Mapped[str]
    email: Mapped[str | None]
    currency: Mapped[str]
    lead_time_days: Mapped[int] = mapped_column(default=7)
    status: Mapped[str] = mapped_column(default="active")
    __table_args__ = (*numbered("suppliers"),)


class SupplierItem(StoreBase, Versioned):
    """What a supplier offers a variant for: cost per unit, minimum order quantity, pack size."""

    prefix = "spi"
    noun = "supplier item"
    __tablename__ = "supplier_items"
    supplier_id: Mapped[str]
    variant_id: Mapped[str]
    sku: Mapped[str]
    cost_minor: Mapped[int]
    currency: Mapped[str]
    moq: Mapped[int] = mapped_column(default=1)
    pack_size: Mapped[int] = mapped_column(default=1)
    lead_time_days: Mapped[int | None]
    preferred: Mapped[bool] = mapped_column(default=False)
    __table_args__ = (
        scoped_reference("supplier_id", "suppliers"),
        scoped_reference("variant_id", "variants"),
        *not_negative("cost_minor"),
        CheckConstraint("moq > 0 AND pack_size > 0", name="moq_and_pack_positive"),
        Index("uq_supplier_items", "workspace_id", "supplier_id", "sku", unique=True),
        Index("ix_supplier_items_sku", "workspace_id", "sku"),
    )


class PurchaseOrder(StoreBase, Numbered):
    """An order to a supplier for one warehouse."""

    prefix = "po"
    noun = "purchase order"
    __tablename__ = "purchase_orders"
    supplier_id: Mapped[str]
    location_id: Mapped[str]
    status: Mapped[str] = mapped_column(default="draft")
    currency: Mapped[str]
    total_minor: Mapped[int] = mapped_column(default=0)
    ordered_at: Mapped[datetime | None]
    eta: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    received_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    __table_args__ = (
        *numbered("purchase_orders"),
        scoped_reference("supplier_id", "suppliers"),
        scoped_reference("location_id", "locations"),
        one_of("status", PurchaseOrderStatus),
        Index("ix_purchase_orders_status", "workspace_id", "status", "eta"),
        Index("ix_purchase_orders_ordered", "workspace_id", "ordered_at", "id"),
    )


class PurchaseOrderLine(StoreBase, Versioned):
    """A line of a purchase order."""

    prefix = "pol"
    noun = "purchase order line"
    __tablename__ = "purchase_order_lines"
    purchase_order_id: Mapped[str]
    position: Mapped[int]
    variant_id: Mapped[str]
    sku: Mapped[str]
    ordered: Mapped[int]
    received: Mapped[int] = mapped_column(default=0)
    rejected: Mapped[int] = mapped_column(default=0)
    unit_cost_minor: Mapped[int]
    __table_args__ = (
        scoped_reference("purchase_order_id", "purchase_orders"),
        scoped_reference("variant_id", "variants"),
        *not_negative("received", "rejected", "unit_cost_minor"),
        CheckConstraint("ordered > 0", name="ordered_positive"),
        Index("ix_purchase_order_lines_order", "workspace_id", "purchase_order_id", "position"),
        Index("ix_purchase_order_lines_sku", "workspace_id", "sku"),
    )
