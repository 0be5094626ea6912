"""Tables of fulfillments, shipments, tracking, carriers, drivers, routes and delivery tasks."""

from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import Date, Index
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.commerce.logistics.start_place import StartPlace
from tradepost.commerce.store.columns import Numbered, not_negative, numbered, one_of, where, where_given
from tradepost.database.base import Scoped, StoreBase, Versioned, scoped_reference
from tradepost.database.types import JsonColumn

FulfillmentState = Literal["pending", "success", "canceled", "failed"]
ShipmentStatus = Literal[
    "label_purchased",
    "label_printed",
    "confirmed",
    "carrier_picked_up",
    "in_transit",
    "delayed",
    "out_for_delivery",
    "attempted_delivery",
    "ready_for_pickup",
    "picked_up",
    "delivered",
    "failure",
    "returning_to_sender",
    "returned",
    "lost",
    "damaged",
]
DeliveryStatus = Literal["unassigned", "assigned", "active", "completed", "failed", "canceled"]
DriverStatus = Literal["off_duty", "on_duty_idle", "on_duty_active", "unavailable"]
UnavailableReason = Literal["sick", "leave", "breakdown"]
ARRIVED = "delivered"  # of a long history nearly all parcels have
RouteStatus = Literal["draft", "planned", "active", "completed", "canceled"]


class Carrier(StoreBase, Versioned):
    """A carrier, called by its `code` ("fedex"). `claim_days` is how long it takes claims after delivery."""

    prefix = "car"
    noun = "carrier"
    __tablename__ = "carriers"
    code: Mapped[str]
    name: Mapped[str]
    scac: Mapped[str | None]
    claim_days: Mapped[int] = mapped_column(default=60)
    services: Mapped[list[dict[str, Any]]] = mapped_column(JsonColumn, default=list)
    __table_args__ = (Index("uq_carriers_code", "workspace_id", "code", unique=True),)


class Fulfillment(StoreBase, Versioned):
    """Units of an order that leave together, in one or more parcels. `sequence` counts within the order."""

    prefix = "ful"
    noun = "fulfillment"
    __tablename__ = "fulfillments"
    order_id: Mapped[str]
    sequence: Mapped[int]
    status: Mapped[str] = mapped_column(default="success")
    location_id: Mapped[str | None]
    __table_args__ = (
        scoped_reference("order_id", "orders"),
        scoped_reference("location_id", "locations"),
        one_of("status", FulfillmentState),
        Index("uq_fulfillments_sequence", "workspace_id", "order_id", "sequence", unique=True),
    )


class FulfillmentLine(StoreBase, Scoped):
    """Units in a fulfillment, in packing order."""

    prefix = "fll"
    noun = "fulfillment line"
    __tablename__ = "fulfillment_lines"
    fulfillment_id: Mapped[str]
    position: Mapped[int]
    order_line_id: Mapped[str | None]
    variant_id: Mapped[str]
    quantity: Mapped[int]
    __table_args__ = (
        scoped_reference("fulfillment_id", "fulfillments"),
        scoped_reference("variant_id", "variants"),
        Index("ix_fulfillment_lines_fulfillment", "workspace_id", "fulfillment_id", "position"),
    )


class Shipment(StoreBase, Numbered):
    """A parcel. `proof_of_delivery`: {kind: photo|signature, at, location, signed_by?, media?}."""

    prefix = "shp"
    noun = "shipment"
    __tablename__ = "shipments"
    order_id: Mapped[str]
    fulfillment_id: Mapped[str | None]
    position: Mapped[int] = mapped_column(default=1)
    location_id: Mapped[str | None]
    carrier_id: Mapped[str | None]
    service_level: Mapped[str | None]
    tracking_number: Mapped[str | None]
    status: Mapped[str] = mapped_column(default="confirmed")
    shipped_at: Mapped[datetime | None]
    eta: Mapped[datetime | None]
    promised_to: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    last_event_at: Mapped[datetime | None]
    delay_reason: Mapped[str | None]
    proof_of_delivery: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    cost_minor: Mapped[int | None]
    currency: Mapped[str | None]
    __table_args__ = (
        *numbered("shipments"),
        scoped_reference("order_id", "orders"),
        scoped_reference("fulfillment_id", "fulfillments"),
        scoped_reference("location_id", "locations"),
        scoped_reference("carrier_id", "carriers"),
        one_of("status", ShipmentStatus),
        Index("ix_shipments_order", "workspace_id", "order_id", "position", "carrier_id", "id"),
        Index("ix_shipments_tracking", "workspace_id", "tracking_number"),
        Index("ix_shipments_status", "workspace_id", "status", "created_at", "id"),
        Index("ix_shipments_created", "workspace_id", "created_at", "id"),
        Index("ix_shipments_carrier", "workspace_id", "carrier_id", "created_at", "id", "status", "location_id"),
        Index("ix_shipments_location", "workspace_id", "location_id", "created_at", "id", "status"),
        where("ix_shipments_shipped_early", "created_at", "id", "shipped_at", condition="shipped_at < created_at"),
        where(
            "ix_shipments_under_way",
            *("order_id", "status", "eta", "promised_to", "last_event_at", "id"),
            condition=f"status <> '{ARRIVED}'",
        ),
        where(
            "ix_shipments_moving",
            *("status", "created_at", "id", "carrier_id", "location_id", "shipped_at"),
            condition=f"status <> '{ARRIVED}'",
        ),
        Index(
            "ix_shipments_shipped",
            *("workspace_id", "shipped_at", "created_at", "id", "carrier_id", "location_id", "status"),
        ),
    )


