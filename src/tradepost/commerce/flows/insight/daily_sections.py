"""The sections of the daily operations report: each counts everything and names the few records to look at first."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, func, or_, select

from tradepost.commerce.catalog.models import Variant
from tradepost.commerce.claims.models import Claim
from tradepost.commerce.claims.views import FINAL, TO_FILE
from tradepost.commerce.flows.books.payment_search import dispute_views
from tradepost.commerce.flows.claims.claim_search import claim_views
from tradepost.commerce.flows.numbers import numbers_of
from tradepost.commerce.flows.orders.at_risk import endangered_orders
from tradepost.commerce.inventory.models import Location, StockLevel
from tradepost.commerce.logistics.models import ARRIVED, Carrier, Delivery, Driver, Route, Shipment
from tradepost.commerce.orders.models import Order
from tradepost.commerce.payments.models import Dispute, Payout
from tradepost.commerce.payments.reconcile import reconcile
from tradepost.commerce.purchasing.models import PurchaseOrder, Supplier
from tradepost.commerce.returns.models import Return
from tradepost.commerce.store.columns import spelled_out
from tradepost.commerce.store.store import Store
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.untrusted import clean

SHOWN = 8
HORIZON_DAYS = 2
DEADLINE_DAYS = 7
PAYOUTS_SHOWN = 3
TROUBLED = ("delayed", "attempted_delivery", "failure", "returning_to_sender", "lost", "damaged")
ON_ITS_WAY = ("carrier_picked_up", "in_transit", "out_for_delivery", "confirmed", "label_printed", "label_purchased")
OPEN_RETURNS = ("requested", "approved", "in_transit", "partially_received", "received", "inspected")
COMING = ("ordered", "confirmed", "partially_received")

Section = dict[str, Any]


async def orders_section(store: Store, start: datetime, end: datetime, place: Location | None) -> Section:
    """What the day brought and owes, and which open orders miss their promise, the oldest first."""
    ours = () if place is None else (Order.warehouse_id == place.id,)

    async def counted(column: Any) -> int:
        days_orders = select(func.count(Order.id)).where(
            column >= start, column < end, Order.status != "canceled", *ours
        )
        return int((await store.session.execute(days_orders)).scalar_one())

    endangered = await endangered_orders(
        store, horizon_days=HORIZON_DAYS, warehouse_id=None if place is None else place.id
    )
    late = sum(1 for _, finding in endangered if finding.late)
    return {
        "placed_today": await counted(Order.placed_at),
        "promised_today": await counted(Order.promised_to),
        "delivered_today": await counted(Order.delivered_at),
        "late": late,
        "at_risk": len(endangered) - late,
        "first": [
            {
                "order": order.number,
                "late": finding.late,
                "days_late": finding.days_late,
                "why": clean(finding.sentence, 300),
            }
            for order, finding in endangered[:SHOWN]
        ],
    }


async def stock_section(store: Store, place: Location | None) -> Section:
    """Active skus at or below their reorder point, as list_low_stock has them, and those with nothing left."""
    active = (
        select(StockLevel)
        .join(Variant, and_(Variant.workspace_id == StockLevel.workspace_id, Variant.id == StockLevel.variant_id))
        .where(Variant.status == "active")
    )
    if place is not None:
        active = active.where(StockLevel.location_id == place.id)
    out = active.where(StockLevel.available <= 0)
    low = active.where(StockLevel.reorder_point > 0, StockLevel.available <= StockLevel.reorder_point)
    levels = await store.all(low.order_by(StockLevel.available, StockLevel.sku, StockLevel.id).limit(SHOWN))
    codes = await numbers_of(store, Location, (level.location_id for level in levels), by="code")
    return {
        "low": await _count(store, low),
        "out": await _count(store, out),
        "first": [
            {
                "sku": level.sku,
                "warehouse": codes[level.location_id],
                "available": level.available,
                "reorder_point": level.reorder_point,
                "incoming": level.incoming,
            }
            for level in levels
        ],
    }


async def shipments_section(store: Store, place: Location | None) -> Section:
    """Parcels in trouble, or expected after their promise; not those of orders that were called off."""
    after_promise = and_(Shipment.status.in_(ON_ITS_WAY), Shipment.eta > Shipment.promised_to)
    # Found among what is under way, which has an index of its own: most parcels of a long history have arrived.
    some = select(Shipment.id).where(
        Shipment.status != spelled_out(ARRIVED), or_(Shipment.status.in_(TROUBLED), after_promise)
    )
    troubled = (
        select(Shipment)
        .join(Order, and_(Order.workspace_id == Shipment.workspace_id, Order.id == Shipment.order_id))
        .where(Shipment.id.in_(some), Order.status != "canceled")
    )
    if place is not None:
        troubled = troubled.where(Shipment.location_id == place.id)
    rows = await store.all(troubled.order_by(Shipment.promised_to, Shipment.id).limit(SHOWN))
    orders = await numbers_of(store, Order, (row.order_id for row in rows))
    carriers = await numbers_of(store, Carrier, (row.carrier_id for row in rows), by="code")
    return {
        "troubled": await _count(store, troubled),
        "first": [
            {
                "shipment": row.number,
                "order": orders[row.order_id],
                "carrier": carriers.get(row.carrier_id),
                "status": row.status,
                "eta": _time(row.eta),
                "promised_to": _time(row.promised_to),
            }
            for row in rows
        ],
    }


async def deliveries_section(store: Store, start: datetime, end: datetime, place: Location | None) -> Section:
    """The day's stops by state, and drivers who cannot drive with the open stops that hang on them."""
    stops = select(Delivery.status, func.count(Delivery.id)).where(
        Delivery.window_from >= start, Delivery.window_from < end
    )
    away = select(Driver).where(Driver.status == "unavailable")
    if place is not None:
        stops = stops.join(
            Route, and_(Route.workspace_id == Delivery.workspace_id, Route.id == Delivery.route_id)
        ).where(Route.location_id == place.id)
        away = away.where(Driver.location_id == place.id)
    by_status = {row[0]: row[1] for row in await store.session.execute(stops.group_by(Delivery.status))}
    drivers = await store.all(away.order_by(Driver.number).limit(SHOWN))
    open_stops = select(Delivery.driver_id, func.count(Delivery.id)).where(
        Delivery.driver_id.in_([driver.id for driver in drivers]), Delivery.status.in_(("assigned", "active"))
    )
    waiting = {row[0]: row[1] for row in await store.session.execute(open_stops.group_by(Delivery.driver_id))}
    return {
        "by_status": by_status,
        "unavailable_drivers": [
            {
                "driver": driver.number,
                "reason": driver.unavailable_reason,
                "until": _time(driver.unavailable_until),
                "open_stops": waiting.get(driver.id, 0),
            }
            for driver in drivers
        ],
    }


