"""Money: integer minor units and an ISO 4217 code, never a float, never a guessed currency (commerce.md C2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from typing_extensions import TypedDict

from tradepost.foundation.errors import InvalidArgument

# ISO 4217 currencies whose minor unit is not two decimals; every other code in the list below has two.
_EXPONENTS = {
    **dict.fromkeys(
        (
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
_TWO_DECIMALS = frozenset(
    """AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC
    CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES
    KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR
    NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT
    TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD YER ZAR ZMW ZWG""".split()
)
MAX_MINOR = 2**53 - 1  # what every JSON parser reads exactly
_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}


# Money as tools return it. A comment, because a docstring would be repeated in every published output schema.
class MoneyView(TypedDict):
    amount_minor: int
    currency: str
    display: str


def exponent(currency: str) -> int:
    """Decimals of a currency's minor unit: EUR 2, JPY 0, KWD 3. Raises InvalidArgument for an unknown code."""
    if currency in _TWO_DECIMALS:
        return 2
    try:
        return _EXPONENTS[currency]
    except KeyError:
        raise InvalidArgument(
            f"'{currency}' is no ISO 4217 currency code that Tradepost knows.",
            hint="Use a three-letter code in capitals, for example EUR.",
            field="currency",
        ) from None


@lru_cache(maxsize=16_384)  # an order shows a dozen, and the same ones again and again
def display(amount_minor: int, currency: str) -> str:
    """Ready to show: "€12.50", "¥1200", "KWD 1.250", "-$3.00"."""
    decimals = exponent(currency)
    sign = "-" if amount_minor < 0 else ""
    whole, fraction = divmod(abs(amount_minor), 10**decimals)
    digits = f"{whole:,}" + (f".{fraction:0{decimals}d}" if decimals else "")
    symbol = _SYMBOLS.get(currency)
    return f"{sign}{symbol}{digits}" if symbol else f"{sign}{currency} {digits}"


def money(amount_minor: int, currency: str) -> MoneyView:
    """The view of an amount that every tool result uses."""
    return {"amount_minor": amount_minor, "currency": currency, "display": display(amount_minor, currency)}


def shown(currency: str, amounts: Mapping[str, Any]) -> dict[str, str]:
    """{"fee": "€1.20"}: the ready text of every amount of a view whose name ends in _minor, for views that hold several
    in one currency."""
    return {
        name.removesuffix("_minor"): display(value, currency)
        for name, value in amounts.items()
        if name.endswith("_minor") and isinstance(value, int)
    }


def minor_from_decimal(text: str, currency: str) -> int:
    """ "12.50" EUR -> 1250. Raises InvalidArgument for no number or more decimals than the currency has."""
    try:
        scaled = Decimal(text).scaleb(exponent(currency))
    except InvalidOperation:
        raise InvalidArgument(f"'{text}' is not an amount.", hint='Write it like "12.50".') from None
    if not scaled.is_finite() or abs(scaled) > MAX_MINOR:
        raise InvalidArgument(f"'{text[:40]}' is too large for an amount.")
    if scaled != scaled.to_integral_value():
        raise InvalidArgument(f"'{text}' has more decimals than {currency} allows ({exponent(currency)}).")
    return int(scaled)


def decimal_from_minor(amount_minor: int, currency: str) -> str:
    """1250 EUR -> "12.50": exactly as many decimals as the currency has."""
    decimals = exponent(currency)
    sign = "-" if amount_minor < 0 else ""
    whole, fraction = divmod(abs(amount_minor), 10**decimals)
    return f"{sign}{whole}" + (f".{fraction:0{decimals}d}" if decimals else "")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount that refuses to mix currencies."""

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        exponent(self.currency)

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount_minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount_minor - self._same(other), self.currency)

    def __str__(self) -> str:
        return display(self.amount_minor, self.currency)

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise InvalidArgument(f"{self.currency} and {other.currency} cannot be added up.", field="currency")
        return other.amount_minor
