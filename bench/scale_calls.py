"""The calls that are measured: each tool as it is asked most often, its filters, and its widest and rarest answers."""

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

    def ago(self, days: float) -> str:
        """The time so many days before, as tools take it."""
        return to_rfc3339(self.now - timedelta(days=days))


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


def calls_of(sample: Sample) -> list[Call]:
    """(tool, what is asked in words, arguments)."""
    parts = (_orders, _stock, _parcels, _returns, _money, _people, _figures)
    return [call for part in parts for call in part(sample)]


def _orders(sample: Sample) -> list[Call]:
    late = CASES["late_order_driver_sick"]
    paid = {"status": "open", "payment_status": "paid", "fulfillment_status": "unfulfilled", "placed_to": sample.ago(2)}
    in_a_month = {"promised_from": sample.ago(60), "promised_to": sample.ago(30)}
    return [
        ("search_orders", "all", {}),
        ("search_orders", "full detail", {"detail": "full"}),
        ("search_orders", "status completed", {"status": "completed"}),
        ("search_orders", "status on_hold", {"status": "on_hold"}),
        ("search_orders", "payment_status paid", {"payment_status": "paid"}),
        ("search_orders", "payment_status pending", {"payment_status": "pending"}),
        ("search_orders", "paid, not shipped for 48 h", paid),
        ("search_orders", "fulfillment_status unfulfilled", {"fulfillment_status": "unfulfilled"}),
        ("search_orders", "sku sold often", {"sku": "TEE-ORG-S"}),
        ("search_orders", "sku sold rarely", {"sku": "B-7"}),
        ("search_orders", "warehouse", {"warehouse_id": "RTM"}),
        ("search_orders", "customer", {"customer_id": sample.customer}),
        ("search_orders", "a number (q)", {"q": sample.order}),
        ("search_orders", "a buyer's name (q)", {"q": sample.customer_name}),
        ("search_orders", "nothing found (q)", {"q": "no such thing"}),
        ("search_orders", "placed in a week", {"placed_from": sample.ago(14), "placed_to": sample.ago(7)}),
        ("search_orders", "promised in a week", {"promised_from": sample.ago(14), "promised_to": sample.ago(7)}),
        ("search_orders", "promised in a month", in_a_month),
        ("search_orders", "promised long ago", {"promised_to": sample.ago(300)}),
        ("search_orders", "open in a warehouse", {"status": "open", "warehouse_id": "RTM"}),
        ("search_orders", "canceled in a warehouse", {"status": "canceled", "warehouse_id": "RTM"}),
        ("search_orders", "paid and unfulfilled", {"payment_status": "paid", "fulfillment_status": "unfulfilled"}),
        ("search_orders", "open and overdue", {"status": "open", "promised_to": sample.ago(0)}),
        (
            "search_orders",
            "sku sold often, in a week",
            {"sku": "TEE-ORG-S", "placed_from": sample.ago(14), "placed_to": sample.ago(7)},
        ),
        ("search_orders", "sku sold often, from a warehouse", {"sku": "TEE-ORG-S", "warehouse_id": "RTM"}),
        ("search_orders", "sku sold often, canceled", {"sku": "TEE-ORG-S", "status": "canceled"}),
        (
            "search_orders",
            "sku sold often, promised in a month",
            {"sku": "TEE-ORG-S", **in_a_month},
        ),
        ("search_orders", "sku sold often, promised long ago", {"sku": "TEE-ORG-S", "promised_to": sample.ago(600)}),
        (
            "search_orders",
            "refunded, promised long ago",
            {"payment_status": "refunded", "promised_to": sample.ago(300)},
        ),
        ("search_orders", "unfulfilled, promised in a month", {"fulfillment_status": "unfulfilled", **in_a_month}),
        ("search_orders", "a warehouse's, promised in a month", {"warehouse_id": "RTM", **in_a_month}),
        ("search_orders", "sku sold often, of a customer", {"sku": "TEE-ORG-S", "customer_id": sample.customer}),
        ("get_order", "of the history", {"order_id": sample.order}),
        ("get_order", "late", {"order_id": late}),
        ("list_at_risk_orders", "3 days", {}),
        ("list_at_risk_orders", "2 weeks", {"horizon_days": 14}),
        ("list_at_risk_orders", "late only", {"late_only": True, "horizon_days": 1}),
        ("list_at_risk_orders", "a warehouse", {"warehouse_id": "LYS"}),
    ]


