"""What a question names: numbers of records, SKUs, amounts, places. By their form alone; nothing here knows a shop."""

import re
from collections.abc import Mapping
from typing import Any

from tradepost.agents.ports import Json

# What stands before a number says what it is the number of, and so which argument of a tool takes it.
_PREFIXES: Mapping[str, str] = {
    "ORD": "order_id",
    "SO": "order_id",
    "RMA": "rma",
    "PO": "po_id",
    "DRV": "driver_id",
    "D": "delivery_id",
    "DEL": "delivery_id",
    "CUST": "customer_id",
    "CLM": "claim_id",
    "TKT": "ticket_id",
    "PAY": "payment_id",
    "PYT": "payout_id",
    "INV": "number",
    "SHP": "shipment_id",
    "QUO": "quote_id",
    "SUB": "subscription_id",
}
_NAMED: Mapping[str, str] = {
    "customer": "customer_id",
    "order": "order_id",
    "return": "rma",
    "delivery": "delivery_id",
    "sku": "sku",
    "claim": "claim_id",
    "payout": "payout_id",
    "invoice": "number",
}
_CODE = re.compile(r"\b([A-Z]{1,5})-?(\d{1,9})\b")
_CALLED = re.compile(
    r"\b(customer|order|return|delivery|sku|claim|payout|invoice)\s+#?([A-Z]{1,5}-?\d{1,9})\b", re.IGNORECASE
)
_PLAIN = re.compile(r"(?:\border\s*(?:no\.?|number)?\s*#?|#)(\d{3,9})\b", re.IGNORECASE)
_LONG = re.compile(r"\b(?=\w*\d{6})[0-9A-Z]{10,30}\b")
_QUANTITY = re.compile(r"\b(\d{1,5})\s*(?:units?|pcs|pieces|x|×|short)", re.IGNORECASE)
_AMOUNT = re.compile(r"\b(\d{1,7})[.,](\d{2})\b\s*([A-Z]{3}|€|\$|£)?")
_WHOLE = re.compile(
    r"(?:([€$£])\s?(\d{1,7})\b(?![.,]\d)|\b(\d{1,7})\s?(€|\$|£|euros?|dollars?|pounds?|EUR|USD|GBP)(?!\w))",
    re.IGNORECASE,
)
_BARE = re.compile(r"(?<![\w.,-])(\d{5,9})(?![\w.,-]?\d)\b")
_FROM_TO = re.compile(r"\bfrom\s+([A-Z][\w-]+)\s+to\s+([A-Z][\w-]+)")
_PERCENT = re.compile(r"\b(\d{1,2}(?:[.,]\d+)?)\s*(?:%|percent)")
_CUSTOMER = re.compile(r"\b[Cc]ustomers?\s+((?:[A-Z][\w&'-]*\.?\s?)+)")
_ALIASES: Mapping[str, str] = {"po_id": "purchase_order_id"}  # the same record under another argument's name
_DUE = re.compile(r"\b(?:promised|due|expected)\b.{0,20}\b(today|tomorrow)\b", re.IGNORECASE)
_DAYS = {"today": 0, "tomorrow": 1}
_SIGNS = {"€": "EUR", "$": "USD", "£": "GBP", "euro": "EUR", "dollar": "USD", "pound": "GBP"}
# What says which record is meant.
RECORDS = frozenset(_PREFIXES.values()) | frozenset(_NAMED.values()) | {"tracking_number"}


def facts_of(question: str) -> Json:
    """{argument's name: value} for everything the question names."""
    found: Json = {_NAMED[word.lower()]: code for word, code in _CALLED.findall(question)}
    for prefix, digits in _CODE.findall(question):
        name = _PREFIXES.get(prefix)
        if f"{prefix}-{digits}" in found.values():
            continue
        if name is None and len(digits) <= 4:
            found.setdefault("sku", f"{prefix}-{digits}")
        elif name is not None:
            found.setdefault(name, f"{prefix}-{digits}")
    for name, pattern in (("order_id", _PLAIN), ("tracking_number", _LONG)):
        for text in pattern.findall(question):
            found.setdefault(name, text)
    for text in _QUANTITY.findall(question):
        found.setdefault("quantity", int(text))
    for whole, part, currency in _AMOUNT.findall(question):
        found.setdefault("amount_minor", int(whole) * 100 + int(part))
        if currency:
            found.setdefault("currency", _SIGNS.get(currency, currency))
    for sign, after, before, word in _WHOLE.findall(question):
        found.setdefault("amount_minor", int(after or before) * 100)
        found.setdefault("currency", _currency(sign or word))
    for start, end in _FROM_TO.findall(question):
        found.setdefault("from_warehouse_id", start)
        found.setdefault("to_warehouse_id", end)
    for text in _CUSTOMER.findall(question):
        found.setdefault("customer_id", text.strip())
    for text in _PERCENT.findall(question):
        found.setdefault("min_return_rate", float(text.replace(",", ".")) / 100)
    for word in _DUE.findall(question):
        found.setdefault("horizon_days", _DAYS[word.lower()])
    if not RECORDS & found.keys():  # a number that is nothing else is an order's
        for number in _BARE.findall(question)[:1]:
            found["order_id"] = number
    for name, alias in _ALIASES.items():
        if name in found:
            found.setdefault(alias, found[name])
    return found


def records_in(text: str) -> list[str]:
    """The records that a text names, in words that name them again."""
    words = {name: word for word, name in _NAMED.items()}
    named = [(name, value) for name, value in facts_of(text).items() if name in RECORDS]
    return [f"{words[name]} {value}" if name in words else str(value) for name, value in named]


def _currency(word: str) -> str:
    plain = word.lower().removesuffix("s")
    return _SIGNS.get(plain, plain.upper())


def values_in(results: list[Any], name: str) -> list[Any]:
    """All values under a name, wherever they stand, each once and in their order."""
    found: list[Any] = []
    queue = list(results)
    while queue:
        here = queue.pop(0)
        if isinstance(here, dict):
            if isinstance(here.get(name), str | int) and here[name] not in ("", 0, *found):
                found.append(here[name])
            queue += here.values()
        elif isinstance(here, list):
            queue += here
    return found


def nearest_in(results: list[Any], name: str) -> Any:
    """The first of a list of such records within a record: of `pickup_points_near`, for a pickup_point_id."""
    plural = f"{name.removesuffix('_id')}s"
    queue = list(results)
    while queue:
        here = queue.pop(0)
        if isinstance(here, dict):
            for key, value in here.items():
                if key.startswith(plural) and isinstance(value, list) and value and isinstance(value[0], dict):
                    return next((value[0][one] for one in ("code", "number", "id") if one in value[0]), None)
            queue += here.values()
        elif isinstance(here, list):
            queue += here
    return None


def value_in(results: list[Any], name: str) -> Any:
    """The first value under a name in what tools returned, wherever it stands; None where nobody says it."""
    return next(iter(values_in(results, name)), None)
