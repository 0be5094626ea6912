"""The class of a schema: harmless enough to be checked where the call runs, or for a process of its own.

What a check takes is at most the schema's weight times the size of the value; the unit is about 20 ns, found by
measuring the costliest values that each keyword can be given. A schema whose time does not follow such a rule is costly
whatever the value: keywords that look at one place again for each level, patterns that take long to compile.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tradepost.hub.registry.pattern_weight import character_steps, pattern_weight
from tradepost.hub.registry.schema_work import runs_in_circles, schemas_in, work_of

INLINE_STEPS = 150_000  # 3 ms at worst
DESCRIBED_STEPS = 100  # the words about a failed alternative take 20 µs for each place that failed
MAX_WEIGHT = 20_000
MAX_PATTERNS = 2_000  # in weight, all together: 5 ms of compiling
_DEPTH = 32  # to which recursion is unrolled
_COPYING = 8  # characters that are taken over in one step

_COSTLY = frozenset(
    {
        "$dynamicRef",
        "$recursiveRef",
        "unevaluatedProperties",
        "unevaluatedItems",
        "dependentSchemas",
        "dependencies",
        "contentEncoding",
        "contentMediaType",
        "contentSchema",
    }
)
_COSTLY_FORMATS = frozenset({"regex", "idn-email", "idn-hostname", "iri", "iri-reference", "uri-template"})
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_FIXED = {"uniqueItems": 20, "contains": 15, "propertyNames": 60}
_LARGEST_EXACT = 2**53


@dataclass(frozen=True, slots=True)
class Weight:
    """Steps that a check takes for each value and for each character inside what is checked. `alternatives`: whether
    the words about a mistake can take much longer than finding it."""

    per_value: int
    per_character: int
    alternatives: bool

    def steps(self, text: bytes) -> float:
        """At most so many steps for the value that stands in a JSON text."""
        values = text.count(b",") + text.count(b"[") + text.count(b"{") + 1
        return self.per_value * values + (self.per_character + 1 / _COPYING) * len(text)

    def is_surely_within(self, steps: int, size: int) -> bool:
        """Whether `steps` cannot be exceeded by a value that stands in so many bytes of JSON, perhaps among others."""
        return (self.per_value + self.per_character + 1) * size <= steps

    def is_within(self, steps: int, text: bytes) -> bool:
        """Whether `steps` is not exceeded; most texts are so short that nothing in them has to be counted."""
        return self.is_surely_within(steps, len(text)) or self.steps(text) <= steps


def weight_of(schema: Mapping[str, Any]) -> Weight | None:
    """The weight of a harmless schema; None for a costly one."""
    alternatives = False
    for node in schemas_in(schema):
        kind = node.get("format")
        if not _COSTLY.isdisjoint(node) or (isinstance(kind, str) and kind in _COSTLY_FORMATS):
            return None
        alternatives = alternatives or "anyOf" in node or "oneOf" in node
    if patterns_in(schema) > MAX_PATTERNS or runs_in_circles(schema):
        return None
    per_value = work_of(schema, _DEPTH, MAX_WEIGHT, _per_value)
    per_character = work_of(schema, _DEPTH, MAX_WEIGHT, _per_character)
    if per_value > MAX_WEIGHT or per_character > MAX_WEIGHT:
        return None
    return Weight(per_value, per_character, alternatives)


def patterns_in(schema: Mapping[str, Any]) -> int:
    """The weight of all patterns of a schema together: what compiling it takes, about a microsecond for each."""
    return sum(pattern_weight(pattern) for node in schemas_in(schema) for pattern in _patterns(node))


def _patterns(node: Mapping[str, Any]) -> list[str]:
    pattern, by_pattern = node.get("pattern"), node.get("patternProperties")
    return [*([pattern] if isinstance(pattern, str) else []), *(by_pattern if isinstance(by_pattern, Mapping) else [])]


def _per_value(node: Mapping[str, Any]) -> int:
    total = 1 + sum(weight for keyword, weight in _FIXED.items() if keyword in node)
    total += sum(4 if isinstance(node[keyword], int) else 130 for keyword in _BOUNDS if keyword in node)
    if "multipleOf" in node:
        exact = isinstance(node["multipleOf"], int) and abs(node["multipleOf"]) < _LARGEST_EXACT
        total += 110 if exact else 2_000
    if "const" in node:
        total += _compared(node["const"])
    options, by_pattern = node.get("enum"), node.get("patternProperties")
    if isinstance(options, list):
        total += 2 if _is_uniform(options) else sum(_compared(option) for option in options)
    if isinstance(by_pattern, Mapping):
        total += 5 * len(by_pattern)
    return total


def _is_uniform(options: list[Any]) -> bool:
    """Texts alone or integers alone are looked up, not compared one by one."""
    kinds = {type(option) for option in options}
    return kinds in ({str}, {int})


def _compared(value: Any) -> int:
    """What comparing with a fixed value takes."""
    if isinstance(value, float):
        return 150
    if isinstance(value, Mapping | list):
        return 10 + sum(10 + _compared(inner) for inner in (value.values() if isinstance(value, Mapping) else value))
    return 5


def _per_character(node: Mapping[str, Any]) -> int:
    steps = sum(character_steps(pattern, pattern_weight(pattern)) for pattern in _patterns(node))
    return steps + (1 if "format" in node else 0)
