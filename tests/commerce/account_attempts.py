"""Calls of the writes on money, billing, customers and support that make sense in a shop."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from tests.commerce.other_shop import NOW
from tests.commerce.walking import Json, Walker


def orders_in(walker: Walker, **states: Any) -> list[Json]:
    return [item for item in walker.items["order"] if all(item[key] in value for key, value in states.items())]


def methods_of(walker: Walker, order: Json) -> list[str]:
    account = next(item for item in walker.items["customer"] if item["id"] == order["customer_id"])
    return [method["id"] for method in account["payment_methods"]]


def _tickets(walker: Walker) -> Iterator[Json]:
    for order in walker.items["order"]:
        yield {"subject": "Where is it?", "order_id": order["number"], "message": "Asked twice"}


def _escalations(walker: Walker) -> Iterator[Json]:
    for order in walker.items["order"]:
        yield {"summary": "Wants more than the policy gives.", "reason": "unclear", "order_id": order["id"]}


def _proposals(walker: Walker) -> Iterator[Json]:
    for clause in walker.items["clause"]:
        yield {"clause": clause["clause"], "text": "Ask us.", "why": "Nobody understands it."}
    yield {"title": "Gift cards", "text": "They do not come back.", "why": "Two customers asked about them."}


def _messages(walker: Walker) -> Iterator[Json]:
    for order in walker.items["order"]:
        yield {"order_id": order["number"], "template": "apology", "reason": "Asked twice"}
        yield {"order_id": order["id"], "template": "order_delayed", "reason": "It is late"}
    for account in walker.items["customer"][:4]:
        yield {"customer_id": account["id"], "text": "It left today.", "channel": "sms", "reason": "Asked"}


def _quotes(walker: Walker) -> Iterator[Json]:
    for account in walker.items["customer"]:
        for item in walker.items["level"][:3]:
            yield {"customer_id": account["number"], "sku": item["sku"], "quantity": 2}


def _quote_numbers(walker: Walker) -> Iterator[Json]:
    places = list(dict.fromkeys(item["warehouse"] for item in walker.items["level"]))
    for quote in walker.made["create_quote"]:
        yield {"quote_id": quote["number"]}
        yield from ({"quote_id": quote["id"], "warehouse_id": place} for place in places)


def _invoices(walker: Walker) -> Iterator[Json]:
    for order in walker.items["order"]:
        yield {"order_id": order["number"], "terms_days": 15}
    lines = [{"description": "Engraving", "quantity": 2, "unit_price_minor": 700}]
    for account in walker.items["customer"]:
        yield {"customer_id": account["id"], "lines": lines, "currency": "CHF"}


def _pauses(walker: Walker) -> Iterator[Json]:
    for item in walker.items["subscription"]:
        yield {"subscription_id": item["number"], "until": (NOW + timedelta(days=9)).isoformat()}


def _endings(walker: Walker) -> Iterator[Json]:
    for item in walker.items["subscription"]:
        yield {"subscription_id": item["id"], "reason": "Moves away", "at_period_end": False}


def _refunds(walker: Walker) -> Iterator[Json]:
    for payment in walker.items["payment"]:
        money = {"currency": payment["amount"]["currency"], "reason": "goodwill"}
        yield {"payment_id": payment["number"], "amount_minor": 25, **money}
        yield {"order_id": payment["order_number"], "lines": [{"line": 1, "quantity": 1}], **money}


def _customers(walker: Walker) -> Iterator[Json]:
    for index, account in enumerate(walker.items["customer"]):
        yield {"customer_id": account["number"], "email": f"new.{index}@shop.example", "language": "fr"}


def _captures(walker: Walker) -> Iterator[Json]:
    for payment in walker.items["payment"]:
        if payment["status"] in ("authorized", "partially_captured"):
            currency = payment["amount"]["currency"]
            yield {"payment_id": payment["number"], "amount_minor": 1, "currency": currency, "reason": "A part"}
            yield {"payment_id": payment["id"], "reason": "It ships"}


def _credits(walker: Walker) -> Iterator[Json]:
    for order in walker.items["order"][:4]:
        yield {"order_id": order["number"], "amount_minor": 500, "reason": "Sorry"}
    for account in walker.items["customer"][:4]:
        yield {"customer_id": account["number"], "amount_minor": 1500, "currency": "CHF", "reason": "Sorry"}


def _defenses(walker: Walker) -> Iterator[Json]:
    for dispute in walker.items["dispute"]:
        yield {"dispute_id": dispute["number"], "reason": "It was delivered to the door.", "media": ["med_1"]}


ACCOUNT_ATTEMPTS = {
    "capture_payment": _captures,
    "apply_store_credit": _credits,
    "submit_dispute_evidence": _defenses,
    "send_customer_message": _messages,
    "create_ticket": _tickets,
    "escalate_to_human": _escalations,
    "propose_policy_change": _proposals,
    "create_quote": _quotes,
    "convert_quote": _quote_numbers,
    "create_invoice": _invoices,
    "pause_subscription": _pauses,
    "cancel_subscription": _endings,
    "initiate_refund": _refunds,
    "update_customer": _customers,
}
