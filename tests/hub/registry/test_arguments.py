"""Arguments against the pinned schema: one sentence per mistake, nothing fetched, no pattern that hangs."""

from typing import Any

import pytest

from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.registry.arguments import ArgumentCheck
from tradepost.hub.registry.schema_check import compile_schema

SCHEMA = {
    "type": "object",
    "properties": {
        "quantity": {"type": "integer", "minimum": 1, "maximum": 100},
        "status": {"enum": ["open", "held"]},
        "number": {"type": "string", "pattern": "^ORD-[0-9]+$", "maxLength": 20},
        "lines": {
            "type": "array",
            "maxItems": 2,
            "items": {"type": "object", "required": ["sku"], "properties": {"sku": {"type": "string"}}},
        },
        "on": {"type": "string", "format": "date"},
        "either": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
    },
    "required": ["quantity"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("arguments", "field", "said"),
    [
        ({}, "quantity", "missing"),
        ({"quantity": "3"}, "quantity", "must be integer"),
        ({"quantity": None}, "quantity", "must be integer"),
        ({"quantity": True}, "quantity", "must be integer"),
        ({"quantity": 0}, "quantity", "at least 1"),
        ({"quantity": 1000}, "quantity", "at most 100"),
        ({"quantity": 1, "status": "gone"}, "status", "one of open, held"),
        ({"quantity": 1, "number": "88213"}, "number", "pattern"),
        ({"quantity": 1, "number": "ORD-" + "1" * 40}, "number", "at most 20 characters"),
        ({"quantity": 1, "lines": [{"sku": "a"}, {}]}, "lines.1.sku", "missing"),
        ({"quantity": 1, "lines": [{"sku": "a"}] * 3}, "lines", "at most 2 entries"),
        ({"quantity": 1, "on": "tomorrow"}, "on", "not a date"),
        ({"quantity": 1, "either": []}, "either", "does not fit"),
        ({"quantity": 1, "tenant": "x"}, "tenant", "no argument 'tenant'"),
    ],
)
def test_a_mistake_names_its_field_and_what_to_do(arguments: dict[str, Any], field: str, said: str):
    with pytest.raises(InvalidArgument) as refused:
        ArgumentCheck(SCHEMA)(arguments)
    assert refused.value.field == field
    assert said in refused.value.message
    assert refused.value.hint


def test_good_arguments_pass():
    ArgumentCheck(SCHEMA)({"quantity": 3, "lines": [{"sku": "a"}], "on": "2026-02-24", "number": "ORD-1"})


def test_long_and_odd_names_are_shortened_in_messages():
    with pytest.raises(InvalidArgument) as refused:
        ArgumentCheck(SCHEMA)({"quantity": 1, "x" * 5000 + "\x1b[2J": 1})
    assert len(refused.value.message) < 200
    assert "\x1b" not in refused.value.message


@pytest.mark.parametrize("reference", ["http://127.0.0.1:9/x", "file:///etc/passwd", "//host/x", "other.json"])
def test_references_are_never_fetched(reference: str):
    with pytest.raises(InvalidArgument):
        compile_schema({"$id": "http://127.0.0.1:9/base", "$ref": reference})


def test_a_pattern_that_backtracks_runs_in_linear_time():
    check = ArgumentCheck({"properties": {"x": {"type": "string", "pattern": "^(a+)+$"}}})
    with pytest.raises(InvalidArgument):
        check({"x": "a" * 5000 + "!"})
    with pytest.raises(InvalidArgument):
        compile_schema({"pattern": "^(?=(a+))b"})
