"""Whether one schema's values are all another's: what is told apart, and that "fits" is never said wrongly."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tradepost.hub.registration.contract.fitting import misfits

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


SCALARS = st.one_of(st.integers(-3, 3), st.sampled_from(["", "a", "ab", "abc"]), st.booleans(), st.none())
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner), max_leaves=6
)


@st.composite
def schemas(draw: st.DrawFn, levels: int = 2) -> Any:
    """Small schemas that have something to do with each other's values."""
    choice = draw(st.integers(0, 9 if levels else 5))
    inner = schemas(levels - 1)
    if choice == 0:
        return {
            "type": draw(
                st.lists(st.sampled_from(["string", "integer", "null", "boolean", "object"]), min_size=1, unique=True)
            )
        }
    if choice == 1:
        return {
            "type": "integer",
            **draw(st.dictionaries(st.sampled_from(["minimum", "maximum", "exclusiveMinimum"]), st.integers(-2, 2))),
        }
    if choice == 2:
        return {
            "type": "string",
            **draw(st.dictionaries(st.sampled_from(["minLength", "maxLength"]), st.integers(0, 3))),
        }
    if choice == 3:
        return {"enum": draw(st.lists(SCALARS, min_size=1, max_size=3))}
    if choice == 4:
        return {"type": "number", "multipleOf": draw(st.sampled_from([1, 2, 3]))}
    if choice == 5:
        return draw(st.sampled_from([{}, True, {"type": "string", "pattern": "^a"}, {"type": "null"}]))
    if choice in (6, 7):
        made: Json = {"type": "object", "properties": draw(st.dictionaries(st.sampled_from("ab"), inner))}
        made["required"] = draw(st.lists(st.sampled_from("ab"), unique=True))
        if draw(st.booleans()):
            made["additionalProperties"] = draw(st.one_of(st.booleans(), inner))
        return made
    if choice == 8:
        return {
            "type": "array",
            "items": draw(inner),
            **draw(st.dictionaries(st.sampled_from(["minItems", "maxItems"]), st.integers(0, 3))),
        }
    return {draw(st.sampled_from(["anyOf", "oneOf", "allOf"])): draw(st.lists(inner, min_size=1, max_size=2))}


def closed(schema: Any) -> Any:
    """What a schema says to those who send only what it names."""
    if isinstance(schema, dict):
        made = {name: closed(value) for name, value in schema.items()}
        if "properties" in made and isinstance(made["properties"], dict):
            made.setdefault("additionalProperties", False)
        return made
    return [closed(one) for one in schema] if isinstance(schema, list) else schema


def has_in_place(schema: Any) -> bool:
    """Whether two schemas speak of the same object: then neither can be closed without the other."""
    text = str(schema)
    return any(name in text for name in ("anyOf", "oneOf", "allOf")) and "properties" in text


@settings(max_examples=200, deadline=None)
@given(schemas(), schemas(), st.lists(VALUES, min_size=5, max_size=20))
def test_what_is_said_to_fit_does(narrow: Any, wide: Any, values: list[Any]):
    """No value of the narrow schema is refused by a wide one that is said to take all of them."""
    assume(not has_in_place(narrow))
    assume(misfits(narrow, wide) == [])
    sends, takes = jsonschema_rs.validator_for(closed(narrow)), jsonschema_rs.validator_for(wide)
    assert [value for value in values if sends.is_valid(value) and not takes.is_valid(value)] == []


@settings(max_examples=100, deadline=None)
@given(schemas())
def test_every_schema_fits_itself_or_cannot_be_told(schema: Any):
    again = {"allOf": [schema]}  # not the same text
    assert all(not one.certain for one in misfits(schema, again))
