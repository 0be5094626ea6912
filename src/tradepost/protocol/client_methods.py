"""What a server can be asked for, and what it may answer: the same in both eras."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Unpack

from tradepost.protocol.deadlines import Deadline
from tradepost.protocol.headers import encode_value
from tradepost.protocol.hosting import NOTHING_KNOWN
from tradepost.protocol.jsonrpc import Json
from tradepost.protocol.options import Beside, OnMessage, Options
from tradepost.protocol.pages import all_pages
from tradepost.protocol.parameter_headers import emitted
from tradepost.protocol.tasks import TASK
from tradepost.protocol.upstream_errors import UpstreamFailed
from tradepost.protocol.wire import Answered, Timeouts, ToolAnswer

MAX_KEPT_NAME = 200  # characters; a server's tools are called by the same few names again and again
_RESULT_TYPES = ("complete", "input_required")  # no sets: what is looked for may be anything a server sends
_named = lru_cache(maxsize=4096)(encode_value)


@dataclass(slots=True)
class Prepared:
    """A request that still needs what its era adds. Asking for things may be repeated, doing things may not."""

    method: str
    params: Json
    seconds: float
    headers: Mapping[str, str] = field(default_factory=dict)
    meta: Json | None = None
    capabilities: Json | None = None
    on_message: OnMessage | None = None
    repeatable: bool = True
    tasks: bool = False
    beside: Beside | None = None


class ClientMethods(ABC):
    """The methods of a client that asks servers. All raise UpstreamFailed, UpstreamTimedOut."""

    _timeouts: Timeouts

    @abstractmethod
    async def _request(self, asked: Prepared) -> Answered:
        """The answer to a request, in the server's era."""

    async def list_tools(self) -> list[Json]:
        return await self._list("tools/list", "tools")

    async def list_resources(self) -> list[Json]:
        return await self._list("resources/list", "resources")

    async def list_resource_templates(self) -> list[Json]:
        return await self._list("resources/templates/list", "resourceTemplates")

    async def list_prompts(self) -> list[Json]:
        return await self._list("prompts/list", "prompts")

    async def call_tool(self, name: str, arguments: Json, meta: Json | None = None, **options: Unpack[Options]) -> Json:
        """The CallToolResult as a dict; see `call_tool_answer`."""
        return (await self.call_tool_answer(name, arguments, meta, **options)).result

    async def call_tool_answer(
        self, name: str, arguments: Json, meta: Json | None = None, **options: Unpack[Options]
    ) -> ToolAnswer:
        """Call a tool."""
        asked = self._prepared("tools/call", {"name": name, "arguments": arguments}, name, meta, options)
        asked.repeatable, asked.tasks = options.get("repeatable", False), options.get("tasks", False)
        mirrored = options.get("mirrored")
        if mirrored:
            asked.headers = {**asked.headers, **emitted(mirrored, arguments)}
        answered = await self._request(asked)
        return ToolAnswer(result_of(answered, tasks=asked.tasks), answered)

    async def ask_task(self, method: str, task_id: str, **options: Unpack[Options]) -> Json:
        """The result of tasks/get, tasks/update or tasks/cancel."""
        asked = self._prepared(method, {"taskId": task_id}, task_id, None, options)
        asked.repeatable, asked.tasks = options.get("repeatable", False), True
        return result_of(await self._request(asked))

    async def read_resource(self, uri: str, meta: Json | None = None, **options: Unpack[Options]) -> Json:
        """The ReadResourceResult."""
        return result_of(await self._request(self._prepared("resources/read", {"uri": uri}, uri, meta, options)))

    async def get_prompt(
        self, name: str, arguments: Mapping[str, str], meta: Json | None = None, **options: Unpack[Options]
    ) -> Json:
        """The GetPromptResult."""
        params: Json = {"name": name, "arguments": dict(arguments)}
        return result_of(await self._request(self._prepared("prompts/get", params, name, meta, options)))

    async def complete(
        self,
        reference: Json,
        argument: str,
        value: str,
        known: Mapping[str, str] = NOTHING_KNOWN,
        *,
        timeout: float | None = None,
        beside: Beside | None = None,
    ) -> Json:
        """The `completion` object. `known` are the other arguments, as far as there are values for them; `timeout` are
        seconds in all, `beside` is what goes along with it."""
        params: Json = {"ref": reference, "argument": {"name": argument, "value": value}}
        if known:
            params["context"] = {"arguments": dict(known)}
        seconds = timeout or self._timeouts.call
        result = result_of(await self._request(Prepared("completion/complete", params, seconds, beside=beside)))
        completion = result.get("completion")
        return completion if isinstance(completion, dict) else {"values": []}

    async def _list(self, method: str, key: str) -> list[Json]:
        async def page(params: Json) -> Json:
            return result_of(await self._request(Prepared(method, params, self._timeouts.handshake)))

        async with Deadline(self._timeouts.handshake):
            return await all_pages(page, method, key)

    def _prepared(self, method: str, params: Json, named: str, meta: Json | None, options: Options) -> Prepared:
        """A request about the one thing that the header `Mcp-Name` names."""
        params.update(options.get("retry") or {})
        return Prepared(
            method,
            params,
            options.get("timeout") or self._timeouts.call,
            {"mcp-name": _named(named) if len(named) <= MAX_KEPT_NAME else encode_value(named)},
            meta,
            options.get("capabilities"),
            options.get("on_message"),
            beside=options.get("beside"),
        )


def result_of(answered: Answered, *, tasks: bool = False) -> Json:
    result: Json = answered.message["result"]
    kind = result.get("resultType", "complete")
    if kind not in _RESULT_TYPES and not (tasks and kind == TASK):
        raise wrong_answer("a result of an unknown type")
    return result


def wrong_answer(what: str) -> UpstreamFailed:
    return UpstreamFailed(f"The server answered with {what}.", dispatched=True)