async def returns_section(store: Store, place: Location | None) -> Section:
    """Returns that wait for somebody, by state, the oldest first."""
    waiting = select(Return).where(Return.status.in_(OPEN_RETURNS))
    if place is not None:
        waiting = waiting.where(Return.location_id == place.id)
    counts = waiting.with_only_columns(Return.status, func.count(Return.id)).group_by(Return.status)
    oldest = await store.all(waiting.order_by(Return.requested_at, Return.id).limit(SHOWN))
    return {
        "by_status": {row[0]: row[1] for row in await store.session.execute(counts)},
        "oldest": [
            {"rma": row.number, "status": row.status, "age_days": (store.now - row.requested_at).days} for row in oldest
        ],
    }


async def claims_section(store: Store) -> Section:
    """Open claims, and those whose filing deadline is near or missed."""
    pending = select(Claim).where(Claim.status.not_in(FINAL))
    near = pending.where(Claim.status.in_(TO_FILE), Claim.file_by < store.now + timedelta(days=DEADLINE_DAYS))
    rows = await store.all(near.order_by(Claim.file_by, Claim.id).limit(SHOWN))
    return {"open": await _count(store, pending), "due_soon": await claim_views(store, rows, "summary")}


async def disputes_section(store: Store) -> Section:
    """Disputes that need a response, and those due soon."""
    needing = select(Dispute).where(Dispute.status == "needs_response")
    near = needing.where(Dispute.evidence_due_by < store.now + timedelta(days=DEADLINE_DAYS))
    rows = await store.all(near.order_by(Dispute.evidence_due_by, Dispute.id).limit(SHOWN))
    return {"need_response": await _count(store, needing), "due_soon": await dispute_views(store, rows, "summary")}


async def payouts_section(store: Store) -> Section:
    """The latest payouts and whether their statements agree with the shop's records."""
    latest = await store.all(select(Payout).order_by(Payout.period_to.desc(), Payout.id.desc()).limit(PAYOUTS_SHOWN))
    shown = []
    for payout in latest:
        result = await reconcile(store, payout, limit=0)
        shown.append(
            {
                "payout": payout.number,
                "status": payout.status,
                "net": result["payout"]["net"],
                "reconciled": result["reconciled"],
                "variance": result["variance"],
                "unmatched": result["unmatched"],
                "difference": result["difference"],
            }
        )
    return {"latest": shown}


async def purchasing_section(store: Store, place: Location | None) -> Section:
    """Purchase orders that should have arrived."""
    overdue = select(PurchaseOrder).where(PurchaseOrder.status.in_(COMING), PurchaseOrder.eta < store.now)
    if place is not None:
        overdue = overdue.where(PurchaseOrder.location_id == place.id)
    rows = await store.all(overdue.order_by(PurchaseOrder.eta, PurchaseOrder.id).limit(SHOWN))
    suppliers = await numbers_of(store, Supplier, (row.supplier_id for row in rows), by="name")
    return {
        "overdue": await _count(store, overdue),
        "first": [
            {
                "purchase_order": row.number,
                "supplier": clean(suppliers[row.supplier_id], 80),
                "status": row.status,
                "eta": _time(row.eta),
            }
            for row in rows
        ],
    }


async def _count(store: Store, statement: Select[Any]) -> int:
    counted = statement.with_only_columns(func.count(), maintain_column_froms=True).order_by(None)
    return int((await store.session.execute(counted)).scalar_one())


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else to_rfc3339(moment)
