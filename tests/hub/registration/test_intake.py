"""What a foreign definition must look like: bounded, self-contained, visible, cheap to check."""

import time
from typing import Any

import pytest

from tradepost.hub.registration.intake import content_finding, tool_finding

Json = dict[str, Any]


def with_schema(schema: Json) -> Json:
    return {"name": "probe", "inputSchema": {"type": "object", **schema}}


def nested(levels: int, width: int) -> Json:
    node: Json = {"type": "string"}
    for _ in range(levels):
        node = {"anyOf": [{"properties": {"a": node}} for _ in range(width)]}
    return node


DOUBLING = {
    "$defs": {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(24)} | {"d24": {"type": "string"}},
    "properties": {"x": {"$ref": "#/$defs/d0"}},
}
BRANCHING = {"$defs": {"n": {"anyOf": [{"properties": {"a": {"$ref": "#/$defs/n"}}} for _ in range(3)]}}}


@pytest.mark.parametrize(
    "definition",
    [
        {"name": "", "inputSchema": {"type": "object"}},
        {"name": "get_оrder", "inputSchema": {"type": "object"}},
        {"name": "../x", "inputSchema": {"type": "object"}},
        {"name": "a" * 129, "inputSchema": {"type": "object"}},
        {"name": 7, "inputSchema": {"type": "object"}},
        {"name": "no_schema"},
        {"name": "array", "inputSchema": {"type": "array"}},
        {"name": "big", "description": "x" * 70_000, "inputSchema": {"type": "object"}},
        {"name": "number", "inputSchema": {"type": "object"}, "_meta": {"n": 2**60}},
        {"name": "tags", "description": "hi\U000e0041\U000e0042", "inputSchema": {"type": "object"}},
        {"name": "filler", "title": "a\u3164b", "inputSchema": {"type": "object"}},
        {"name": "escape", "inputSchema": {"type": "object", "properties": {"\x1b[2J": {}}}},
        {"name": "output", "inputSchema": {"type": "object"}, "outputSchema": {"$ref": "file:///etc/passwd"}},
        with_schema({"$ref": "http://127.0.0.1:9/x"}),
        with_schema({"properties": {"x": {"$dynamicRef": "//host/x"}}}),
        with_schema({"$schema": "http://127.0.0.1:9/dialect"}),
        with_schema({"properties": {"x": {"$id": "http://evil.test/", "$ref": "x.json"}}}),
        with_schema({"properties": {"x": {"type": "nonsense"}}}),
        with_schema({"properties": {"x": {"pattern": "^(?=(a+))b"}}}),
        with_schema({"properties": {f"p{n}": {} for n in range(1001)}}),
        with_schema({"properties": {"x": nested(5, 8)}}),
        with_schema(nested(7, 3)),
        with_schema(DOUBLING),
        with_schema({**BRANCHING, "$ref": "#/$defs/n"}),
        with_schema({"$ref": "#"}),
        with_schema({"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"not": {"$ref": "#/$defs/a"}}}}),
        with_schema({"properties": {"x": {"type": "number", "x-mcp-header": "X-A"}}}),
    ],
)
def test_it_is_refused_quickly_with_a_sentence(definition: Json):
    started = time.perf_counter()
    finding = tool_finding(definition)
    assert finding is not None
    assert finding.endswith((".", ")"))
    assert time.perf_counter() - started < 0.5


TREE = {
    "$defs": {
        "filter": {
            "type": "object",
            "properties": {
                "and": {"type": "array", "items": {"$ref": "#/$defs/filter"}},
                "or": {"type": "array", "items": {"$ref": "#/$defs/filter"}},
                "not": {"$ref": "#/$defs/filter"},
                "field": {"type": "string"},
            },
        }
    },
    "properties": {"where": {"$ref": "#/$defs/filter"}},
}


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False},
        {"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"x": {"type": "string"}}},
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "properties": {"x": {"enum": [1, 2]}}},
        {"properties": {"x": {"oneOf": [{"type": "string"}, {"type": "null"}]}}},
        TREE,
    ],
)
def test_ordinary_schemas_pass(schema: Json):
    assert tool_finding(with_schema(schema)) is None


@pytest.mark.parametrize("uri", ["", "no-scheme", "file:///etc/passwd", "shop://../x", "x://a\nb", "x://" + "a" * 3000])
def test_odd_resource_uris_are_refused(uri: str):
    assert content_finding({"uri": uri, "name": "x"}, "uri") is not None


def test_ordinary_contents_pass():
    assert content_finding({"uri": "policy://returns", "name": "returns"}, "uri") is None
    assert content_finding({"uriTemplate": "order://{number}", "name": "order"}, "uriTemplate") is None
    assert content_finding({"name": "late_order"}, "name") is None


@pytest.mark.parametrize("levels", [40, 300, 2_000])
def test_what_nests_too_deep_is_told_so_however_deep(levels: int):
    node: Json = {"type": "string"}
    for _ in range(levels):
        node = {"type": "object", "properties": {"a": node}}
    assert tool_finding({"name": "deep", "inputSchema": node}) == "It is nested deeper than 32 levels."
