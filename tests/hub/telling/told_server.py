"""A server that keeps all it was sent: the official SDK's, of the newer era, the older one, or the oldest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mcp_types as types
import orjson
from mcp.server import Server
from starlette.responses import RedirectResponse

from tests.eras.server import FeatureServer

TEXT: dict[str, Any] = {"type": "string"}
TENANT = {**TEXT, "minLength": 1, "x-mcp-header": "Tenant"}


def schema(**properties: Any) -> dict[str, Any]:
    """A closed schema that demands each of these."""
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


TOOLS: dict[str, dict[str, Any]] = {
    "find": schema(number=TEXT, tenantId=TENANT),
    "change": schema(number=TEXT, tenantId=TENANT),
    "count": schema(customerId={"type": "integer"}),
    "plain": {"type": "object", "properties": {"text": TEXT}},
    "ask": schema(tenantId=TEXT),
}


@dataclass(frozen=True)
class Sent:
    """One HTTP request: its headers, and the JSON-RPC message in it."""

    headers: dict[str, list[str]]
    message: dict[str, Any]

    @property
    def method(self) -> str:
        return str(self.message.get("method", ""))

    @property
    def meta(self) -> dict[str, Any]:
        return dict(self.message.get("params", {}).get("_meta", {}))

    def header(self, name: str) -> str | None:
        """The value of a header that came at most once."""
        values = self.headers.get(name, [])
        assert len(values) <= 1, (name, values)
        return values[0] if values else None


class ToldServer(FeatureServer):
    """`sent` is everything that came. `plain` answers with the headers it was called with. With `elsewhere`, it sends
    everybody there."""

    elsewhere: str | None = None

    def __init__(self, *eras: str) -> None:
        self.sent: list[Sent] = []
        super().__init__(*eras)

    def calls(self, method: str = "tools/call") -> list[Sent]:
        return [sent for sent in self.sent if sent.method == method]

    def arguments(self) -> list[dict[str, Any]]:
        return [sent.message["params"]["arguments"] for sent in self.calls()]

    def _made(self) -> Server[Any]:
        return Server(
            "told",
            version="1",
            on_list_tools=self._list_tools,
            on_call_tool=self._call,
            on_list_resources=self._list_resources,
            on_list_resource_templates=self._list_templates,
            on_read_resource=self._read,
            on_list_prompts=self._list_prompts,
            on_get_prompt=self._prompt,
            on_completion=self._complete,
        )

    async def _list_tools(self, context: Any, params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[types.Tool(name=name, input_schema=one) for name, one in TOOLS.items()])

    async def _call(self, context: Any, params: Any) -> Any:
        if params.name == "ask":
            return await super()._call(context, params)
        said = orjson.dumps(self.calls()[-1].headers if params.name == "plain" else params.arguments).decode()
        return types.CallToolResult(content=[types.TextContent(type="text", text=said)])

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while scope["method"] == "POST" and more:
            piece = await receive()
            body, more = body + piece.get("body", b""), piece.get("more_body", False)
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode(), []).append(value.decode("latin-1"))
        self.sent.append(Sent(headers, orjson.loads(body) if body else {}))
        if self.elsewhere is not None:
            await RedirectResponse(self.elsewhere, 307)(scope, receive, send)
            return
        given = [{"type": "http.request", "body": body, "more_body": False}] if body else []

        async def again() -> Any:
            return given.pop() if given else await receive()

        await super().__call__(scope, again, send)
