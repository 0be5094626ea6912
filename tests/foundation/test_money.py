"""Money: minor units, exponents, display."""

import pytest

from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.money import Money, decimal_from_minor, display, exponent, minor_from_decimal, money


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (1250, "EUR", "€12.50"),
        (-300, "USD", "-$3.00"),
        (1200, "JPY", "¥1,200"),
        (1250, "KWD", "KWD 1.250"),
        (5, "GBP", "£0.05"),
        (0, "CHF", "CHF 0.00"),
    ],
)
def test_display_follows_the_currency(amount: int, currency: str, shown: str) -> None:
    assert display(amount, currency) == shown
    assert money(amount, currency) == {"amount_minor": amount, "currency": currency, "display": shown}
    assert minor_from_decimal(decimal_from_minor(amount, currency), currency) == amount


@pytest.mark.parametrize("text", ["1.005", "abc", "", "NaN", "1e999", "Infinity"])
def test_an_amount_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        minor_from_decimal(text, "EUR")


def test_unknown_currencies_and_mixed_sums_are_refused() -> None:
    with pytest.raises(InvalidArgument):
        exponent("EURO")
    with pytest.raises(InvalidArgument):
        Money(1, "EUR") + Money(1, "USD")
    assert str(Money(100, "EUR") - Money(250, "EUR")) == "-€1.50"
