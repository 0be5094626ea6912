"""Which arguments a schema declares, and the schema without them."""

from typing import Any

import orjson
import pytest

from tradepost.hub.registry.exposure import exposed_tool
from tradepost.hub.registry.hidden_arguments import kinds_of, without
from tradepost.hub.registry.injection import injection_of

Json = dict[str, Any]
TEXT, WHOLE = {"type": "string"}, {"type": ["integer", "null"]}
CASES: list[tuple[Json, Json]] = [
    (
        {"properties": {"t": TEXT, "a": TEXT}, "required": ["t", "a"]},
        {"properties": {"a": TEXT}, "required": ["a"]},
    ),
    ({"properties": {"t": TEXT}, "required": ["t"]}, {"properties": {}}),
    (
        {"allOf": [{"properties": {"t": TEXT}}, {"required": ["t"]}, True], "if": {"required": ["t"]}, "then": False},
        {"allOf": [{"properties": {}}, {}, True], "if": {}, "then": False},
    ),
    (
        {"properties": {"t": TEXT}, "dependentRequired": {"t": ["a"], "a": ["t", "b"]}},
        {"properties": {}, "dependentRequired": {"a": ["b"]}},
    ),
    ({"properties": {"a": {"properties": {"t": TEXT}, "required": ["t"]}}}, {}),
    ({"not": {"required": ["t"]}}, {}),
]


@pytest.mark.parametrize(("schema", "shown"), CASES)
def test_a_schema_without_an_argument(schema: Json, shown: Json):
    before = orjson.dumps(schema)
    assert without(schema, frozenset({"t"})) == (shown or schema)
    assert orjson.dumps(schema) == before


def test_what_an_argument_may_be():
    assert kinds_of({"properties": {"t": TEXT}}, "t") == {"string"}
    assert kinds_of({"properties": {"t": WHOLE}, "allOf": [{"properties": {"t": {}}}]}, "t") == {"integer", "null"}
    assert "object" in (kinds_of({"oneOf": [{"properties": {"t": True}}]}, "t") or ())
    assert kinds_of({"properties": {"a": {"properties": {"t": TEXT}}}}, "t") is None
    assert kinds_of(True, "t") is None


def test_only_a_hidden_argument_changes_the_bytes():
    text = orjson.dumps({"name": "find", "inputSchema": {"type": "object", "properties": {"t": TEXT}}}).decode()
    assert exposed_tool(text, "find", "find", "remote", "read") == text.encode()
    shown = orjson.loads(exposed_tool(text, "find", "find", "remote", "read", frozenset({"t"})))
    assert shown == {"name": "find", "inputSchema": {"type": "object", "properties": {}}}
    written = orjson.loads(exposed_tool(text, "find", "find", "remote", "write", frozenset({"t"})))
    assert list(written["inputSchema"]["properties"]) == ["idempotency_key"]


def test_where_nobody_set_a_rule_there_is_nothing():
    """What a call without rules pays is one look at None."""
    assert injection_of({"timeout_seconds": 5.0}, {"running": 1}, "{}", "https://x.example/mcp") is None
    rule = {"target": "argument", "name": "t", "source": "workspace.id"}
    assert injection_of({"inject": [rule]}, {}, None, None) is None  # a resource takes no arguments
