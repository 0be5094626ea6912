"""Calls of each write that make sense in a shop, made of what its own lists name. Not every one is legal there."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from tests.commerce.other_shop import NOW
from tests.commerce.walking import Json, Walker

ADDRESS = {"line1": "7 New Street", "city": "Sfax", "postal_code": "3000", "country": "TN"}
MANY = 16


def attempts(walker: Walker, tool: str) -> Iterator[Json]:
    """Arguments without the key. Raises KeyError for a write that has no attempts here."""
    return iter(list(ATTEMPTS[tool](walker))[:MANY])


def _orders(walker: Walker, **states: Any) -> list[Json]:
    return [item for item in walker.items["order"] if all(item[key] in value for key, value in states.items())]


def _methods(walker: Walker, order: Json) -> list[str]:
    account = next(item for item in walker.items["customer"] if item["id"] == order["customer_id"])
    return [method["id"] for method in account["payment_methods"]]


def _notes(walker: Walker) -> Iterator[Json]:
    return ({"order_id": name, "note": "Seen."} for name in walker.names["order"][:5])


def _holds(walker: Walker) -> Iterator[Json]:
    for order in walker.items["order"]:
        yield {"order_id": order["number"], "hold": True, "reason": "Check the address"}
        yield {"order_id": order["number"], "hold": False}


def _addresses(walker: Walker) -> Iterator[Json]:
    for order in walker.items["order"]:
        yield {"order_id": order["number"], "address": ADDRESS}


def _items(walker: Walker) -> Iterator[Json]:
    for order in _orders(walker, status=("open", "pending")):
        change = {"order_id": order["number"], "reason": "As asked", "set_quantity": [{"line": 1, "quantity": 7}]}
        yield {**change, "payment_method_id": _methods(walker, order)[0]}
        yield change


def _pay_methods(walker: Walker) -> Iterator[Json]:
    for order in walker.items["order"]:
        for method in _methods(walker, order)[:2]:
            yield {"order_id": order["id"], "payment_method_id": method, "reason": "As asked"}


def _cancels(walker: Walker) -> Iterator[Json]:
    for order in _orders(walker, fulfillment_status=("unfulfilled", "scheduled")):
        yield {"order_id": order["number"], "reason": "sent in error"}


def _transfers(walker: Walker) -> Iterator[Json]:
    places = list(dict.fromkeys(item["warehouse"] for item in walker.items["level"]))
    for item in walker.items["level"]:
        if item["available"]:
            target = next(place for place in places if place != item["warehouse"])
            yield {
                "from_warehouse_id": item["warehouse"],
                "to_warehouse_id": target,
                "sku": item["sku"],
                "quantity": min(item["available"], 2),
            }


def _adjustments(walker: Walker) -> Iterator[Json]:
    for item in walker.items["level"]:
        change = {"sku": item["sku"], "warehouse_id": item["warehouse"]}
        yield {**change, "delta": 2}
        yield {**change, "delta": -1, "reason": "damage"}
        yield {**change, "delta": -1, "reason": "shrinkage"}


def _stock_policies(walker: Walker) -> Iterator[Json]:
    for item in walker.items["level"]:
        change = {"sku": item["sku"], "warehouse_id": item["warehouse_id"]}
        yield {**change, "reorder_point": 3, "reorder_quantity": 12, "safety_stock": 1}
        yield {**change, "safety_stock": 0}


def _receipts(walker: Walker) -> Iterator[Json]:
    for order in walker.items["po"]:
        for sku in order.get("outstanding_skus", []):
            yield {"po_id": order["number"], "lines": [{"sku": sku, "received": 1, "rejected": 1, "reason": "wet"}]}
        yield {"po_id": order["id"], "final": True}
        yield {"po_id": order["number"]}


def _reorders(walker: Walker) -> Iterator[Json]:
    for item in walker.items["level"]:
        yield {"warehouse_id": item["warehouse"], "sku": item["sku"], "quantity": 12, "reason": "Below the point"}


def _drivers(walker: Walker) -> Iterator[Json]:
    for stop in walker.items["delivery"]:
        for driver in walker.items["driver"]:
            if driver["warehouse"] == stop["warehouse"]:
                yield {"delivery_ids": [stop["number"]], "driver_id": driver["number"]}


def _reroutes(walker: Walker) -> Iterator[Json]:
    routes = list(dict.fromkeys(walker.names["route"]))
    for stop in walker.items["delivery"]:
        yield {"delivery_id": stop["number"], "pickup_point_id": "pp 0"}
        yield from ({"delivery_id": stop["id"], "route_id": route} for route in routes)


def _reschedules(walker: Walker) -> Iterator[Json]:
    for stop in walker.items["delivery"]:
        yield {"delivery_id": stop["number"], "window_from": (NOW + timedelta(days=3)).isoformat()}
        yield {"delivery_id": stop["id"], "window_from": (NOW + timedelta(hours=2)).isoformat(), "reason": "weather"}


def _parcels(walker: Walker) -> Iterator[Json]:
    carriers = [item["carrier_code"] for item in walker.items["shipment"] if item["carrier_code"]]
    for order in _orders(walker, status=("open",)):
        for line in (1, 2):
            yield {"order_id": order["number"], "carrier": carriers[0], "lines": [{"line": line, "quantity": 1}]}


def _tickets(walker: Walker) -> Iterator[Json]:
    for order in walker.items["order"]:
        yield {"subject": "Where is it?", "order_id": order["number"], "message": "Asked twice"}


def _escalations(walker: Walker) -> Iterator[Json]:
    for order in walker.items["order"]:
        yield {"summary": "Wants more than the policy gives.", "reason": "unclear", "order_id": order["id"]}


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


def _returns(walker: Walker) -> Iterator[Json]:
    for order in walker.items["order"]:
        if order["delivered_at"]:
            lines = [{"line": 1, "quantity": 1, "reason": "defective"}]
            yield {"order_id": order["number"], "lines": lines}
            yield {"order_id": order["number"]}


def _approvals(walker: Walker) -> Iterator[Json]:
    for item in walker.items["return"]:
        yield {"rma": item["rma"]}
        yield {"rma": item["id"], "exception_reason": "Known buyer"}


def _declines(walker: Walker) -> Iterator[Json]:
    clause = walker.items["clause"][0]["clause"]
    for item in walker.items["return"]:
        yield {"rma": item["rma"], "reason": "wrong_condition", "clause": clause}


def _arrivals(walker: Walker) -> Iterator[Json]:
    for item in walker.items["return"]:
        yield {"rma": item["rma"], "lines": [{"line": item["lines"][0]["line"], "condition": "opened"}]}
        yield {"rma": item["id"]}


def _dispositions(walker: Walker) -> Iterator[Json]:
    for item in walker.items["return"]:
        for disposition in ("dispose", "missing", "processing_required"):
            yield {"rma": item["rma"], "disposition": disposition}


def _claims(walker: Walker) -> Iterator[Json]:
    for order in walker.items["order"]:
        yield {"type": "defect", "order_id": order["number"], "lines": [{"line": 1}], "amount_minor": 1}
    for parcel in walker.items["shipment"]:
        yield {"type": "damage", "shipment_id": parcel["number"]}
    for order in walker.items["po"]:
        yield {"type": "shortage", "purchase_order_id": order["number"]}


def _drafts(walker: Walker) -> list[Json]:
    return [claim for claim in walker.items["claim"] if (claim["status"], claim["side"]) == ("draft", "carrier_claim")]


def _proofs(walker: Walker) -> Iterator[Json]:
    for claim in _drafts(walker):
        for kind in ("photo", "bol", "pod"):
            yield {"claim_id": claim["number"], "kind": kind, "media": ["med_1"]}


def _filings(walker: Walker) -> Iterator[Json]:
    for claim in _drafts(walker):
        yield {"claim_id": claim["id"]}
        yield {"claim_id": claim["number"], "late_reason": "The buyer was away"}


def _outcomes(walker: Walker) -> Iterator[Json]:
    for claim in walker.items["claim"]:
        yield {"claim_id": claim["number"], "decision": "deny", "reason": "Packed by the buyer"}
        yield {"claim_id": claim["number"], "decision": "approve"}


def _exchanges(walker: Walker) -> Iterator[Json]:
    wanted = [item["sku"] for item in walker.items["level"] if item["available"] > 5]
    for order in walker.items["order"]:
        if order["delivered_at"]:
            for sku in list(dict.fromkeys(wanted))[:2]:
                lines = [{"line": 1, "new_variant": sku, "reason": "color"}]
                method = _methods(walker, order)[0]
                yield {"order_id": order["number"], "lines": lines, "payment_method_id": method}


def _refunds(walker: Walker) -> Iterator[Json]:
    for payment in walker.items["payment"]:
        money = {"currency": payment["amount"]["currency"], "reason": "goodwill"}
        yield {"payment_id": payment["number"], "amount_minor": 25, **money}
        yield {"order_id": payment["order_number"], "lines": [{"line": 1, "quantity": 1}], **money}


def _customers(walker: Walker) -> Iterator[Json]:
    for index, account in enumerate(walker.items["customer"]):
        yield {"customer_id": account["number"], "email": f"new.{index}@shop.example", "language": "fr"}


ATTEMPTS = {
    "add_order_note": _notes,
    "set_order_hold": _holds,
    "update_order_address": _addresses,
    "edit_order_items": _items,
    "update_order_payment_method": _pay_methods,
    "cancel_order": _cancels,
    "transfer_stock": _transfers,
    "adjust_stock": _adjustments,
    "set_reorder_policy": _stock_policies,
    "receive_purchase_order": _receipts,
    "create_reorder": _reorders,
    "assign_driver": _drivers,
    "reroute_delivery": _reroutes,
    "reschedule_delivery": _reschedules,
    "create_shipment": _parcels,
    "create_ticket": _tickets,
    "escalate_to_human": _escalations,
    "create_quote": _quotes,
    "convert_quote": _quote_numbers,
    "create_invoice": _invoices,
    "pause_subscription": _pauses,
    "cancel_subscription": _endings,
    "submit_return": _returns,
    "approve_return": _approvals,
    "decline_return": _declines,
    "receive_return": _arrivals,
    "record_return_disposition": _dispositions,
    "open_claim": _claims,
    "add_claim_evidence": _proofs,
    "file_carrier_claim": _filings,
    "decide_claim": _outcomes,
    "create_exchange": _exchanges,
    "initiate_refund": _refunds,
    "update_customer": _customers,
}
