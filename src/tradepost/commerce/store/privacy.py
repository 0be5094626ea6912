"""Personal data as callers may see it: masked unless they hold read:customers.pii (commerce.md C14)."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from tradepost.foundation.caller import Caller
from tradepost.foundation.outsiders import clean_name, delivered_name, delivered_person

_hidden: ContextVar[dict[str, str | None] | None] = ContextVar("hidden_of_persons", default=None)
PII_SCOPE = "read:customers.pii"
CUSTOMER = "customer"  # the attribute of a caller that is a customer of the shop
MASKED = "***"
_NUMBER = re.compile(r"[+\d ()./-]*\Z")
_OF_THE_DOOR = ("line1", "line2")
_ADDRESS_FIELDS = ("line1", "line2", "city", "region", "postal_code", "country")


@contextmanager
def hearing_hidden() -> Iterator[dict[str, str | None]]:
    """Hear what is masked from now on in this task: what is shown in place of what. None where one mask stands for
    several."""
    heard: dict[str, str | None] = {}
    before = _hidden.set(heard)
    try:
        yield heard
    finally:
        _hidden.reset(before)


def hid(shown: str, whole: str) -> str:
    """Note that this is shown in place of the whole. Returns it."""
    heard = _hidden.get()
    if heard is not None and shown != whole:
        heard[shown] = whole if heard.get(shown, whole) == whole else None
    return shown


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
    return hid(f"{local[:1]}***@{domain}", address)


def phone(caller: Caller, number: str | None) -> str | None:
    """The phone number, or its last two digits."""
    if number is None:
        return None
    if may_see_pii(caller):
        return number if _NUMBER.match(number) else clean_name(number, 40, "a phone number")
    return hid(f"***{number[-2:]}", number)


def address(caller: Caller, record: Mapping[str, Any], *, needed: bool = False) -> dict[str, str]:
    """An address; street lines are masked unless the caller sees personal data or the job needs them (`needed`:
    a delivery, a label)."""
    is_seen = needed or may_see_pii(caller)
    return {name: _line(name, str(record.get(name) or ""), is_seen) for name in _ADDRESS_FIELDS}


def _line(name: str, text: str, is_seen: bool) -> str:
    if is_seen or name not in _OF_THE_DOOR:
        shown = clean_name(text, 200, "an address")
        return delivered_person(shown, "address") if name in _OF_THE_DOOR else shown
    return MASKED if name == "line1" or text else ""
