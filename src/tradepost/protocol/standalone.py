"""A bundled server on its own, without the hub: the official SDK's server over stdio or HTTP.

The SDK speaks both eras; here its handlers only hand over to the BuiltinServer, whose answers go out as they are. The
caller is always the operator who started the process, with a new request id for every call.
"""

import hmac
from collections.abc import Collection, Mapping
from typing import Any

import mcp_types as types
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.exceptions import MCPError
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from tradepost import __version__
from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import InvalidArgument, NotFound
from tradepost.foundation.ids import new_id
from tradepost.protocol.builtin import BuiltinServer, Definitions, Json
from tradepost.protocol.guards import LOCAL_HOSTS

KEY_ARGUMENT = "idempotency_key"
MIN_BEARER_CHARACTERS = 16

# The newest era demands these; the SDK takes them off for the older ones.
_COMPLETE: Json = {"resultType": "complete"}
_PRIVATE: Json = {"ttlMs": 0, "cacheScope": "private"}


async def serve_stdio(server: BuiltinServer, caller: Caller) -> None:
    """Serve on stdin and stdout until stdin closes."""
    low_level = sdk_server(server, caller)
    async with stdio_server() as (read, write):
        await low_level.run(read, write, low_level.create_initialization_options())


def http_app(
    server: BuiltinServer,
    caller: Caller,
    bearer: str,
    *,
    allowed_hosts: Collection[str] = LOCAL_HOSTS,
    allowed_origins: Collection[str] = (),
) -> ASGIApp:
    """An ASGI application with the server on `/mcp`, behind one bearer token; run it with its lifespan.

    Raises ValueError for a bearer shorter than 16 characters.
    """
    if len(bearer) < MIN_BEARER_CHARACTERS:
        raise ValueError(f"The bearer token needs at least {MIN_BEARER_CHARACTERS} characters.")
    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=list(allowed_hosts),
        allowed_origins=list(allowed_origins),
    )
    app = sdk_server(server, caller).streamable_http_app(json_response=True, transport_security=security)
    return _BearerGate(app, bearer)


def sdk_server(server: BuiltinServer, caller: Caller) -> Server[Any]:
    """The SDK's low-level server around a bundled one."""
    definitions = server.definitions()
    low_level: Server[Any] = Server(
        server.slug,
        version=__version__,
        title=server.title,
        instructions=definitions.instructions or None,
        # Without it the SDK lists all tools, in full, at every call, to compare `Mcp-Param-*` headers with one schema.
        get_tool_input_schema={tool["name"]: tool["inputSchema"] for tool in definitions.tools}.get,
    )
    handlers = _Handlers(server, caller, definitions)
    low_level.add_request_handler("tools/list", types.PaginatedRequestParams, handlers.list_tools)
    low_level.add_request_handler("tools/call", types.CallToolRequestParams, handlers.call_tool)
    if definitions.resources or definitions.resource_templates:
        low_level.add_request_handler("resources/list", types.PaginatedRequestParams, handlers.list_resources)
        low_level.add_request_handler("resources/templates/list", types.PaginatedRequestParams, handlers.list_templates)
        low_level.add_request_handler("resources/read", types.ReadResourceRequestParams, handlers.read)
    if definitions.prompts:
        low_level.add_request_handler("prompts/list", types.PaginatedRequestParams, handlers.list_prompts)
        low_level.add_request_handler("prompts/get", types.GetPromptRequestParams, handlers.prompt)
    if definitions.prompts or definitions.resource_templates:
        low_level.add_request_handler("completion/complete", types.CompleteRequestParams, handlers.complete)
    return low_level


Context = ServerRequestContext[Any, Any]


class _Handlers:
    """The SDK's handlers, as thin as they can be: results are the server's own JSON."""

    def __init__(self, server: BuiltinServer, caller: Caller, definitions: Definitions) -> None:
        self._server = server
        self._caller = caller
        self._definitions = definitions
        self._keyed = frozenset(tool["name"] for tool in definitions.tools if _declares_key(tool))

    async def list_tools(self, context: Context, params: types.PaginatedRequestParams) -> Json:
        return _page("tools", self._definitions.tools, params)

    async def list_resources(self, context: Context, params: types.PaginatedRequestParams) -> Json:
        return _page("resources", self._definitions.resources, params)

    async def list_templates(self, context: Context, params: types.PaginatedRequestParams) -> Json:
        return _page("resourceTemplates", self._definitions.resource_templates, params)

    async def list_prompts(self, context: Context, params: types.PaginatedRequestParams) -> Json:
        return _page("prompts", self._definitions.prompts, params)

    async def call_tool(self, context: Context, params: types.CallToolRequestParams) -> Json:
        arguments = params.arguments or {}
        key = arguments.get(KEY_ARGUMENT) if params.name in self._keyed else None
        try:
            result = await self._server.call(
                self._operator(), params.name, arguments, key if isinstance(key, str) else None
            )
        except NotFound as error:
            raise _invalid(error) from error
        return {**_COMPLETE, **result.as_dict()}

    async def read(self, context: Context, params: types.ReadResourceRequestParams) -> Json:
        try:
            result = await self._server.read(self._operator(), str(params.uri))
        except (NotFound, InvalidArgument) as error:
            raise _invalid(error) from error
        return {**_COMPLETE, **_PRIVATE, **result}

    async def prompt(self, context: Context, params: types.GetPromptRequestParams) -> Json:
        texts: Mapping[str, str] = params.arguments or {}
        try:
            result = await self._server.prompt(self._operator(), params.name, texts)
        except (NotFound, InvalidArgument) as error:
            raise _invalid(error) from error
        return {**_COMPLETE, **result}

    async def complete(self, context: Context, params: types.CompleteRequestParams) -> Json:
        reference = params.ref.model_dump(by_alias=True, mode="json", exclude_none=True)
        argument = params.argument
        try:
            completion = await self._server.complete(self._operator(), reference, argument.name, argument.value)
        except (NotFound, InvalidArgument) as error:
            raise _invalid(error) from error
        return {**_COMPLETE, "completion": completion}

    def _operator(self) -> Caller:
        return self._caller.for_request(new_id("req"))


def _declares_key(tool: Json) -> bool:
    return KEY_ARGUMENT in tool.get("inputSchema", {}).get("properties", {})


def _page(key: str, items: Collection[Json], params: types.PaginatedRequestParams) -> Json:
    """The whole list: it is never paged, so the only cursor is none (or the empty one)."""
    if params.cursor:
        raise MCPError(code=types.INVALID_PARAMS, message="The cursor is not one that this list gave.")
    return {**_COMPLETE, **_PRIVATE, key: list(items)}


def _invalid(error: NotFound | InvalidArgument) -> MCPError:
    return MCPError(code=types.INVALID_PARAMS, message=error.message, data=error.as_dict())


class _BearerGate:
    """Lets requests with the one token through, and the lifespan."""

    def __init__(self, app: Starlette, bearer: str) -> None:
        self._app = app
        self._expected = f"Bearer {bearer}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._admits(scope):
            headers = [(b"www-authenticate", b"Bearer"), (b"content-length", b"0")]
            await send({"type": "http.response.start", "status": 401, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        await self._app(scope, receive, send)

    def _admits(self, scope: Scope) -> bool:
        sent = [value for name, value in scope["headers"] if name == b"authorization"]
        return len(sent) == 1 and hmac.compare_digest(sent[0], self._expected)
