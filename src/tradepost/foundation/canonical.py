"""Canonical JSON (RFC 8785) and its digest; strict parsing that refuses what two parsers could read differently.

Two texts that mean the same give the same bytes, so a digest over them can stand for "exactly these arguments".
"""

import hashlib
import json
from typing import Any

import orjson
import rfc8785

from tradepost.foundation.errors import InvalidArgument

MAX_DEPTH = 100
_LARGEST = 2**53 - 1
MAX_DIGITS = 309  # more digits than any double has; longer integers are an attack on the parser


def canonical(value: Any) -> bytes:
    """The RFC 8785 bytes of a JSON value. Raises InvalidArgument for what JSON or a double cannot carry."""
    try:
        if _is_plain(value):  # every call is digested, and every row of the audit: this is ten times quicker
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        return rfc8785.dumps(value)
    except rfc8785.IntegerDomainError:
        return _with_doubles(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise InvalidArgument(
            f"The value cannot be written as canonical JSON: {error}.",
            hint="Use numbers within ±2^53 and valid Unicode text.",
        ) from error


def _is_plain(value: Any, depth: int = 0) -> bool:
    """True for values that every serializer of sorted, compact JSON writes as RFC 8785 does: no doubles (their shortest
    text is a matter of its own), no keys beyond ASCII (it sorts by UTF-16), nothing but JSON's own types."""
    kind = type(value)
    if kind is str:
        return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)
    if kind is dict and depth < MAX_DEPTH:
        for key, inner in value.items():  # a loop, because every call comes by here
            if type(key) is not str or not key.isascii() or not _is_plain(inner, depth + 1):
                return False
        return True
    if kind is list and depth < MAX_DEPTH:
        return all(_is_plain(inner, depth + 1) for inner in value)
    return value is None or kind is bool or (kind is int and -_LARGEST <= value <= _LARGEST)


def _with_doubles(value: Any) -> bytes:
    """An integer over 2^53 that is the text of a double is written as that double; any other one has no one meaning."""
    try:
        return rfc8785.dumps(_doubled(value))
    except (rfc8785.CanonicalizationError, OverflowError) as error:
        raise InvalidArgument(
            "An integer is too large to mean the same to every JSON parser.", hint="Send it as a string."
        ) from error


def _doubled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _doubled(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_doubled(inner) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        double = float(value)
        return double if rfc8785.dumps(double) == str(value).encode() else value
    return value


def digest(value: Any) -> str:
    """`sha256:` and the hex digest of the canonical bytes."""
    return "sha256:" + hashlib.sha256(canonical(value)).hexdigest()


def parse_strict(text: str | bytes) -> Any:
    """Parse JSON; refuses duplicate keys, NaN, infinities, lone surrogates, NUL, endless digits and depth over 100.

    Raises InvalidArgument with one sentence.
    """
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
        value = json.loads(
            decoded,
            object_pairs_hook=_no_duplicates,
            parse_constant=_no_constant,
            parse_int=_bounded_int,
            parse_float=_finite_float,
        )
        _check(value, 0)
    except UnicodeDecodeError as error:
        raise InvalidArgument("The JSON is not valid UTF-8.") from error
    except RecursionError as error:
        raise InvalidArgument(f"The JSON is nested deeper than {MAX_DEPTH} levels.") from error
    except json.JSONDecodeError as error:
        raise InvalidArgument(f"Not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from error
    return value


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise InvalidArgument(f"The key {twice!r} stands twice in one JSON object.", hint="Send each key once.")
    return found


def _no_constant(name: str) -> Any:
    raise InvalidArgument(f"{name} is not a JSON number.")


def _bounded_int(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise InvalidArgument("A number in the JSON has too many digits.")
    return int(digits)


def _finite_float(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise InvalidArgument(f"The number {digits[:40]} is too large.")
    return number


def _check(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise InvalidArgument(f"The JSON is nested deeper than {MAX_DEPTH} levels.")
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check_text(key)
            _check(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth + 1)


def _check_text(text: str) -> None:
    if text.isascii():
        if "\0" in text:
            raise InvalidArgument("A text in the JSON contains a NUL character.")
        return
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidArgument("A text in the JSON contains a NUL character or half a surrogate pair.")
