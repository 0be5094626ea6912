"""Whether every value of one schema is a value of another: for swapping servers, where what was sent before has to be
taken, and what comes back has to be what was expected.

Conservative: what cannot be told is a misfit that is not certain. Where the narrow schema names properties, others
count only if it speaks of them (`additionalProperties`): nobody sends what no schema told them of. An object of which
it names none may hold anything.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from tradepost.foundation.untrusted import clean
from tradepost.hub.registration.contract.members import bounds_misfits, string_misfits
from tradepost.hub.registration.contract.misfit import Misfit, kinds_in_words, listed
from tradepost.hub.registration.contract.parts import COMPARED, Json, Part, part_of, same, singleton, with_integers

MAX_STEPS = 2_000
MAX_DEPTH = 64
MAX_SHOWN = 20
_OF_OBJECTS = frozenset(
    "patternProperties propertyNames dependentRequired dependentSchemas dependencies unevaluatedProperties".split()
)
_OF_ARRAYS = frozenset("contains minContains maxContains unevaluatedItems additionalItems".split())
_UNSAID = object()
SINGLE = object()  # the root of what `singleton` made: it refers to nothing


class _TooLarge(Exception):
    """The comparison takes more than it may."""


def misfits(narrow: Any, wide: Any) -> list[Misfit]:
    """Where a value of `narrow` may not be one of `wide`; empty when each is."""
    if same(narrow, wide):
        return []
    try:
        found = _Fitting().schemas(part_of(narrow, narrow), part_of(wide, wide), "")
    except _TooLarge:
        return [Misfit("", "too much to compare", "too much to compare", certain=False)]
    return list(dict.fromkeys(found))[:MAX_SHOWN]


@dataclass(slots=True)
class _Fitting:
    """One comparison. A pair of schemas that is compared already, further up, is taken for fitting: a recursive schema
    fits another one if nothing on the way down speaks against it."""

    steps: int = 0
    above: list[tuple[Any, Any]] = field(default_factory=list)

    def schemas(self, narrow: Part, wide: Part, place: str) -> list[Misfit]:
        """The misfits of two parts."""
        self.steps += 1
        if self.steps > MAX_STEPS or len(self.above) > MAX_DEPTH:
            raise _TooLarge
        if not narrow.kinds or narrow.values == [] or (wide.exact and not wide.words):
            return []
        if narrow.source is not None and self._is_above(narrow.source, wide.source):
            return []
        self.above.append((narrow.source, wide.source))
        found = [misfit for one in _alternatives(narrow, wide) for misfit in self._single(one, wide, place)]
        self.above.pop()
        return list(dict.fromkeys(found))

    def _is_above(self, narrow: Any, wide: Any) -> bool:
        return any(narrow is one and wide is other for one, other in self.above)

    def _single(self, narrow: Part, wide: Part, place: str) -> list[Misfit]:
        if any(name in narrow.words for name in ("anyOf", "oneOf")) or _is_split(narrow, wide):
            return self.schemas(narrow, wide, place)
        if not narrow.kinds <= with_integers(wide.kinds):
            return [Misfit(place, kinds_in_words(narrow.kinds), kinds_in_words(wide.kinds), certain=narrow.exact)]
        found = [*_uncompared(narrow, wide, place), *self._choices(narrow, wide, place)]
        found += _listed_misfits(narrow, wide, place)
        found += bounds_misfits(narrow, wide, place)
        if "string" in narrow.kinds:
            found += string_misfits(narrow, wide, place)
        if "object" in narrow.kinds:
            found += self._objects(narrow, wide, place)
        if "array" in narrow.kinds:
            found += self._arrays(narrow, wide, place)
        return found if narrow.exact else list(_uncertain(found))

    def _choices(self, narrow: Part, wide: Part, place: str) -> Iterator[Misfit]:
        """Against each `anyOf` and `oneOf` of the wide schema."""
        for name in ("anyOf", "oneOf"):
            branches = [wide.at(one) for one in wide.words.get(name, ())]
            if not branches:
                continue
            tried = [self.schemas(narrow, branch, place) for branch in branches]
            fitting = [branch for branch, found in zip(branches, tried, strict=True) if not found]
            if not fitting and all(are_disjoint(narrow, branch) for branch in branches):
                kinds = frozenset(kind for branch in branches for kind in branch.kinds)
                yield Misfit(
                    place, _in_words(narrow), f"something else ({kinds_in_words(kinds)})", certain=narrow.exact
                )
            elif not fitting:
                closest: list[Misfit] = min(tried, key=len)
                yield from _uncertain(closest)
            elif name == "oneOf":
                others = [branch for branch in branches if branch is not fitting[0]]
                if not all(are_disjoint(narrow, branch) for branch in others):
                    yield Misfit(place, _in_words(narrow), "exactly one of several shapes", certain=False)

    def _objects(self, narrow: Part, wide: Part, place: str) -> Iterator[Misfit]:
        known, taken = narrow.words.get("properties", {}), wide.words.get("properties", {})
        required = set(narrow.words.get("required", ()))
        for name in wide.words.get("required", ()):
            if name not in required:
                has = "optional" if name in known else "not there"
                yield Misfit(_inside(place, name), has, "required", certain=True)
        rest = wide.words.get("additionalProperties", True)
        for name, schema in known.items():
            inner, where = narrow.at(schema), _inside(place, name)
            if name in taken:
                yield from self.schemas(inner, wide.at(taken[name]), where)
            elif rest is False and inner.kinds and inner.values != []:
                yield Misfit(where, "known", "not known", certain="patternProperties" not in wide.words)
            else:
                yield from self.schemas(inner, wide.at(rest), where)
        for schema in _of_others(narrow):
            others = narrow.at(schema)
            found: list[Misfit] = []
            for name in sorted(taken.keys() - known.keys()):
                found += self.schemas(others, wide.at(taken[name]), _inside(place, name))
            found += self.schemas(others, wide.at(rest), _inside(place, "*"))
            yield from found if "additionalProperties" in narrow.words else _uncertain(found)

    def _arrays(self, narrow: Part, wide: Part, place: str) -> Iterator[Misfit]:
        first, second = narrow.words.get("prefixItems", ()), wide.words.get("prefixItems", ())
        most = narrow.words.get("maxItems", float("inf"))
        longest = max(len(first), len(second))
        rests = narrow.words.get("items", True), wide.words.get("items", True)
        for index in range(min(longest, most)):
            one = first[index] if index < len(first) else rests[0]
            other = second[index] if index < len(second) else rests[1]
            yield from self.schemas(narrow.at(one), wide.at(other), f"{place}[{index}]")
        if most > longest:
            yield from self.schemas(narrow.at(rests[0]), wide.at(rests[1]), f"{place}[]")
        if wide.words.get("uniqueItems") is True and narrow.words.get("uniqueItems") is not True and most > 1:
            yield Misfit(place, "elements that may repeat", "no element twice", certain="const" in narrow.words)


def are_disjoint(first: Part, second: Part, levels: int = 4) -> bool:
    """Whether it is certain that no value fits both."""
    if not with_integers(first.kinds) & with_integers(second.kinds):
        return True
    one, other = first.values, second.values
    if one is not None and other is not None:
        return not any(same(value, listed_one) for value in one for listed_one in other)
    if levels and first.kinds == second.kinds == frozenset({"object"}):
        said, told = first.words.get("properties", {}), second.words.get("properties", {})
        sure = {*first.words.get("required", ()), *second.words.get("required", ())}
        return any(
            are_disjoint(first.at(said[name]), second.at(told[name]), levels - 1)
            for name in said.keys() & told.keys() & sure
        )
    return False


def _alternatives(narrow: Part, wide: Part) -> Iterator[Part]:
    """The narrow schema in pieces that can be compared one by one: its alternatives, its values, its types."""
    for name in ("anyOf", "oneOf"):
        if name in narrow.words:
            rest = narrow.without(name)
            yield from (rest.and_(branch) for branch in narrow.words[name])
            return
    values = narrow.values if narrow.root is not SINGLE else None
    if values is not None:
        kinds = narrow.kinds
        yield from (one for one in (Part(singleton(value), SINGLE) for value in values) if _allows(kinds, one))
    elif _is_split(narrow, wide):
        yield from (narrow.with_(type=kind) for kind in sorted(narrow.kinds))
    else:
        yield narrow


def _is_split(narrow: Part, wide: Part) -> bool:
    """Whether it helps to compare type by type."""
    return len(narrow.kinds) > 1 and any(name in wide.words for name in ("anyOf", "oneOf"))


def _allows(kinds: frozenset[str], value: Part) -> bool:
    return value.kinds <= with_integers(kinds)


def _uncompared(narrow: Part, wide: Part, place: str) -> Iterator[Misfit]:
    """Rules of the wide schema that are not understood here, unless the narrow one has the very same."""
    if not wide.exact:
        yield Misfit(place, _in_words(narrow), "rules that cannot be put into one", certain=False)
    for name, value in wide.words.items():
        if name in COMPARED or (name in _OF_OBJECTS and "object" not in narrow.kinds):
            continue
        if name in _OF_ARRAYS and "array" not in narrow.kinds:
            continue
        own = narrow.words.get(name, _UNSAID)
        if own is _UNSAID or not same(own, value) or "$ref" in str(value):
            yield Misfit(place, _in_words(narrow), f"a rule that cannot be compared ({clean(name, 40)})", certain=False)


def _listed_misfits(narrow: Part, wide: Part, place: str) -> Iterator[Misfit]:
    if "enum" not in wide.words and "const" not in wide.words:
        return
    allowed = wide.values or []
    if "const" not in narrow.words:
        yield Misfit(place, f"any {kinds_in_words(narrow.kinds)}", listed(allowed), certain=True)
    elif not any(same(narrow.words["const"], value) for value in allowed):
        yield Misfit(place, listed([narrow.words["const"]]), listed(allowed), certain=True)


def _of_others(narrow: Part) -> list[Any]:
    """The schemas of properties that are not named but may be there."""
    names_some = "properties" in narrow.words or "patternProperties" in narrow.words
    rest = narrow.words.get("additionalProperties", not names_some)
    patterns: Json = narrow.words.get("patternProperties", {})
    return [*([] if rest is False else [rest]), *patterns.values()]


def _uncertain(found: Iterable[Misfit]) -> Iterator[Misfit]:
    return (replace(one, certain=False) for one in found)


def _in_words(part: Part) -> str:
    values = part.words.get("enum") or ([part.words["const"]] if "const" in part.words else None)
    return listed(values) if values else kinds_in_words(part.kinds)


def _inside(place: str, name: str) -> str:
    shown = clean(name, 60)
    return f"{place}.{shown}" if place else shown
