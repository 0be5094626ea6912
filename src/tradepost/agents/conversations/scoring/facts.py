"""Numbers, ids and addresses in texts: what an answer may say only because something said it before."""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from itertools import combinations
from typing import Any

_ID = re.compile(r"\b(?=[A-Za-z0-9_-]*\d)(?=[A-Za-z0-9_-]*[A-Za-z])[A-Za-z0-9]+(?:[_-][A-Za-z0-9]+)*\b")
_NUMBER = re.compile(r"(?<![\w.,])[-+]?\d[\d.,  ']*\d(?![\w])|(?<![\w.,])\d(?![\w])")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?)?|\d{1,2}:\d{2}\b")
_ORDINAL = re.compile(r"\d{1,3}(?:st|nd|rd|th|er|e|º|ª|x|h|min|kg|g|km|cm|mm|ml|l|d)\Z", re.IGNORECASE)
_PLACE = re.compile(r"(?:https?://|www\.)[^\s<>\"')\]]+|[\w.+%'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+", re.IGNORECASE)
SMALL = 12  # numbers up to here count things that were listed
MOST_SUMMED = 60  # numbers that sums of two are looked for among


def ids_in(text: str) -> set[str]:
    """Ids and numbers of articles, orders, parcels: letters and digits together."""
    return {one.casefold() for one in _ID.findall(_DATE.sub(" ", text)) if not _ORDINAL.match(one)}


def places_in(text: str) -> set[str]:
    """Links and e-mail addresses."""
    return {one.rstrip(".,;:!?").casefold() for one in _PLACE.findall(text)}


def numbers_in(text: str) -> set[Decimal]:
    """Numbers that stand alone, however their thousands and fractions are written; where that is not certain, both."""
    found: set[Decimal] = set()
    for one in _NUMBER.findall(_PLACE.sub(" ", _DATE.sub(" ", text))):
        found.update(_readings(one))
    return found


def _readings(written: str) -> Iterator[Decimal]:
    plain = re.sub(r"[  '+]", "", written).rstrip(".,").lstrip("-")
    for text in {plain.replace(",", ""), plain.replace(".", "").replace(",", ".")}:
        try:
            yield abs(Decimal(text)).normalize()
        except InvalidOperation:
            continue


def unsupported_numbers(answer: str, known: Iterable[Decimal]) -> list[str]:
    """Numbers of an answer, as they stand there, that nothing said: neither as they are, nor in the hundredths that
    money is kept in, nor as the sum or difference of two. Small ones count what was listed and need no source."""
    there = {number for one in known for number in (one, (one / 100).normalize())}
    some = sorted(there)[:MOST_SUMMED]
    sums = {value.normalize() for a, b in combinations(some, 2) for value in (a + b, abs(a - b))}
    missing = []
    for one in _NUMBER.findall(_ID.sub(" ", _PLACE.sub(" ", _DATE.sub(" ", answer)))):
        readings = set(_readings(one))
        if readings and not any(number <= SMALL or number in there or number in sums for number in readings):
            missing.append(one.strip(" .,"))
    return list(dict.fromkeys(missing))


def texts_in(value: Any, depth: int = 0) -> Iterator[str]:
    """Every text and number in some JSON, as a text, names of fields too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, bool) or value is None or depth > 32:
        return
    elif isinstance(value, int | float):
        yield str(value)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield str(name)
            yield from texts_in(inner, depth + 1)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts_in(inner, depth + 1)
