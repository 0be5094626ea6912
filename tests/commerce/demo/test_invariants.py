"""The numbers of the demo shop agree with each other, as the tools that change them would leave them."""

from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Select, and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from tests.commerce.adding_up import copies_say_what_others_say, lines_tell_of_their_order
from tradepost.commerce.inventory.models import StockLevel, StockMovement, Transfer, TransferLine
from tradepost.commerce.logistics.models import FulfillmentLine, Shipment, TrackingEvent
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.payments.models import Payment, Payout, Refund, RefundLine, SettlementLine
from tradepost.commerce.purchasing.models import PurchaseOrder, PurchaseOrderLine
from tradepost.commerce.returns.models import Return, ReturnLine
from tradepost.commerce.store.models import NumberRange


@pytest.fixture(params=["main", "second", "long"])
def any_shop(
    request: pytest.FixtureRequest, session: AsyncSession, second_session: AsyncSession, long_session: AsyncSession
) -> AsyncSession:
    return {"main": session, "second": second_session, "long": long_session}[request.param]


async def wrong(session: AsyncSession, statement: Select[*tuple[Any, ...]]) -> list[Any]:
    """The rows that break a rule."""
    return list((await session.execute(statement.limit(5))).all())


def total(column: Any, *where: Any) -> Any:
    return func.coalesce(select(func.sum(column)).where(*where).scalar_subquery(), 0)


async def test_order_totals_add_up(any_shop: AsyncSession) -> None:
    sums = Order.subtotal_minor - Order.discount_minor + Order.shipping_minor + Order.tax_minor
    lines = total(OrderLine.total_minor, OrderLine.order_id == Order.id)
    assert not await wrong(
        any_shop, select(Order.number).where(or_(Order.total_minor != sums, Order.subtotal_minor != lines))
    )


async def test_orders_say_in_short_what_their_lines_and_parcels_say(any_shop: AsyncSession) -> None:
    of_order = and_(OrderLine.order_id == Order.id, OrderLine.status != "removed")
    units = total(case((OrderLine.quantity_scale == 0, OrderLine.quantity), else_=1), of_order)
    missing = select(OrderLine.id).where(of_order, OrderLine.delivered < OrderLine.quantity).exists()
    skus = select(func.count() - func.count(OrderLine.sku.distinct())).where(of_order).scalar_subquery()
    carriers = select(func.count(Shipment.carrier_id.distinct())).where(Shipment.order_id == Order.id).scalar_subquery()
    carrier = select(func.min(Shipment.carrier_id)).where(Shipment.order_id == Order.id).scalar_subquery()
    said_carriers = func.length(Order.carrier_ids) - func.length(func.replace(Order.carrier_ids, "\n", "")) + 1
    wrongly_said = or_(
        Order.sold_units != units,
        Order.undelivered != missing,
        Order.repeats_sku != (skus > 0),
        and_(carriers == 0, Order.carrier_ids != ""),
        and_(carriers == 1, Order.carrier_ids != carrier),
        and_(carriers > 1, said_carriers != carriers),
    )
    assert not await wrong(any_shop, select(Order.number).where(wrongly_said))
    assert await lines_tell_of_their_order(any_shop)
    assert await copies_say_what_others_say(any_shop)


async def test_captured_and_refunded_are_those_of_payments_and_refunds(any_shop: AsyncSession) -> None:
    captured = total(Payment.captured_minor, Payment.order_id == Order.id)
    refunded = total(Refund.amount_minor, Refund.order_id == Order.id)
    assert not await wrong(
        any_shop,
        select(Order.number).where(or_(Order.captured_minor != captured, Order.refunded_minor != refunded)),
    )
    of_payment = total(Refund.amount_minor, Refund.payment_id == Payment.id)
    assert not await wrong(any_shop, select(Payment.number).where(Payment.refunded_minor != of_payment))
    of_lines = total(RefundLine.amount_minor, RefundLine.refund_id == Refund.id)
    assert not await wrong(
        any_shop,
        select(Refund.number).where(
            or_(
                Refund.lines_minor != of_lines,
                Refund.amount_minor != Refund.lines_minor + Refund.shipping_minor - Refund.restocking_fee_minor,
            )
        ),
    )
    of_order_line = total(RefundLine.amount_minor, RefundLine.order_line_id == OrderLine.id)
    assert not await wrong(any_shop, select(OrderLine.id).where(OrderLine.refunded_minor != of_order_line))


async def test_payment_status_follows_from_the_money(any_shop: AsyncSession) -> None:
    authorized = select(Payment.id).where(Payment.order_id == Order.id, Payment.status == "authorized").exists()
    voided = select(Payment.id).where(Payment.order_id == Order.id, Payment.status == "voided").exists()
    expected = case(
        (and_(Order.refunded_minor > 0, Order.refunded_minor == Order.captured_minor), "refunded"),
        (Order.refunded_minor > 0, "partially_refunded"),
        (Order.captured_minor >= Order.total_minor, "paid"),
        (Order.captured_minor > 0, "partially_paid"),
        (authorized, "authorized"),
        (voided, "voided"),
        else_="pending",
    )
    assert not await wrong(any_shop, select(Order.number).where(Order.payment_status != expected))


