"""Personal data as callers may see it: masked unless they hold read:customers.pii (commerce.md C14)."""

import re
from collections.abc import Mapping
from typing import Any

from tradepost.foundation.caller import Caller
from tradepost.foundation.outsiders import clean_name, delivered_name

PII_SCOPE = "read:customers.pii"
CUSTOMER = "customer"  # the attribute of a caller that is a customer of the shop
MASKED = "***"
_NUMBER = re.compile(r"[+\d ()./-]*\Z")
_OF_THE_DOOR = ("line1", "line2")
_ADDRESS_FIELDS = ("line1", "line2", "city", "region", "postal_code", "country")


def is_shopper(caller: Caller) -> bool:
    """Whether a customer of the shop is asking: what is the shop's own affair is not shown to them."""
    return bool(caller.attributes.get(CUSTOMER))


def may_see_pii(caller: Caller) -> bool:
    """Whether e-mail, phone and street may be shown."""
    return caller.has_scope(PII_SCOPE)


def email(caller: Caller, address: str | None) -> str | None:
    """The e-mail address, or its first letter and domain: "j***@example.com"."""
    if address is None:
        return None
    local, _, domain = address.partition("@")
    if may_see_pii(caller):
        delivered_name(f"{local} {domain}", "an e-mail address")
        return address
    delivered_name(domain, "an e-mail address")
    return f"{local[:1]}***@{domain}"


def phone(caller: Caller, number: str | None) -> str | None:
    """The phone number, or its last two digits."""
    if number is None:
        return None
    if may_see_pii(caller):
        return number if _NUMBER.match(number) else clean_name(number, 40, "a phone number")
    return f"***{number[-2:]}"


def address(caller: Caller, record: Mapping[str, Any], *, needed: bool = False) -> dict[str, str]:
    """An address; street lines are masked unless the caller sees personal data or the job needs them (`needed`:
    a delivery, a label)."""
    is_seen = needed or may_see_pii(caller)
    return {name: _line(name, str(record.get(name) or ""), is_seen) for name in _ADDRESS_FIELDS}


def _line(name: str, text: str, is_seen: bool) -> str:
    if is_seen or name not in _OF_THE_DOOR:
        return clean_name(text, 200, "an address")
    return MASKED if name == "line1" or text else ""
