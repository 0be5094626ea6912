"""The one place that calls servers, bundled and remote. Every caller has gone through the pipeline before.

Errors come out as UpstreamError or UpstreamTimeout with `dispatched` and `answered`: a write that was dispatched and
not answered may have happened. No write is sent twice; a read is, where a warm connection turns out to be closed.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import NotFound, StateConflict, Unavailable
from tradepost.foundation.running import loop_time
from tradepost.hub.upstreams.connection import Connection
from tradepost.hub.upstreams.connections import Connections
from tradepost.hub.upstreams.redaction import redact
from tradepost.hub.upstreams.results import bounded, meta_of, misshapen, readable, request_id_of, tool_result
from tradepost.hub.upstreams.talk import Talk, asks_back
from tradepost.hub.upstreams.targets import PromptTarget, Target, ToolTarget
from tradepost.hub.upstreams.task_waits import TaskWait, insists_on_tasks, task_result
from tradepost.hub.upstreams.upstream_tasks import created_of, told_of
from tradepost.hub.upstreams.watching import Watching
from tradepost.protocol.api_marks import REQUEST
from tradepost.protocol.at_once import within
from tradepost.protocol.builtin import BuiltinServer, Expects, Mode, ToolResult
from tradepost.protocol.client_methods import ClientMethods
from tradepost.protocol.hosting import NOTHING_KNOWN
from tradepost.protocol.options import Options
from tradepost.protocol.tasks import GET, TASK
from tradepost.protocol.upstream_errors import UpstreamFailed, UpstreamTimedOut
from tradepost.protocol.wire import ToolAnswer

Json = dict[str, Any]
Answer = TypeVar("Answer")
LEAST_SECONDS = 0.001  # of a call that is over: it fails as one that took too long


class Upstreams:
    """Calls servers in the name of a caller."""

    def __init__(
        self, builtins: Mapping[str, BuiltinServer], connections: Connections, watching: Watching | None = None
    ) -> None:
        self._builtins = builtins
        self._connections = connections
        self._watching = watching

    async def call_tool(
        self,
        caller: Caller,
        tool: ToolTarget,
        arguments: Json,
        key: str | None,
        mode: Mode = "execute",
        talk: Talk | None = None,
        ends_at: float | None = None,
        expects: Expects | None = None,
    ) -> ToolResult:
        """Run a tool. `key` goes to bundled servers as the store's key, to others in the parameter they declare; what a
        server that is not bundled says and asks meanwhile goes through `talk`. `ends_at` is when the call has to be
        over, by the loop's clock; without it, when it has taken as long as a call of the tool may."""
        if tool.server_kind == "builtin":
            server = self._builtin(tool)
            return await _in_time(tool, server.call(caller, tool.raw_name, arguments, key, mode, expects), ends_at)
        if mode == "preview":
            raise StateConflict("A server that is not bundled has no preview.", hint="Show the arguments instead.")
        if tool.key_parameter is not None and key is not None:
            arguments = {**arguments, tool.key_parameter: key}
        connection = self._open_to(caller, tool) or await self._remote(caller, tool)
        talk, end = talk or Talk(), _end(tool, ends_at)
        client = connection.client
        if connection.older is not None and talk.asks_in_call:
            client = await connection.for_call(asks_in_call=True, seconds=_left(end, talk))
        with readable(connection, tool, talk):
            answer, asks = await _called(connection, client, tool, arguments, talk, end)
        if asks is not None:
            return ToolResult([], asks=asks)
        if answer.result.get("resultType") == TASK:
            task = created_of(answer.result, talk.hidden(connection.secrets))
            wait = None if talk.takes_tasks else TaskWait(client, task, connection.secrets, talk, end)
            return await task_result(connection, tool, task, wait)
        hidden, answered = talk.hidden(connection.secrets), answer.answered
        return tool_result(answer.result, answered.body, hidden, request_id_of(answered, hidden))

    async def ask_task(
        self, caller: Caller, tool: ToolTarget, method: str, task_id: str, talk: Talk, ends_at: float | None = None
    ) -> Json:
        """How the task of a remote tool stands, for tasks/get (see `told_of`); {} for the other methods, of which
        tasks/update takes the answers in the `retry` of `talk`."""
        connection = await self._remote(caller, tool)
        with readable(connection, tool, talk):
            seconds = _left(_end(tool, ends_at))
            options = talk.options(connection.secrets, timeout=seconds, repeatable=method == GET)
            result = await connection.client.ask_task(method, task_id, **options)
            return told_of(result, talk.hidden(connection.secrets)) if method == GET else {}

    async def read_resource(
        self, caller: Caller, resource: Target, uri: str, talk: Talk | None = None, ends_at: float | None = None
    ) -> Json:
        """The ReadResourceResult of a URI, or an InputRequiredResult."""
        if resource.server_kind == "builtin":
            return await _in_time(resource, self._builtin(resource).read(caller, uri), ends_at)
        connection = await self._remote(caller, resource)
        talk, end = talk or Talk(), _end(resource, ends_at)
        client = await connection.for_call(asks_in_call=talk.asks_in_call, seconds=_left(end, talk))

        async def once() -> Json:
            options = talk.options(connection.secrets, timeout=_left(end, talk))
            return await client.read_resource(uri, talk.meta(), **options)

        result, asks = await _answered(connection, resource, talk, once)
        if asks is not None:
            return asks
        contents = result.get("contents")
        if not isinstance(contents, list) or not contents:
            raise NotFound(f"There is no resource '{uri[:200]}'.")
        shown = {"contents": contents, **meta_of(result)}
        return dict(redact(bounded(shown), talk.hidden(connection.secrets)))

    async def watched(self, caller: Caller, resource: Target, uri: str) -> str | None:
        """The record whose changes are those of a resource, None for one that cannot be watched. A server that is not
        bundled is asked to tell, and stays asked as long as somebody waits for the record. Where each person has an
        account of their own there, the record is the caller's alone."""
        if resource.server_kind == "builtin":
            async with _deadline(resource):
                return await self._builtin(resource).watched(caller, uri)
        connection = await self._remote(caller, resource)
        if self._watching is None:
            return None
        server = (caller.workspace_id, resource.server_id, resource.server_slug)
        address = (resource.server_url or "", resource.credential_version)
        with readable(connection, resource):
            async with _deadline(resource):
                return await self._watching.watch(*server, address, connection, uri, resource.limits)

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

        result, asks = await _answered(connection, prompt, talk, once)
        if asks is not None:
            return asks
        if not isinstance(result.get("messages"), list):
            raise misshapen("a prompt without messages")
        shown: Json = {name: result[name] for name in ("description", "messages") if name in result}
        return dict(redact(bounded({**shown, **meta_of(result)}), talk.hidden(connection.secrets)))

    async def complete(
        self,
        caller: Caller,
        target: Target,
        reference: Json,
        argument: str,
        value: str,
        known: Mapping[str, str] = NOTHING_KNOWN,
        ends_at: float | None = None,
        talk: Talk | None = None,
    ) -> Json:
        """The `completion` object for an argument of a prompt or resource template; `known` are the other ones."""
        if target.server_kind == "builtin":
            async with _deadline(target, ends_at):
                return await self._builtin(target).complete(caller, reference, argument, value)
        connection, talk = await self._remote(caller, target), talk or Talk()
        with readable(connection, target, talk):
            options: Any = {"timeout": _left(_end(target, ends_at)), "beside": talk.beside()}
            completion = await connection.client.complete(reference, argument, value, known, **options)
        values = completion.get("values")
        if not isinstance(values, list) or not all(isinstance(text, str) for text in values):
            raise misshapen("a completion without values")
        return dict(redact(bounded({**completion, "values": values[:100]}), talk.hidden(connection.secrets)))

    async def open(self, workspace_id: str, target: Target, seconds: float) -> None:
        """Connect to the server of an entry, unless it is connected, so that its next call need not. Raises
        UpstreamFailed, UpstreamTimedOut."""
        if target.server_url is not None:
            place = (workspace_id, target.server_id, target.server_url, target.credential_version)
            connection = await self._connections.to(*place, target.limits, slug=target.server_slug)
            await connection.client.connect(seconds)

    async def close(self) -> None:
        """End all connections."""
        if self._watching is not None:
            await self._watching.close()
        await self._connections.close()

    def _builtin(self, target: Target) -> BuiltinServer:
        server = self._builtins.get(target.builtin_key or "")
        if server is None:
            raise Unavailable(
                f"The bundled server '{target.server_slug}' is not part of this installation.",
                hint="Start Tradepost with this server, or disable it in the registry.",
            )
        return server

    def _open_to(self, caller: Caller, target: Target) -> Connection | None:
        url = target.server_url
        if url is None:
            return None
        return self._connections.known(
            caller.workspace_id, target.server_id, url, target.credential_version, target.limits
        )

    async def _remote(self, caller: Caller, target: Target) -> Connection:
        if target.server_url is None:
            raise Unavailable(f"The server '{target.server_slug}' has no URL.", hint="Set its URL and test it again.")
        place = (caller.workspace_id, target.server_id, target.server_url, target.credential_version)
        return await self._connections.to(*place, target.limits, slug=target.server_slug, caller=caller)


