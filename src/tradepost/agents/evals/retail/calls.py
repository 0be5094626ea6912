"""The calls of retail tasks in the words of our own tools. Names and shapes are translated, never rules."""

from collections.abc import Callable, Mapping
from itertools import zip_longest
from typing import Any

from tradepost.agents.evals.datasets.schema import Json, Step
from tradepost.foundation.errors import InvalidArgument

REASON = "asked by the customer"
_GENERIC = ("calculate", "think", "transfer_to_human_agents", "list_all_product_types")  # no part of the store


def translated(step: Json) -> Step | None:
    """A step of a task as a call; None for what needs no tool of the shop. Raises InvalidArgument for a tool that
    nobody knows."""
    tool, given = str(step.get("tool")), dict(step.get("args") or {})
    if tool in _GENERIC:
        return None
    translate = _CALLS.get(tool)
    if translate is None:
        raise InvalidArgument(
            f"A task calls {tool[:60]}, which is no tool of the retail tasks.",
            hint=f"There are {', '.join([*_CALLS, *_GENERIC])}.",
        )
    try:
        name, arguments = translate(given)
    except KeyError as error:
        raise InvalidArgument(f"A task calls {tool} without {error}.") from None
    # A look at what is not there finds nothing, which is no refusal; a write that must be refused is one.
    return Step(tool=name, arguments=arguments, refused=step.get("kind") == "write" and step.get("ok") is False)


Translation = Callable[[Json], tuple[str, Json]]


def _pairs(given: Json) -> list[Json]:
    pairs = zip_longest(given["item_ids"], given["new_item_ids"])
    return [
        {key: one for key, one in (("variant", old), ("new_variant", new)) if one is not None} for old, new in pairs
    ]


def _address(given: Json) -> Json:
    names = {"line1": "address1", "line2": "address2", "city": "city", "region": "state", "postal_code": "zip"}
    return {**{ours: given[theirs] for ours, theirs in names.items()}, "country": given["country"]}


def _order(given: Json, **more: Any) -> Json:
    return {"order_id": given["order_id"], **more}


_CALLS: Mapping[str, Translation] = {
    "find_user_id_by_email": lambda a: ("search_customers", {"query": a["email"]}),
    "find_user_id_by_name_zip": lambda a: (
        "search_customers",
        {"query": f"{a['first_name']} {a['last_name']}", "postal_code": a["zip"]},
    ),
    "get_user_details": lambda a: ("get_customer", {"customer_id": a["user_id"]}),
    "get_order_details": lambda a: ("get_order", _order(a, include=["shipments", "payments", "returns"])),
    "get_product_details": lambda a: ("get_product", {"product_id": a["product_id"]}),
    "get_item_details": lambda a: ("get_product", {"sku": a["item_id"]}),
    "cancel_pending_order": lambda a: ("cancel_order", _order(a, reason=a["reason"])),
    "modify_pending_order_address": lambda a: ("update_order_address", _order(a, address=_address(a))),
    "modify_user_address": lambda a: ("update_customer", {"customer_id": a["user_id"], "address": _address(a)}),
    "modify_pending_order_payment": lambda a: (
        "update_order_payment_method",
        _order(a, payment_method_id=a["payment_method_id"], reason=REASON),
    ),
    "modify_pending_order_items": lambda a: (
        "edit_order_items",
        _order(a, exchange=_pairs(a), payment_method_id=a["payment_method_id"], reason=REASON),
    ),
    "return_delivered_order_items": lambda a: (
        "submit_return",
        _order(a, lines=[{"variant": one} for one in a["item_ids"]], refund_to=a["payment_method_id"]),
    ),
    "exchange_delivered_order_items": lambda a: (
        "create_exchange",
        _order(a, lines=_pairs(a), payment_method_id=a["payment_method_id"]),
    ),
}
