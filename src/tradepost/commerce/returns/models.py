"""Tables of returns (RMAs), their lines and the units wanted in exchange."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.commerce.returns.of_return import OfReturn
from tradepost.commerce.store.columns import Numbered, not_negative, numbered, one_of
from tradepost.database.base import Scoped, StoreBase, Versioned, scoped_reference
from tradepost.database.types import JsonColumn

ReturnStatus = Literal[
    "requested",
    "approved",
    "declined",
    "canceled",
    "in_transit",
    "partially_received",
    "received",
    "inspected",
    "closed",
]
ReturnReason = Literal[
    "size_too_small",
    "size_too_large",
    "color",
    "style",
    "unwanted",
    "not_as_described",
    "wrong_item",
    "defective",
    "damaged_in_transit",
    "arrived_late",
    "missing_parts",
    "other",
    "unknown",
]
Resolution = Literal["refund", "exchange", "store_credit", "replacement", "repair"]
Condition = Literal["new", "opened", "used", "damaged", "defective", "missing"]
Disposition = Literal[
    "restock", "refurbish", "return_to_vendor", "liquidate", "donate", "dispose", "missing", "processing_required"
]


class Return(StoreBase, Numbered):
    """A return; its `number` is the RMA number. For an exchange, `price_difference_minor` is what the customer owes
    (negative: we owe) and `payment_method_id` settles it; for a refund, `refund_method_id` is where money goes."""

    prefix = "rma"
    noun = "return"
    __tablename__ = "returns"
    order_id: Mapped[str]
    customer_id: Mapped[str]
    status: Mapped[str] = mapped_column(default="requested")
    resolution: Mapped[str] = mapped_column(default="refund")
    refund_method_id: Mapped[str | None]
    payment_method_id: Mapped[str | None]
    price_difference_minor: Mapped[int | None]
    currency: Mapped[str]
    location_id: Mapped[str | None]
    window_ends_at: Mapped[datetime | None]
    requested_at: Mapped[datetime]
    approved_at: Mapped[datetime | None]
    received_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    label: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    fee_minor: Mapped[int] = mapped_column(default=0)
    decline_code: Mapped[str | None]
    decline_clause: Mapped[str | None]
    customer_note: Mapped[str | None]
    __table_args__ = (
        *numbered("returns"),
        scoped_reference("order_id", "orders"),
        scoped_reference("customer_id", "customers"),
        scoped_reference("refund_method_id", "payment_methods"),
        scoped_reference("payment_method_id", "payment_methods"),
        scoped_reference("location_id", "locations"),
        one_of("status", ReturnStatus),
        one_of("resolution", Resolution),
        *not_negative("fee_minor"),
        # As with orders: one filter finds, the others are compared in the same index.
        Index("ix_returns_status", "workspace_id", "status", "requested_at", "id", "resolution", "location_id"),
        Index("ix_returns_requested", "workspace_id", "requested_at", "id"),
        Index("ix_returns_order", "workspace_id", "order_id"),
        Index("ix_returns_customer", "workspace_id", "customer_id", "requested_at", "id"),
        Index("ix_returns_location", "workspace_id", "location_id", "requested_at", "id", "status", "resolution"),
        Index("ix_returns_resolution", "workspace_id", "resolution", "requested_at", "id", "status", "location_id"),
    )


class ReturnLine(StoreBase, Versioned, OfReturn):
    """A line of a return. `customer_note` is text from outside."""

    prefix = "rml"
    noun = "return line"
    __tablename__ = "return_lines"
    return_id: Mapped[str]
    position: Mapped[int]
    order_line_id: Mapped[str]
    variant_id: Mapped[str]
    sku: Mapped[str]
    quantity: Mapped[int]
    received: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str]
    condition: Mapped[str | None]
    disposition: Mapped[str | None]
    customer_note: Mapped[str | None]
    __table_args__ = (
        scoped_reference("return_id", "returns"),
        scoped_reference("order_line_id", "order_lines"),
        scoped_reference("variant_id", "variants"),
        one_of("reason", ReturnReason),
        *not_negative("received"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        Index("ix_return_lines_return", "workspace_id", "return_id", "position"),
        # What a return is searched by stands with the line that finds it.
        Index(
            "ix_return_lines_sku",
            *("workspace_id", "sku", "requested_at", "return_id", "return_status", "resolution", "location_id"),
            "reason",
        ),
        Index(
            "ix_return_lines_reason",
            *("workspace_id", "reason", "requested_at", "return_id", "return_status", "resolution", "location_id"),
            "sku",
        ),
        Index("ix_return_lines_order_line", "workspace_id", "order_line_id"),
    )


class ExchangeParcel(StoreBase, Scoped):
    """Units of an exchange line that went out with a parcel."""

    prefix = "exp"
    noun = "exchange parcel"
    __tablename__ = "exchange_parcels"
    return_id: Mapped[str]
    exchange_line_id: Mapped[str]
    shipment_id: Mapped[str]
    quantity: Mapped[int]
    __table_args__ = (
        scoped_reference("return_id", "returns"),
        scoped_reference("exchange_line_id", "exchange_lines"),
        scoped_reference("shipment_id", "shipments"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        Index("ix_exchange_parcels_return", "workspace_id", "return_id"),
        Index("ix_exchange_parcels_shipment", "workspace_id", "shipment_id"),
    )


class ExchangeLine(StoreBase, Versioned):
    """A unit wanted instead of a returned line: the variant, how many, and its price when the exchange was asked."""

    prefix = "exl"
    noun = "exchange line"
    __tablename__ = "exchange_lines"
    return_id: Mapped[str]
    position: Mapped[int]
    return_line_id: Mapped[str | None]
    variant_id: Mapped[str]
    sku: Mapped[str]
    quantity: Mapped[int]
    unit_price_minor: Mapped[int]
    __table_args__ = (
        scoped_reference("return_id", "returns"),
        scoped_reference("return_line_id", "return_lines"),
        scoped_reference("variant_id", "variants"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        Index("ix_exchange_lines_return", "workspace_id", "return_id", "position"),
    )