def _end(target: Target, ends_at: float | None) -> float:
    """When a call has to be over, by the loop's clock."""
    return loop_time() + target.limits.timeout_seconds if ends_at is None else ends_at


def _left(end: float, talk: Talk | None = None) -> float:
    """Seconds until then. The time that people took for answers is not the server's."""
    waited = talk.waited_seconds if talk is not None else 0.0
    return max(end + waited - loop_time(), LEAST_SECONDS)


async def _in_time(target: Target, asked: Awaitable[Answer], ends_at: float | None = None) -> Answer:
    try:
        return await within(_left(_end(target, ends_at)), asked)
    except TimeoutError:
        raise _too_long(target) from None


@asynccontextmanager
async def _deadline(target: Target, ends_at: float | None = None) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout_at(_end(target, ends_at)):
            yield
    except TimeoutError:
        raise _too_long(target) from None


def _too_long(target: Target) -> UpstreamTimedOut:
    seconds = target.limits.timeout_seconds
    return UpstreamTimedOut(f"The tool did not finish within {seconds:g} seconds.", dispatched=True)


async def _called(
    connection: Connection, client: ClientMethods, tool: ToolTarget, arguments: Json, talk: Talk, end: float
) -> tuple[ToolAnswer, Json | None]:
    """The answer of a tool, called as often as it takes to answer the server's questions, and the questions that go to
    the caller's own client instead."""
    request = {REQUEST: tool.request} if connection.is_api else None
    given: Options = {"mirrored": tool.mirrored, "repeatable": tool.tool_class == "read", "tasks": talk.takes_tasks}
    while True:
        given["timeout"] = _left(end, talk)
        options = talk.options(connection.secrets, **given)
        try:
            answer = await client.call_tool_answer(tool.raw_name, arguments, request or talk.meta(), **options)
        except UpstreamFailed as error:
            if given["tasks"] or not insists_on_tasks(error):
                raise
            given["tasks"] = True  # it did nothing yet: it is called as it wants to be, and waited for here
            continue
        if not asks_back(answer.result):
            return answer, None
        asks = await talk.questions(answer.result, talk.hidden(connection.secrets))
        if asks is not None or not talk.asked_again:
            return answer, asks


async def _answered(
    connection: Connection, target: Target, talk: Talk, once: Callable[[], Awaitable[Json]]
) -> tuple[Json, Json | None]:
    """The same for what is no tool: `once` asks for it."""
    with readable(connection, target, talk):
        while True:
            result = await once()
            if not asks_back(result):
                return result, None
            asks = await talk.questions(result, talk.hidden(connection.secrets))
            if asks is not None or not talk.asked_again:
                return result, asks
