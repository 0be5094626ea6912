"""Which tools a kind of question needs: words of the question, then names of tools. A tool that the agent does not see,
or whose arguments the question does not fill, is left out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LABEL = "[scripted, not a language model]"


@dataclass(frozen=True, slots=True)
class Ask:
    """A call: its tool, and arguments beside those that the question names. `each` is an argument that has a value per
    record in what was read before, found there under the name `of`; `unnamed`: only where no record is named."""

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    each: str = ""
    of: str = ""
    unnamed: bool = False


@dataclass(frozen=True, slots=True)
class Intent:
    """A kind of question. `reads` are called at once, `write` afterwards, with what they returned."""

    words: re.Pattern[str]
    reads: tuple[Ask, ...]
    write: Ask | None = None


def _intent(words: str, *reads: str | Ask, write: str | Ask | None = None) -> Intent:
    asks = tuple(Ask(one) if isinstance(one, str) else one for one in reads)
    deed = Ask(write) if isinstance(write, str) else write
    return Intent(re.compile(words, re.IGNORECASE), asks, deed)


INTENTS = (
    _intent(
        r"\bbriefing\b|\boverview\b|how are we doing",
        *("get_ops_kpis", "list_at_risk_orders", "list_low_stock"),
        *(Ask("search_shipments", {"delayed_only": True}), "search_returns", "search_claims", "list_payouts"),
    ),
    _intent(r"\breroute\b|pickup point", "list_deliveries", write="reroute_delivery"),
    _intent(
        r"\b(place|order|confirm)\b.*\breorder\b|\breorder\b.*\bnow\b",
        "suggest_reorders", "list_purchase_orders", write="create_reorder",
    ),
    _intent(r"\b(move|transfer|ship)\b.*\bfrom\b.*\bto\b", "check_inventory", write="transfer_stock"),
    _intent(r"\bhow much\b.*\brefund|\brefundable\b", "preview_refund"),
    _intent(r"\badd (a |this )?note\b", "get_order", write="add_order_note"),
    _intent(r"\bassign\b.*\bdriver\b|\bassign DRV", "list_drivers", write="assign_driver"),
    _intent(r"^\W*(please )?approve\b.*\b(rma|return)", "get_return", write="approve_return"),
    _intent(r"^\W*(please )?decline\b.*\b(rma|return)", "get_return", write="decline_return"),
    _intent(r"\b(open|file)\b.*\bclaim\b", "get_order", "get_shipping_status", write="open_claim"),
    _intent(r"\brefund\b.*\d|\bpay back\b", "get_return", "preview_refund", write="initiate_refund"),
    _intent(r"\b(exchange|wants? size|instead)\b", "get_return", "check_inventory", write="create_exchange"),
    _intent(r"\breceive\b|\barrived\b.*\b(parcel|rma)|\bparcel for\b", "get_return", write="receive_return"),
    _intent(r"\bquote\b", "get_customer", "check_inventory", write="create_quote"),
    _intent(r"\bhold\b", "get_order", write=Ask("set_order_hold", {"hold": True})),
    _intent(r"\bshort\b|\bshortage\b", "list_purchase_orders", write=Ask("open_claim", {"type": "shortage"})),
    _intent(r"\bcancel\b", "get_order", "get_my_order", write="cancel_order"),
    _intent(r"\b(missing|shrinkage|stock movements?)\b", "list_stock_movements"),
    _intent(
        r"^(?=.*\b(shipments?|parcels?)\b).*\b(late|delayed|stuck|lost)\b",
        Ask("search_shipments", {"delayed_only": True}),
    ),
    _intent(
        r"^(?=.*\bpurchase orders?\b).*\b(late|delayed)\b", Ask("list_purchase_orders", {"overdue_only": True})
    ),
    _intent(
        r"\b(late|delay|miss|promised|at risk)",
        "get_order", "track_my_order", "get_shipping_status", "list_at_risk_orders",
    ),
    _intent(
        r"\boverdue\b.*\b(block|orders? wait|affect|hold up)",
        Ask("list_purchase_orders", {"overdue_only": True, "detail": "full"}),
        Ask("search_orders", {"status": "open"}, each="sku", of="sku"),
        Ask("list_at_risk_orders", {"horizon_days": 7}),
    ),
    _intent(r"\boverdue\b|\bpurchase orders?\b", Ask("list_purchase_orders", {"overdue_only": True})),
    _intent(
        r"\b(where|track|status|arrives?|shipping|parcels?)\b|\bwhen\b.*\bcomes?\b",
        *("get_order", "get_customer", "search_shipments", "get_shipping_status"),
        *("track_my_order", "list_my_orders", "list_deliveries"),
    ),
    _intent(
        r"\bpolic(y|ies)\b|\bwithin\b|\bclause\b|\ballowed\b|\bwarranty\b|\bhow long\b",
        "get_return", "check_return_eligibility", Ask("search_policies", {"q": ...}),
    ),
    _intent(r"\breturns? rate\b|\bkpi|\bfigures\b", Ask("get_ops_kpis", {"group_by": "sku"}), "search_returns"),
    _intent(
        r"\breturn(s|ed)?\b|\brma\b|send back",
        "get_return", "get_my_return", "check_my_return", "search_returns", "check_return_eligibility",
    ),
    _intent(
        r"\b(chargebacks?|disputes?)\b.*\b(due|evidence|proof)",
        Ask("list_disputes", {"status": "needs_response"}),
        Ask("get_order", {"include": ["shipments"]}, each="order_id", of="order_number"),
        Ask("get_shipping_status", each="tracking_number", of="tracking_number"),
    ),
    _intent(r"\bchargebacks?\b|\bdisputes?\b", "list_disputes"),
    _intent(r"\bclaims?\b|\bdamage", "search_claims"),
    _intent(
        r"\breconcil|\bvariance|\bdifferences? (of|in)\b",
        "list_payouts", Ask("reconcile_settlement", each="payout_id", of="number"),
    ),
    _intent(r"\bpayouts?\b|\bsettle", "list_payouts"),
    _intent(
        r"\bpaid\b.*\bnot (yet )?shipped\b|\bunshipped\b|\bunfulfilled\b|\bwaiting to ship\b",
        Ask("search_orders", {"payment_status": "paid", "fulfillment_status": "unfulfilled", "status": "open"}),
    ),
    _intent(r"\blow stock\b|\brun(ning)? out\b|\bbelow\b.*\breorder", "list_low_stock"),
    _intent(
        r"\bstock\b|\binventory\b|\bhow many\b|\bleft\b|\bavailable\b|\benough\b", "check_inventory", "list_low_stock"
    ),
    _intent(r"\breorders?\b|\bsuggest", "suggest_reorders"),
    _intent(r"\bdrivers?\b|\bwho (drives|can drive)\b|\btake over\b", Ask("list_drivers"), "list_deliveries"),
    _intent(r"\bdeliver(y|ies)\b|\broutes?\b", "list_deliveries"),
    _intent(r"\binvoices?\b", "list_invoices", "list_my_invoices"),
    _intent(r"\bcustomers?\b|\bwho is\b", "get_customer"),
    _intent(
        r"\bproducts?\b|\bprices?\b|\bsize\b|\bcosts?\b|\bdo (you|we) (have|sell|carry)\b",
        "get_product", Ask("search_products", {"q": ...}),
    ),
    _intent(r"\bmy orders?\b", "list_my_orders", "track_my_order"),
    _intent(r"\borders?\b", "get_order", "get_my_order", Ask("search_orders", unnamed=True)),
    _intent(r"\bsales\b|\brevenue\b|\bsold\b|\bsell\b", "get_sales_report"),
)  # fmt: skip

# Where nothing says what is asked, but a record is named: what shows it.
SHOWING = (
    ("order_id", ("get_order", "track_my_order", "get_my_order")),
    ("rma", ("get_return", "get_my_return")),
    ("po_id", ("list_purchase_orders",)),
    ("delivery_id", ("list_deliveries",)),
    ("tracking_number", ("get_shipping_status",)),
    ("claim_id", ("search_claims",)),
    ("customer_id", ("get_customer",)),
    ("sku", ("check_inventory", "get_product")),
)

# A customer's wish, as it was read from their words.
WISHES: Mapping[str, tuple[Ask, ...]] = {
    "track_order": (
        Ask("track_my_order", each="order_id", of="number"),
        Ask("list_my_orders", {"status": "open"}, unnamed=True),
    ),
    "return_item": (
        Ask("list_my_orders", unnamed=True),
        Ask("check_my_return"),
        Ask("get_my_return"),
        Ask("search_policies", {"topic": "returns"}),
    ),
    "exchange_item": (Ask("check_my_return"), Ask("search_policies", {"topic": "returns"})),
    "cancel_order": (Ask("get_my_order"), Ask("list_my_orders", unnamed=True)),
    "change_order": (Ask("get_my_order"), Ask("list_my_orders", unnamed=True)),
    "report_problem": (
        Ask("get_my_order"),
        Ask("list_my_orders", unnamed=True),
        Ask("search_policies", {"topic": "warranty"}),
    ),
    "invoice": (Ask("list_my_invoices"),),
    "product_question": (Ask("search_products", {"q": ...}),),
    "policy_question": (Ask("search_policies", {"q": ...}),),
    "other": (Ask("list_my_orders"),),
}
WISH_DEEDS: Mapping[str, Ask] = {"cancel_order": Ask("cancel_my_order", {"reason": "no longer needed"})}
