"""A record of the shop as people read it: what they look for first, the amounts in one place, nothing that is empty."""

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

# Parts of records in the order in which people look for them; the others follow as they come.
FIRST = ("status", "lateness", "lines", "totals", "payments", "shipments", "deliveries", "returns", "notes")
LAST = ("customer", "shipping_address", "billing_address", "warehouse", "payment_methods")


def arranged(record: Mapping[str, Any]) -> tuple[Json, list[str]]:
    """The record without what is empty, and what that is."""
    shown = {key: _amounts(value) if key == "totals" else value for key, value in record.items()}
    empty = [key for key, value in shown.items() if _is_empty(value)]
    ordered = sorted((key for key in shown if key not in empty), key=_place)
    return {key: _filled(shown[key]) for key in ordered}, empty


def _place(key: str) -> int:
    if key in FIRST:
        return FIRST.index(key)
    return len(FIRST) + 1 + LAST.index(key) if key in LAST else len(FIRST)


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | list | dict) and not value)


def _filled(value: Any) -> Any:
    """Lists of records without members that are empty in each of them; records without those that are."""
    if isinstance(value, dict):
        return {key: _filled(inner) for key, inner in value.items() if not _is_empty(inner)}
    if isinstance(value, list) and all(isinstance(one, dict) for one in value):
        filled = [_filled(one) for one in value]
        keys = dict.fromkeys(key for one in value for key in one)
        kept = [key for key in keys if any(key in one for one in filled)]
        return [{key: one.get(key) for key in kept} for one in filled]
    return value


def _amounts(totals: Any) -> Any:
    """Amounts in words stand beside those for programs: here they are what is shown."""
    if not isinstance(totals, dict) or not isinstance(totals.get("display"), dict):
        return totals
    rest = {key: value for key, value in totals.items() if key != "display"}
    return {**totals["display"], **{key: value for key, value in rest.items() if key not in totals["display"]}}
