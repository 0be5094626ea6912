"""The shop's policy texts, clause by clause, and the order policy rows that enforce them."""

from collections.abc import Mapping, Sequence
from typing import Any

from tradepost.commerce.demo.shop import Shop
from tradepost.commerce.orders.models import OrderPolicy
from tradepost.commerce.orders.policy import PolicyName
from tradepost.commerce.support.models import KnowledgeEdition, KnowledgeEntry, PolicyClause
from tradepost.commerce.support.sections import Section, sections_of
from tradepost.foundation.search_words import indexed

CANCEL_REASONS = ["no longer needed", "ordered by mistake", "out of stock", "payment not received", "suspected fraud"]
RETURN_WINDOW_DAYS = 30

_CLAUSES = (
    (
        "RET-1",
        "returns",
        "Return window",
        "Goods can be returned within 30 days of delivery. The day the return is requested counts, not the day the "
        "parcel comes back.",
    ),
    (
        "RET-2",
        "returns",
        "Longer window for shoes",
        "Shoes can be returned within 45 days of delivery, if worn indoors only.",
    ),
    ("RET-3", "returns", "Food", "Food, including goods sold by weight, cannot be returned unless it arrived faulty."),
    (
        "RET-4",
        "returns",
        "Restocking fee",
        "For electronics returned without a fault we keep 10 percent. No fee is kept for wrong, faulty, damaged, late "
        "or incomplete goods.",
    ),
    (
        "RET-5",
        "returns",
        "Where the money goes",
        "Refunds go to the original payment method, or to a gift card of the customer if they ask for it.",
    ),
    ("RET-6", "returns", "When the money goes", "Refunds are paid once the goods are received and inspected."),
    (
        "RET-7",
        "returns",
        "Used or damaged goods",
        "Goods that come back scratched, used or damaged are refunded in full only if it happened on the way.",
    ),
    ("RET-8", "returns", "Exchanges", "An item can be exchanged for another variant; the price difference is settled."),
    ("CAN-1", "returns", "Canceling", "An order can be canceled for a listed reason until anything of it has shipped."),
    ("CAN-2", "returns", "Changing items", "The items of an order can be changed twice, until the goods are picked."),
    (
        "SHP-1",
        "shipping",
        "Delivery promise",
        "Orders are promised within five working days in the countries of our warehouses, ten elsewhere.",
    ),
    ("SHP-2", "shipping", "Shipping cost", "Shipping costs 4.95 below 50.00 and nothing above it."),
    (
        "SHP-3",
        "shipping",
        "Late parcels",
        "For a parcel more than three days late, shipping is refunded when the customer asks for it.",
    ),
    (
        "SHP-4",
        "shipping",
        "Missing parcels",
        "A parcel shown as delivered but not received is investigated with the carrier for up to five working days; "
        "proof of delivery decides who is liable.",
    ),
    ("SHP-5", "shipping", "Pickup points", "A delivery can be moved to a pickup point until the driver has arrived."),
    ("WAR-1", "warranty", "Legal warranty", "Faults are repaired, replaced or refunded for two years after delivery."),
    ("WAR-2", "warranty", "Recalls", "Recalled goods are neither sold nor shipped; customers get the full price back."),
    (
        "PAY-1",
        "payments",
        "Payment methods",
        "Card, PayPal and gift card; companies also on account with 30 days to pay.",
    ),
    ("PAY-2", "payments", "Gift cards", "Gift cards do not expire and are not paid out in cash."),
    ("PAY-3", "payments", "Disputes", "Evidence for a dispute is sent once, complete, and before the bank's date."),
    ("APP-1", "approvals", "Refunds", "A refund above 50.00 needs a person's approval; above 500.00, two people's."),
    (
        "APP-2",
        "approvals",
        "Purchase orders",
        "A purchase order above 1,000.00, or above 110 percent of the suggestion, needs a person's approval.",
    ),
    ("APP-3", "approvals", "Stock", "Corrections of more than five units, or two percent of the stock, need approval."),
    (
        "PRI-1",
        "privacy",
        "Personal data",
        "Addresses and contacts are shown only to those who need them for the order.",
    ),
)

