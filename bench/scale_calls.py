"""The calls that are measured: each tool as it is asked most often, its filters, and its widest and rarest answers."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.commerce.customers.models import Customer
from tradepost.commerce.demo import CASES
from tradepost.commerce.logistics.models import Delivery, Shipment
from tradepost.commerce.orders.models import Order
from tradepost.commerce.payments.models import Payment
from tradepost.commerce.returns.models import Return
from tradepost.foundation.clock import to_rfc3339

# These sum up rather than find: what they read grows with the shop, and they have a second.
AGGREGATES = frozenset({"get_ops_kpis", "reconcile_settlement", "get_sales_report"})

Call = tuple[str, str, dict[str, Any]]


@dataclass(frozen=True)
class Sample:
    """Records of the history to look up, and of the shop's cases."""

    now: datetime
    order: str
    customer: str
    customer_name: str
    tracking: str
    shipment: str
    delivery: str
    rma: str
    psp: str


async def sample_of(session: AsyncSession, now: datetime) -> Sample:
    """One record of each kind, from some weeks ago."""
    old = now - timedelta(days=45)
    statement = select(Order).where(Order.placed_at < old, Order.status == "completed").order_by(Order.placed_at.desc())
    order = (await session.scalars(statement.limit(1))).one()
    customer = (await session.scalars(select(Customer).where(Customer.id == order.customer_id))).one()
    shipment = (await session.scalars(select(Shipment).where(Shipment.order_id == order.id))).one()
    payment = select(Payment).where(Payment.psp_reference.is_not(None)).order_by(Payment.created_at.desc()).limit(1)
    delivery = select(Delivery).order_by(Delivery.created_at.desc()).limit(1)
    rma = select(Return).order_by(Return.requested_at.desc()).limit(1)
    return Sample(
        now,
        order.number,
        customer.number,
        f"{customer.first_name} {customer.last_name}",
        str(shipment.tracking_number),
        shipment.number,
        (await session.scalars(delivery)).one().number,
        (await session.scalars(rma)).one().number,
        str((await session.scalars(payment)).one().psp_reference),
    )


