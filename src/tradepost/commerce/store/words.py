"""How people call each kind of record of the shop, and what its fields mean to them: one table for all previews.

A name is a template: {column} is the column's value, or the other record that it refers to; [...] is left out where
something inside is not known. A field's label is its name in words unless another stands here; what kind of value it
has follows from its column, and from here for whole numbers, which may be anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal[
    "money",
    "time",
    "date",
    "yes",
    "word",
    "text",
    "count",
    "number",
    "days",
    "minutes",
    "thousandths",
    "grams",
    "record",
    "address",
    "email",
    "phone",
    "details",
    "hidden",
]


@dataclass(frozen=True, slots=True)
class Words:
    """`name` as the subject of a line; `short` inside the name or value of another record (the name, if not given).
    `labels` and `hidden` hold for this kind of record alone."""

    name: str
    short: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()


_COPIED = ("placed_at", "picked_at", "promised_to", "order_status", "payment_status", "fulfillment_status")

RECORDS: Mapping[str, Words] = {
    "orders": Words(
        "order #{number}", labels={"captured_minor": "paid so far", "item_edits": "changes of items so far"}
    ),
    "order_lines": Words(
        "line {position} of {order_id} ({sku})",
        labels={"fulfilled": "handed to packing", "return_received": "came back", "return_requested": "coming back"},
        hidden=frozenset({*_COPIED, "warehouse_id"}),
    ),
    "order_notes": Words("note on {order_id}"),
    "order_policies": Words("rule '{name}'"),
    "customers": Words("customer {number}"),
    "customer_groups": Words("customer group {name}"),
    "payment_methods": Words(
        "{type}[ {brand}][ …{last4}] of {customer_id}",
        "{type}[ {brand}][ …{last4}]",
        labels={"balance_minor": "balance", "expires_at": "good until"},
    ),
    "products": Words("product {name}"),
    "variants": Words("SKU {sku}", "{sku}"),
    "price_lists": Words("price list {name}"),
    "price_list_entries": Words("price of {variant_id} on {price_list_id}"),
    "locations": Words("{name}"),
    "stock_levels": Words("stock of {sku} at {location_id}"),
    "reservations": Words("reservation[ {number}] of {sku} at {location_id}", "reservation[ {number}]"),
    "transfers": Words("transfer[ {number}] from {from_location_id} to {to_location_id}", "transfer[ {number}]"),
    "transfer_lines": Words("{sku} on {transfer_id}"),
    "suppliers": Words("supplier {name}"),
    "supplier_items": Words("{sku} from {supplier_id}"),
    "purchase_orders": Words("purchase order[ {number}] with {supplier_id}", "purchase order[ {number}]"),
    "purchase_order_lines": Words("{sku} on {purchase_order_id}"),
    "carriers": Words("{name}"),
    "fulfillments": Words("packing of {order_id}"),
    "fulfillment_lines": Words("{variant_id} in {fulfillment_id}"),
    "shipments": Words("parcel[ {number}] of {order_id}", "parcel[ {number}]", labels={"cost_minor": "price of label"}),
    "drivers": Words("driver {name}", "{name}"),
    "routes": Words("route {number}", "{number}"),
    "pickup_points": Words("pickup point {name}", "{name}"),
    "deliveries": Words("delivery {number} of {order_id}", "delivery {number}", labels={"stop_sequence": "stop"}),
    "returns": Words(
        "return[ {number}] of {order_id}",
        "return[ {number}]",
        labels={"price_difference_minor": "price difference", "window_ends_at": "to be sent by"},
    ),
    "return_lines": Words(
        "line {position} of {return_id} ({sku})",
        hidden=frozenset({"requested_at", "return_status", "resolution", "location_id"}),
    ),
    "exchange_lines": Words("{sku} in exchange, {return_id}"),
    "exchange_parcels": Words("goods in exchange in {shipment_id}"),
    "claims": Words("claim[ {number}]", labels={"lines": "goods"}),
    "claim_evidence": Words("evidence for {claim_id}", labels={"media": "picture or paper"}),
    "payments": Words("payment[ {number}] of {order_id}", "payment[ {number}]"),
    "refunds": Words(
        "refund[ {number}] for {order_id}",
        "refund[ {number}]",
        labels={"lines_minor": "of it for goods", "shipping_minor": "of it for shipping"},
    ),
    "refund_lines": Words("refund for {order_line_id}"),
    "disputes": Words("dispute {number} of {order_id}", "dispute {number}"),
    "dispute_evidence": Words("evidence for {dispute_id}", labels={"media": "pictures and papers"}),
    "payouts": Words("payout {number}"),
    "settlement_lines": Words("line {position} of {payout_id}"),
    "invoices": Words("invoice[ {number}][ for {order_id}]", "invoice[ {number}]"),
    "invoice_lines": Words("line {position} of {invoice_id}"),
    "quotes": Words("quote[ {number}] for {customer_id}", "quote[ {number}]", labels={"expires_at": "stands until"}),
    "quote_lines": Words("{sku} on {quote_id}"),
    "subscriptions": Words(
        "subscription {number} of {customer_id}",
        labels={"next_at": "next order", "cancel_at": "ends", "interval_days": "every"},
    ),
    "tickets": Words("ticket[ {number}]"),
    "ticket_messages": Words("message in {ticket_id}"),
    "customer_messages": Words("message to {customer_id}"),
    "policy_clauses": Words("policy {clause}", hidden=frozenset({"words"})),
    "knowledge_entries": Words("article {slug}"),
    "knowledge_editions": Words("edition of {entry_id}", hidden=frozenset({"edition"})),
    "knowledge_proposals": Words("proposal for {slug}", hidden=frozenset({"based_on"})),
    "store_settings": Words("the shop"),
}

# Where the name of a column does not say it.
LABELS: Mapping[str, str] = {
    "refunded_minor": "refunded so far",
    "captured_minor": "taken so far",
    "amount_minor": "amount",
    "paid_minor": "paid so far",
    "settled_minor": "settled",
    "claimed_minor": "claimed",
    "reserve_minor": "set aside for it",
    "unit_cost_minor": "cost of one",
    "unit_price_minor": "price of one",
    "method_id": "payment method",
    "eta": "expected",
    "external_id": "id in the other system",
    "external_reference": "reference of the other side",
    "psp_reference": "provider's reference",
    "auth_expires_at": "authorization ends",
    "po_number": "customer's PO number",
    "bin": "bin",
    "window_from": "window from",
    "window_to": "window to",
    "promised_from": "promised from",
    "promised_to": "promised until",
    "paused_until": "paused until",
    "unavailable_until": "unavailable until",
    "evidence_due_by": "evidence due by",
    "file_by": "to be filed by",
    "expires_at": "ends",
    "due_at": "due",
    "lead_time_days": "time to get it",
    "terms_days": "to be paid within",
    "interval_days": "every",
    "claim_days": "takes claims for",
    "detour_minutes": "detour",
    "daily_demand_milli": "sold per day",
    "weight_grams": "weight",
    "moq": "smallest order",
    "gtin": "GTIN",
    "gln": "GLN",
    "scac": "SCAC",
    "sku": "SKU",
    "last4": "last digits",
    "received": "arrived",
    "marketing_email_consent": "agrees to marketing e-mails",
    "marketing_sms_consent": "agrees to marketing texts",
    "shift_starts_minute": "shift starts, minutes after midnight",
    "shift_ends_minute": "shift ends, minutes after midnight",
}

# What a whole number is.
COUNTS = frozenset(
    {
        *("quantity", "fulfilled", "shipped", "delivered", "return_requested", "return_received", "written_off"),
        *("on_hand", "available", "committed", "reserved", "damaged", "quality_control", "safety_stock", "incoming"),
        *("reorder_point", "reorder_quantity", "received", "ordered", "rejected", "moq", "pack_size", "min_quantity"),
    }
)
NUMBERS = frozenset({"stop_sequence", "capacity", "item_edits", "shift_starts_minute", "shift_ends_minute"})
WORDS = frozenset(
    {
        *(
            "status",
            "payment_status",
            "fulfillment_status",
            "kind",
            "type",
            "side",
            "liability",
            "reason",
            "resolution",
        ),
        *("condition", "disposition", "channel", "priority", "queue", "author_kind", "unavailable_reason", "cause"),
        *("decline_code", "reason_code"),
    }
)

# Keys and copies, and what the name of the record or the amount beside it says.
HIDDEN = frozenset(
    {
        *("workspace_id", "id", "version", "created_at", "updated_at", "sequence", "relayed_at", "number"),
        *("currency", "position", "customer_position", "email_folded", "email_domain", "email_turned"),
        *("sold_units", "undelivered", "repeats_sku", "carrier_ids", "refund_states", "start_location_id"),
        *("variant_id", "product_id", "quantity_scale", "fixed_now"),
    }
)

# What a column refers to where the database does not say.
REFERS: Mapping[str, str] = {
    "order_line_id": "order_lines",
    "price_list_id": "price_lists",
    "clause_id": "policy_clauses",
    "warehouse_id": "locations",
    "location_id": "locations",
}

# Codes of UN/CEFACT Recommendation 20 as people write them: of one, of several.
UNITS: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("C62", "EA", "H87"), ("pc", "pcs")),
    "KGM": ("kg", "kg"),
    "GRM": ("g", "g"),
    "MTR": ("m", "m"),
    "CMT": ("cm", "cm"),
    "MTK": ("m²", "m²"),
    "LTR": ("l", "l"),
    "MLT": ("ml", "ml"),
    "PR": ("pair", "pairs"),
    "SET": ("set", "sets"),
}