_RULES: tuple[tuple[PolicyName, str, Any, str], ...] = (
    ("return_window_days", "", RETURN_WINDOW_DAYS, "RET-1"),
    ("return_window_days", "shoes", 45, "RET-2"),
    ("return_window_days", "food", 0, "RET-3"),
    ("restocking_fee_bps", "electronics", 1000, "RET-4"),
    ("refund_destinations", "", ["original", "gift_card"], "RET-5"),
    ("refund_from", "", "received", "RET-6"),
    ("one_return_or_exchange_per_order", "", False, "RET-1"),
    ("exchange_same_product_only", "", False, "RET-8"),
    ("cancel_reasons", "", CANCEL_REASONS, "CAN-1"),
    ("max_item_edits", "", 2, "CAN-2"),
    ("locked_after_item_edit", "", False, "CAN-2"),
)


_TITLES = {
    "returns": "Returns, exchanges and cancellations",
    "shipping": "Shipping and delivery",
    "warranty": "Warranty and recalls",
    "payments": "Payments, gift cards and disputes",
    "approvals": "What a person approves",
    "privacy": "Personal data",
}
_ARTICLES = (
    (
        "choosing-a-size",
        "Choosing a size",
        "Measure in the evening, when feet are largest.\n\n"
        "## Shoes\n\nLeave a thumb's width before the longest toe. Between two sizes take the larger one.\n\n"
        "## Clothing\n\nJackets are cut to be worn over a fleece; whoever wears them over a shirt takes one size less.",
    ),
    (
        "care",
        "Care of shoes and clothing",
        "## Shoes\n\nBrush dry dirt off, wash by hand with lukewarm water, dry away from heat, waterproof again.\n\n"
        "## Waterproof clothing\n\nWash at 30 degrees without softener, then tumble dry at a low heat: that brings the "
        "water repellency back.",
    ),
)


def add_policies(shop: Shop) -> None:
    """Policies with their clauses, articles, and the rules that cite the clauses."""
    clauses = [(topic, Section(clause, title, body)) for clause, topic, title, body in _CLAUSES]
    positions = {section.clause: position for position, (_, section) in enumerate(clauses, start=1)}
    for topic, title in _TITLES.items():
        own = [section for of, section in clauses if of == topic]
        body = "\n\n".join(f"## {section.clause} {section.title}\n\n{section.body}" for section in own)
        audience = "staff" if topic == "approvals" else "everyone"
        _add_entry(shop, topic, "policy", topic, title, body, audience, own, positions)
    for slug, title, body in _ARTICLES:
        sections = sections_of(slug, title, body, named=False)
        _add_entry(shop, slug, "article", "products", title, body, "everyone", sections)
    for name, category, value, clause in _RULES:
        shop.draft.add(OrderPolicy, name=name, category=category, value=value, clause_id=clause)


def _add_entry(
    shop: Shop,
    slug: str,
    kind: str,
    topic: str,
    title: str,
    body: str,
    audience: str,
    sections: Sequence[Section],
    positions: Mapping[str, int] | None = None,
) -> None:
    texts = {"topic": topic, "title": title, "body": body, "audience": audience, "status": "published"}
    entry = shop.draft.add(KnowledgeEntry, slug=slug, kind=kind, language="en", **texts)
    shop.draft.add(KnowledgeEdition, entry_id=entry.id, edition=1, made_by="system:demo", **texts)
    for position, section in enumerate(sections, start=1):
        shop.draft.add(
            PolicyClause,
            clause=section.clause,
            topic=topic,
            title=section.title,
            body=section.body,
            position=(positions or {}).get(section.clause, position),
            entry_id=entry.id,
            audience=audience,
            words=indexed(section.title, section.body, section.clause, topic, title),
        )
