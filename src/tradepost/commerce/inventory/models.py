"""Tables of locations, stock levels, movements, reservations and transfers."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.commerce.store.columns import Numbered, not_negative, numbered, one_of
from tradepost.database.base import Scoped, StoreBase, Versioned, scoped_reference
from tradepost.database.types import JsonColumn

LocationKind = Literal["warehouse", "store", "hub", "3pl", "dark_store"]
MovementCause = Literal[
    "sale",
    "receipt",
    "return",
    "transfer_out",
    "transfer_in",
    "count",
    "damage",
    "shrinkage",
    "reservation",
    "release",
    "recall",
    "initial",
]
ReservationStatus = Literal["held", "released", "used", "expired"]
TransferStatus = Literal["draft", "ready_to_ship", "in_transit", "received", "canceled"]


class Location(StoreBase, Versioned):
    """A place that holds stock or parcels, called by its `code` ("RTM"). `timezone` is an IANA name."""

    prefix = "loc"
    noun = "location"
    __tablename__ = "locations"
    external_id: Mapped[str | None]
    code: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(default="warehouse")
    gln: Mapped[str | None]
    region: Mapped[str | None]
    timezone: Mapped[str] = mapped_column(default="UTC")
    address: Mapped[dict[str, Any]] = mapped_column(JsonColumn)
    __table_args__ = (
        one_of("kind", LocationKind),
        Index("uq_locations_code", "workspace_id", "code", unique=True),
    )


class StockLevel(StoreBase, Versioned):
    """A sku at a location. on_hand = available + committed + reserved + damaged + quality_control + safety_stock;
    `incoming` is on its way. `daily_demand_milli` is the demand forecast in thousandths of a unit per day."""

    prefix = "stk"
    noun = "stock level"
    __tablename__ = "stock_levels"
    variant_id: Mapped[str]
    sku: Mapped[str]
    location_id: Mapped[str]
    on_hand: Mapped[int] = mapped_column(default=0)
    available: Mapped[int] = mapped_column(default=0)
    committed: Mapped[int] = mapped_column(default=0)
    reserved: Mapped[int] = mapped_column(default=0)
    damaged: Mapped[int] = mapped_column(default=0)
    quality_control: Mapped[int] = mapped_column(default=0)
    safety_stock: Mapped[int] = mapped_column(default=0)
    incoming: Mapped[int] = mapped_column(default=0)
    reorder_point: Mapped[int] = mapped_column(default=0)
    reorder_quantity: Mapped[int] = mapped_column(default=0)
    lead_time_days: Mapped[int] = mapped_column(default=7)
    daily_demand_milli: Mapped[int] = mapped_column(default=0)
    bin: Mapped[str | None]
    __table_args__ = (
        scoped_reference("variant_id", "variants"),
        scoped_reference("location_id", "locations"),
        *not_negative(
            "on_hand", "available", "committed", "reserved", "damaged", "quality_control", "safety_stock", "incoming"
        ),
        CheckConstraint(
            "on_hand = available + committed + reserved + damaged + quality_control + safety_stock",
            name="states_add_up",
        ),
        Index("uq_stock_levels", "workspace_id", "sku", "location_id", unique=True),
        Index("ix_stock_levels_location", "workspace_id", "location_id", "sku"),
    )


class StockMovement(StoreBase, Scoped):
    """One change of on_hand or of a state, append-only. `delta` changes `state` by that many units; on_hand changes
    by `on_hand_delta`."""

    prefix = "mov"
    noun = "stock movement"
    __tablename__ = "stock_movements"
    sku: Mapped[str]
    location_id: Mapped[str]
    state: Mapped[str]
    delta: Mapped[int]
    on_hand_delta: Mapped[int] = mapped_column(default=0)
    cause: Mapped[str]
    reference: Mapped[str | None]
    reason: Mapped[str | None]
    actor: Mapped[str]
    occurred_at: Mapped[datetime]
    __table_args__ = (
        scoped_reference("location_id", "locations"),
        one_of("cause", MovementCause),
        Index("ix_stock_movements_sku", "workspace_id", "sku", "occurred_at", "id", "cause", "location_id"),
        Index("ix_stock_movements_time", "workspace_id", "occurred_at", "id"),
        Index("ix_stock_movements_location", "workspace_id", "location_id", "occurred_at", "id", "cause"),
        Index("ix_stock_movements_cause", "workspace_id", "cause", "occurred_at", "id", "location_id", "sku"),
    )


class Reservation(StoreBase, Numbered):
    """Units of a sku at a location set aside, for an order or until `expires_at`. While it is held they stand in the
    level's `reserved`. `quantity` is what is left of it: an order that ships uses its reservations up."""

    prefix = "rsv"
    noun = "reservation"
    __tablename__ = "reservations"
    variant_id: Mapped[str]
    sku: Mapped[str]
    location_id: Mapped[str]
    order_id: Mapped[str | None]
    status: Mapped[str] = mapped_column(default="held")
    quantity: Mapped[int]
    expires_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    __table_args__ = (
        *numbered("reservations"),
        scoped_reference("variant_id", "variants"),
        scoped_reference("location_id", "locations"),
        scoped_reference("order_id", "orders"),
        one_of("status", ReservationStatus),
        *not_negative("quantity"),
        Index("ix_reservations_place", "workspace_id", "sku", "location_id", "status"),
        Index("ix_reservations_order", "workspace_id", "order_id"),
        Index("ix_reservations_expiry", "workspace_id", "status", "expires_at"),
    )


class Transfer(StoreBase, Numbered):
    """Stock on its way between two locations."""

    prefix = "trf"
    noun = "transfer"
    __tablename__ = "transfers"
    from_location_id: Mapped[str]
    to_location_id: Mapped[str]
    status: Mapped[str] = mapped_column(default="draft")
    shipped_at: Mapped[datetime | None]
    eta: Mapped[datetime | None]
    received_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    __table_args__ = (
        *numbered("transfers"),
        scoped_reference("from_location_id", "locations"),
        scoped_reference("to_location_id", "locations"),
        one_of("status", TransferStatus),
    )


class TransferLine(StoreBase, Versioned):
    """A sku of a transfer."""

    prefix = "tfl"
    noun = "transfer line"
    __tablename__ = "transfer_lines"
    transfer_id: Mapped[str]
    position: Mapped[int]
    variant_id: Mapped[str]
    sku: Mapped[str]
    quantity: Mapped[int]
    received: Mapped[int] = mapped_column(default=0)
    __table_args__ = (
        scoped_reference("transfer_id", "transfers"),
        scoped_reference("variant_id", "variants"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        Index("ix_transfer_lines_transfer", "workspace_id", "transfer_id", "position"),
    )
