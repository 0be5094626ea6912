"""What differs between a pinned definition and the one a model sees."""

from typing import Any

import jsonschema_rs
import orjson
import pytest

from tradepost.hub.registry.exposure import answer_or_approval, exposed_tool

Json = dict[str, Any]
ANSWER = {
    "type": "object",
    "properties": {"id": {"$ref": "#/$defs/id"}},
    "required": ["id"],
    "additionalProperties": False,
    "$defs": {"id": {"type": "string"}},
}
APPROVAL = {"status": "approval_required", "approval_id": "act_1", "expires_at": "2026-02-24T09:00:00Z"}


def definition(**more: Any) -> str:
    return orjson.dumps({"name": "cancel", "inputSchema": {"type": "object"}, **more}).decode()


def test_a_read_keeps_the_servers_bytes():
    text = definition(outputSchema=ANSWER)
    assert exposed_tool(text, "cancel", "cancel", "remote", "read") == text.encode()
    assert exposed_tool(text, "cancel", "cancel", "builtin", "write") == text.encode()


def test_a_foreign_writes_answer_may_be_an_approval():
    shown = orjson.loads(exposed_tool(definition(outputSchema=ANSWER), "cancel", "cancel_it", "remote", "write"))
    assert shown["name"] == "cancel_it"
    assert shown["inputSchema"]["properties"]["idempotency_key"]["type"] == "string"
    check = jsonschema_rs.validator_for(shown["outputSchema"])
    assert check.is_valid({"id": "x"})
    assert check.is_valid(APPROVAL)
    assert not check.is_valid({"id": 7})
    assert not check.is_valid({"status": "done"})
    assert shown["outputSchema"]["type"] == "object"


@pytest.mark.parametrize("schema", [{"$ref": "#"}, {"properties": {"a": {"$ref": "#/properties/b"}}}, True])
def test_a_schema_that_cannot_move_is_left_out(schema: Any):
    assert answer_or_approval(schema) is None
    shown = orjson.loads(exposed_tool(definition(outputSchema=schema), "cancel", "cancel", "remote", "destructive"))
    assert "outputSchema" not in shown