def _stock(_sample: Sample) -> list[Call]:
    return [
        ("check_inventory", "a sku", {"sku": "A-100"}),
        ("list_stock_levels", "all", {}),
        ("list_low_stock", "all", {}),
        ("list_stock_movements", "all", {}),
        ("list_stock_movements", "a sku", {"sku": "TEE-ORG-S"}),
        ("list_stock_movements", "a warehouse", {"warehouse_id": "LEJ"}),
        ("list_stock_movements", "cause shrinkage", {"cause": "shrinkage"}),
        ("list_stock_movements", "sales of a warehouse", {"cause": "sale", "warehouse_id": "RTM"}),
        ("list_stock_movements", "a rare cause in a warehouse", {"cause": "shrinkage", "warehouse_id": "RTM"}),
        ("list_stock_movements", "returns to a warehouse", {"cause": "return", "warehouse_id": "RTM"}),
        ("suggest_reorders", "all", {}),
        ("list_purchase_orders", "all", {}),
    ]


def _parcels(sample: Sample) -> list[Call]:
    day = sample.now.date().isoformat()
    past_day = (sample.now - timedelta(days=40)).date().isoformat()
    shipped_in_a_week = {"shipped_from": sample.ago(21), "shipped_to": sample.ago(14)}
    return [
        ("get_shipping_status", "by tracking number", {"tracking_number": sample.tracking}),
        ("get_shipping_status", "by number", {"shipment_id": sample.shipment}),
        ("search_shipments", "all", {}),
        ("search_shipments", "status delivered", {"status": "delivered"}),
        ("search_shipments", "delayed only", {"delayed_only": True}),
        ("search_shipments", "a carrier", {"carrier": "dhl"}),
        ("search_shipments", "a warehouse", {"warehouse_id": "RTM"}),
        ("search_shipments", "shipped in a week", shipped_in_a_week),
        ("search_shipments", "shipped long ago", {"shipped_to": sample.ago(300)}),
        ("search_shipments", "on the way with a carrier", {"status": "in_transit", "carrier": "dhl"}),
        (
            "search_shipments",
            "on the way for days",
            {"status": "in_transit", "shipped_from": sample.ago(5), "shipped_to": sample.ago(1)},
        ),
        ("search_shipments", "delivered and delayed", {"status": "delivered", "delayed_only": True}),
        ("search_shipments", "delivered, shipped in a week", {"status": "delivered", **shipped_in_a_week}),
        ("search_shipments", "a carrier from a warehouse", {"carrier": "dhl", "warehouse_id": "RTM"}),
        ("search_shipments", "of an order", {"order_id": sample.order}),
        ("list_deliveries", "all", {}),
        ("list_deliveries", "today", {"date": day}),
        ("list_deliveries", "a past day", {"date": past_day}),
        ("list_deliveries", "a driver's past day", {"date": past_day, "driver_id": "DRV-05"}),
        ("list_deliveries", "a warehouse's past day", {"date": past_day, "warehouse_id": "RTM"}),
        ("list_deliveries", "a warehouse", {"warehouse_id": "RTM"}),
        ("list_deliveries", "a warehouse's completed", {"warehouse_id": "RTM", "status": "completed"}),
        ("list_deliveries", "a driver from a warehouse", {"warehouse_id": "RTM", "driver_id": "DRV-05"}),
        ("list_deliveries", "status completed", {"status": "completed"}),
        ("list_deliveries", "status failed", {"status": "failed"}),
        ("list_deliveries", "a driver", {"driver_id": "DRV-05"}),
        ("list_deliveries", "a driver's completed", {"driver_id": "DRV-05", "status": "completed"}),
        ("list_deliveries", "one", {"delivery_id": sample.delivery}),
        ("list_drivers", "all", {}),
        ("list_drivers", "on a past day", {"date": past_day}),
    ]


def _returns(sample: Sample) -> list[Call]:
    return [
        ("search_returns", "all", {}),
        ("search_returns", "status requested", {"status": "requested"}),
        ("search_returns", "reason defective", {"reason": "defective"}),
        ("search_returns", "a reason given often", {"reason": "unwanted"}),
        ("search_returns", "a sku", {"sku": "SHOE-TRAIL-42"}),
        ("search_returns", "a sku, in a week", {"sku": "SHOE-TRAIL-42", "min_age_days": 7, "max_age_days": 14}),
        ("search_returns", "a sku from a warehouse", {"sku": "SHOE-TRAIL-42", "warehouse_id": "RTM"}),
        ("search_returns", "a sku for a reason", {"sku": "SHOE-TRAIL-42", "reason": "unwanted"}),
        ("search_returns", "a reason, closed", {"reason": "unwanted", "status": "closed"}),
        ("search_returns", "a reason from a warehouse", {"reason": "unwanted", "warehouse_id": "RTM"}),
        ("search_returns", "refunds of a warehouse", {"resolution": "refund", "warehouse_id": "RTM"}),
        ("search_returns", "a customer", {"customer_id": sample.customer}),
        ("search_returns", "a warehouse", {"warehouse_id": "RTM"}),
        ("get_return", "of the history", {"rma": sample.rma}),
        ("check_return_eligibility", "of the history", {"order_id": sample.order}),
        ("search_claims", "all", {}),
        ("search_claims", "of an order", {"order_id": CASES["arrived_broken"]}),
    ]


