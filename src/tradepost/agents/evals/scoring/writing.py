"""How numbers, amounts and days may be written: all ways of writing the same are the same."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from tradepost.foundation.errors import TradepostError
from tradepost.foundation.money import exponent

_NUMBER = re.compile(
    r"(?<![\w.,])\d{1,3}(?:[,.'\u2019 \u00a0\u202f]\d{3})+(?:[.,]\d+)?(?!\d)|(?<![\w])\d+(?:[.,]\d+)?(?![\d])"
)
_ID = re.compile(r"\b[A-Za-z]{1,12}[-_]?\d[\w-]*|#\d[\w-]*")
_SIGNS = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY"}
_WORDS = {"euro": "EUR", "euros": "EUR", "dollar": "USD", "dollars": "USD", "pounds": "GBP", "yen": "JPY"}
_CURRENCY = r"(?:[€$£¥]|[A-Z]{3}\b|(?:euros?|dollars?|pounds|yen)\b)"
_FIGURE = r"\d+(?:[.,'\u2019 \u00a0\u202f]\d{3})*(?:[.,]\d+)?"
_MONEY = re.compile(rf"({_CURRENCY})\s?-?({_FIGURE})|({_FIGURE})\s?({_CURRENCY})")
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_ISO = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})")
_DAY_MONTH = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?\.?\s+(?:of\s+)?{_MONTH}(?:,?\s+(\d{{4}}))?", re.IGNORECASE)
_MONTH_DAY = re.compile(rf"\b{_MONTH}\s+(\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s+(\d{{4}}))?", re.IGNORECASE)
_FIGURES = re.compile(r"\b(\d{1,2})[./](\d{1,2})[./](\d{4})\b")
_RELATIVE = {"yesterday": -1, "today": 0, "tomorrow": 1}


def readings(written: str) -> Iterator[Decimal]:
    """What a number may be. Where three digits follow its only point or comma, nobody can know: both."""
    plain = re.sub(r"[^\d.,]", "", written)
    marks = re.findall(r"[.,]", plain)
    last = max(plain.rfind("."), plain.rfind(","))
    is_grouped = len(plain) - last == 4 and len(set(marks)) == 1
    if marks and (len(marks) == 1 or not is_grouped):
        yield Decimal(f"{re.sub(r'[.,]', '', plain[:last])}.{plain[last + 1 :]}").normalize()
    if not marks or is_grouped:
        yield Decimal(re.sub(r"[.,]", "", plain)).normalize()


def numbers_in(text: str) -> set[Decimal]:
    """The numbers of a text; those within ids and days are none."""
    for pattern in (_ISO, _FIGURES, _ID):
        text = pattern.sub(" ", text)
    spaced = re.sub(r"(?<![\w-])(\d[\d.,]*)(?=[A-Za-z×])", r"\1 ", text)
    return {value for found in _NUMBER.findall(spaced) for value in readings(found)}


def amounts_in(text: str) -> set[tuple[Decimal, str]]:
    """Amounts of money with their currency, without their sign."""
    found: set[tuple[Decimal, str]] = set()
    for before, first, second, after in _MONEY.findall(text):
        word = before or after
        currency = _SIGNS.get(word) or _WORDS.get(word.lower()) or word
        if _is_currency(currency):
            found.update((value, currency) for value in readings(first or second))
    return found


def _is_currency(code: str) -> bool:
    try:
        exponent(code)
    except TradepostError:
        return False
    return True


def days_in(text: str, today: date) -> set[date]:
    """Days, however they are written; without a year, that of today and those beside it."""
    found: set[date] = set()

    def add(year: str | None, month: int, day: str) -> None:
        for one in [int(year)] if year else [today.year - 1, today.year, today.year + 1]:
            try:
                found.add(date(one, month, int(day)))
            except ValueError:  # there is no such day
                continue

    for year, month, day in _ISO.findall(text):
        add(year, int(month), day)
    for day, month, year in _DAY_MONTH.findall(text):
        add(year or None, _MONTHS.index(month.lower()) + 1, day)
    for month, day, year in _MONTH_DAY.findall(text):
        add(year or None, _MONTHS.index(month.lower()) + 1, day)
    for first, second, year in _FIGURES.findall(text):  # nobody can know which is the month
        add(year, int(second), first)
        add(year, int(first), second)
    lowered = text.casefold()
    found.update(today + timedelta(ahead) for word, ahead in _RELATIVE.items() if re.search(rf"\b{word}\b", lowered))
    return found


def words_of(text: str) -> list[str]:
    """The words of a text as they are compared: without case, accents' forms and punctuation, numbers in one form."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = _NUMBER.sub(lambda found: f" {next(readings(found[0])):f} ", plain)
    return re.findall(r"\w+(?:\.\d+)?", plain)


def has_words(text: list[str], wanted: list[str]) -> bool:
    """Whether the words stand in the text, one after the other."""
    size = len(wanted)
    return size > 0 and any(text[at : at + size] == wanted for at in range(len(text) - size + 1))
