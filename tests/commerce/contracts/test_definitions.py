"""What every bundled tool publishes: names, descriptions, parameters, sizes, annotations (rules C1, C6, C7)."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import orjson
import pytest
from tdqs import lint_server, parse_tool_definitions

from tests.commerce.contracts.offered import SCOPES, SERVERS, TOOLS, names
from tradepost.commerce.serving.declare import KEY_PATTERN, Tool
from tradepost.commerce.serving.schema import MAX_INPUT_BYTES, MAX_OUTPUT_BYTES
from tradepost.commerce.serving.server import StoreServer

MAX_NAME, MAX_DESCRIPTION = 40, 600
WHEN = re.compile(r"\b(use|when|before|after)\b", re.IGNORECASE)
BOUNDS = {"string": ("maxLength",), "array": ("maxItems",), "integer": ("minimum", "maximum"), "number": ("maximum",)}
# Ways to bound a string without a length.
BOUNDED_STRING = {"maxLength", "enum", "format", "pattern", "const"}
# Compared with what we have, never stored: the version, a cursor, the names of fields.
UNBOUNDED = {"expected_version", "cursor", "fields[]"}

every_tool = pytest.mark.parametrize("tool", TOOLS, ids=names)
every_write = pytest.mark.parametrize("tool", [tool for tool in TOOLS if tool.writes], ids=names)


def compact(value: Any) -> bytes:
    return orjson.dumps(value)


def nodes(name: str, node: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema inside a parameter, with a path that names it."""
    if not isinstance(node, dict):
        return
    yield name, node
    for key, inner in node.get("properties", {}).items():
        yield from nodes(f"{name}.{key}", inner)
    if "items" in node:
        yield from nodes(f"{name}[]", node["items"])
    for option in (*node.get("anyOf", ()), *node.get("oneOf", ())):
        yield from nodes(name, option)


def kinds(node: dict[str, Any]) -> list[str]:
    kind = node.get("type", [])
    return [kind] if isinstance(kind, str) else list(kind)


@every_tool
def test_name_is_a_short_snake_case_verb_and_noun(tool: Tool) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)+", tool.name)
    assert len(tool.name) <= MAX_NAME


def test_names_are_unique_across_the_servers() -> None:
    offered = [tool.name for tool in TOOLS]
    assert sorted(set(offered)) == sorted(offered)


@every_tool
def test_description_is_short_and_says_when_to_use_it(tool: Tool) -> None:
    assert len(tool.description) <= MAX_DESCRIPTION
    assert WHEN.search(tool.description), tool.description
    assert tool.title.strip()
    assert tool.title != tool.name


@every_tool
def test_schemas_are_small_and_free_of_references(tool: Tool) -> None:
    sizes = len(compact(tool.input_schema)), len(compact(tool.output_schema))
    assert sizes[0] <= MAX_INPUT_BYTES, sizes
    assert sizes[1] <= MAX_OUTPUT_BYTES, sizes
    assert b"$ref" not in compact(tool.definition())
    for schema in (tool.input_schema, tool.output_schema):
        jsonschema_rs.meta.validate(schema)
        assert schema["type"] == "object"
    assert tool.input_schema["additionalProperties"] is False


@every_tool
def test_every_parameter_is_described_and_its_example_is_valid(tool: Tool) -> None:
    broken = []
    for name, node in tool.input_schema["properties"].items():
        if not node.get("description", "").strip():
            broken.append(f"{name}: no description")
        if not node.get("examples"):
            broken.append(f"{name}: no example")
        for example in node.get("examples", []):
            if not jsonschema_rs.validator_for(node, validate_formats=True).is_valid(example):
                broken.append(f"{name}: example {example!r} is not valid")
    assert not broken


@every_tool
def test_every_parameter_is_bounded(tool: Tool) -> None:
    broken = []
    for name, schema in tool.input_schema["properties"].items():
        for path, node in nodes(name, schema):
            for kind in kinds(node) if path not in UNBOUNDED else ():
                if kind == "string" and not BOUNDED_STRING & node.keys():
                    broken.append(f"{path}: a string of any length")
                elif kind != "string" and "enum" not in node:
                    broken += [f"{path}: no {bound}" for bound in BOUNDS.get(kind, ()) if bound not in node]
                if kind == "object" and "additionalProperties" not in node:
                    broken.append(f"{path}: takes any key")
    assert not broken


@every_tool
def test_annotations_are_complete_and_agree_with_the_class(tool: Tool) -> None:
    hints = tool.definition()["annotations"]
    assert set(hints) == {"title", "readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}
    assert hints["title"] == tool.title
    assert hints["readOnlyHint"] is (tool.tool_class == "read")
    assert hints["destructiveHint"] is (tool.tool_class == "destructive")
    assert tool.scope in SCOPES
    if not tool.scope.startswith("me:"):  # what a customer may do goes by subject
        assert tool.scope.startswith("write:") is tool.writes


@every_write
def test_writes_take_a_key_a_dry_run_and_the_version_seen(tool: Tool) -> None:
    properties, required = tool.input_schema["properties"], tool.input_schema["required"]
    assert "idempotency_key" in required
    assert properties["idempotency_key"]["pattern"] == KEY_PATTERN
    assert {"dry_run", "expected_version"} <= properties.keys() - set(required)
    if tool.money or tool.tool_class == "destructive":
        assert "reason" in required


@every_write
def test_effects_outside_the_store_are_off_by_default(tool: Tool) -> None:
    for name, node in tool.input_schema["properties"].items():
        if name.startswith(("notify_", "buy_")):
            assert node["default"] is False, name


@pytest.mark.parametrize("tool", [tool for tool in TOOLS if not tool.writes], ids=names)
def test_reads_take_nothing_that_belongs_to_writes(tool: Tool) -> None:
    assert not {"idempotency_key", "dry_run", "expected_version"} & tool.input_schema["properties"].keys()


@pytest.mark.parametrize("tool", [tool for tool in TOOLS if tool.name.startswith(("list_", "search_"))], ids=names)
def test_lists_are_pages_with_a_choice_of_detail(tool: Tool) -> None:
    assert {"limit", "cursor", "detail", "fields"} <= tool.input_schema["properties"].keys()
    page = {"items", "next_cursor", "has_more", "total_estimate", "truncated"}
    assert page <= tool.output_schema["properties"].keys()
    assert page <= set(tool.output_schema["required"])


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: str(server.slug))
def test_the_linter_of_definitions_has_no_warnings(server: StoreServer) -> None:
    tools = parse_tool_definitions({"tools": list(server.definitions().tools)}).tools
    report = lint_server(server_name=server.slug, tools=tools)
    assert [finding.message for finding in report.findings if finding.severity != "info"] == []


def test_definitions_are_the_same_bytes_every_time() -> None:
    for server in SERVERS:
        first, second = server.definitions(), server.definitions()
        assert compact(list(first.tools)) == compact(list(second.tools))
        assert compact(list(first.prompts)) == compact(list(second.prompts))