def _money(sample: Sample) -> list[Call]:
    taken_in_a_week = {"taken_from": sample.ago(14), "taken_to": sample.ago(7)}
    taken_in_a_quarter = {"taken_from": sample.ago(120), "taken_to": sample.ago(30)}
    return [
        ("search_payments", "all", {}),
        ("search_payments", "status voided", {"status": "voided"}),
        ("search_payments", "status captured", {"status": "captured"}),
        ("search_payments", "provider's reference", {"psp_ref": sample.psp}),
        ("search_payments", "taken in a week", taken_in_a_week),
        ("search_payments", "voided, taken in a quarter", {"status": "voided", **taken_in_a_quarter}),
        ("search_payments", "voided, taken long ago", {"status": "voided", "taken_to": sample.ago(300)}),
        ("search_payments", "captured, taken long ago", {"status": "captured", "taken_to": sample.ago(300)}),
        ("search_payments", "refunded", {"refund_status": "succeeded"}),
        ("search_payments", "captured and refunded", {"status": "captured", "refund_status": "succeeded"}),
        ("search_payments", "refunded, taken in a week", {"refund_status": "succeeded", **taken_in_a_week}),
        ("search_payments", "refunded, taken long ago", {"refund_status": "succeeded", "taken_to": sample.ago(300)}),
        ("search_payments", "taken long ago", {"taken_to": sample.ago(300)}),
        ("search_payments", "of an order", {"order_id": sample.order}),
        ("search_payments", "refund pending", {"refund_status": "pending"}),
        ("preview_refund", "of the history", {"order_id": sample.order}),
        ("list_disputes", "all", {}),
        ("list_payouts", "all", {}),
        ("list_invoices", "all", {}),
        ("list_subscriptions", "all", {}),
        ("reconcile_settlement", "with a variance", {"payout_id": CASES["payout_with_3_variances"]}),
    ]


def _people(sample: Sample) -> list[Call]:
    return [
        ("search_customers", "a last name", {"query": "Vermeulen"}),
        ("search_customers", "part of a name", {"query": "berg"}),
        ("search_customers", "part of two names", {"query": "ber ver"}),
        ("search_customers", "an initial", {"query": "J."}),
        ("search_customers", "two initials", {"query": "J. V."}),
        ("search_customers", "a name of a case", {"query": "J. Smith"}),
        ("search_customers", "nobody", {"query": "Xanthopoulos"}),
        ("search_customers", "a domain", {"query": "@example.com"}),
        ("search_customers", "part of an address", {"query": "7@example"}),
        ("search_customers", "an address of nobody", {"query": "xanthopoulos@example"}),
        ("get_customer", "by number", {"customer_id": sample.customer}),
        ("get_customer", "by name", {"customer_id": "Elena Marchetti"}),
        ("list_customer_groups", "all", {}),
        ("search_products", "all", {}),
        ("get_product", "a sku", {"sku": "A-100"}),
        ("search_policies", "words", {"q": "return window"}),
    ]


def _figures(sample: Sample) -> list[Call]:
    of_60_days = {"date_from": sample.ago(60)}
    return [
        ("get_ops_kpis", "60 days", of_60_days),
        ("get_ops_kpis", "60 days by warehouse", {**of_60_days, "group_by": "warehouse"}),
        ("get_ops_kpis", "60 days by carrier", {**of_60_days, "group_by": "carrier"}),
        ("get_ops_kpis", "60 days by sku", {**of_60_days, "group_by": "sku"}),
        ("get_ops_kpis", "60 days, a warehouse", {**of_60_days, "warehouse_id": "RTM"}),
        ("get_ops_kpis", "60 days by sku, a warehouse", {**of_60_days, "group_by": "sku", "warehouse_id": "RTM"}),
        ("get_sales_report", "60 days", of_60_days),
        ("get_sales_report", "60 days by day", {**of_60_days, "group_by": "day", "limit": 50}),
        ("get_sales_report", "60 days by channel", {**of_60_days, "group_by": "channel"}),
        ("get_sales_report", "60 days by warehouse", {**of_60_days, "group_by": "warehouse"}),
        ("get_sales_report", "60 days by customer", {**of_60_days, "group_by": "customer"}),
        ("get_sales_report", "60 days by category", {**of_60_days, "group_by": "category"}),
        ("get_sales_report", "60 days by sku", {**of_60_days, "group_by": "sku"}),
    ]
