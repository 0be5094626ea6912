"""The 2026-07-28 era: stateless. Every request says in `_meta` and in headers what it is, and both must agree.

The order of the checks follows the official implementation, so that a client gets the same error from both: `_meta`
present (-32602), headers equal to the body (-32020), version served (-32022), method known (-32601, 404).
Authorization, limits and audit never see a header value: the host gets the body's.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from tradepost.foundation.caller import Caller
from tradepost.protocol.canceling import WhileConnected
from tradepost.protocol.channel import LOG_LEVELS, StreamChannel
from tradepost.protocol.errors import (
    Refusal,
    header_mismatch,
    invalid_params,
    unknown_method,
    unsupported_version,
)
from tradepost.protocol.exchange import Exchange
from tradepost.protocol.headers import decode_value
from tradepost.protocol.hosting import NO_EXTRAS, CallExtras, HostedCatalog
from tradepost.protocol.jsonrpc import Json, Message
from tradepost.protocol.listening import LISTEN, Listening
from tradepost.protocol.methods import (
    CATALOG_METHODS,
    TOOLS_CALL,
    WITH_EXTRAS,
    CatalogMethods,
    call_extras,
    capabilities,
    identity,
    progress_token,
)
from tradepost.protocol.parameter_headers import HeaderParameter, mismatch
from tradepost.protocol.streams import Streams
from tradepost.protocol.task_methods import TaskMethods
from tradepost.protocol.tasks import OFFERED, TASK_METHODS
from tradepost.protocol.updates import Updates

VERSION = "2026-07-28"
VERSION_META = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES_META = "io.modelcontextprotocol/clientCapabilities"
CLIENT_INFO_META = "io.modelcontextprotocol/clientInfo"
LOG_LEVEL_META = "io.modelcontextprotocol/logLevel"
SERVER_INFO_META = "io.modelcontextprotocol/serverInfo"
VERSION_HEADER = "mcp-protocol-version"
METHOD_HEADER = "mcp-method"
NAME_HEADER = "mcp-name"
DISCOVER = "server/discover"

LIST_TTL_MS = 5_000  # how stale a client's catalog may be: a disabled tool is refused at once in any case

_NAMED = {
    TOOLS_CALL: "name",
    "prompts/get": "name",
    "resources/read": "uri",
    **dict.fromkeys(TASK_METHODS, "taskId"),
}
_COMPLETE = b'{"resultType":"complete",'


def is_modern(message: Message, version_header: str | None) -> bool:
    """True when a request opens in this era: its `_meta` names a version, or its header names this one."""
    meta = message.params.get("_meta")
    return version_header == VERSION or (isinstance(meta, dict) and VERSION_META in meta)


def check_envelope(message: Message, headers: Mapping[str, str], served: tuple[str, ...]) -> Mapping[str, Any]:
    """The client's capabilities, when `_meta` and headers are as the era demands. Raises Refusal."""
    meta = message.params.get("_meta")
    if not isinstance(meta, dict):
        raise invalid_params(f"params._meta must carry {VERSION_META!r} and {CAPABILITIES_META!r}.")
    if VERSION_META not in meta or CAPABILITIES_META not in meta:
        missing = [key for key in (VERSION_META, CAPABILITIES_META) if key not in meta]
        raise invalid_params(f"params._meta lacks {', '.join(missing)}.")
    version, capabilities = meta[VERSION_META], meta[CAPABILITIES_META]
    if not isinstance(version, str) or not isinstance(capabilities, dict):
        raise invalid_params(f"{VERSION_META} is a text and {CAPABILITIES_META} an object.")
    if headers.get(VERSION_HEADER) != version:
        raise header_mismatch("MCP-Protocol-Version is missing or differs from params._meta")
    if headers.get(METHOD_HEADER) != message.method:
        raise header_mismatch("Mcp-Method is missing or differs from the method of the body")
    named = _NAMED.get(message.method)
    if named is not None:
        value = message.params.get(named)
        if isinstance(value, str) and decode_value(headers.get(NAME_HEADER)) != value:
            raise header_mismatch(f"Mcp-Name is missing or differs from params.{named} of the body")
    if version != VERSION:
        raise unsupported_version(version, served)
    return capabilities


