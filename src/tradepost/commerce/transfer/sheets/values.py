"""Reading cells: text into typed values, exactly or not at all. A reader raises BadValue with what would be right."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any, get_args

from tradepost.foundation.clock import from_rfc3339
from tradepost.foundation.countries import is_country
from tradepost.foundation.errors import TradepostError
from tradepost.foundation.money import exponent
from tradepost.foundation.untrusted import clean

Reader = Callable[[str], Any]

_NUMBER = re.compile(r"-?[0-9]{1,13}(\.[0-9]{1,12})?")
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_PHONE = re.compile(r"\+?[0-9 ()./-]{5,30}")
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(\.\d{1,6})? ?(?:(Z|UTC)|([+-]\d\d):?(\d\d))", re.IGNORECASE
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)


class BadValue(ValueError):
    """A cell that cannot be read; the message says what it must be."""


def text(cap: int) -> Reader:
    """Text of several lines."""

    def read(cell: str) -> str:
        if len(cell) > cap:
            raise BadValue(f"has {len(cell):,} characters, at most {cap:,} are kept")
        if _CONTROLS.search(cell):
            raise BadValue("holds a control character")
        return cell.replace("\r\n", "\n").replace("\r", "\n")

    return read


def line(cap: int) -> Reader:
    """Text of one line."""
    inner = text(cap)

    def read(cell: str) -> str:
        found = str(inner(cell))
        if "\n" in found:
            raise BadValue("must stand on one line")
        return found

    return read


def code(cell: str) -> str:
    """An id, number, handle or SKU. The apostrophe with which spreadsheets keep digits as text is no part of it."""
    found = cell.removeprefix("'").strip()
    if not found or len(found) > 200 or "\n" in found or clean(found) != found:
        raise BadValue("must be 1 to 200 visible characters on one line")
    return found


def email(cell: str) -> str:
    """An e-mail address."""
    if len(cell) > 254 or not _EMAIL.fullmatch(cell) or clean(cell) != cell:
        raise BadValue("must be an e-mail address, like jo@example.com")
    return cell


def phone(cell: str) -> str:
    """A phone number."""
    found = cell.removeprefix("'").strip()
    if not _PHONE.fullmatch(found):
        raise BadValue("must be a phone number, like +31 10 1234567")
    return found


def amount(cell: str) -> Decimal:
    """An amount of money that is not negative; its currency says later how many decimals it may have."""
    return _number(cell, "an amount like 1234.50")


def quantity(cell: str) -> Decimal:
    """A quantity that is not negative. Only goods that are sold by measure may have decimals: the variant says."""
    return _number(cell, "a quantity like 12")


def whole(cell: str) -> int:
    """A whole number that is not negative. Shopify writes grams as 200.0."""
    found = _number(cell, "a whole number like 12")
    if found != found.to_integral_value():
        raise BadValue("must be a whole number")
    return int(found)


def yes_no(cell: str) -> bool:
    """yes or no, true or false."""
    known = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    if cell.lower() not in known:
        raise BadValue("must be yes or no")
    return known[cell.lower()]


def moment(cell: str) -> datetime:
    """A time with its zone, as Shopify writes it (2026-01-05 10:22:31 +0100) or in RFC 3339."""
    parts = _MOMENT.fullmatch(cell)
    if parts is None:
        raise BadValue("must be a time with its zone, like 2026-01-05 10:22:31 +0100 or 2026-01-05T09:22:31Z")
    day, minute, second, fraction, utc, hours, minutes = parts.groups()
    zone = "+00:00" if utc else f"{hours}:{minutes}"
    return _within(f"{day}T{minute}{second or ':00'}{(fraction or '').ljust(7, '0') if fraction else ''}{zone}")


def day_or_moment(cell: str) -> datetime:
    """A time with its zone, or a day, which begins at midnight UTC."""
    return _within(f"{cell}T00:00:00+00:00") if _DAY.fullmatch(cell) else moment(cell)


def currency(cell: str) -> str:
    """An ISO 4217 code."""
    try:
        exponent(cell)
    except TradepostError:
        raise BadValue("must be an ISO 4217 currency code, like EUR") from None
    return cell


def country(cell: str) -> str:
    """An ISO 3166-1 alpha-2 code."""
    if len(cell) != 2 or not is_country(cell):
        raise BadValue("must be a country code of two letters, like NL")
    return cell.upper()


def one_of(literal: Any, also: Mapping[str, str] | None = None) -> Reader:
    """One of the values of a Literal type, or of other words for them."""
    values = get_args(literal)
    known = {value: value for value in values} | {name.lower(): value for name, value in (also or {}).items()}

    def read(cell: str) -> str:
        found: str | None = known.get(cell.lower())
        if found is None:
            raise BadValue(f"must be one of {', '.join(values)}")
        return found

    return read


def html(cap: int) -> Reader:
    """The words of a piece of HTML, without its tags."""
    inner = text(cap)

    def read(cell: str) -> str:
        parser = _Words()
        parser.feed(str(inner(cell)))
        parser.close()
        return parser.words()

    return read


class _Words(HTMLParser):
    _UNSEEN = ("script", "style")
    _INLINE = ("a", "b", "strong", "i", "em", "span", "u", "sup", "sub", "small")

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._found: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._hidden += tag in self._UNSEEN
        if tag not in self._INLINE:
            self._found.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in self._UNSEEN and self._hidden > 0
        if tag not in self._INLINE:
            self._found.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._found.append(data)

    def words(self) -> str:
        return " ".join("".join(self._found).split())


def _number(cell: str, wanted: str) -> Decimal:
    if "," in cell:
        raise BadValue(f"has a comma: write {wanted}, without thousands separators")
    if not _NUMBER.fullmatch(cell):
        raise BadValue(f"must be {wanted}")
    if cell.startswith("-"):
        raise BadValue("must not be negative")
    return Decimal(cell)


def _within(rfc3339: str) -> datetime:
    try:
        found = from_rfc3339(rfc3339)
    except ValueError:
        raise BadValue("is no day of the calendar or no time of the day") from None
    if not _EARLIEST <= found < _LATEST:
        raise BadValue(f"must lie between {_EARLIEST.year} and {_LATEST.year}")
    return found


def in_future(when: datetime, now: datetime) -> bool:
    """Whether a time of something that has happened cannot be right. A day's leeway for clocks and zones."""
    return when > now + timedelta(days=1)
