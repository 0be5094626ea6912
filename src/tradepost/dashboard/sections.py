"""What the pages of the shop's records show: which tool lists a kind of record, which columns, which filters, and where
one record has a page of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Section:
    """One kind of record. `columns` are keys of an item, with dots into what is within; `filters` are arguments of the
    tool, with the values there are to choose from, or none for text. `number` is the key that names an item, `one` the
    tool that shows a single one and its argument."""

    title: str
    tool: str
    columns: tuple[str, ...]
    filters: Mapping[str, tuple[str, ...]]
    number: str = ""
    one: tuple[str, str] | None = None
    more: Mapping[str, object] = field(default_factory=dict)
    usual: Mapping[str, object] = field(default_factory=dict)


SECTIONS: Mapping[str, Section] = {
    "orders": Section(
        "Orders",
        "search_orders",
        (
            "number",
            "status",
            "payment_status",
            "fulfillment_status",
            "customer_name",
            "total",
            "placed_at",
            "promised_to",
        ),
        {"q": (), "status": ("open", "completed", "canceled"), "customer_id": (), "sku": ()},
        "number",
        ("get_order", "order_id"),
        {"include": ["shipments", "payments", "returns", "timeline", "notes"]},
    ),
    "late": Section(
        "Late and at risk",
        "list_at_risk_orders",
        ("number", "days_late", "promised_to", "expected_at", "sentence"),
        {"horizon_days": (), "warehouse_id": ()},
        "number",
    ),
    "inventory": Section(
        "Inventory",
        "list_stock_levels",
        ("sku", "warehouse", "on_hand", "available", "committed", "incoming", "reorder_point", "days_of_cover"),
        {"warehouse_id": (), "category": (), "state": ("out_of_stock", "damaged", "quality_control", "recalled")},
        "sku",
        ("check_inventory", "sku"),
    ),
    "low": Section(
        "Running low",
        "list_low_stock",
        ("sku", "warehouse", "available", "reorder_point", "incoming", "days_of_cover", "stockout_at"),
        {"below": ("reorder_point", "days_of_cover"), "days": (), "warehouse_id": (), "category": ()},
        "sku",
    ),
    "deliveries": Section(
        "Deliveries",
        "list_deliveries",
        ("number", "order_number", "status", "route", "stop_sequence", "window_from", "window_to", "eta", "driver"),
        {"date": (), "warehouse_id": (), "status": ()},
        "number",
        ("list_deliveries", "delivery_id"),
    ),
    "returns": Section(
        "Returns",
        "search_returns",
        ("rma", "status", "resolution", "order_number", "customer_name", "requested_at", "age_days", "within_window"),
        {"status": (), "order_id": (), "sku": ()},
        "rma",
        ("get_return", "rma"),
    ),
    "claims": Section(
        "Claims",
        "search_claims",
        ("number", "type", "status", "order_number", "carrier", "claimed", "file_by", "days_left"),
        {"status": (), "order_id": ()},
        "number",
        ("search_claims", "claim_id"),
    ),
    "payouts": Section(
        "Payouts",
        "list_payouts",
        ("number", "status", "gross", "fees", "net", "period_from", "period_to", "arrives_at"),
        {"status": ()},
        "number",
        ("reconcile_settlement", "payout_id"),
    ),
    "disputes": Section(
        "Disputes",
        "list_disputes",
        ("number", "status", "amount", "order_number", "reason_code", "evidence_due_by", "days_left"),
        {"status": (), "order_id": ()},
    ),
    "purchasing": Section(
        "Purchase orders",
        "list_purchase_orders",
        ("number", "status", "supplier", "warehouse", "total", "eta", "days_overdue"),
        {"status": (), "sku": (), "warehouse_id": ()},
        "number",
        ("list_purchase_orders", "po_id"),
    ),
    "customers": Section(
        "Customers",
        "search_customers",
        ("number", "name", "email", "region", "language"),
        {"query": ()},
        "number",
        ("get_customer", "customer_id"),
    ),
}
# Under which names other records stand in a record, and the section in which they have a page.
NAMED: Mapping[str, str] = {
    "order_number": "orders",
    "order": "orders",
    "customer": "customers",
    "customer_number": "customers",
    "sku": "inventory",
    "rma": "returns",
    "delivery_number": "deliveries",
    "claim_number": "claims",
    "purchase_order_number": "purchasing",
    "payout_number": "payouts",
}
