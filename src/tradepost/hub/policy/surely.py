"""Which conditions surely do not hold, found without the engine.

Of many rules about one tool most do not hold, and mostly a plain comparison says so: `call.amount > 500 * call.unit`.
Such comparisons are made here, at a fraction of what the engine takes. They only ever say "this is false, whatever the
rest is": false parts of `&&`, and `||` of nothing but false parts, which CEL itself finds false even where another part
has no answer. Everything else is left to the engine: other shapes, values that are missing or of another kind, and
numbers so large that it could refuse them.
"""

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tradepost.hub.policy.worded import Worded, plain_path, plain_text, worded

# Of a number that is not known, NaN: no comparison with it says anything.
Numbers = Mapping[str, float]
Texts = Mapping[str, str]
Surely = Callable[[Numbers, Texts], bool]

# A product of the two is still a number of 64 bits.
_LARGEST = 2**33
_DIGITS = 9

_UNKNOWN = float("nan")


def _differ(one: float, other: float) -> bool:
    """Unlike !=, not of what is unknown."""
    return one < other or one > other


_FALSE_IF: Mapping[str, Callable[[Any, Any], bool]] = {
    ">": operator.le,
    ">=": operator.lt,
    "<": operator.ge,
    "<=": operator.gt,
    "==": _differ,
    "!=": operator.eq,
}
_MIRRORED = {">": "<", ">=": "<=", "<": ">", "<=": ">=", "==": "==", "!=": "!="}


@dataclass(frozen=True, slots=True)
class _Product:
    """A number as it is written, a value by its path, or the two multiplied."""

    factor: int
    path: str | None


def surely_false(tokens: Sequence[str], paths: set[str]) -> Surely | None:
    """What tells that a condition of these tokens does not hold; None where nothing here can. Adds the paths of the
    values it looks at ("args.reason")."""
    if "?" in tokens:
        return None  # binds weaker than all that is taken apart here
    either = _split(tokens, "||")
    if len(either) > 1:
        each = [surely_false(part, paths) for part in either]
        known = [one for one in each if one is not None]
        return _all_of(known) if len(known) == len(each) else None
    both = _split(tokens, "&&")
    if len(both) > 1:
        return _any_of([one for part in both if (one := surely_false(part, paths)) is not None])
    if len(tokens) > 1 and tokens[0] == "(" and _closing(tokens) == len(tokens) - 1:
        return surely_false(tokens[1:-1], paths)
    return _comparison(tokens, paths)


def look_up(paths: Iterable[tuple[str, tuple[str, ...]]], variables: Mapping[str, Any]) -> tuple[Numbers, Texts]:
    """The values of paths that are plain numbers and texts."""
    numbers: dict[str, float] = {}
    texts: dict[str, str] = {}
    for path, names in paths:
        found: Any = variables
        for name in names:
            found = found.get(name) if isinstance(found, dict) else None
        is_number = type(found) is int and -_LARGEST < found < _LARGEST
        numbers[path] = found if is_number else _UNKNOWN
        if type(found) is str:
            texts[path] = found
    return numbers, texts


class Comparison(NamedTuple):
    """A value compared with a text, or with a whole number times a unit, which may be another value."""

    path: str
    sign: str
    factor: int = 1
    text: str | None = None
    limit: int | None = None
    unit: str = ""


def comparisons(tokens: Sequence[str]) -> Iterator[Comparison | Worded]:
    """The plain comparisons and words that all have to hold for a condition of these tokens, in their order."""
    if "?" in tokens or len(_split(tokens, "||")) > 1:
        return
    both = _split(tokens, "&&")
    if len(both) > 1:
        for part in both:
            yield from comparisons(part)
    elif len(tokens) > 1 and tokens[0] == "(" and _closing(tokens) == len(tokens) - 1:
        yield from comparisons(tokens[1:-1])
    elif (found := worded(tokens) or _compared(tokens)) is not None:
        yield found


