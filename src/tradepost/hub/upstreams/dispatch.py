"""The one place that calls servers, bundled and remote. Every caller has gone through the pipeline before.

Errors come out as UpstreamError or UpstreamTimeout with `dispatched` and `answered`: a write that was dispatched and
not answered may have happened. No write is sent twice; a read is, where a warm connection turns out to be closed.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import orjson

from tradepost.foundation.caller import Caller
from tradepost.foundation.canonical import MAX_DEPTH
from tradepost.foundation.errors import NotFound, StateConflict, Unavailable
from tradepost.foundation.nesting import deeper_than
from tradepost.foundation.untrusted import clean, untrusted
from tradepost.hub.upstreams.connections import Connection, Connections
from tradepost.hub.upstreams.redaction import may_hold, redact
from tradepost.hub.upstreams.talk import CAPABILITY_FOR, MAX_TEXT, Talk, cleaned_value
from tradepost.hub.upstreams.targets import PromptTarget, Target, ToolTarget
from tradepost.protocol.builtin import BuiltinServer, Mode, ToolResult
from tradepost.protocol.hosting import NOTHING_KNOWN
from tradepost.protocol.jsonrpc import MISSING_CAPABILITY
from tradepost.protocol.modern import SERVER_INFO_META
from tradepost.protocol.options import Options
from tradepost.protocol.upstream_errors import MissingCapability, UpstreamFailed, UpstreamTimedOut

Json = dict[str, Any]
Answer = TypeVar("Answer")
LEAST_SECONDS = 0.001  # of a call that is over: it fails as one that took too long
MAX_ERROR_DATA = 16 * 1024  # bytes
OUR_META = "io.tradepost/"


class Upstreams:
    """Calls servers in the name of a caller."""

    def __init__(self, builtins: Mapping[str, BuiltinServer], connections: Connections) -> None:
        self._builtins = builtins
        self._connections = connections

    async def call_tool(
        self,
        caller: Caller,
        tool: ToolTarget,
        arguments: Json,
        key: str | None,
        mode: Mode = "execute",
        talk: Talk | None = None,
        ends_at: float | None = None,
    ) -> ToolResult:
        """Run a tool. `key` goes to bundled servers as the store's key, to others in the parameter they declare; what a
        server that is not bundled says and asks meanwhile goes through `talk`. `ends_at` is when the call has to be
        over, by the loop's clock; without it, when it has taken as long as a call of the tool may."""
        if tool.server_kind == "builtin":
            server = self._builtin(tool)
            async with _deadline(tool, ends_at):
                return await server.call(caller, tool.raw_name, arguments, key, mode)
        if mode == "preview":
            raise StateConflict("A server that is not bundled has no preview.", hint="Show the arguments instead.")
        if tool.key_parameter is not None and key is not None:
            arguments = {**arguments, tool.key_parameter: key}
        connection = await self._remote(caller, tool)
        talk, end = talk or Talk(), _end(tool, ends_at)
        client = await connection.for_call(asks_in_call=talk.asks_in_call, seconds=_left(end, talk))
        given: Options = {"mirrored": tool.mirrored, "repeatable": tool.tool_class == "read"}

        async def once() -> tuple[Json, bytes]:
            given["timeout"] = _left(end, talk)
            options = talk.options(connection.secrets, **given)
            answer = await client.call_tool_answer(tool.raw_name, arguments, talk.meta(), **options)
            return answer.result, answer.answered.body

        (result, source), asks = await _answered(connection, tool, talk, once, lambda answer: answer[0])
        return _tool_result(result, source, connection.secrets) if asks is None else ToolResult([], asks=asks)

    async def read_resource(
        self, caller: Caller, resource: Target, uri: str, talk: Talk | None = None, ends_at: float | None = None
    ) -> Json:
        """The ReadResourceResult of a URI, or an InputRequiredResult."""
        if resource.server_kind == "builtin":
            async with _deadline(resource, ends_at):
                return await self._builtin(resource).read(caller, uri)
        connection = await self._remote(caller, resource)
        talk, end = talk or Talk(), _end(resource, ends_at)
        client = await connection.for_call(asks_in_call=talk.asks_in_call, seconds=_left(end, talk))

        async def once() -> Json:
            options = talk.options(connection.secrets, timeout=_left(end, talk))
            return await client.read_resource(uri, talk.meta(), **options)

        result, asks = await _answered(connection, resource, talk, once, dict)
        if asks is not None:
            return asks
        contents = result.get("contents")
        if not isinstance(contents, list) or not contents:
            raise NotFound(f"There is no resource '{uri[:200]}'.")
        shown = {"contents": contents, **_meta_of(result)}
        return dict(redact(_bounded(shown), connection.secrets))

    async def watched(self, caller: Caller, resource: Target, uri: str) -> str | None:
        """The record whose changes are those of a resource. None for resources of servers that are not bundled: their
        changes leave no trace here."""
        if resource.server_kind != "builtin":
            return None
        async with _deadline(resource):
            return await self._builtin(resource).watched(caller, uri)

    async def get_prompt(
        self,
        caller: Caller,
        prompt: PromptTarget,
        arguments: Mapping[str, str],
        talk: Talk | None = None,
        ends_at: float | None = None,
    ) -> Json:
        """The GetPromptResult of a prompt, or an InputRequiredResult."""
        if prompt.server_kind == "builtin":
            async with _deadline(prompt, ends_at):
                return await self._builtin(prompt).prompt(caller, prompt.name, arguments)
        connection = await self._remote(caller, prompt)
        talk, end = talk or Talk(), _end(prompt, ends_at)
        client = await connection.for_call(asks_in_call=talk.asks_in_call, seconds=_left(end, talk))

        async def once() -> Json:
            options = talk.options(connection.secrets, timeout=_left(end, talk))
            return await client.get_prompt(prompt.name, arguments, talk.meta(), **options)

        result, asks = await _answered(connection, prompt, talk, once, dict)
        if asks is not None:
            return asks
        if not isinstance(result.get("messages"), list):
            raise _misshapen("a prompt without messages")
        shown: Json = {name: result[name] for name in ("description", "messages") if name in result}
        return dict(redact(_bounded({**shown, **_meta_of(result)}), connection.secrets))

    async def complete(
        self,
        caller: Caller,
        target: Target,
        reference: Json,
        argument: str,
        value: str,
        known: Mapping[str, str] = NOTHING_KNOWN,
        ends_at: float | None = None,
    ) -> Json:
        """The `completion` object for an argument of a prompt or resource template; `known` are the other ones."""
        if target.server_kind == "builtin":
            async with _deadline(target, ends_at):
                return await self._builtin(target).complete(caller, reference, argument, value)
        connection = await self._remote(caller, target)
        with _readable(connection, target):
            seconds = _left(_end(target, ends_at))
            completion = await connection.client.complete(reference, argument, value, known, timeout=seconds)
        values = completion.get("values")
        if not isinstance(values, list) or not all(isinstance(text, str) for text in values):
            raise _misshapen("a completion without values")
        return dict(redact(_bounded({**completion, "values": values[:100]}), connection.secrets))

    async def close(self) -> None:
        """End all connections."""
        await self._connections.close()

    def _builtin(self, target: Target) -> BuiltinServer:
        server = self._builtins.get(target.builtin_key or "")
        if server is None:
            raise Unavailable(
                f"The bundled server '{target.server_slug}' is not part of this installation.",
                hint="Start Tradepost with this server, or disable it in the registry.",
            )
        return server

    async def _remote(self, caller: Caller, target: Target) -> Connection:
        if target.server_url is None:
            raise Unavailable(f"The server '{target.server_slug}' has no URL.", hint="Set its URL and test it again.")
        return await self._connections.to(
            caller.workspace_id, target.server_id, target.server_url, target.credential_version, target.limits
        )


