"""Whether one schema's values are all another's: what is told apart, and that "fits" is never said wrongly."""

from __future__ import annotations

from copy import deepcopy
from random import Random
from typing import Any

import jsonschema_rs
import pytest

from tradepost.hub.registration.contract.fitting import misfits
from tradepost.hub.registration.contract.parts import KINDS

Json = dict[str, Any]
TEXT: Json = {"type": "string"}
WHOLE: Json = {"type": "integer"}
NUMBER: Json = {"type": "number"}


def of(required: tuple[str, ...] = (), /, **properties: Any) -> Json:
    return {"type": "object", "properties": properties, "required": list(required)}


def kind(name: str, **properties: Any) -> Json:
    return of(("kind",), kind={"const": name}, **properties)


TREE: Json = {
    "type": "object",
    "$defs": {"node": of(label=TEXT, inner={"type": "array", "items": {"$ref": "#/$defs/node"}})},
    "properties": {"root": {"$ref": "#/$defs/node"}},
}
STRICTER_TREE = deepcopy(TREE)
STRICTER_TREE["$defs"]["node"]["required"] = ["label"]

FITS = [
    (of(a=TEXT), of(a=TEXT, b=WHOLE)),  # one more that may be left out
    (of(("a",), a=TEXT), of(a=TEXT)),
    (of(a=TEXT), {**of(a=TEXT), "additionalProperties": False}),
    ({**of(a=TEXT), "additionalProperties": WHOLE}, of(a=TEXT, b=NUMBER)),
    (of(a={**TEXT, "description": "x", "default": "y"}), of(a={**TEXT, "title": "z"})),
    (of(a=WHOLE), of(a=NUMBER)),
    (of(a={"enum": ["x", "y"]}), of(a={"enum": ["y", "x", "z"]})),
    (of(a={"const": "x"}), of(a={"type": "string", "pattern": "^[a-z]$", "maxLength": 1})),
    (of(a={"type": "boolean"}), of(a={"enum": [True, False]})),
    (of(a={"type": ["string", "null"]}), of(a={"anyOf": [TEXT, {"type": "null"}]})),
    (of(a={"anyOf": [TEXT, {"type": "null"}]}), of(a={"type": ["null", "string"]})),
    (of(a={"anyOf": [TEXT, WHOLE]}), of(a={"oneOf": [WHOLE, TEXT]})),
    (of(a={"type": "integer", "exclusiveMinimum": 0}), of(a={"type": "integer", "minimum": 1})),
    (of(a={"type": "integer", "minimum": 1, "maximum": 5}), of(a={"type": "number", "exclusiveMinimum": 0})),
    (of(a={"type": "integer", "multipleOf": 10}), of(a={"type": "integer", "multipleOf": 5})),
    (of(a={"type": "number", "multipleOf": 0.1}), of(a={"type": "number", "multipleOf": 0.01})),
    (of(a={**TEXT, "maxLength": 5, "pattern": "^x"}), of(a={**TEXT, "maxLength": 6, "pattern": "^x"})),
    (of(a={"type": "array", "items": TEXT, "maxItems": 5}), of(a={"type": "array", "items": {}})),
    (of(a={"type": "array", "prefixItems": [TEXT, WHOLE], "items": False}), of(a={"type": "array", "maxItems": 2})),
    (of(a={"$ref": "#/$defs/x"}) | {"$defs": {"x": {"allOf": [TEXT, {"maxLength": 5}]}}}, of(a={"maxLength": 5})),
    (TREE, TREE | {"title": "another"}),
    (STRICTER_TREE, TREE),
    ({"oneOf": [kind("a", x=TEXT), kind("b", y=WHOLE)]}, {"oneOf": [kind("b"), kind("c"), kind("a", x=TEXT)]}),
    ({"type": "object", "patternProperties": {"^x": TEXT}}, {"type": "object", "patternProperties": {"^x": TEXT}}),
    (False, TEXT),
]
# The place at fault, and whether it is certain.
MISFITS = [
    (of(a=TEXT), of(("b",), a=TEXT, b=WHOLE), "b", True),
    (of(a=TEXT), of(("a",), a=TEXT), "a", True),
    (of(a=TEXT, c=TEXT), {**of(a=TEXT), "additionalProperties": False}, "c", True),
    ({**of(a=TEXT), "additionalProperties": True}, of(a=TEXT, b=WHOLE), "b", True),
    (of(a=TEXT), of(a=WHOLE), "a", True),
    (of(a=NUMBER), of(a=WHOLE), "a", True),
    (of(a={"type": ["string", "null"]}), of(a=TEXT), "a", True),
    (of(a=TEXT), of(a={"enum": ["x"]}), "a", True),
    (of(a={"enum": ["x", "y", "z"]}), of(a={"enum": ["x", "y"]}), "a", True),
    (of(a={"const": 1}), of(a={"const": True}), "a", True),
    (of(a={"const": "xy"}), of(a={**TEXT, "pattern": "^[a-z]$"}), "a", True),
    (of(a={"type": "integer", "minimum": 0}), of(a={"type": "integer", "minimum": 1}), "a", True),
    (of(a=NUMBER), of(a={**NUMBER, "maximum": 5}), "a", True),
    (of(a=WHOLE), of(a={**WHOLE, "multipleOf": 2}), "a", True),
    (of(a={**TEXT, "maxLength": 7}), of(a={**TEXT, "maxLength": 6}), "a", True),
    (of(a={"type": "array", "items": kind("a")}), of(a={"type": "array", "items": kind("b")}), "a[].kind", True),
    (of(a={"type": "array"}), of(a={"type": "array", "uniqueItems": True}), "a", False),
    (of(a=TEXT), of(a={**TEXT, "pattern": "^x"}), "a", False),
    (of(a=TEXT), of(a={**TEXT, "format": "date"}), "a", False),
    (of(a=TEXT), of(a={**TEXT, "not": {"const": "x"}}), "a", False),
    (of(a={"anyOf": [TEXT, WHOLE]}), of(a=TEXT), "a", True),
    (of(a=of(x=TEXT)), of(a={"anyOf": [of(("y",), y=TEXT), of(("z",), z=TEXT)]}), "a.y", False),
    (of(a=WHOLE), of(a={"oneOf": [{**WHOLE, "minimum": 0}, {**NUMBER}, {**WHOLE}]}), "a", False),
    (TREE, STRICTER_TREE, "root.label", True),
    (of(), {"type": "object", "dependentRequired": {"a": ["b"]}}, "", False),
    (of(a=TEXT), {"type": "object", "properties": {"a": TEXT}, "if": {"required": ["a"]}, "then": False}, "", False),
    (of(a=TEXT), of(a={"$ref": "#/$defs/gone"}), "a", False),
    (TEXT, False, "", True),
]


