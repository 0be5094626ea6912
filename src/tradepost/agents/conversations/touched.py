"""Which of the customer's orders a conversation was about: those that tools have answered about, not those that
somebody only named."""

from collections.abc import Iterable
from typing import Any

_NAMES = ("order_number", "order")  # of a field that holds an order's number
_OWN = "number"  # the same in the record of an order itself
_OF_ORDERS = ("fulfillment_status",)  # such a record has one of these fields


def orders_in(contents: Iterable[dict[str, Any]]) -> list[str]:
    """The numbers, each once, in the order in which they came, of what steps hold."""
    found: dict[str, None] = {}
    for content in contents:
        result = content.get("result")
        if isinstance(result, dict) and not result.get("isError"):
            _collect(result.get("structuredContent"), found)
    return list(found)


def _collect(value: Any, found: dict[str, None]) -> None:
    if isinstance(value, list):
        for one in value:
            _collect(one, found)
    elif isinstance(value, dict):
        is_order = any(name in value for name in _OF_ORDERS)
        for name, one in value.items():
            if isinstance(one, str) and (name in _NAMES or (is_order and name == _OWN)):
                found[one] = None
            else:
                _collect(one, found)
