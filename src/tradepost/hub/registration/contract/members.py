"""The keywords about one value itself: how large a number is, how long a text, how many members."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.untrusted import clean
from tradepost.hub.registration.contract.misfit import Misfit, listed
from tradepost.hub.registration.contract.parts import Part, exactly
from tradepost.hub.registry.schema_check import compile_schema

# What is counted, and the words for it: keywords of the least and the most.
_COUNTED = {
    "string": ("minLength", "maxLength", "characters"),
    "array": ("minItems", "maxItems", "elements"),
    "object": ("minProperties", "maxProperties", "members"),
}


def bounds_misfits(narrow: Part, wide: Part, place: str) -> Iterator[Misfit]:
    """Where the wide schema wants more or less than the narrow one promises."""
    if narrow.kinds & {"number", "integer"}:
        yield from _numbers(narrow, wide, place)
    for kind, (least, most, what) in _COUNTED.items():
        if kind not in narrow.kinds:
            continue
        has, wants = _least(narrow, kind, least), wide.words.get(least, 0)
        if has < wants:
            yield Misfit(place, f"at least {has:g} {what}", f"at least {wants:g} {what}", certain=True)
        has, wants = _most(narrow, kind, most), wide.words.get(most, float("inf"))
        if has > wants:
            shown = f"at most {has:g} {what}" if has != float("inf") else f"any number of {what}"
            yield Misfit(place, shown, f"at most {wants:g} {what}", certain=True)


def string_misfits(narrow: Part, wide: Part, place: str) -> Iterator[Misfit]:
    """Patterns and formats: equal, or tried with the one value there is."""
    for name in ("pattern", "format"):
        wanted = wide.words.get(name)
        if wanted is None or narrow.words.get(name) == wanted:
            continue
        if "const" in narrow.words:
            value = narrow.words["const"]
            if not _matches(name, wanted, value):
                yield Misfit(place, listed([value]), f"{name} {clean(str(wanted), 60)}", certain=True)
            continue
        own = narrow.words.get(name)
        said = f"{name} {clean(str(own), 60)}" if own is not None else "any text"
        yield Misfit(place, said, f"{name} {clean(str(wanted), 60)}", certain=False)


def _matches(name: str, wanted: Any, value: str) -> bool:
    try:
        return compile_schema({"type": "string", name: wanted}).is_valid(value)
    except InvalidArgument:
        return False


def _numbers(narrow: Part, wide: Part, place: str) -> Iterator[Misfit]:
    has, wants = _edge(narrow, 1), _edge(wide, 1)
    if wants is not None and (has is None or has < wants):
        yield Misfit(place, _said(has, "least"), _said(wants, "least"), certain=True)
    has, wants = _edge(narrow, -1), _edge(wide, -1)
    if wants is not None and (has is None or has < wants):
        yield Misfit(place, _said(has, "most"), _said(wants, "most"), certain=True)
    step = wide.words.get("multipleOf")
    if step is not None and not _is_stepped(narrow, exactly(step)):
        own = narrow.words.get("multipleOf", narrow.words.get("const"))
        yield Misfit(place, f"{own:g}" if own is not None else "any number", f"a multiple of {step:g}", certain=True)


_Edge = tuple[Fraction, int]


def _edge(part: Part, sign: int) -> _Edge | None:
    """The tighter bound on one side, turned so that larger is tighter; (bound, 1) where it itself is not allowed."""
    inner, outer = ("minimum", "exclusiveMinimum") if sign == 1 else ("maximum", "exclusiveMaximum")
    found: list[_Edge] = []
    if inner in part.words:
        found.append((sign * exactly(part.words[inner]), 0))
    if outer in part.words:
        found.append((sign * exactly(part.words[outer]), 1))
    if not found:
        return None
    bound, is_open = max(found)
    if not part.kinds & {"number"}:  # whole numbers: over 0 is 1 and more
        whole = bound.__ceil__() + (1 if is_open and bound.denominator == 1 else 0)
        return Fraction(whole), 0
    return bound, is_open


def _said(edge: _Edge | None, which: str) -> str:
    if edge is None:
        return "any number"
    bound = float(edge[0]) if which == "least" else -float(edge[0])
    return f"at {which} {bound:g}" if not edge[1] else f"{'over' if which == 'least' else 'under'} {bound:g}"


def _is_stepped(narrow: Part, step: Fraction) -> bool:
    own = narrow.words.get("const", narrow.words.get("multipleOf"))
    if own is None:
        own = 1 if narrow.kinds == frozenset({"integer"}) else None
    return own is not None and (exactly(own) / step).denominator == 1


def _least(narrow: Part, kind: str, keyword: str) -> float:
    counted = float(narrow.words.get(keyword, 0))
    return max(counted, len(narrow.words.get("required", ()))) if kind == "object" else counted


def _most(narrow: Part, kind: str, keyword: str) -> float:
    said = float(narrow.words.get(keyword, float("inf")))
    if kind == "array" and narrow.words.get("items") is False:
        return min(said, len(narrow.words.get("prefixItems", ())))
    open_ended = "patternProperties" in narrow.words or narrow.words.get("additionalProperties", False) is not False
    if kind != "object" or open_ended or "properties" not in narrow.words:
        return said
    return min(said, len(narrow.words["properties"]))
