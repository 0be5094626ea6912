"""Calls of each write that make sense in a shop, made of what its own lists name. Not every one is legal there."""

from collections.abc import Iterator
from datetime import timedelta

from tests.commerce.account_attempts import ACCOUNT_ATTEMPTS, methods_of, orders_in
from tests.commerce.other_shop import NOW
from tests.commerce.walking import Json, Walker

ADDRESS = {"line1": "7 New Street", "city": "Sfax", "postal_code": "3000", "country": "TN"}
MANY = 16


def attempts(walker: Walker, tool: str) -> Iterator[Json]:
    """Arguments without the key. Raises KeyError for a write that has no attempts here."""
    return iter(list(ATTEMPTS[tool](walker))[:MANY])


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
    for order in orders_in(walker, status=("open", "pending")):
        change = {"order_id": order["number"], "reason": "As asked", "set_quantity": [{"line": 1, "quantity": 7}]}
        yield {**change, "payment_method_id": methods_of(walker, order)[0]}
        yield change


def _pay_methods(walker: Walker) -> Iterator[Json]:
    for order in walker.items["order"]:
        for method in methods_of(walker, order)[:2]:
            yield {"order_id": order["id"], "payment_method_id": method, "reason": "As asked"}


def _cancels(walker: Walker) -> Iterator[Json]:
    for order in orders_in(walker, fulfillment_status=("unfulfilled", "scheduled")):
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


def _reservations(walker: Walker) -> Iterator[Json]:
    until = (NOW + timedelta(days=2)).isoformat()
    for item in walker.items["level"]:
        place = {"sku": item["sku"], "warehouse_id": item["warehouse"], "quantity": 1}
        yield {**place, "expires_at": until, "reason": "Fair"}
        yield {**place, "release": True}
    for order in orders_in(walker, status=("open",)):
        for item in walker.items["level"][:2]:
            yield {"sku": item["sku"], "quantity": 1, "warehouse_id": item["warehouse"], "order_id": order["number"]}


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
    for order in orders_in(walker, status=("open",)):
        for line in (1, 2):
            yield {"order_id": order["number"], "carrier": carriers[0], "lines": [{"line": line, "quantity": 1}]}


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
                method = methods_of(walker, order)[0]
                yield {"order_id": order["number"], "lines": lines, "payment_method_id": method}


ATTEMPTS = {
    **ACCOUNT_ATTEMPTS,
    "add_order_note": _notes,
    "set_order_hold": _holds,
    "update_order_address": _addresses,
    "edit_order_items": _items,
    "update_order_payment_method": _pay_methods,
    "cancel_order": _cancels,
    "transfer_stock": _transfers,
    "adjust_stock": _adjustments,
    "reserve_stock": _reservations,
    "set_reorder_policy": _stock_policies,
    "receive_purchase_order": _receipts,
    "create_reorder": _reorders,
    "assign_driver": _drivers,
    "reroute_delivery": _reroutes,
    "reschedule_delivery": _reschedules,
    "create_shipment": _parcels,
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
}