class ModernShape:
    """Results with `resultType`; lists and reads with the cache hints; `private`, since all depends on the caller."""

    def __init__(self, server_info: Json | None) -> None:
        self._meta = {SERVER_INFO_META: server_info} if server_info else {}

    def listing(self, key: str, items: bytes) -> bytes:
        hints = b'%b"ttlMs":%d,"cacheScope":"private",' % (_COMPLETE, LIST_TTL_MS)
        return b'%b"_meta":%b,"%b":%b}' % (hints, orjson.dumps(self._meta), key.encode(), items)

    def reading(self, result: Json) -> bytes:
        if result.get("resultType", "complete") != "complete":
            return self.plain(result)
        return self.plain({"ttlMs": 0, "cacheScope": "private", **result})

    def plain(self, result: Json) -> bytes:
        meta = {**self._meta, **result.get("_meta", {})}
        return orjson.dumps({"resultType": "complete", **result, "_meta": meta})

    def call(self, result: bytes | Json) -> bytes:
        if isinstance(result, dict):
            return orjson.dumps({"resultType": "complete", **result})
        if b'"resultType"' not in result:
            return _COMPLETE + result.lstrip()[1:]
        parsed = orjson.loads(result)  # the words may only stand deeper inside
        return result if "resultType" in parsed else _COMPLETE + result.lstrip()[1:]


_CALL = ModernShape(None)


class ModernEra:
    """Answers requests of 2026-07-28."""

    def __init__(self, host: HostedCatalog, served: tuple[str, ...], updates: Updates, streams: Streams) -> None:
        self._host = host
        self._methods = CatalogMethods(host)
        self._tasks = TaskMethods(host)
        self._listening = Listening(host, updates, streams)
        self._served = served
        self._connected = WhileConnected()

    async def result(self, caller: Caller, server: str | None, message: Message, exchange: Exchange) -> bytes:
        """The result bytes of a request. Raises Refusal, TradepostError, ClientGone."""
        headers = exchange.headers
        declared = check_envelope(message, headers, self._served)
        if message.method == TOOLS_CALL:
            mirrored = self._host.mirrored(caller, server, str(message.params.get("name")))
            _check_mirrored(mirrored if isinstance(mirrored, tuple) else await mirrored, message.params, headers)
            extras = self._extras(message, exchange, declared)
            called = self._methods.call_tool(caller, server, message.params, extras)
            return _CALL.call(await self._connected.run(exchange, called))
        if message.method not in (DISCOVER, LISTEN, *CATALOG_METHODS, *TASK_METHODS):
            raise unknown_method(message.method, modern=True)
        info = await self._host.server_info(caller, server)
        shape = ModernShape(identity(info))
        if message.method == DISCOVER:
            return self._discovery(shape, info)
        if message.method in TASK_METHODS:
            exchange.revision = VERSION
            extras = call_extras(message.params, headers, declared, rounds=True, wire=exchange)
            return await self._tasks.result(shape, caller, server, message.method, message.params, extras)
        if message.method == LISTEN:
            return await self._listening.listen(caller, server, message, exchange, shape, declared)
        extras = self._extras(message, exchange, declared) if message.method in WITH_EXTRAS else NO_EXTRAS
        call = self._methods.result(shape, caller, server, message.method, message.params, extras)
        return await self._connected.run(exchange, call)

    def _extras(self, message: Message, exchange: Exchange, declared: Mapping[str, Any]) -> CallExtras:
        channel = _channel(exchange, message.params)
        exchange.revision = VERSION
        return call_extras(message.params, exchange.headers, declared, channel, rounds=True, wire=exchange)

    def _discovery(self, shape: ModernShape, info: Json) -> bytes:
        offered = {**capabilities(info), "extensions": OFFERED}
        result: Json = {"supportedVersions": [VERSION], "capabilities": offered}
        if info.get("instructions"):
            result["instructions"] = info["instructions"]
        return shape.plain({**result, "ttlMs": LIST_TTL_MS, "cacheScope": "private"})


def _check_mirrored(parameters: tuple[HeaderParameter, ...], params: Json, headers: Mapping[str, str]) -> None:
    """Compare `Mcp-Param-*` headers with the arguments, for tools whose schema names any. Raises Refusal."""
    if not parameters:
        return
    arguments = params.get("arguments")
    problem = mismatch(parameters, arguments if isinstance(arguments, dict) else {}, headers)
    if problem is not None:
        raise header_mismatch(problem)


def _channel(exchange: Exchange, params: Json) -> StreamChannel:
    meta = params["_meta"]
    level = meta.get(LOG_LEVEL_META)
    if level is not None and level not in LOG_LEVELS:
        raise invalid_params(f"{LOG_LEVEL_META} is one of {', '.join(LOG_LEVELS)}.")
    token = progress_token(params) if "progressToken" in meta else None
    return StreamChannel(exchange, progress_token=token, log_level=level)


__all__ = ["DISCOVER", "VERSION", "ModernEra", "Refusal", "check_envelope", "is_modern"]
