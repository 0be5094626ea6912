"""The methods that both eras have: lists, calls, reads, prompts, completion.

An era differs in how a request is checked and how a result is dressed, not in what is asked of the host. It gives a
`ResultShape`; here the parameters are read and the host is asked.
"""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Protocol

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import InvalidArgument
from tradepost.protocol.errors import invalid_params
from tradepost.protocol.headers import is_visible_ascii
from tradepost.protocol.hosting import CallExtras, ClientChannel, HostedCatalog, Wire
from tradepost.protocol.jsonrpc import Json

KEY_HEADER = "idempotency-key"
SESSION_HEADER = "mcp-session-id"
TRACE = "traceparent"
KEY_META = "io.tradepost/idempotencyKey"
RUN_META = "io.tradepost/runId"
MAX_KEY_CHARACTERS = 255
MAX_RUN_CHARACTERS = 64
MAX_URI_CHARACTERS = 8192

TOOLS_CALL = "tools/call"
_LISTS = {
    "tools/list": "tools",
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
    "prompts/list": "prompts",
}
WITH_EXTRAS = frozenset({TOOLS_CALL, "resources/read", "prompts/get", "completion/complete"})  # the others are lists
CATALOG_METHODS = frozenset({*_LISTS, *WITH_EXTRAS})


class ResultShape(Protocol):
    """How an era dresses results. All give the bytes of a JSON object."""

    def listing(self, key: str, items: bytes) -> bytes:
        """A list result around a ready JSON array."""
        ...

    def reading(self, result: Json) -> bytes:
        """A resources/read result."""
        ...

    def plain(self, result: Json) -> bytes:
        """Any other result made of a dict."""
        ...

    def call(self, result: bytes | Json) -> bytes:
        """A tools/call result, untouched where it is ready bytes already."""
        ...


class CatalogMethods:
    """Asks the host; raises what the host raises, and InvalidArgument for wrong parameters."""

    def __init__(self, host: HostedCatalog) -> None:
        self._host = host

    def call_tool(
        self, caller: Caller, server: str | None, params: Json, extras: CallExtras
    ) -> Awaitable[bytes | Json]:
        """What a tool answers, not yet dressed."""
        return self._host.call_tool(caller, server, text(params, "name"), _object(params, "arguments"), extras)

    async def result(
        self,
        shape: ResultShape,
        caller: Caller,
        server: str | None,
        method: str,
        params: Json,
        extras: CallExtras,
        loaded: Sequence[str] = (),
    ) -> bytes:
        """The result bytes for one of CATALOG_METHODS. `loaded` are tools that a list shows beside what it has."""
        if method == TOOLS_CALL:
            return shape.call(await self.call_tool(caller, server, params, extras))
        if method in _LISTS:
            _no_cursor(params)
            return shape.listing(_LISTS[method], await self._items(caller, server, method, loaded))
        if method == "resources/read":
            uri = text(params, "uri", MAX_URI_CHARACTERS)
            return shape.reading(await self._host.read_resource(caller, server, uri, extras))
        if method == "prompts/get":
            name, texts = text(params, "name"), _texts(params)
            return shape.plain(await self._host.get_prompt(caller, server, name, texts, extras))
        return shape.plain(await self._complete(caller, server, params, extras))

    async def _items(self, caller: Caller, server: str | None, method: str, loaded: Sequence[str]) -> bytes:
        if method == "tools/list":
            return await self._host.list_tools(caller, server, loaded)
        if method == "resources/list":
            return await self._host.list_resources(caller, server)
        if method == "resources/templates/list":
            return await self._host.list_resource_templates(caller, server)
        return await self._host.list_prompts(caller, server)

    async def _complete(self, caller: Caller, server: str | None, params: Json, extras: CallExtras) -> Json:
        reference, argument = _object(params, "ref"), _object(params, "argument")
        if reference.get("type") not in ("ref/prompt", "ref/resource"):
            raise InvalidArgument("ref.type is ref/prompt or ref/resource.", field="ref")
        value = argument.get("value")
        if not isinstance(value, str):
            raise InvalidArgument("argument.value is a text.", field="argument.value")
        name, known = text(argument, "name"), _texts(_object(params, "context"))
        completion = await self._host.complete(caller, server, reference, name, value, known, extras)
        meta = completion.get("_meta")  # of the result, where it came with the values
        shown: Json = {"completion": {key: inner for key, inner in completion.items() if key != "_meta"}}
        return {**shown, "_meta": meta} if meta else shown


