"""What a model is shown of objects in which the hub sets something, and where that cannot be done."""

from typing import Any

import orjson
import pytest

from tradepost.hub.registry.injection import Injection, injection_of
from tradepost.hub.registry.nested_arguments import Unreachable, find_place, path_of, without_nested

Json = dict[str, Any]
TEXT: Json = {"type": "string"}
OBJECT: Json = {"type": "object", "properties": {"id": TEXT, "name": TEXT}}


def around(customer: Json, **more: Any) -> Json:
    return {"type": "object", "properties": {"customer": customer, "q": TEXT}, **more}


SHOWN: list[tuple[Json, Json]] = [
    (
        around({**OBJECT, "required": ["id"], "minProperties": 1}, required=["customer", "q"]),
        around({"type": "object", "properties": {"name": TEXT}, "minProperties": 0}, required=["customer", "q"]),
    ),
    (  # all of it is the hub's
        around({"type": "object", "properties": {"id": TEXT}}, required=["customer", "q"], minProperties=1),
        {"type": "object", "properties": {"q": TEXT}, "required": ["q"], "minProperties": 0},
    ),
    (  # whatever else the model may say stays
        around({"type": "object", "properties": {"id": TEXT}, "additionalProperties": True}),
        around({"type": "object", "properties": {}, "additionalProperties": True}),
    ),
    (  # as generators write it; the definition would show what is hidden, and nothing else needs it
        around({"anyOf": [{"$ref": "#/$defs/C"}, {"type": "null"}], "default": None, "title": "Who"}, **{"$defs": {
            "C": OBJECT}}),
        around({"type": "object", "properties": {"name": TEXT}, "title": "Who"}),
    ),
    (
        {**around({"$ref": "#/$defs/C"}, **{"$defs": {"C": OBJECT}}), "properties": {
            "customer": {"$ref": "#/$defs/C"}, "other": {"$ref": "#/$defs/C"}}},
        {"type": "object", "$defs": {"C": OBJECT}, "properties": {
            "customer": {"type": "object", "properties": {"name": TEXT}}, "other": {"$ref": "#/$defs/C"}}},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "shown"), SHOWN)
def test_a_schema_without_what_is_inside(schema: Json, shown: Json):
    before = orjson.dumps(schema)
    assert find_place(schema, ("customer", "id")) is not None
    assert without_nested(schema, [("customer", "id")]) == shown
    assert orjson.dumps(schema) == before


REFUSED: list[Json] = [
    around({"$ref": "#/properties/q"}),
    around({"$ref": "https://x.example/customer"}),
    around({"$ref": "#/$defs/gone"}),
    around({"$ref": "#/$defs/C", "required": ["id"]}, **{"$defs": {"C": OBJECT}}),
    around({"$ref": "#/$defs/C"}, **{"$defs": {"C": {"$ref": "#/$defs/D"}, "D": OBJECT}}),
    around({"oneOf": [OBJECT, {"type": "string"}]}),
    around({"anyOf": [OBJECT, {"type": "string"}]}),
    around({**OBJECT, "allOf": [{"required": ["id"]}]}),
    around({**OBJECT, "if": {"required": ["id"]}, "then": False}),
    around({**OBJECT, "patternProperties": {"i.*": TEXT}}),
    around({**OBJECT, "enum": [{"id": "1"}]}),
    around({"type": "array", "items": OBJECT}),
    around(OBJECT, oneOf=[{"properties": {"customer": OBJECT}}]),
    around(OBJECT, dependentSchemas={"q": {"properties": {"customer": OBJECT}}}),
    around(OBJECT, patternProperties={"^c": {}}),
    {"anyOf": [around(OBJECT)]},
]


@pytest.mark.parametrize("schema", REFUSED)
def test_where_it_could_be_seen_or_sent_another_way_it_is_refused(schema: Json):
    with pytest.raises(Unreachable):
        find_place(schema, ("customer", "id"))


def test_a_name_with_dots_may_be_a_name():
    assert path_of("a.b.c") == ("a", "b", "c")
    assert [path_of(name) for name in ("a", "a..b", ".a", "a.", ".".join("abcdef"))] == [None] * 5
    assert find_place(around(OBJECT), ("customer", "gone")) is None
    assert find_place(around(OBJECT), ("q2", "id")) is None


def injection(schema: Json, *rules: Json) -> Injection:
    text = orjson.dumps({"name": "find", "inputSchema": schema}).decode()
    found = injection_of({}, {"inject": [{"target": "argument", **rule} for rule in rules]}, text, None)
    assert found is not None
    return found


def test_a_rule_for_a_name_with_a_dot_goes_before_the_path():
    schema = around(OBJECT)
    schema["properties"]["customer.id"] = TEXT
    found = injection(schema, {"name": "customer.id", "constant": "x"})
    assert (found.hidden, found.nested) == ({"customer.id"}, ())


def test_what_no_rule_gives_the_model_does_not_give_either():
    rule: Json = {"name": "customer.id", "source": "user.id", "optional": True}
    nobody: Any = type("F", (), {"caller": type("C", (), {"user_id": None})()})()
    for schema in (around(OBJECT), around({"type": "object"}), {"type": "object"}):
        given = injection(schema, rule).arguments_in({"customer": {"id": "x", "name": "n"}, "q": "y"}, nobody)
        assert given == {"customer": {"name": "n"}, "q": "y"}
    assert injection(around(OBJECT), rule).arguments_in({"customer": None}, nobody) == {"customer": None}
    emptied = injection(around({"type": "object", "properties": {"id": TEXT}}), rule)
    assert emptied.arguments_in({"customer": {"id": "x", "more": 1}}, nobody) == {"customer": {}}
