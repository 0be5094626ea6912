"""What a call is about in numbers: the money it moves, the quantity, and whose customer it is for.

Of a bundled write the result says it, which its preview has before anything is done: lines of an order become an
amount only there. Of a foreign tool an admin says in which argument each stands. What nobody knows stays unknown, and a
rule that needs it asks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.money import MAX_MINOR, exponent

KEY = "figures"  # in the settings of a tool entry
PLACES = ("amount", "currency", "quantity", "customer")
UNITS = ("minor", "major")
MAX_PATH = 200

_MONEY = ("amount", "settled", "total")  # what the result of a bundled write calls the money that it moves
_MAX_QUANTITY = 10**12
_MAX_CUSTOMER = 200


@dataclass(frozen=True, slots=True)
class Figures:
    """What is known of a call. `amount` is in minor units of `currency`, never negative."""

    amount: int | None = None
    currency: str | None = None
    quantity: int | None = None
    customer: str | None = None

    @property
    def unit(self) -> int | None:
        """How many minor units one of the currency has: 100 for EUR, 1 for JPY."""
        return None if self.currency is None else 10 ** exponent(self.currency)

    def known(self) -> dict[str, Any]:
        """For a condition: only what is known."""
        found = {
            "amount": self.amount,
            "currency": self.currency,
            "unit": self.unit,
            "quantity": self.quantity,
            "customer": self.customer,
        }
        return {name: value for name, value in found.items() if value is not None}


NOTHING_KNOWN = Figures()


@dataclass(frozen=True, slots=True)
class Declared:
    """In which arguments of a tool its figures stand, as paths ("payment.amount"). `unit`: whether the amount is in
    minor units (2490) or in major ones (24.90). `fixed_currency` is for a tool that has no such argument."""

    amount: str | None = None
    currency: str | None = None
    quantity: str | None = None
    customer: str | None = None
    unit: str = "minor"
    fixed_currency: str | None = None

    def as_stored(self) -> dict[str, str]:
        """As JSON, which `declared_of` reads."""
        names = (*PLACES, "fixed_currency")
        found = {name: str(getattr(self, name)) for name in names if getattr(self, name) is not None}
        return found if self.unit == "minor" else {**found, "unit": self.unit}

    def figures(self, arguments: Mapping[str, Any]) -> Figures:
        """What the arguments say."""
        code = self.fixed_currency if self.currency is None else _at(arguments, self.currency)
        currency = _currency(code)
        amount = None if currency is None else _amount(_at(arguments, self.amount), currency, self.unit)
        customer = _at(arguments, self.customer)
        return Figures(amount, currency, _whole(_at(arguments, self.quantity)), _customer(customer))


def declared_of(stored: Mapping[str, Any] | None) -> Declared | None:
    """What an admin declared, from JSON. None for nothing. Raises InvalidArgument."""
    if not stored:
        return None
    names = (*PLACES, "fixed_currency", "unit")
    for name, value in stored.items():
        if name not in names:
            raise InvalidArgument(f"There is no figure '{str(name)[:40]}'.", hint=f"There are {', '.join(names)}.")
        if not isinstance(value, str) or not 0 < len(value) <= MAX_PATH:
            raise InvalidArgument(f"'{name}' names an argument.", hint="For example payment.amount.", field=name)
    found = Declared(**{name: stored[name] for name in names if name in stored})
    if found.unit not in UNITS:
        raise InvalidArgument(f"'{found.unit[:20]}' is no unit.", hint="It is minor or major.", field="unit")
    if found.fixed_currency is not None:
        exponent(found.fixed_currency)
    if found.amount is not None and found.currency is None and found.fixed_currency is None:
        raise InvalidArgument("An amount needs its currency.", hint="Name the argument, or say which it is.")
    return found


def figures_of_effect(arguments: Mapping[str, Any], effect: Mapping[str, Any] | None) -> Figures:
    """What a bundled write is about: its result, else its arguments where those alone say it."""
    said = effect or {}
    found = next((view for name in _MONEY if (view := _view(said.get(name))) is not None), None)
    if found is None and effect is None:
        found = _view(arguments)
    amount, currency = found if found is not None else (None, None)
    customer = said.get("customer_id") or arguments.get("customer_id")
    return Figures(amount, currency, _quantity(arguments), _customer(customer))


def _view(view: Any) -> tuple[int, str] | None:
    if not isinstance(view, Mapping):
        return None
    amount, currency = _whole(view.get("amount_minor")), _currency(view.get("currency"))
    return None if amount is None or currency is None else (min(amount, MAX_MINOR), currency)


def _quantity(arguments: Mapping[str, Any]) -> int | None:
    lines = arguments.get("lines")
    if isinstance(lines, list):
        units = [_whole(line.get("quantity")) if isinstance(line, Mapping) else None for line in lines]
        return None if None in units else sum(unit for unit in units if unit is not None)
    for name in ("quantity", "delta"):
        if name in arguments:
            return _whole(arguments[name])
    return None


def _at(arguments: Mapping[str, Any], path: str | None) -> Any:
    found: Any = arguments if path is not None else None
    for name in (path or "").split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _amount(value: Any, currency: str, unit: str) -> int | None:
    if unit == "minor" or isinstance(value, bool) or not isinstance(value, int | float | str):
        return _whole(value)
    try:
        minor = abs(Decimal(str(value))) * 10 ** exponent(currency)
        return int(minor) + (minor != int(minor)) if minor <= MAX_MINOR else MAX_MINOR
    except (InvalidOperation, ValueError, OverflowError):
        return None


def _whole(value: Any) -> int | None:
    if isinstance(value, str) and len(value) <= 20 and value.removeprefix("-").isascii():
        value = int(value) if value.removeprefix("-").isdigit() else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return min(abs(value), _MAX_QUANTITY)


def _currency(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        exponent(value.upper())
    except InvalidArgument:
        return None
    return value.upper()


def _customer(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value).strip()
    return text if 0 < len(text) <= _MAX_CUSTOMER else None