def capabilities(info: Mapping[str, Any]) -> Json:
    """What the endpoint offers; updates of resources only where there are some to watch."""
    changes = {"listChanged": True}
    resources = {**changes, "subscribe": True} if info.get("watches") else changes
    return {"tools": changes, "resources": resources, "prompts": changes, "completions": {}, "logging": {}}


def identity(info: Mapping[str, Any]) -> Json:
    """The serverInfo object."""
    return {name: value for name, value in info.items() if name not in ("instructions", "watches")}


def call_extras(
    params: Json,
    headers: Mapping[str, str],
    capabilities: Mapping[str, Any] | None,
    channel: ClientChannel | None = None,
    *,
    rounds: bool = False,
    wire: Wire | None = None,
) -> CallExtras:
    """What came beside name and arguments. Raises Refusal (400) for an unusable key or two different ones."""
    meta = meta_of(params)
    in_meta, in_header, run_id = meta.get(KEY_META), headers.get(KEY_HEADER), meta.get(RUN_META)
    return CallExtras(
        None if in_meta is None and in_header is None else _idempotency_key(in_meta, in_header),
        capabilities,
        None if run_id is None else _run_id(run_id),
        _optional_object(params, "inputResponses"),
        _optional_text(params, "requestState"),
        rounds,
        channel,
        _trace(meta, headers),
        None if rounds else headers.get(SESSION_HEADER),  # there are no sessions in the newer era, whatever is sent
        wire,
    )


def _trace(meta: Json, headers: Mapping[str, str]) -> Mapping[str, str] | None:
    """The trace that a request belongs to, as its `_meta` says, or else its headers (W3C Trace Context)."""
    came: Mapping[str, Any] = meta if TRACE in meta else headers
    if TRACE not in came:
        return None
    known = {name: came.get(name) for name in (TRACE, "tracestate", "baggage")}
    return {name: value for name, value in known.items() if isinstance(value, str)}


def meta_of(params: Json) -> Json:
    """`_meta` of the params; {} where there is none. Raises InvalidArgument when it is no object."""
    return _object(params, "_meta")


def progress_token(params: Json) -> str | int | None:
    """The token under which a client wants progress. Raises InvalidArgument when it is neither text nor integer."""
    token = meta_of(params).get("progressToken")
    if token is None or isinstance(token, str) or type(token) is int:
        return token
    raise InvalidArgument("_meta.progressToken is a text or an integer.", field="progressToken")


def text(params: Mapping[str, Any], name: str, longest: int = 1024) -> str:
    """A required text parameter."""
    value = params.get(name)
    if not isinstance(value, str) or not value or len(value) > longest:
        raise InvalidArgument(f"params.{name} must be a text of 1 to {longest} characters.", field=name)
    return value


def _object(params: Mapping[str, Any], name: str) -> Json:
    value = params.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidArgument(f"params.{name} must be an object.", field=name)
    return value


def _optional_object(params: Mapping[str, Any], name: str) -> Json | None:
    return None if params.get(name) is None else _object(params, name)


def _optional_text(params: Mapping[str, Any], name: str) -> str | None:
    value = params.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidArgument(f"params.{name} must be a text.", field=name)
    return value


def _texts(params: Json) -> dict[str, str]:
    arguments = _object(params, "arguments")
    for name, value in arguments.items():
        if not isinstance(value, str):
            raise InvalidArgument(f"The argument {name[:60]!r} must be a text.", field=name)
    return arguments


def _no_cursor(params: Json) -> None:
    """A catalog is never paged: no cursor was ever given out, and the empty one means the beginning."""
    if params.get("cursor") not in (None, ""):
        raise InvalidArgument("The cursor is not one that this list gave.", hint="Leave it out.", field="cursor")


def _idempotency_key(in_meta: Any, in_header: str | None) -> str | None:
    for key in (in_meta, in_header):
        if key is not None and not (isinstance(key, str) and is_visible_ascii(key, MAX_KEY_CHARACTERS)):
            raise invalid_params(f"An idempotency key is 1 to {MAX_KEY_CHARACTERS} characters of visible ASCII.")
    if in_meta is not None and in_header is not None and in_meta != in_header:
        raise invalid_params(
            f"The Idempotency-Key header and _meta['{KEY_META}'] are two different keys. Send the same, or one."
        )
    return in_meta if in_meta is not None else in_header


def _run_id(value: Any) -> str | None:
    if value is not None and not (isinstance(value, str) and is_visible_ascii(value, MAX_RUN_CHARACTERS)):
        raise InvalidArgument(
            f"_meta['{RUN_META}'] is 1 to {MAX_RUN_CHARACTERS} characters of visible ASCII.", field="run_id"
        )
    return value
