"""A bundled server for tests whose definitions can be changed between two starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import NotFound
from tradepost.protocol.builtin import Definitions, Expects, Mode, ToolClass, ToolResult

Json = dict[str, Any]


def tool(name: str, **properties: Any) -> Json:
    """A Tool object with these input properties."""
    return {
        "name": name,
        "description": f"Does {name}.",
        "inputSchema": {"type": "object", "properties": properties, "additionalProperties": False},
    }


@dataclass
class Bundled:
    """Answers with what it was called with."""

    slug: str = "orders"
    title: str = "Orders"
    tools: list[Json] = field(
        default_factory=lambda: [
            tool("get_order", number={"type": "string"}),
            tool("add_note", idempotency_key={"type": "string"}),
        ]
    )
    resources: list[Json] = field(default_factory=lambda: [{"uri": "policy://returns", "name": "returns"}])
    templates: list[Json] = field(default_factory=lambda: [{"uriTemplate": "order://{number}", "name": "order"}])
    prompts: list[Json] = field(default_factory=lambda: [{"name": "late"}])
    classes: dict[str, ToolClass] = field(default_factory=lambda: {"get_order": "read", "add_note": "write"})
    scopes: dict[str, str] = field(default_factory=lambda: {"get_order": "read:orders"})
    calls: list[tuple[Caller, str, Json, str | None, Mode]] = field(default_factory=list)

    def definitions(self) -> Definitions:
        return Definitions(
            tools=self.tools,
            resources=self.resources,
            resource_templates=self.templates,
            prompts=self.prompts,
            instructions="Orders of the shop.",
            tool_classes=self.classes,
            tool_scopes=self.scopes,
            resource_scopes={"order://{number}": "read:orders", "policy://returns": "read:policies"},
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
        self.calls.append((caller, name, arguments, key, mode))
        return ToolResult([{"type": "text", "text": "ok"}], {"arguments": arguments, "key": key, "mode": mode})

    async def read(self, caller: Caller, uri: str) -> Json:
        if uri == "order://nowhere":
            raise NotFound(f"There is no resource '{uri}'.")
        return {"contents": [{"uri": uri, "text": "{}"}]}

    async def watched(self, caller: Caller, uri: str) -> str | None:
        await self.read(caller, uri)
        return None

    async def prompt(self, caller: Caller, name: str, arguments: Mapping[str, str]) -> Json:
        return {"messages": [{"role": "user", "content": {"type": "text", "text": name}}]}

    async def complete(self, caller: Caller, reference: Json, argument: str, value: str) -> Json:
        return {"values": [value + "1"], "total": 1, "hasMore": False}
