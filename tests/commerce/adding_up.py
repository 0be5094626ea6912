"""What must hold of a shop whatever was done in it."""

from collections import defaultdict

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tests.commerce.other_shop import NOW
from tests.commerce.other_workspaces import ASKED
from tradepost.commerce.customers.models import Customer
from tradepost.commerce.inventory.models import StockLevel
from tradepost.commerce.logistics.models import Delivery, Route, Shipment
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.payments.models import Payment, Refund
from tradepost.commerce.returns.models import Return, ReturnLine
from tradepost.database.engine import Database

STATES = ("available", "committed", "reserved", "damaged", "quality_control", "safety_stock")


async def adds_up(store: Database) -> None:
    """The money and the stock of the asked shop hold together."""
    async with store.transaction(ASKED, write=False) as session:
        assert await lines_tell_of_their_order(session)
        assert await copies_say_what_others_say(session)
        for level in await session.scalars(select(StockLevel)):
            assert level.on_hand == sum(getattr(level, state) for state in STATES)
        payments: dict[str, list[Payment]] = {}
        for payment in await session.scalars(select(Payment)):
            assert 0 <= payment.refunded_minor <= payment.captured_minor <= payment.amount_minor
            payments.setdefault(payment.order_id, []).append(payment)
        refunds: dict[str, int] = {}
        for refund in await session.scalars(select(Refund).where(Refund.status.in_(("succeeded", "pending")))):
            refunds[refund.payment_id] = refunds.get(refund.payment_id, 0) + refund.amount_minor
        lines: dict[str, list[OrderLine]] = defaultdict(list)
        for line in await session.scalars(select(OrderLine).where(OrderLine.status != "removed")):
            assert line.delivered <= line.shipped <= line.quantity
            assert 0 <= line.refunded_minor <= line.total_minor
            lines[line.order_id].append(line)
        carriers: dict[str, set[str]] = defaultdict(set)
        for parcel in await session.scalars(select(Shipment).where(Shipment.carrier_id.is_not(None))):
            carriers[parcel.order_id].add(str(parcel.carrier_id))
        for order in await session.scalars(select(Order)):
            paid = payments.get(order.id, [])
            assert order.captured_minor == sum(payment.captured_minor for payment in paid), order.number
            assert order.refunded_minor == sum(payment.refunded_minor for payment in paid), order.number
            assert all(payment.refunded_minor == refunds.get(payment.id, 0) for payment in paid), order.number
            charged = order.subtotal_minor - order.discount_minor + order.shipping_minor + order.tax_minor
            assert order.total_minor == charged, order.number
            assert order.subtotal_minor == sum(line.total_minor for line in lines[order.id]), order.number
            _sums_hold(order, lines[order.id], carriers[order.id])
            assert order.placed_at <= NOW


def _sums_hold(order: Order, lines: list[OrderLine], carriers: set[str]) -> None:
    """What the order says in short of its lines and parcels is what they say."""
    assert order.sold_units == sum(1 if line.quantity_scale else line.quantity for line in lines), order.number
    assert order.undelivered == any(line.delivered != line.quantity for line in lines), order.number
    assert order.repeats_sku == (len({line.sku for line in lines}) != len(lines)), order.number
    assert order.carrier_ids == "\n".join(sorted(carriers)), order.number


async def lines_tell_of_their_order(session: AsyncSession) -> int:
    """What lines repeat of their order is what it says. Returns how many lines there are."""
    same = {
        OrderLine.placed_at: Order.placed_at,
        OrderLine.picked_at: Order.picked_at,
        OrderLine.promised_to: Order.promised_to,
        OrderLine.warehouse_id: Order.warehouse_id,
        OrderLine.order_status: Order.status,
        OrderLine.payment_status: Order.payment_status,
        OrderLine.fulfillment_status: Order.fulfillment_status,
    }
    lines = 0
    both = select(*same, *same.values()).join(Order, Order.id == OrderLine.order_id)
    for row in await session.execute(both):
        assert row[: len(same)] == row[len(same) :]
        lines += 1
    return lines


async def copies_say_what_others_say(session: AsyncSession) -> int:
    """What stops, payments and lines of returns repeat of other rows, and customers of their address, is what those
    say. Returns how many rows there are."""
    count = 0
    start = (
        select(Delivery.start_location_id, Route.location_id, Shipment.location_id, Order.warehouse_id)
        .join(Order, Order.id == Delivery.order_id)
        .outerjoin(Shipment, Shipment.id == Delivery.shipment_id)
        .outerjoin(Route, Route.id == Delivery.route_id)
    )
    for said, *places in await session.execute(start):
        assert said == next((place for place in places if place is not None), None)
        count += 1
    states: dict[str, set[str]] = defaultdict(set)
    for payment_id, state in await session.execute(select(Refund.payment_id, Refund.status)):
        states[payment_id].add(state)
    for payment_id, refund_states in await session.execute(select(Payment.id, Payment.refund_states)):
        assert set((refund_states or "").split()) == states[payment_id]
        count += 1
    parts = select(Customer.email, Customer.email_turned, Customer.email_domain)
    for email, turned, domain in await session.execute(parts):
        assert f"{turned[::-1]}@{domain}" == email.lower()
        count += 1
    same = {
        ReturnLine.requested_at: Return.requested_at,
        ReturnLine.return_status: Return.status,
        ReturnLine.resolution: Return.resolution,
        ReturnLine.location_id: Return.location_id,
    }
    for row in await session.execute(select(*same, *same.values()).join(Return, Return.id == ReturnLine.return_id)):
        assert row[: len(same)] == row[len(same) :]
        count += 1
    return count