def calls_of(sample: Sample) -> Iterator[Call]:
    """(tool, what is asked in words, arguments)."""

    def ago(days: float) -> str:
        return to_rfc3339(sample.now - timedelta(days=days))

    late = CASES["late_order_driver_sick"]
    day = sample.now.date().isoformat()
    of_60_days = {"date_from": ago(60)}
    yield "search_orders", "all", {}
    yield "search_orders", "full detail", {"detail": "full"}
    yield "search_orders", "status completed", {"status": "completed"}
    yield "search_orders", "status on_hold", {"status": "on_hold"}
    yield "search_orders", "payment_status paid", {"payment_status": "paid"}
    yield "search_orders", "payment_status pending", {"payment_status": "pending"}
    paid = {"status": "open", "payment_status": "paid", "fulfillment_status": "unfulfilled", "placed_to": ago(2)}
    yield "search_orders", "paid, not shipped for 48 h", paid
    yield "search_orders", "fulfillment_status unfulfilled", {"fulfillment_status": "unfulfilled"}
    yield "search_orders", "sku sold often", {"sku": "TEE-ORG-S"}
    yield "search_orders", "sku sold rarely", {"sku": "C-205"}
    yield "search_orders", "warehouse", {"warehouse_id": "RTM"}
    yield "search_orders", "customer", {"customer_id": sample.customer}
    yield "search_orders", "a number (q)", {"q": sample.order}
    yield "search_orders", "a buyer's name (q)", {"q": sample.customer_name}
    yield "search_orders", "nothing found (q)", {"q": "no such thing"}
    yield "search_orders", "placed in a week", {"placed_from": ago(14), "placed_to": ago(7)}
    yield "search_orders", "promised in a week", {"promised_from": ago(14), "promised_to": ago(7)}
    yield "get_order", "of the history", {"order_id": sample.order}
    yield "get_order", "late", {"order_id": late}
    yield "list_at_risk_orders", "3 days", {}
    yield "list_at_risk_orders", "late only", {"late_only": True, "horizon_days": 1}
    yield "list_at_risk_orders", "a warehouse", {"warehouse_id": "LYS"}
    yield "check_inventory", "a sku", {"sku": "A-100"}
    yield "list_stock_levels", "all", {}
    yield "list_low_stock", "all", {}
    yield "list_stock_movements", "all", {}
    yield "list_stock_movements", "a sku", {"sku": "TEE-ORG-S"}
    yield "list_stock_movements", "a warehouse", {"warehouse_id": "LEJ"}
    yield "list_stock_movements", "cause shrinkage", {"cause": "shrinkage"}
    yield "suggest_reorders", "all", {}
    yield "list_purchase_orders", "all", {}
    yield "get_shipping_status", "by tracking number", {"tracking_number": sample.tracking}
    yield "get_shipping_status", "by number", {"shipment_id": sample.shipment}
    yield "search_shipments", "all", {}
    yield "search_shipments", "status delivered", {"status": "delivered"}
    yield "search_shipments", "delayed only", {"delayed_only": True}
    yield "search_shipments", "a carrier", {"carrier": "dhl"}
    yield "search_shipments", "a warehouse", {"warehouse_id": "RTM"}
    yield "search_shipments", "shipped in a week", {"shipped_from": ago(21), "shipped_to": ago(14)}
    yield "search_shipments", "of an order", {"order_id": sample.order}
    yield "list_deliveries", "all", {}
    yield "list_deliveries", "today", {"date": day}
    yield "list_deliveries", "status completed", {"status": "completed"}
    yield "list_deliveries", "status failed", {"status": "failed"}
    yield "list_deliveries", "a driver", {"driver_id": "DRV-05"}
    yield "list_deliveries", "one", {"delivery_id": sample.delivery}
    yield "list_drivers", "all", {}
    yield "search_returns", "all", {}
    yield "search_returns", "status requested", {"status": "requested"}
    yield "search_returns", "reason defective", {"reason": "defective"}
    yield "search_returns", "a sku", {"sku": "SHOE-TRAIL-42"}
    yield "search_returns", "a customer", {"customer_id": sample.customer}
    yield "search_returns", "a warehouse", {"warehouse_id": "RTM"}
    yield "get_return", "of the history", {"rma": sample.rma}
    yield "check_return_eligibility", "of the history", {"order_id": sample.order}
    yield "search_claims", "all", {}
    yield "search_claims", "of an order", {"order_id": CASES["arrived_broken"]}
    yield "search_payments", "all", {}
    yield "search_payments", "status voided", {"status": "voided"}
    yield "search_payments", "status captured", {"status": "captured"}
    yield "search_payments", "provider's reference", {"psp_ref": sample.psp}
    yield "search_payments", "taken in a week", {"taken_from": ago(14), "taken_to": ago(7)}
    yield "search_payments", "of an order", {"order_id": sample.order}
    yield "search_payments", "refund pending", {"refund_status": "pending"}
    yield "preview_refund", "of the history", {"order_id": sample.order}
    yield "list_disputes", "all", {}
    yield "list_payouts", "all", {}
    yield "list_invoices", "all", {}
    yield "list_subscriptions", "all", {}
    yield "search_customers", "a last name", {"query": "Vermeulen"}
    yield "search_customers", "part of a name", {"query": "berg"}
    yield "search_customers", "a name of a case", {"query": "J. Smith"}
    yield "search_customers", "nobody", {"query": "Xanthopoulos"}
    yield "get_customer", "by number", {"customer_id": sample.customer}
    yield "get_customer", "by name", {"customer_id": "Elena Marchetti"}
    yield "list_customer_groups", "all", {}
    yield "search_products", "all", {}
    yield "get_product", "a sku", {"sku": "A-100"}
    yield "search_policies", "words", {"q": "return window"}
    yield "get_ops_kpis", "60 days", of_60_days
    yield "get_ops_kpis", "60 days by warehouse", {**of_60_days, "group_by": "warehouse"}
    yield "get_ops_kpis", "60 days by carrier", {**of_60_days, "group_by": "carrier"}
    yield "get_ops_kpis", "60 days by sku", {**of_60_days, "group_by": "sku"}
    yield "reconcile_settlement", "with a variance", {"payout_id": CASES["payout_with_3_variances"]}
