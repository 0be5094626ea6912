"""Which schemas are harmless, and that what counts as harmless is quick on the values that are worst for it."""

import time
from typing import Any

import orjson
import pytest

from tradepost.hub.registry.pattern_weight import character_steps, pattern_weight
from tradepost.hub.registry.schema_check import SchemaCheck
from tradepost.hub.registry.schema_weight import weight_of

Json = dict[str, Any]

PARCELS: Json = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "number": {"type": "string", "pattern": "^[A-Z]{2}[0-9]{9,12}$", "maxLength": 20},
        "status": {"enum": ["open", "held", None]},
        "due": {"type": "string", "format": "date"},
        "weight": {"anyOf": [{"type": "number", "minimum": 0}, {"type": "null"}]},
        "stops": {"type": "array", "items": {"$ref": "#/$defs/stop"}, "uniqueItems": True},
    },
    "required": ["number"],
    "additionalProperties": False,
    "$defs": {"stop": {"type": "object", "properties": {"at": {"type": "string"}, "next": {"$ref": "#/$defs/stop"}}}},
}


def items(schema: Json) -> Json:
    return {"type": "object", "properties": {"n": {"type": "array", "items": schema}}}


def test_an_ordinary_answer_of_twenty_kilobytes_is_checked_at_once():
    stops = [{"at": f"Depot {number} in the middle of nowhere", "next": {"at": "x"}} for number in range(300)]
    text = orjson.dumps({"number": "DE123456789", "stops": stops})
    assert len(text) > 18_000
    assert SchemaCheck(PARCELS).is_inline(text)


@pytest.mark.parametrize(
    "schema",
    [
        {"unevaluatedProperties": False},
        items({"unevaluatedItems": False}),
        {"$dynamicRef": "#/$defs/a"},
        {"dependentSchemas": {"a": {"required": ["b"]}}},
        {"properties": {"x": {"format": "regex"}}},
        {"properties": {"x": {"pattern": r"^(\p{L}{50}){4}$"}}},
        {"$defs": {"never_used": {"pattern": "(a{90}){90}"}}},
        {"anyOf": [{"$ref": "#"}]},
    ],
)
def test_costly_schemas(schema: Json):
    assert weight_of(schema) is None
    assert not SchemaCheck(schema).is_inline(b"{}")


HOSTILE: list[tuple[Json, Any]] = [
    (items({"enum": [n + 0.5 for n in range(90)]}), 89.5),
    (items({"enum": [{"a": n} for n in range(500)]}), {"a": 499}),
    (items({"enum": ["a", *range(2000), None]}), None),
    (items({"const": {"a": list(range(300))}}), {"a": list(range(300))}),
    (items({"anyOf": [{"type": "string"}] * 100 + [{"type": "integer"}]}), 1),
    (items({"oneOf": [{"type": "integer"}, *[{"type": "string"}] * 300]}), 1),
    (items({"allOf": [{"contains": {"const": 1}, "minContains": 1}] * 50}), [1]),
    (items({"multipleOf": 1e-300}), 1e308),
    (items({"multipleOf": 7}), 7e300),
    (items({"allOf": [{"minimum": 0.1}] * 20}), 1e308),
    (items({"pattern": "[ab]*a[ab]{150}c"}), "abbabaaab" * 500),
    (items({"pattern": "[ab]*a[ab]{14}c"}), "abbabaaab" * 500),
    (items({"pattern": "[ab]*a[ab]{9}c"}), "abbabaaab" * 500),
    (items({"pattern": "^[ab]{0,500}$"}), "abbabaaab" * 500),
    (items({"propertyNames": {"maxLength": 9}}), {f"k{n}": 1 for n in range(50)}),
    (items({"patternProperties": {f"^k{n}": {} for n in range(50)}}), {f"k{n}": 1 for n in range(50)}),
    (items({"uniqueItems": True}), [[[n]] for n in range(50)]),
    (items({"format": "email"}), "a.b@" + "c." * 50 + "de"),
]


@pytest.mark.parametrize(("schema", "one"), HOSTILE)
def test_whatever_is_inline_is_quick(schema: Json, one: Any):
    check = SchemaCheck(schema)
    assert check.weight is not None
    check.fits({"n": [one]})  # compiled
    most, count = [one], 1
    while check.is_inline(orjson.dumps({"n": [one] * count})):
        most, count = [one] * count, count * 2
    started = time.process_time()
    check.fits({"n": most})
    assert time.process_time() - started < 0.05  # 2 ms, and much room for a slow machine


@pytest.mark.parametrize(
    ("pattern", "least", "most"),
    [
        ("^abc$", 3, 8),
        ("^[A-Z]{2}[0-9]{9,12}$", 14, 20),
        ("(a{100}){100}", 10_000, 11_000),
        (r"(a{50}){50}{50}", 125_000, 130_000),
        (r"^.{1,500}$", 4_000, 4_100),
        (r"\p{L}{10}", 6_000, 6_100),
        (r"[\w\p{L}-]{10}", 6_000, 6_100),
        (r"[^\]x]{10}", 80, 90),
        (r"\{[a\]]{3,}\(", 5, 8),
        ("(?i)(?<name>ab){4}", 8, 9),
        ("a{99999999}{99999999}", 1_000_000, 1_000_000),
        ("((((", 0, 4),
    ],
)
def test_the_weight_of_a_pattern(pattern: str, least: int, most: int):
    assert least <= pattern_weight(pattern) <= most


@pytest.mark.parametrize(
    "pattern", ["^[A-Z]{2}[0-9]{9,12}$", "^[A-Za-z0-9_-]+$", "^ORD-[0-9]+$", r"^\d{4}-\d{2}$", "^x", "a+b"]
)
def test_usual_patterns_cost_next_to_nothing(pattern: str):
    assert character_steps(pattern, pattern_weight(pattern)) <= 3


@pytest.mark.parametrize(
    "pattern", ["^[ab]*a[ab]{20}c$", "[ab]{20}", "^(a|b)*a(a|b|c|d|e){12}$", "^[ab]{1,9}a[ab]{9,12}$"]
)
def test_patterns_that_can_hold_many_states_at_once_are_dear(pattern: str):
    assert character_steps(pattern, pattern_weight(pattern)) > 50
