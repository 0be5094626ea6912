"""Which open orders are worth judging: whatever is not among these is on time, and nobody needs to load it.

The conditions are wider than the causes of lateness, never narrower: every cause in `late_causes` has one here that
its order meets. Most open orders of a large shop meet none.
"""

from datetime import datetime
from typing import Any, get_args

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import aliased

from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.flows.orders.late_causes import GONE_WRONG, ON_ITS_WAY, SILENCE, SOON, UNPAID
from tradepost.commerce.flows.orders.late_facts import OVER
from tradepost.commerce.inventory.models import StockLevel
from tradepost.commerce.logistics.models import ARRIVED, Delivery, DeliveryStatus, Shipment
from tradepost.commerce.orders.models import Order, OrderLine
from tradepost.commerce.store.columns import spelled_out

_TROUBLED = ("delayed", "attempted_delivery", *GONE_WRONG)


def may_be_endangered(now: datetime) -> ColumnElement[bool]:
    """The condition for an open order with a promise that has not arrived and may be late or at risk."""
    return and_(Order.delivered_at.is_(None), _may_be_late(now))


def _may_be_late(now: datetime) -> ColumnElement[bool]:
    return or_(
        Order.promised_to < now,
        Order.status == "on_hold",
        Order.payment_status.in_(UNPAID),
        _troubled_parcel(now).exists(),
        Order.id.in_(_open_stops()),
        _missing_goods(now).exists(),
    )


def _troubled_parcel(now: datetime) -> Select[Any]:
    silent = and_(Shipment.status.in_(ON_ITS_WAY), Shipment.last_event_at < now - SILENCE)
    return select(Shipment.id).where(
        Shipment.workspace_id == Order.workspace_id,
        Shipment.order_id == Order.id,
        Shipment.status != spelled_out(ARRIVED),
        or_(Shipment.status.in_(_TROUBLED), Shipment.eta > Order.promised_to, silent),
    )


def _open_stops() -> Select[Any]:
    """The orders of open stops, whatever is wrong with them or their drivers: there are few of them."""
    return select(Delivery.order_id).where(Delivery.status.in_(sorted({*get_args(DeliveryStatus)} - {*OVER})))


def _missing_goods(now: datetime) -> Select[Any]:
    """A line that has not left, and should soon; or of which the shelf has less than all that the order wants."""
    unshipped = (
        OrderLine.workspace_id == Order.workspace_id,
        OrderLine.order_id == Order.id,
        OrderLine.status != "removed",
        OrderLine.quantity > OrderLine.fulfilled,
        OrderLine.quantity > OrderLine.shipped,
    )
    levels = select(func.coalesce(func.sum(StockLevel.available), 0)).where(
        StockLevel.workspace_id == OrderLine.workspace_id, StockLevel.sku == OrderLine.sku
    )
    everywhere = levels.correlate(OrderLine).scalar_subquery()
    there = levels.where(StockLevel.location_id == Order.warehouse_id).correlate(OrderLine, Order).scalar_subquery()
    same = aliased(OrderLine)
    together = (
        select(func.sum(same.quantity))
        .where(same.workspace_id == Order.workspace_id, same.order_id == Order.id, same.sku == OrderLine.sku)
        .correlate(OrderLine, Order)
        .scalar_subquery()
    )
    available = case((Order.warehouse_id.is_(None), everywhere), else_=there)
    wanted = case((Order.repeats_sku, together), else_=OrderLine.quantity)
    counted = select(Variant.id).where(
        Variant.workspace_id == OrderLine.workspace_id, Variant.sku == OrderLine.sku, Variant.tracks_stock.is_(True)
    )
    short = and_(available < wanted, counted.correlate(OrderLine).exists())
    recalled = OrderLine.sku.in_(select(Variant.sku).where(Variant.status == "recalled"))
    return select(OrderLine.id).where(*unshipped, or_(Order.promised_to <= now + SOON, recalled, short))