@pytest.mark.parametrize(("narrow", "wide"), FITS)
def test_what_fits(narrow: Any, wide: Any):
    assert misfits(narrow, wide) == []


@pytest.mark.parametrize(("narrow", "wide", "place", "certain"), MISFITS)
def test_what_does_not_fit_is_found_where_it_is(narrow: Any, wide: Any, place: str, certain: bool):
    found = misfits(narrow, wide)
    assert (place, certain) in {(one.place, one.certain) for one in found}, found


def test_what_takes_too_long_to_compare_cannot_be_told():
    wide: Json = TEXT
    for _ in range(9):
        wide = {"anyOf": [of(("x",), x=wide), of(("x",), x=wide), of(("y",), x=wide)]}
    narrow = deepcopy(wide)
    narrow["anyOf"][0]["title"] = "another"
    narrow["anyOf"][0]["properties"]["more"] = TEXT
    found = misfits(narrow, wide)
    assert all(not one.certain for one in found)


class Chance:
    """Small random schemas that have something to do with each other, and values for them. The same ones each time."""

    def __init__(self) -> None:
        self.random = Random(20)
        self.choice = self.random.choice

    def maybe(self, share: float) -> bool:
        return self.random.random() < share

    def scalar(self) -> Any:
        return self.choice([-3, -1, 0, 1, 2, 3, 1.5, "", "a", "ab", "abc", True, False, None])

    def value(self, levels: int = 2) -> Any:
        if levels and self.maybe(0.3):
            return {name: self.value(levels - 1) for name in "ab" if self.maybe(0.6)}
        if levels and self.maybe(0.3):
            return [self.value(levels - 1) for _ in range(self.random.randint(0, 3))]
        return self.scalar()

    def bounds(self, *names: str) -> Json:
        return {name: self.random.randint(0, 3) for name in names if self.maybe(0.4)}

    def schema(self, levels: int = 2) -> Any:
        choice = self.random.randint(0, 10 if levels else 5)
        if choice == 0:
            return {"type": self.random.sample(sorted(KINDS), self.random.randint(1, 3))}
        if choice == 1:
            return {"type": "integer", **self.bounds("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")}
        if choice == 2:
            return {"type": self.choice(["string", ["string", "null"]]), **self.bounds("minLength", "maxLength")}
        if choice == 3:
            return self.choice([{"enum": [self.scalar() for _ in range(3)]}, {"const": self.value(1)}])
        if choice == 4:
            return {"type": "number", "multipleOf": self.choice([1, 2, 3, 0.5])}
        if choice == 5:
            return self.choice([{}, True, {"type": "string", "pattern": "^a"}, {"minimum": 1}, {"not": TEXT}])
        if choice < 9:
            return self.object_or_array(levels - 1)
        return {self.choice(["anyOf", "oneOf", "allOf"]): [self.schema(levels - 1) for _ in range(2)]}

    def object_or_array(self, levels: int) -> Json:
        if self.maybe(0.4):
            more = {"prefixItems": [self.schema(levels)]} if self.maybe(0.3) else self.bounds("minItems", "maxItems")
            return {"type": "array", "items": self.schema(levels), **more}
        made: Json = {"properties": {name: self.schema(levels) for name in "ab" if self.maybe(0.6)}}
        made["required"] = [name for name in "ab" if self.maybe(0.4)]
        if self.maybe(0.5):
            made["additionalProperties"] = self.choice([True, False, self.schema(levels)])
        return made | ({"type": "object"} if self.maybe(0.9) else {}) | self.bounds("minProperties")

    def changed(self, schema: Any) -> Any:
        if not isinstance(schema, dict):
            return schema
        if self.maybe(0.3):
            return self.choice([{"anyOf": [schema, self.schema(1)]}, {"oneOf": [self.schema(1), schema]}])
        made = {name: value for name, value in schema.items() if self.maybe(0.8)}
        if "properties" in made:
            made["properties"] = {name: self.changed(inner) for name, inner in made["properties"].items()}
        return made


