"""A small HostedCatalog for the tests: two principals with their own catalogs, a record of every call it got."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.errors import ForbiddenScope, NotFound, RateLimited, Unauthenticated, Unavailable
from tradepost.foundation.ids import new_id
from tradepost.protocol.hosting import NO_EXTRAS, NOTHING_KNOWN, Arrival, CallExtras, ClientChannel
from tradepost.protocol.notices import PROMPTS_CHANGED, RESOURCES_CHANGED, TOOLS_CHANGED
from tradepost.protocol.parameter_headers import HeaderParameter, header_parameters

Json = dict[str, Any]

ORDER_TOOL: Json = {
    "name": "get_order",
    "title": "Get an order",
    "description": "One order by its id.",
    "inputSchema": {
        "type": "object",
        "properties": {"order_id": {"type": "string"}, "region": {"type": "string", "x-mcp-header": "Region"}},
        "required": ["order_id"],
    },
    "annotations": {"readOnlyHint": True},
}
ECHO_TOOL: Json = {
    "name": "echo",
    "description": "Gives its arguments back.",
    "inputSchema": {"type": "object", "properties": {}, "additionalProperties": True},
    "_meta": {"example.com/kept": 1},
}
TOOLS = {"token-a": [ORDER_TOOL, ECHO_TOOL], "token-b": [ECHO_TOOL]}
CATALOGS = {token: orjson.dumps(tools) for token, tools in TOOLS.items()}
RESOURCE: Json = {"uri": "shop://orders/1", "name": "order 1", "mimeType": "text/plain"}
TEMPLATE: Json = {"uriTemplate": "shop://orders/{id}", "name": "order"}
PROMPT: Json = {"name": "late_order", "description": "Answer a late order.", "arguments": [{"name": "order_id"}]}


# What can be watched, and the record behind it; two names may mean one record.
RECORDS = {"shop://orders/1": "ord_1", "shop://orders/one": "ord_1", "shop://orders/2": "ord_2"}
UNWATCHED = "shop://orders/1/timeline"
CLOSED = "shop://closed"


class FakeHost:
    """Tokens `token-a` and `token-b` are valid; `revoked` takes tokens away, `unreadable` watched resources."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str | None, str, Json, CallExtras]] = []
        self.revoked: set[str] = set()
        self.unreadable: set[str] = set()
        self.watches = True
        self.marks = {TOOLS_CHANGED: 1, RESOURCES_CHANGED: 1, PROMPTS_CHANGED: 1}
        self.authentications = 0
        self.started = asyncio.Event()
        self.released = asyncio.Event()
        self.ended = asyncio.Event()
        self.completed = 0

    async def authenticate(self, arrival: Arrival) -> Caller:
        self.authentications += 1
        token = arrival.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in TOOLS or token in self.revoked:
            raise Unauthenticated("This needs a valid access token.", details={"scope": "read:orders"})
        return Caller("ws_1", Principal("agent_key", token), new_id("req"))

    async def server_info(self, caller: Caller, server: str | None) -> Json:
        if server not in (None, "orders"):
            raise NotFound(f"There is no server '{server}'.")
        name = "tradepost" if server is None else server
        info = {"name": name, "title": "Tradepost", "version": "1.2.3", "instructions": "Ask before you write."}
        return {**info, "watches": self.watches}

    async def list_tools(self, caller: Caller, server: str | None, loaded: Sequence[str] = ()) -> bytes:
        return CATALOGS[caller.principal.id]

    async def mirrored(self, caller: Caller, server: str | None, name: str) -> tuple[HeaderParameter, ...]:
        tools = orjson.loads(await self.list_tools(caller, server))
        return next((header_parameters(tool["inputSchema"]) for tool in tools if tool["name"] == name), ())

    async def list_resources(self, caller: Caller, server: str | None) -> bytes:
        return orjson.dumps([RESOURCE])

    async def list_resource_templates(self, caller: Caller, server: str | None) -> bytes:
        return orjson.dumps([TEMPLATE])

    async def list_prompts(self, caller: Caller, server: str | None) -> bytes:
        return orjson.dumps([PROMPT])

    async def call_tool(
        self, caller: Caller, server: str | None, name: str, arguments: Json, extras: CallExtras
    ) -> bytes | Json:
        if name not in {tool["name"] for tool in TOOLS[caller.principal.id]}:
            raise NotFound(f"There is no tool '{name}'.", field="name")
        self.calls.append((caller.principal.id, server, name, arguments, extras))
        _raise_what_is_asked(arguments.get("fail"))
        if arguments.get("wait"):
            self.started.set()
            try:
                await self.released.wait()
                self.completed += 1
            finally:
                self.ended.set()
        if extras.channel is not None and arguments.get("talk"):
            return await _talk(extras.channel, arguments["talk"])
        structured = {"order": arguments, "resultType": "deep inside"} if arguments.get("deep") else arguments
        result = {"content": [{"type": "text", "text": "ok"}], "structuredContent": structured, "isError": False}
        if arguments.get("as_dict"):
            return result
        return orjson.dumps({"resultType": "complete", **result} if arguments.get("dressed") else result)

    async def watch_task(self, caller: Caller, server: str | None, task_id: str) -> str | None:
        return None

    async def ask_task(self, caller: Caller, server: str | None, method: str, task_id: str, extras: CallExtras) -> Json:
        raise NotFound("There is no such task.", field="taskId")

    async def read_resource(self, caller: Caller, server: str | None, uri: str, extras: CallExtras = NO_EXTRAS) -> Json:
        if uri != RESOURCE["uri"]:
            raise NotFound(f"There is no resource '{uri}'.", field="uri")
        return {"contents": [{"uri": uri, "mimeType": "text/plain", "text": "Order 1 is on its way."}]}

    async def watch(self, caller: Caller, server: str | None, uri: str) -> str | None:
        if uri == UNWATCHED:
            return None
        if uri == CLOSED:
            raise ForbiddenScope("This needs read:closed.", details={"scope": "read:closed"})
        if uri not in RECORDS:
            raise NotFound(f"There is no resource '{uri}'.", field="uri")
        return RECORDS[uri]

    async def list_marks(self, caller: Caller, server: str | None) -> Mapping[str, int]:
        return dict(self.marks)

    async def may_read(self, caller: Caller, server: str | None, uri: str) -> bool:
        return uri not in self.unreadable

    async def get_prompt(
        self,
        caller: Caller,
        server: str | None,
        name: str,
        arguments: Mapping[str, str],
        extras: CallExtras = NO_EXTRAS,
    ) -> Json:
        if name != PROMPT["name"]:
            raise NotFound(f"There is no prompt '{name}'.", field="name")
        text = f"Find out why order {arguments.get('order_id', '?')} is late."
        return {"messages": [{"role": "user", "content": {"type": "text", "text": text}}]}

    async def complete(
        self,
        caller: Caller,
        server: str | None,
        reference: Json,
        argument: str,
        value: str,
        known: Mapping[str, str] = NOTHING_KNOWN,
        extras: CallExtras = NO_EXTRAS,
    ) -> Json:
        meta = {"_meta": {"from": "elsewhere"}} if known else {}
        return {"values": [f"{value}1", f"{value}2", *known.values()], "total": 2, "hasMore": False, **meta}


async def _talk(channel: ClientChannel, kind: str) -> Json:
    """A call that says something before its result, or asks."""
    if kind == "ask":
        reply = await channel.ask("elicitation/create", {"mode": "form", "message": "Sure?", "requestedSchema": {}})
        return {"content": [], "structuredContent": reply, "isError": False}
    for number in (1, 2):
        await channel.notify("notifications/progress", {"progressToken": "forged", "progress": number, "total": 2})
    for level in ("debug", "warning"):
        await channel.notify("notifications/message", {"level": level, "data": level})
    await channel.notify("notifications/tools/list_changed", {})
    if kind == "fail":
        raise NotFound("It went away.")
    return {"content": [], "structuredContent": {"told": True}, "isError": False}


def _raise_what_is_asked(kind: Any) -> None:
    if kind == "scope":
        raise ForbiddenScope("This needs write:orders.", details={"scope": "write:orders"})
    if kind == "rate":
        raise RateLimited("Too many calls.", retry_after_seconds=2.4)
    if kind == "unavailable":
        raise Unavailable("The database is away.", retry_after_seconds=5)
    if kind == "bug":
        raise KeyError("secret-of-the-house")
