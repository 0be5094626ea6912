"""Tables of orders, their lines and notes, and of the shop's order policy."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from tradepost.commerce.store.columns import Numbered, not_negative, numbered, one_of, where, where_given
from tradepost.commerce.store.order_sums import COPIED, LineSums, OrderSums
from tradepost.database.base import StoreBase, Versioned, scoped_reference
from tradepost.database.types import JsonColumn

OrderStatus = Literal["pending", "open", "on_hold", "completed", "canceled", "archived"]
PaymentStatus = Literal[
    "pending", "authorized", "partially_paid", "paid", "partially_refunded", "refunded", "voided", "expired"
]
FulfillmentStatus = Literal[
    "unfulfilled",
    "in_progress",
    "on_hold",
    "scheduled",
    "partially_fulfilled",
    "fulfilled",
    "request_declined",
    "restocked",
]
LineStatus = Literal["processing", "partial", "fulfilled", "removed"]
# What nearly all orders of a long history are.
USUAL = {"status": "completed", "payment_status": "paid", "fulfillment_status": "fulfilled"}


def _of_unusual(state: str) -> Iterator[Index]:
    """Small indexes of the orders whose state is not the usual one, for when it is asked with a promise or a place."""
    condition = f"{state} <> '{USUAL[state]}'"
    others = [other for other in USUAL if other != state]
    columns = (state, "promised_to", "placed_at", "id", *others, "warehouse_id")
    yield where(f"ix_orders_{state}_promised", *columns, condition=condition)
    columns = (state, "warehouse_id", "placed_at", "id", *others, "promised_to")
    yield where(f"ix_orders_{state}_place", *columns, condition=condition)


class Order(StoreBase, Numbered, OrderSums):
    """An order. Money in minor units of `currency`; `total_minor` = subtotal - discount + shipping + tax.

    `captured_minor` and `refunded_minor` sum up its payments and refunds; the database refuses to refund more than was
    captured. `item_edits` counts changes of items, `customer_position` keeps a customer's orders in sequence.
    """

    prefix = "ord"
    noun = "order"
    __tablename__ = "orders"
    customer_id: Mapped[str]
    customer_position: Mapped[int] = mapped_column(default=0)
    status: Mapped[str] = mapped_column(default="open")
    payment_status: Mapped[str] = mapped_column(default="pending")
    fulfillment_status: Mapped[str] = mapped_column(default="unfulfilled")
    currency: Mapped[str]
    subtotal_minor: Mapped[int] = mapped_column(default=0)
    discount_minor: Mapped[int] = mapped_column(default=0)
    shipping_minor: Mapped[int] = mapped_column(default=0)
    tax_minor: Mapped[int] = mapped_column(default=0)
    total_minor: Mapped[int] = mapped_column(default=0)
    captured_minor: Mapped[int] = mapped_column(default=0)
    refunded_minor: Mapped[int] = mapped_column(default=0)
    placed_at: Mapped[datetime]
    promised_from: Mapped[datetime | None]
    promised_to: Mapped[datetime | None]
    picked_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    canceled_at: Mapped[datetime | None]
    warehouse_id: Mapped[str | None]
    channel: Mapped[str] = mapped_column(default="web")
    po_number: Mapped[str | None]
    shipping_address: Mapped[dict[str, Any]] = mapped_column(JsonColumn)
    hold_reason: Mapped[str | None]
    cancel_reason: Mapped[str | None]
    item_edits: Mapped[int] = mapped_column(default=0)
    __table_args__ = (
        *numbered("orders"),
        scoped_reference("customer_id", "customers"),
        scoped_reference("warehouse_id", "locations"),
        one_of("status", OrderStatus),
        one_of("payment_status", PaymentStatus),
        one_of("fulfillment_status", FulfillmentStatus),
        *not_negative(
            "subtotal_minor", "discount_minor", "shipping_minor", "tax_minor", "captured_minor", "refunded_minor"
        ),
        CheckConstraint("refunded_minor <= captured_minor", name="refund_within_captured"),
        # These two carry what the figures of a period are made of, so that summing up reads the index alone.
        Index(
            "ix_orders_placed",
            *("workspace_id", "placed_at", "id", "status", "warehouse_id", "currency", "picked_at", "total_minor"),
            *("sold_units", "carrier_ids", "repeats_sku", "promised_to", "delivered_at", "undelivered"),
            *("customer_id", "channel", "refunded_minor", "subtotal_minor", "discount_minor", "shipping_minor"),
            "tax_minor",
        ),
        Index(
            "ix_orders_promised",
            *("workspace_id", "promised_to", "placed_at", "id", *USUAL, "warehouse_id", "delivered_at"),
            *("undelivered", "carrier_ids"),
        ),
        Index("ix_orders_customer", "workspace_id", "customer_id", "customer_position"),
        # The states of an order stand in each other's index: one filter finds, the others are compared there.
        Index(
            "ix_orders_status",
            *("workspace_id", "status", "placed_at", "id"),
            *("payment_status", "fulfillment_status", "warehouse_id", "promised_to"),
        ),
        Index(
            "ix_orders_payment_status",
            *("workspace_id", "payment_status", "placed_at", "id", "status", "fulfillment_status", "warehouse_id"),
        ),
        Index(
            "ix_orders_fulfillment_status",
            *("workspace_id", "fulfillment_status", "placed_at", "id", "status", "payment_status", "warehouse_id"),
        ),
        Index(
            "ix_orders_warehouse",
            *("workspace_id", "warehouse_id", "placed_at", "id"),
            *("status", "payment_status", "fulfillment_status", "promised_to"),
        ),
        Index(
            "ix_orders_warehouse_promised",
            *("workspace_id", "warehouse_id", "promised_to", "placed_at", "id", *USUAL),
        ),
        *(index for state in USUAL for index in _of_unusual(state)),
        where("ix_orders_promised_early", "placed_at", "id", "promised_to", condition="promised_to < placed_at"),
        where(
            "ix_orders_due",
            *("status", "promised_to", "id", "payment_status", "warehouse_id", "delivered_at", "repeats_sku"),
            condition="delivered_at IS NULL",
        ),
        where_given("ix_orders_po_number", "po_number"),
    )


class OrderLine(StoreBase, Versioned, LineSums):
    """A line. `sku`, `name`, `options` and `unit_price_minor` are those of the moment of sale.

    The counters follow the goods: fulfilled (allotted), shipped, delivered, return_requested, return_received,
    written_off, each at most `quantity`.
    """

    prefix = "oln"
    noun = "order line"
    __tablename__ = "order_lines"
    order_id: Mapped[str]
    position: Mapped[int]
    variant_id: Mapped[str]
    product_id: Mapped[str]
    sku: Mapped[str]
    name: Mapped[str]
    options: Mapped[dict[str, str]] = mapped_column(JsonColumn)
    unit: Mapped[str] = mapped_column(default="C62")
    quantity_scale: Mapped[int] = mapped_column(default=0)
    quantity: Mapped[int]
    fulfilled: Mapped[int] = mapped_column(default=0)
    shipped: Mapped[int] = mapped_column(default=0)
    delivered: Mapped[int] = mapped_column(default=0)
    return_requested: Mapped[int] = mapped_column(default=0)
    return_received: Mapped[int] = mapped_column(default=0)
    written_off: Mapped[int] = mapped_column(default=0)
    unit_price_minor: Mapped[int]
    total_minor: Mapped[int]
    refunded_minor: Mapped[int] = mapped_column(default=0)
    status: Mapped[str] = mapped_column(default="processing")
    __table_args__ = (
        scoped_reference("order_id", "orders"),
        scoped_reference("variant_id", "variants"),
        scoped_reference("product_id", "products"),
        one_of("status", LineStatus),
        *not_negative(
            "quantity",
            "fulfilled",
            "shipped",
            "delivered",
            "return_requested",
            "return_received",
            "written_off",
            "unit_price_minor",
            "refunded_minor",
        ),
        CheckConstraint("return_requested <= quantity", name="return_within_ordered"),
        CheckConstraint("refunded_minor <= total_minor", name="refund_within_line"),
        Index("uq_order_lines_position", "workspace_id", "order_id", "position", unique=True),
        # What a search with a sku asks of the order is here too, so that it finds and counts in this index alone.
        Index(
            "ix_order_lines_sku",
            *("workspace_id", "sku", "placed_at", "order_id", "status"),
            *("order_status", "payment_status", "fulfillment_status", "warehouse_id", "promised_to"),
        ),
        Index(
            "ix_order_lines_sku_warehouse",
            *("workspace_id", "sku", "warehouse_id", "placed_at", "order_id", "status"),
            *("order_status", "payment_status", "fulfillment_status", "promised_to"),
        ),
        Index(
            "ix_order_lines_sku_promised",
            *("workspace_id", "sku", "promised_to", "placed_at", "order_id", "status"),
            *("order_status", "payment_status", "fulfillment_status", "warehouse_id"),
        ),
        # A small one of the same for what nearly no order of a long history is.
        where(
            "ix_order_lines_unusual",
            *("sku", "placed_at", "order_id", "status"),
            *("order_status", "payment_status", "fulfillment_status", "warehouse_id", "promised_to"),
            condition=" OR ".join(f"{line} <> '{USUAL[its]}'" for line, its in COPIED.items() if its in USUAL),
        ),
        # A small one for what is still to be sent: of a long history nearly all lines have left.
        where("ix_order_lines_unshipped", "sku", condition="quantity > fulfilled"),
        where(
            "ix_order_lines_to_ship",
            *("order_id", "sku", "status", "quantity", "fulfilled", "shipped"),
            condition="quantity > fulfilled",
        ),
        Index(
            "ix_order_lines_figures",
            *("workspace_id", "placed_at", "order_id", "sku", "status", "quantity", "quantity_scale"),
            *("total_minor", "refunded_minor", "product_id", "position", "picked_at"),
        ),
        Index("ix_order_lines_variant", "workspace_id", "variant_id"),
    )


class OrderNote(StoreBase, Versioned):
    """A note at an order. `author_kind` customer: text from outside; staff: written here."""

    prefix = "not"
    noun = "order note"
    __tablename__ = "order_notes"
    order_id: Mapped[str]
    author_kind: Mapped[str]
    author: Mapped[str]
    body: Mapped[str]
    __table_args__ = (
        scoped_reference("order_id", "orders"),
        Index("ix_order_notes_order", "workspace_id", "order_id", "created_at"),
    )


class OrderPolicy(StoreBase, Versioned):
    """One rule of the shop, as data: `name` is one of `commerce.orders.policy.PolicyName`, `category` limits it to a
    product category (empty: all), `value` is that rule's JSON value, `clause_id` the text it comes from."""

    prefix = "opl"
    noun = "order policy"
    __tablename__ = "order_policies"
    name: Mapped[str]
    category: Mapped[str] = mapped_column(default="")
    value: Mapped[Any] = mapped_column(JsonColumn)
    clause_id: Mapped[str | None]
    __table_args__ = (Index("uq_order_policies", "workspace_id", "name", "category", unique=True),)