def closed(schema: Any) -> Any:
    """What a schema says to those who send only what it names."""
    if isinstance(schema, dict):
        made = {name: closed(value) for name, value in schema.items()}
        if isinstance(made.get("properties"), dict):
            made.setdefault("additionalProperties", False)
        return made
    return [closed(one) for one in schema] if isinstance(schema, list) else schema


def speaks_twice(schema: Any) -> bool:
    """Whether two schemas may speak of the same object: then neither can be closed without the other."""
    text = str(schema)
    return "properties" in text and any(name in text for name in ("anyOf", "oneOf", "allOf"))


def test_what_is_said_to_fit_does():
    """No value of the narrow schema is refused by a wide one that is said to take all of them."""
    chance, told, refused = Chance(), 0, 0
    for _ in range(3_000):
        narrow = chance.schema()
        wide = chance.changed(narrow) if chance.maybe(0.6) else chance.schema()
        if speaks_twice(narrow):
            continue
        sends, takes = jsonschema_rs.validator_for(closed(narrow)), jsonschema_rs.validator_for(wide)
        wrong = [one for one in (chance.value() for _ in range(20)) if sends.is_valid(one) and not takes.is_valid(one)]
        if misfits(narrow, wide):
            refused += bool(wrong)
        else:
            told += 1
            assert wrong == [], (narrow, wide)
    assert told > 500
    assert refused > 200  # the values do find what does not fit