def _comparison(tokens: Sequence[str], paths: set[str]) -> Surely | None:
    words = worded(tokens)
    if words is not None:
        paths.add(words.path)
        return _of_words(words)
    found = _compared(tokens)
    if found is None:
        return None
    paths.update(path for path in (found.path, found.unit) if path)
    if found.text is not None:
        return _of_text(found.path, found.sign, found.text)
    return _of_numbers(found.factor, found.path, _FALSE_IF[found.sign], _Product(found.limit or 0, found.unit or None))


def _compared(tokens: Sequence[str]) -> Comparison | None:
    places = [at for at, token in enumerate(tokens) if token in _FALSE_IF]
    if len(places) != 1:
        return None
    sign, left, right = tokens[places[0]], tokens[: places[0]], tokens[places[0] + 1 :]
    if plain_text(left) is not None:
        sign, left, right = _MIRRORED[sign], right, left
    one, text = _product(left), plain_text(right)
    if text is not None:
        if one is None or one.path is None or one.factor != 1 or sign not in ("==", "!="):
            return None
        return Comparison(one.path, sign, text=text)
    other = _product(right)
    if one is None or other is None:
        return None
    if one.path is None:
        sign, one, other = _MIRRORED[sign], other, one
    if one.path is None:
        return None
    return Comparison(one.path, sign, one.factor, limit=other.factor, unit=other.path or "")


def _of_text(path: str, sign: str, text: str) -> Surely:
    unlike = sign == "!="

    def surely(_: Numbers, texts: Texts) -> bool:
        found = texts.get(path)
        return found is not None and (found == text) == unlike

    return surely


def _of_words(words: Worded) -> Surely:
    path, is_false = words.path, words.is_false

    def surely(_: Numbers, texts: Texts) -> bool:
        found = texts.get(path)
        return found is not None and is_false(found)

    return surely


def _of_numbers(factor: int, path: str, false_if: Callable[[Any, Any], bool], other: _Product) -> Surely:
    second, times = other.path or "", other.factor

    def of_one(numbers: Numbers, _: Texts) -> bool:
        return false_if(factor * numbers[path], times)

    def of_two(numbers: Numbers, _: Texts) -> bool:
        return false_if(factor * numbers[path], times * numbers[second])

    def more(numbers: Numbers, _: Texts) -> bool:  # the usual limit: amount > 500 * unit
        return numbers[path] <= times * numbers[second]

    if not second:
        return of_one
    return more if factor == 1 and false_if is operator.le else of_two


def _any_of(parts: list[Surely]) -> Surely | None:
    if len(parts) < 2:
        return parts[0] if parts else None
    first, others = parts[0], _any_of(parts[1:]) or parts[1]
    return lambda numbers, texts: first(numbers, texts) or others(numbers, texts)


def _all_of(parts: list[Surely]) -> Surely:
    def surely(numbers: Numbers, texts: Texts) -> bool:
        return all(part(numbers, texts) for part in parts)

    return surely


def _product(tokens: Sequence[str]) -> _Product | None:
    if "*" in tokens:
        at = tokens.index("*")
        first, second = _product(tokens[:at]), _product(tokens[at + 1 :])
        if first is None or second is None or (first.path is None) == (second.path is None):
            return None
        if first.factor != 1 and second.factor != 1:
            return None  # three of them
        return _Product(first.factor * second.factor, first.path or second.path)
    if len(tokens) == 1 and tokens[0].isascii() and tokens[0].isdigit() and len(tokens[0]) <= _DIGITS:
        return _Product(int(tokens[0]), None)
    path = plain_path(tokens)
    return None if path is None else _Product(1, path)


def _split(tokens: Sequence[str], sign: str) -> list[Sequence[str]]:
    """The parts between signs that stand outside all brackets."""
    parts, begin, depth = [], 0, 0
    for at, token in enumerate(tokens):
        if token in ("(", "[", "{"):
            depth += 1
        elif token in (")", "]", "}"):
            depth -= 1
        elif token == sign and depth == 0:
            parts.append(tokens[begin:at])
            begin = at + 1
    return [*parts, tokens[begin:]]


def _closing(tokens: Sequence[str]) -> int:
    """Where the bracket closes that the tokens begin with."""
    depth = 0
    for at, token in enumerate(tokens):
        depth += (token in ("(", "[", "{")) - (token in (")", "]", "}"))
        if depth == 0:
            return at
    return -1