async def test_fulfillment_status_and_counters_follow_from_the_parcels(any_shop: AsyncSession) -> None:
    packed = total(FulfillmentLine.quantity, FulfillmentLine.order_line_id == OrderLine.id)
    assert not await wrong(
        any_shop,
        select(OrderLine.id).where(
            or_(
                OrderLine.fulfilled > packed,
                OrderLine.shipped != OrderLine.fulfilled,
                OrderLine.delivered > OrderLine.shipped,
                OrderLine.return_requested > OrderLine.delivered,
            )
        ),
    )
    left = total(OrderLine.quantity - OrderLine.fulfilled, OrderLine.order_id == Order.id)
    started = total(OrderLine.fulfilled, OrderLine.order_id == Order.id)
    assert not await wrong(
        any_shop,
        select(Order.number, Order.fulfillment_status).where(
            or_(
                and_(left == 0, Order.fulfillment_status != "fulfilled"),
                and_(left > 0, started > 0, Order.fulfillment_status != "partially_fulfilled"),
                and_(started == 0, Order.fulfillment_status.in_(("fulfilled", "partially_fulfilled"))),
            )
        ),
    )
    last_scan = (
        select(func.max(TrackingEvent.occurred_at)).where(TrackingEvent.shipment_id == Shipment.id).scalar_subquery()
    )
    assert not await wrong(any_shop, select(Shipment.number).where(Shipment.last_event_at != last_scan))


async def test_returned_units_are_those_of_the_returns(any_shop: AsyncSession) -> None:
    asked = total(ReturnLine.quantity, ReturnLine.order_line_id == OrderLine.id)
    received = total(ReturnLine.received, ReturnLine.order_line_id == OrderLine.id)
    assert not await wrong(
        any_shop,
        select(OrderLine.id).where(or_(OrderLine.return_requested != asked, OrderLine.return_received != received)),
    )
    assert not await wrong(any_shop, select(Return.number).where(Return.window_ends_at.is_(None)))


async def test_every_state_of_a_level_is_the_sum_of_its_movements(any_shop: AsyncSession) -> None:
    for state in ("available", "committed", "reserved", "damaged", "quality_control", "safety_stock"):
        moved = total(
            StockMovement.delta,
            StockMovement.sku == StockLevel.sku,
            StockMovement.location_id == StockLevel.location_id,
            StockMovement.state == state,
        )
        assert not await wrong(any_shop, select(StockLevel.sku).where(getattr(StockLevel, state) != moved)), state
    on_hand = total(
        StockMovement.on_hand_delta,
        StockMovement.sku == StockLevel.sku,
        StockMovement.location_id == StockLevel.location_id,
    )
    assert not await wrong(any_shop, select(StockLevel.sku).where(StockLevel.on_hand != on_hand))
    opening = select(StockMovement.sku).where(StockMovement.cause == "initial", StockMovement.delta < 0)
    assert not await wrong(any_shop, opening)


async def test_committed_stock_is_what_open_orders_wait_for(any_shop: AsyncSession) -> None:
    waiting = total(
        OrderLine.quantity - OrderLine.shipped,
        OrderLine.order_id == Order.id,
        OrderLine.sku == StockLevel.sku,
        Order.warehouse_id == StockLevel.location_id,
        Order.status.in_(("pending", "open", "on_hold")),
    )
    # Nothing is there to commit where the shelf is empty: those orders wait for a purchase order.
    assert not await wrong(
        any_shop,
        select(StockLevel.sku).where(
            StockLevel.committed != waiting, or_(StockLevel.available > 0, StockLevel.committed > 0)
        ),
    )


async def test_incoming_is_what_purchase_orders_and_transfers_bring(any_shop: AsyncSession) -> None:
    ordered = total(
        PurchaseOrderLine.ordered - PurchaseOrderLine.received - PurchaseOrderLine.rejected,
        PurchaseOrderLine.purchase_order_id == PurchaseOrder.id,
        PurchaseOrderLine.sku == StockLevel.sku,
        PurchaseOrder.location_id == StockLevel.location_id,
        PurchaseOrder.status.in_(("ordered", "confirmed", "partially_received")),
    )
    moving = total(
        TransferLine.quantity - TransferLine.received,
        TransferLine.transfer_id == Transfer.id,
        TransferLine.sku == StockLevel.sku,
        Transfer.to_location_id == StockLevel.location_id,
        Transfer.status == "in_transit",
    )
    assert not await wrong(any_shop, select(StockLevel.sku).where(StockLevel.incoming != ordered + moving))
    lines = total(
        PurchaseOrderLine.ordered * PurchaseOrderLine.unit_cost_minor,
        PurchaseOrderLine.purchase_order_id == PurchaseOrder.id,
    )
    assert not await wrong(any_shop, select(PurchaseOrder.number).where(PurchaseOrder.total_minor != lines))


async def test_payouts_add_up(any_shop: AsyncSession) -> None:
    gross = total(SettlementLine.gross_minor, SettlementLine.payout_id == Payout.id)
    fees = total(SettlementLine.fee_minor, SettlementLine.payout_id == Payout.id)
    assert not await wrong(
        any_shop, select(Payout.number).where(or_(Payout.gross_minor != gross, Payout.fees_minor != fees))
    )


async def test_a_customers_orders_are_counted_in_the_order_they_were_placed(any_shop: AsyncSession) -> None:
    rows = (
        await any_shop.execute(
            select(Order.customer_id, Order.customer_position, Order.placed_at).order_by(
                Order.customer_id, Order.customer_position
            )
        )
    ).all()
    for before, after in pairwise(rows):
        if before.customer_id == after.customer_id:
            assert after.customer_position == before.customer_position + 1
            assert after.placed_at >= before.placed_at


async def test_numbers_given_later_continue_above_the_demo(any_shop: AsyncSession) -> None:
    ranges = dict((await any_shop.execute(select(NumberRange.id, NumberRange.last))).all())
    for prefix, model in (
        ("PO-", PurchaseOrder),
        ("RMA-", Return),
        ("PAY-", Payment),
        ("REF-", Refund),
        ("SHP-", Shipment),
    ):
        numbers = (await any_shop.scalars(select(model.number))).all()
        assert ranges[prefix] == max(int(number.removeprefix(prefix)) for number in numbers)
    assert ranges[""] >= 88213