class TrackingEvent(StoreBase, Scoped):
    """One scan or message about a shipment, append-only. `message` is text from outside."""

    prefix = "trk"
    noun = "tracking event"
    __tablename__ = "tracking_events"
    shipment_id: Mapped[str]
    occurred_at: Mapped[datetime]
    status: Mapped[str]
    location: Mapped[str | None]
    carrier_code: Mapped[str | None]
    message: Mapped[str | None]
    raw_code: Mapped[str | None]
    __table_args__ = (
        scoped_reference("shipment_id", "shipments"),
        Index("ix_tracking_events_shipment", "workspace_id", "shipment_id", "occurred_at"),
    )


class Driver(StoreBase, Numbered):
    """A driver of the last mile. `capacity` is deliveries per shift; `unavailable_until` ends sickness or leave."""

    prefix = "drv"
    noun = "driver"
    __tablename__ = "drivers"
    name: Mapped[str]
    phone: Mapped[str | None]
    location_id: Mapped[str]
    status: Mapped[str] = mapped_column(default="off_duty")
    unavailable_reason: Mapped[str | None]
    unavailable_since: Mapped[datetime | None]
    unavailable_until: Mapped[datetime | None]
    capacity: Mapped[int] = mapped_column(default=20)
    shift_starts_minute: Mapped[int] = mapped_column(default=8 * 60)
    shift_ends_minute: Mapped[int] = mapped_column(default=17 * 60)
    __table_args__ = (
        *numbered("drivers"),
        scoped_reference("location_id", "locations"),
        one_of("status", DriverStatus),
        *not_negative("capacity"),
    )


class Route(StoreBase, Numbered):
    """A driver's tour on one day."""

    prefix = "rte"
    noun = "route"
    __tablename__ = "routes"
    driver_id: Mapped[str | None]
    location_id: Mapped[str]
    service_date: Mapped[date] = mapped_column(Date)
    status: Mapped[str] = mapped_column(default="planned")
    __table_args__ = (
        *numbered("routes"),
        scoped_reference("driver_id", "drivers"),
        scoped_reference("location_id", "locations"),
        one_of("status", RouteStatus),
        Index("ix_routes_date", "workspace_id", "service_date"),
    )


class PickupPoint(StoreBase, Versioned):
    """A shop or locker where parcels wait for the customer. Distances are minutes from a route's usual way."""

    prefix = "pup"
    noun = "pickup point"
    __tablename__ = "pickup_points"
    code: Mapped[str]
    name: Mapped[str]
    location_id: Mapped[str | None]
    address: Mapped[dict[str, Any]] = mapped_column(JsonColumn)
    detour_minutes: Mapped[int] = mapped_column(default=10)
    __table_args__ = (
        scoped_reference("location_id", "locations"),
        Index("uq_pickup_points_code", "workspace_id", "code", unique=True),
    )


class Delivery(StoreBase, Numbered, StartPlace):
    """A stop: one drop at a customer or pickup point ("D-1"). `stop_sequence` orders the stops of a route."""

    prefix = "dlv"
    noun = "delivery"
    __tablename__ = "deliveries"
    order_id: Mapped[str]
    shipment_id: Mapped[str | None]
    route_id: Mapped[str | None]
    driver_id: Mapped[str | None]
    pickup_point_id: Mapped[str | None]
    status: Mapped[str] = mapped_column(default="unassigned")
    stop_sequence: Mapped[int | None]
    window_from: Mapped[datetime | None]
    window_to: Mapped[datetime | None]
    eta: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    failure_reason: Mapped[str | None]
    address: Mapped[dict[str, Any]] = mapped_column(JsonColumn)
    instructions: Mapped[str | None]
    __table_args__ = (
        *numbered("deliveries"),
        scoped_reference("order_id", "orders"),
        scoped_reference("shipment_id", "shipments"),
        scoped_reference("route_id", "routes"),
        scoped_reference("driver_id", "drivers"),
        scoped_reference("pickup_point_id", "pickup_points"),
        one_of("status", DeliveryStatus),
        Index("ix_deliveries_order", "workspace_id", "order_id"),
        where_given("ix_deliveries_route", "route_id", "stop_sequence"),
        Index("ix_deliveries_driver", "workspace_id", "driver_id", "window_from"),
        # A day's stops are told by their window, and by the ETA where they have none.
        Index(
            "ix_deliveries_window",
            *("workspace_id", "window_from", "id", "number", "start_location_id", "route_id", "status", "driver_id"),
        ),
        where(
            "ix_deliveries_eta",
            *("eta", "id", "number", "start_location_id", "route_id", "status", "driver_id"),
            condition="window_from IS NULL",
        ),
        Index("ix_deliveries_shipment", "workspace_id", "shipment_id"),
        Index("ix_deliveries_created", "workspace_id", "created_at", "id"),
        Index("ix_deliveries_status", "workspace_id", "status", "created_at", "id", "order_id"),
        Index(
            "ix_deliveries_driver_created",
            *("workspace_id", "driver_id", "created_at", "id", "status", "start_location_id"),
        ),
        Index("ix_deliveries_start", "workspace_id", "start_location_id", "created_at", "id", "status"),
    )
