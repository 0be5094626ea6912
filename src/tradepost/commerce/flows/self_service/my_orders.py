"""A customer's own orders: list_my_orders, get_my_order and the resource me://orders."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated, Required

from pydantic import Field
from sqlalchemy import select
from typing_extensions import TypedDict

from tradepost.commerce.claims.models import Claim
from tradepost.commerce.customers.models import PaymentMethod
from tradepost.commerce.flows.orders.late_facts import load_parcels
from tradepost.commerce.flows.orders.order_detail import delivery_status
from tradepost.commerce.flows.self_service.mine import find_mine, my_customer_id
from tradepost.commerce.flows.self_service.my_cancel import may_be_canceled
from tradepost.commerce.flows.self_service.my_order_views import (
    MyLine,
    MyOrderRow,
    MyParcel,
    MyTotals,
    my_line,
    my_order_row,
    my_parcel,
    my_totals,
    paid_with,
    ship_to,
)
from tradepost.commerce.flows.settling.order_units import order_lines
from tradepost.commerce.orders.models import Order, OrderLine, OrderStatus
from tradepost.commerce.orders.policy import load_rules
from tradepost.commerce.payments.models import Payment
from tradepost.commerce.returns.models import Return
from tradepost.commerce.serving.declare import Answer, read_tool, resource
from tradepost.commerce.store.listing import Cursor, Detail, Fields, Limit, Page, found_sentence, page
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.money import display

SCOPE = "me:orders.read"
SHOWN = 5  # orders named in the text

MyOrderId = Annotated[
    str, Field(min_length=1, max_length=200, description="Your order's number or id.", examples=["1001"])
]
Status = Annotated[OrderStatus | None, Field(description="Only orders in this state.", examples=["open"])]


# Something that hangs on the order, by number.
class Known(TypedDict):
    number: str
    status: str


# An order as its buyer sees it.
class MyOrder(TypedDict, total=False):
    id: Required[str]
    number: Required[str]
    version: int
    status: str
    payment_status: str
    fulfillment_status: str
    delivery_status: str
    placed_at: str
    promised_from: str | None
    promised_to: str | None
    delivered_at: str | None
    canceled_at: str | None
    can_cancel: bool
    totals: MyTotals
    ship_to: dict[str, str]
    paid_with: list[str]
    lines: list[MyLine]
    parcels: list[MyParcel]
    returns: list[Known]
    problems: list[Known]


@read_tool(title="List my orders", scope=SCOPE)
async def list_my_orders(
    store: Store,
    status: Status = None,
    limit: Limit = 20,
    cursor: Cursor = None,
    detail: Detail = "standard",
    fields: Fields = None,
) -> Answer[Page[MyOrderRow]]:
    """List the signed-in customer's own orders, the newest first. Use when they ask about an order without naming it,
    or what they bought. Not for the details of one order (get_my_order) or where its parcels are (track_my_order).
    Reads only. Returns a page with number, states, total and dates; detail full adds the items."""
    customer_id = await my_customer_id(store)
    return await _listed(store, customer_id, status, limit, cursor, detail, fields)


@resource(
    "me://orders",
    title="My orders",
    description="The signed-in customer's latest orders with their states, totals and dates.",
    scope=SCOPE,
)
async def my_orders(store: Store) -> Page[MyOrderRow]:
    """The first page of list_my_orders."""
    return (await _listed(store, await my_customer_id(store), None, 20, None, "standard", None)).data


@read_tool(title="Get my order", scope=SCOPE)
async def get_my_order(store: Store, order_id: MyOrderId) -> Answer[MyOrder]:
    """Read one of the signed-in customer's own orders: states, items, totals, parcels, its returns and reported
    problems, and whether it can still be canceled. Use before canceling or returning something, or for questions about
    one order. Not for scans of a parcel (track_my_order) or what may be sent back (check_my_return). Reads only.
    Returns the order with its version; the street is left out."""
    view = await my_order_view(store, order_id)
    return Answer(view, _order_text(view))


@resource(
    "me://orders/{number}",
    title="My order",
    description="One of the signed-in customer's own orders: states, items, totals, parcels, returns and problems.",
    scope=SCOPE,
)
async def my_order_record(store: Store, number: str) -> MyOrder:
    """The order as get_my_order gives it."""
    return await my_order_view(store, number)


async def my_order_view(store: Store, reference: str) -> MyOrder:
    """One of the customer's own orders by number, id or external id. Raises NotFound."""
    customer_id = await my_customer_id(store)
    return await _order_view(store, await find_mine(store, customer_id, Order, reference, field="order_id"))