def _end(target: Target, ends_at: float | None) -> float:
    """When a call has to be over, by the loop's clock."""
    return asyncio.get_running_loop().time() + target.limits.timeout_seconds if ends_at is None else ends_at


def _left(end: float, talk: Talk | None = None) -> float:
    """Seconds until then. The time that people took for answers is not the server's."""
    waited = talk.waited_seconds if talk is not None else 0.0
    return max(end + waited - asyncio.get_running_loop().time(), LEAST_SECONDS)


@asynccontextmanager
async def _deadline(target: Target, ends_at: float | None = None) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout_at(_end(target, ends_at)):
            yield
    except TimeoutError:
        seconds = target.limits.timeout_seconds
        raise UpstreamTimedOut(f"The tool did not finish within {seconds:g} seconds.", dispatched=True) from None


async def _answered(
    connection: Connection,
    target: Target,
    talk: Talk,
    once: Callable[[], Awaitable[Answer]],
    result_of: Callable[[Answer], Json],
) -> tuple[Answer, Json | None]:
    """The answer to a call that is made as often as it takes to answer the server's questions, and the questions that
    go to the caller's own client instead."""
    with _readable(connection, target, talk):
        while True:
            answer = await once()
            asks = await talk.questions(result_of(answer), connection.secrets)
            if asks is not None or not talk.asked_again:
                return answer, asks


