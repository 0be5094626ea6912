"""A small BuiltinServer for the tests; `python -m tests.protocol.fake_builtin` serves it on stdio."""

import asyncio
from collections.abc import Mapping
from typing import Any

from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.errors import InvalidArgument, NotFound
from tradepost.protocol.builtin import Definitions, Expects, Mode, ToolResult
from tradepost.protocol.standalone import serve_stdio

Json = dict[str, Any]

OPERATOR = Caller("ws_1", Principal("operator", "cli"), "req_start", scopes=frozenset({"write:orders"}))
KEY = {"type": "string", "minLength": 1}
TOOLS: list[Json] = [
    {
        "name": "place_order",
        "title": "Place an order",
        "description": "Places an order.",
        "inputSchema": {"type": "object", "properties": {"sku": {"type": "string"}, "idempotency_key": KEY}},
        "outputSchema": {"type": "object"},
        "annotations": {"readOnlyHint": False},
    },
    {"name": "find", "description": "Finds.", "inputSchema": {"type": "object", "additionalProperties": True}},
]
# What a serializer might touch: nulls, empty things, floats that are whole, big and negative integers, any script.
AWKWARD: Json = {
    "none": None,
    "nested": {"none": None, "list": [None, {}, []], "": ""},
    "float": 1.0,
    "small": 0.1,
    "big": 2**53 - 1,
    "negative": -1,
    "text": "Zürich ☃ \u2028 </script>",
    "flag": False,
}


class FakeShop:
    """Remembers who called with which key."""

    slug = "orders"
    title = "Orders"

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, str | None]] = []

    def definitions(self) -> Definitions:
        return Definitions(
            tools=TOOLS,
            resources=[{"uri": "shop://policy", "name": "policy"}],
            resource_templates=[{"uriTemplate": "shop://orders/{id}", "name": "order"}],
            prompts=[{"name": "late_order", "arguments": [{"name": "order_id", "required": True}]}],
            instructions="Orders of the shop.",
        )

    async def call(
        self,
        caller: Caller,
        name: str,
        arguments: Json,
        key: str | None,
        mode: Mode = "execute",
        expects: Expects | None = None,
    ) -> ToolResult:
        if name not in ("place_order", "find"):
            raise NotFound(f"There is no tool '{name}'.", field="name")
        self.calls.append((caller.request_id, name, key))
        if arguments.get("fail"):
            error = {"code": "state_conflict", "message": "It is shipped already.", "retryable": False}
            return ToolResult([{"type": "text", "text": "It is shipped already."}], error, is_error=True)
        value = {**AWKWARD, "arguments": arguments, "key": key, "workspace": caller.workspace_id}
        return ToolResult([{"type": "text", "text": "done", "annotations": {"audience": ["user"]}}], value)

    async def read(self, caller: Caller, uri: str) -> Json:
        if uri != "shop://policy":
            raise NotFound(f"There is no resource '{uri}'.", field="uri")
        return {"contents": [{"uri": uri, "mimeType": "text/plain", "text": "Thirty days."}]}

    async def watched(self, caller: Caller, uri: str) -> str | None:
        await self.read(caller, uri)
        return None

    async def prompt(self, caller: Caller, name: str, arguments: Mapping[str, str]) -> Json:
        if "order_id" not in arguments:
            raise InvalidArgument("order_id is missing.", field="order_id")
        return {"messages": [{"role": "user", "content": {"type": "text", "text": f"Why is {arguments['order_id']}?"}}]}

    async def complete(self, caller: Caller, reference: Json, argument: str, value: str) -> Json:
        return {"values": [value + "1"], "total": 1, "hasMore": False}


if __name__ == "__main__":
    asyncio.run(serve_stdio(FakeShop(), OPERATOR))