async def _listed(
    store: Store,
    customer_id: str,
    status: str | None,
    limit: int,
    cursor: str | None,
    detail: Detail,
    fields: Sequence[str] | None,
) -> Answer[Page[MyOrderRow]]:
    statement = select(Order).where(Order.customer_id == customer_id)
    if status is not None:
        statement = statement.where(Order.status == status)
    said: list[str] = []

    async def view(orders: Sequence[Order]) -> list[MyOrderRow]:
        said.extend(
            f"{order.number} {order.status}, {order.fulfillment_status}, {display(order.total_minor, order.currency)}."
            for order in orders[:SHOWN]
        )
        lines = await _lines_of(store, orders) if detail == "full" else {}
        return [my_order_row(order, detail, lines.get(order.id, [])) for order in orders]

    found = await page(
        store,
        "my orders",
        statement,
        [Order.placed_at, Order.id],
        view,
        limit=limit,
        cursor=cursor,
        descending=True,
        fields=fields,
    )
    sentence = found_sentence(found, "orders", "You have no orders here.", named=SHOWN)
    return Answer(found, " ".join([sentence, *said]))


async def _lines_of(store: Store, orders: Sequence[Order]) -> dict[str, list[OrderLine]]:
    wanted = sorted(order.id for order in orders)
    statement = select(OrderLine).where(OrderLine.order_id.in_(wanted), OrderLine.status != "removed")
    lines: dict[str, list[OrderLine]] = defaultdict(list)
    for line in await store.all(statement.order_by(OrderLine.order_id, OrderLine.position)):
        lines[line.order_id].append(line)
    return lines


async def _order_view(store: Store, order: Order) -> MyOrder:
    lines = await order_lines(store, order)
    parcels = (await load_parcels(store, [order.id])).shipments
    methods = await store.all(
        select(PaymentMethod)
        .join(
            Payment,
            (Payment.workspace_id == PaymentMethod.workspace_id) & (Payment.method_id == PaymentMethod.id),
        )
        .where(Payment.order_id == order.id)
        .order_by(Payment.sequence, Payment.id)
    )
    returns = await store.all(
        select(Return).where(Return.order_id == order.id).order_by(Return.requested_at, Return.id)
    )
    problems = await store.all(
        select(Claim)
        .where(Claim.order_id == order.id, Claim.side == "customer_claim")
        .order_by(Claim.opened_at, Claim.id)
    )
    return {
        "id": order.id,
        "number": order.number,
        "version": order.version,
        "status": order.status,
        "payment_status": order.payment_status,
        "fulfillment_status": order.fulfillment_status,
        "delivery_status": delivery_status(order, lines, parcels),
        "placed_at": to_rfc3339(order.placed_at),
        "promised_from": to_rfc3339(order.promised_from) if order.promised_from else None,
        "promised_to": to_rfc3339(order.promised_to) if order.promised_to else None,
        "delivered_at": to_rfc3339(order.delivered_at) if order.delivered_at else None,
        "canceled_at": to_rfc3339(order.canceled_at) if order.canceled_at else None,
        "can_cancel": may_be_canceled(order, lines, await load_rules(store)),
        "totals": my_totals(order),
        "ship_to": ship_to(order),
        "paid_with": paid_with(methods),
        "lines": [my_line(line, order.currency) for line in lines],
        "parcels": [my_parcel(fact) for fact in parcels],
        "returns": [{"number": row.number, "status": row.status} for row in returns],
        "problems": [{"number": row.number, "status": row.status} for row in problems],
    }


def _order_text(view: MyOrder) -> str:
    total = view["totals"]["display"]["total"]
    said = [f"Order {view['number']}: {view['status']}, {view['payment_status']}, {view['fulfillment_status']}."]
    said.append(f"{len(view['lines'])} lines, {total}. Delivery: {view['delivery_status'].replace('_', ' ')}.")
    if view["promised_to"] and not view["delivered_at"]:
        said.append(f"Promised by {view['promised_to'][:10]}.")
    said += [f"Return {row['number']} is {row['status']}." for row in view["returns"][:3]]
    said += [f"Problem {row['number']} is {row['status']}." for row in view["problems"][:3]]
    if view["can_cancel"]:
        said.append("It can still be canceled.")
    return " ".join(said)


TOOLS = (list_my_orders, get_my_order)
RESOURCES = (my_orders, my_order_record)
