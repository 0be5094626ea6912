"""Reading a file: every mistake with its record, its field and why, in the words of the file and not of a library."""

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tradepost.commerce.transfer.checks import cross_check
from tradepost.commerce.transfer.format import (
    FORMAT,
    RECORDS,
    SHOWN_PROBLEMS,
    VERSION,
    BrokenFile,
    Problem,
    Record,
    StoreFile,
)
from tradepost.foundation.errors import InvalidArgument, TradepostError
from tradepost.foundation.money import exponent


def read_file(path: Path) -> StoreFile:
    """The checked content of a file. Raises InvalidArgument for no readable file, BrokenFile for a wrong one."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidArgument(f"{path} cannot be read: {error.strerror}.", hint="Check the path.") from error
    return parse(content)


def parse(content: bytes) -> StoreFile:
    """The checked store export in `content`. Raises BrokenFile."""
    try:
        whole = json.loads(content, object_pairs_hook=_once)
    except BrokenFile:
        raise
    except (ValueError, RecursionError) as error:
        raise BrokenFile([Problem("file", "JSON", str(error) or "is nested too deeply")], False) from None
    problems = _Problems()
    if not isinstance(whole, dict) or whole.get("format") != FORMAT or whole.get("version") != VERSION:
        problems.add("file", "format", f'must be an object with "format": "{FORMAT}" and "version": {VERSION}')
        problems.finish()
    for name in sorted(whole.keys() - {"format", "version", "currency", *(name for name, _ in RECORDS)}):
        problems.add("file", name, "is not part of the format")
    currency = whole.get("currency")
    try:
        decimals = exponent(currency) if isinstance(currency, str) else None
        if decimals != 2:
            problems.add("file", "currency", "must be an ISO 4217 code of a currency with two decimals")
    except TradepostError as error:
        problems.add("file", "currency", error.message)
    parsed = {name: _records(whole, name, model, problems) for name, model in RECORDS}
    problems.finish()
    file = StoreFile(currency=str(currency), **parsed)
    for problem in cross_check(file):
        problems.add(problem.record, problem.field, problem.why)
    problems.finish()
    return file


class _Problems:
    """Collects the first problems and stops counting after them."""

    def __init__(self) -> None:
        self._found: list[Problem] = []
        self._more = False

    def add(self, record: str, field: str, why: str) -> None:
        if len(self._found) < SHOWN_PROBLEMS:
            self._found.append(Problem(record, field, why))
        else:
            self._more = True

    def finish(self) -> None:
        if self._found:
            raise BrokenFile(self._found, self._more)


def _records(whole: dict[str, Any], name: str, model: type[Record], problems: _Problems) -> list[Any]:
    raw = whole.get(name)
    if not isinstance(raw, list):
        problems.add("file", name, "must be a list")
        return []
    found = []
    for index, item in enumerate(raw):
        place = f"{name}[{index}]"
        if isinstance(item, dict):
            place += f" {item.get('id') or item.get('order_id') or ''}".rstrip()
        for field in _unkeepable(item):
            problems.add(place, field or "record", "holds a character that no database keeps")
        try:
            found.append(model.model_validate(item))
        except ValidationError as error:
            for detail in error.errors()[:3]:
                field = ".".join(str(part) for part in detail["loc"]) or "record"
                problems.add(place, field, _in_words(detail))
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of the file. Raises BrokenFile for a key that stands twice: one of the values would be lost."""
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise BrokenFile([Problem(f"record {found.get('id', 'without an id')}", twice, "stands twice")], False)
    return found


def _unkeepable(value: Any, place: str = "") -> list[str]:
    """The places of texts with U+0000 or half a surrogate pair, which no database keeps and nobody means."""
    if isinstance(value, str):
        return [place] if any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in value) else []
    if isinstance(value, dict):
        inner = [(f"{place}.{key}" if place else str(key), one) for key, one in value.items()]
        inner += [(place or "record", key) for key in value]
    elif isinstance(value, list):
        inner = [(f"{place}.{index}" if place else str(index), one) for index, one in enumerate(value)]
    else:
        return []
    return [found for name, one in inner for found in _unkeepable(one, name)]


_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is not part of the format",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
}


def _in_words(detail: ErrorDetails) -> str:
    """A mistake as the person who made the file would say it."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in _WORDS:
        return _WORDS[kind]
    if kind == "string_pattern_mismatch":
        wants = "an e-mail address" if context.get("pattern") == "@" else 'an amount with two decimals, like "12.50"'
        return f"must be {wants}, not {str(detail['input'])[:40]!r}"
    if kind == "literal_error":
        return f"must be one of {context.get('expected')}, not {str(detail['input'])[:40]!r}"
    return detail["msg"][:1].lower() + detail["msg"][1:]
