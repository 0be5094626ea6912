"""search_orders: finding orders by what people know of them."""

from collections.abc import Sequence
from typing import Annotated, Any, Required

from pydantic import Field
from sqlalchemy import select
from typing_extensions import TypedDict

from tradepost.commerce.customers.models import Customer
from tradepost.commerce.flows.names import find_called, find_customer
from tradepost.commerce.flows.orders.lateness import IN_FLIGHT, LatenessView, assess
from tradepost.commerce.flows.orders.order_filters import NEWEST, Wanted, matching_orders
from tradepost.commerce.inventory.models import Location
from tradepost.commerce.orders.models import FulfillmentStatus, Order, OrderLine, OrderStatus, PaymentStatus
from tradepost.commerce.orders.views import NAME_CAP
from tradepost.commerce.serving.declare import Answer, read_tool
from tradepost.commerce.store.listing import (
    Cursor,
    Detail,
    Fields,
    Limit,
    Page,
    TimeFilter,
    found_sentence,
    page,
)
from tradepost.commerce.store.outside import OutsideName
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.money import MoneyView, display, money
from tradepost.foundation.outsiders import clean_name
from tradepost.foundation.untrusted import clean

SHOWN = 8  # orders named in the text

Status = Annotated[OrderStatus | None, Field(description="State.", examples=["open"])]
Paid = Annotated[PaymentStatus | None, Field(description="State.", examples=["paid"])]
Fulfilled = Annotated[FulfillmentStatus | None, Field(description="State.", examples=["unfulfilled"])]
CustomerId = Annotated[str | None, Field(max_length=99, description="Id or name.", examples=["C-1"])]
Sku = Annotated[str | None, Field(max_length=99, description="SKU.", examples=["SKU-1"])]
WarehouseId = Annotated[str | None, Field(max_length=99, description="Id or name.", examples=["WH-1"])]
Query = Annotated[
    str | None,
    Field(
        max_length=99,
        description="Order or PO number, external id, the buyer's exact e-mail or name.",
        examples=["1001"],
    ),
]


# A line in short.
class OrderLineBrief(TypedDict):
    sku: str
    name: str
    quantity: int
    shipped: int


# An order in a list. summary: up to total; standard: up to version; full: all.
class OrderRow(TypedDict, total=False):
    id: Required[str]  # the other keys may be left out by `fields`
    number: str
    status: str
    payment_status: str
    fulfillment_status: str
    placed_at: str
    total: MoneyView
    external_id: str | None
    customer_id: str
    customer_number: str
    customer_name: OutsideName
    warehouse_id: str | None
    promised_to: str | None
    delivered_at: str | None
    version: int
    lines: list[OrderLineBrief]
    lateness: LatenessView


@read_tool(title="Search orders", scope="read:orders")
async def search_orders(
    store: Store,
    q: Query = None,
    status: Status = None,
    payment_status: Paid = None,
    fulfillment_status: Fulfilled = None,
    customer_id: CustomerId = None,
    sku: Sku = None,
    warehouse_id: WarehouseId = None,
    promised_from: TimeFilter = None,
    promised_to: TimeFilter = None,
    placed_from: TimeFilter = None,
    placed_to: TimeFilter = None,
    limit: Limit = 20,
    cursor: Cursor = None,
    detail: Detail = "standard",
    fields: Fields = None,
) -> Answer[Page[OrderRow]]:
    """Find orders by status, customer, SKU, warehouse, promised or placed time, or by number or buyer. Use when several
    orders are wanted or the number is not known; all filters must hold. Paid but not shipped for 48 h: status open,
    payment_status paid, fulfillment_status unfulfilled, placed_to
    two days ago. Not for one known order (get_order) or late ones
    (list_at_risk_orders). Read-only. Returns a page, newest first, with total_estimate and next_cursor; detail full
    adds lines and lateness."""
    held: dict[Any, str | None] = {
        Order.status: status,
        Order.fulfillment_status: fulfillment_status,
        Order.payment_status: payment_status,
    }
    if warehouse_id is not None:
        held[Order.warehouse_id] = (await find_called(store, Location, warehouse_id, field="warehouse_id")).id
    customer = None if customer_id is None else await find_customer(store, customer_id)
    wanted = Wanted(
        {column: value for column, value in held.items() if value is not None},
        None if customer is None else customer.id,
        q,
        None if sku is None else sku.strip().removeprefix("sku:"),
        (placed_from, placed_to),
        (promised_from, promised_to),
    )
    span, counted = await matching_orders(store, wanted)
    shown: list[str] = []

    async def view(orders: Sequence[Order]) -> list[OrderRow]:
        shown.extend(_in_short(order) for order in orders[:SHOWN])
        return await _rows(store, orders, detail)

    found = await page(
        store,
        "orders",
        span.statement,
        NEWEST,
        view,
        limit=limit,
        cursor=cursor,
        descending=True,
        fields=fields,
        counted=counted,
        parts=span.parts,
        total=span.total,
    )
    sought = f" matching '{q}'" if q is not None else " with these filters"
    sentence = found_sentence(found, "orders", f"No orders found{sought}.", named=SHOWN)
    return Answer(found, " ".join([sentence, *shown]))