class _readable:
    """Adds what the server itself said to its error: marked as outsiders' text, without the credential. A capability
    that the caller's own client lacks is an error of the protocol, as it would be without us."""

    def __init__(self, connection: Connection, target: Target, talk: Talk | None = None) -> None:
        self._secrets = connection.secrets
        self._server = target.server_slug
        self._talk = talk

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, UpstreamFailed) and error.rpc_error is not None:
            if error.rpc_code == MISSING_CAPABILITY and self._talk is not None and self._talk.takes_rounds:
                raise MissingCapability(_required(error.rpc_error.get("data"))) from error
            said = redact(error.rpc_error["message"], self._secrets)
            data = _said_beside(error.rpc_error.get("data"), self._secrets)
            error.rpc_error = {"code": error.rpc_error["code"], "message": clean(said, MAX_TEXT), "data": data}
            error.server = self._server
            error.details["server_said"] = untrusted(said, MAX_TEXT)
            error.details["server_code"] = error.rpc_code
            if data is not None:
                error.details["server_data"] = data


def _said_beside(data: Any, secrets: Sequence[str]) -> Any:
    """The `data` of an error, cleaned; None where it is more than an error needs."""
    cleaned = cleaned_value(redact(data, secrets)) if not deeper_than(data, MAX_DEPTH) else None
    return cleaned if len(orjson.dumps(cleaned)) <= MAX_ERROR_DATA else None


def _required(data: Any) -> Json:
    """The capabilities that a server named, as far as there are such."""
    named = data.get("requiredCapabilities") if isinstance(data, dict) else None
    known = {*CAPABILITY_FOR.values(), "tasks", "experimental"}
    return {name: {} for name in named if name in known} if isinstance(named, dict) else {}


def _tool_result(result: Json, source: bytes, secrets: Sequence[str]) -> ToolResult:
    """The result without secrets. `source` is the JSON text that it came in."""
    if source.count(b"{") + source.count(b"[") > MAX_DEPTH:
        _bounded(result)
    kept: bytes | None = source
    if may_hold(source, secrets):
        result, kept = redact(result, secrets), None
    content, structured = result.get("content", []), result.get("structuredContent")
    if not isinstance(content, list) or not all(isinstance(block, dict) for block in content):
        raise _misshapen("content that is not a list of blocks")
    if structured is not None and not isinstance(structured, dict):
        structured = {"result": structured}
    meta = _meta_of(result).get("_meta")
    return ToolResult(content, structured, is_error=result.get("isError") is True, meta=meta, source=kept)


def _meta_of(result: Json) -> Json:
    """The server's own `_meta`, under that name, where it has one. Who the server is stays between it and us, and it
    cannot say anything in our name."""
    meta = result.get("_meta")
    if not isinstance(meta, dict):
        return {}
    kept = {name: value for name, value in meta.items() if name != SERVER_INFO_META and not name.startswith(OUR_META)}
    return {"_meta": kept} if kept else {}


def _bounded(value: Json) -> Json:
    """The value itself. Raises UpstreamFailed for one that nothing behind here could clean, check or write."""
    if deeper_than(value, MAX_DEPTH):
        raise _misshapen(f"a value that is nested deeper than {MAX_DEPTH} levels")
    return value


def _misshapen(what: str) -> UpstreamFailed:
    return UpstreamFailed(f"The server answered with {what}.", dispatched=True, answered=True)