async def _rows(store: Store, orders: Sequence[Order], detail: str) -> list[OrderRow]:
    rows = [_summary(order) for order in orders]
    if detail == "summary" or not orders:
        return rows
    buyers = await _buyers(store, {order.customer_id for order in orders})
    for row, order in zip(rows, orders, strict=True):
        number, name = buyers[order.customer_id]
        row["external_id"] = order.external_id
        row["customer_id"], row["customer_number"], row["customer_name"] = order.customer_id, number, name
        row["warehouse_id"] = order.warehouse_id
        row["promised_to"] = to_rfc3339(order.promised_to) if order.promised_to else None
        row["delivered_at"] = to_rfc3339(order.delivered_at) if order.delivered_at else None
        row["version"] = order.version
    if detail == "full":
        await _add_details(store, orders, rows)
    return rows


async def _add_details(store: Store, orders: Sequence[Order], rows: list[OrderRow]) -> None:
    lines = await store.all(
        select(OrderLine)
        .where(OrderLine.order_id.in_([order.id for order in orders]))
        .order_by(OrderLine.order_id, OrderLine.position)
    )
    findings = await assess(store, orders, lines=lines)
    for row, order in zip(rows, orders, strict=True):
        row["lateness"] = findings[order.id].view()
        row["lines"] = [
            {
                "sku": line.sku,
                "name": clean(line.name, NAME_CAP),
                "quantity": line.quantity,
                "shipped": line.shipped,
            }
            for line in lines
            if line.order_id == order.id and line.status != "removed"
        ]


async def _buyers(store: Store, ids: set[str]) -> dict[str, tuple[str, str]]:
    statement = select(Customer.id, Customer.number, Customer.first_name, Customer.last_name).where(
        Customer.id.in_(sorted(ids))
    )
    found = await store.session.execute(statement)
    named = ((row, f"{row.first_name} {row.last_name}") for row in found)
    return {row.id: (row.number, clean_name(name, NAME_CAP, "a customer's name")) for row, name in named}


def _summary(order: Order) -> OrderRow:
    return {
        "id": order.id,
        "number": order.number,
        "status": order.status,
        "payment_status": order.payment_status,
        "fulfillment_status": order.fulfillment_status,
        "placed_at": to_rfc3339(order.placed_at),
        "total": money(order.total_minor, order.currency),
    }


def _in_short(order: Order) -> str:
    states = f"{order.status}, {order.payment_status}, {order.fulfillment_status}"
    promise = ""
    if order.promised_to is not None and order.delivered_at is None and order.status in IN_FLIGHT:
        promise = f", promised {order.promised_to.date().isoformat()}"
    return f"{order.number} {states}, {display(order.total_minor, order.currency)}{promise}."


TOOLS = (search_orders,)
