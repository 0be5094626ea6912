"""The hub as a toolset: an agent's catalog is read anew before each request to a model, and every call goes through the
door with a key of its own, so that a turn that was cut off makes it again without a second effect."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from time import perf_counter
from typing import Any

import orjson
from pydantic_ai import CallDeferred, RunContext
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.toolsets import AbstractToolset, ToolsetTool
from pydantic_core import SchemaValidator, core_schema

from tradepost.agents.ports import Json, Recorder, Spent, Step, ToolDoor
from tradepost.agents.runtime.limits import Repeats
from tradepost.agents.runtime.results import approval_of, failed, for_model
from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import TradepostError
from tradepost.foundation.ids import new_id

MAX_RETRIES = 2  # of arguments that are no JSON object; what is wrong inside the hub says in a result

KEY = "idempotency_key"  # an argument that is ours to give: no model has to make one up, or to remember it

_ANY_OBJECT = SchemaValidator(core_schema.dict_schema())


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a call of this turn already: its result, that it waits for a person, or that it was begun."""

    result: Json | None = None
    approval_id: str | None = None


BEGUN = Known()


@dataclass
class Waiting:
    """Calls of this run that wait for people: {model's id of the call: (tool, approval)}."""

    calls: dict[str, tuple[str, str]] = field(default_factory=dict)


class HubToolset(AbstractToolset[Any]):
    """The tools that one agent sees. `known` are calls of this turn that were made before it was cut off."""

    def __init__(
        self,
        door: ToolDoor,
        caller: Caller,
        agent: str,
        record: Recorder,
        known: Mapping[str, Known],
        waiting: Waiting,
        repeats: Repeats,
    ) -> None:
        self._door = door
        self._caller = caller
        self._agent = agent
        self._record = record
        self._known = known
        self._waiting = waiting
        self._repeats = repeats
        self._keyed: set[str] = set()

    @property
    def id(self) -> str:
        """See AbstractToolset."""
        return "hub"

    async def get_tools(self, ctx: RunContext[Any]) -> dict[str, ToolsetTool[Any]]:
        """The catalog as it is now: what was switched off meanwhile is gone."""
        listed = await self._door.list(self._caller)
        self._keyed = {tool["name"] for tool in listed if KEY in tool.get("inputSchema", {}).get("properties", {})}
        return {
            tool["name"]: ToolsetTool(
                toolset=self,
                tool_def=_definition(orjson.dumps(tool)),
                max_retries=MAX_RETRIES,
                args_validator=_ANY_OBJECT,
            )
            for tool in listed
        }

    async def call_tool(
        self, name: str, tool_args: dict[str, Any], ctx: RunContext[Any], tool: ToolsetTool[Any]
    ) -> Any:
        """The result of a call, as a model sees it. Raises CallDeferred where it waits for a person, Halted."""
        call_id = ctx.tool_call_id or new_id("call")
        known = self._known.get(call_id)
        if known is None or known == BEGUN:
            self._repeats.count(name, tool_args)
            known = await self._made(name, tool_args, call_id, begun=known is not None)
        if known.approval_id is not None and known.result is None:
            self._waiting.calls[call_id] = (name, known.approval_id)
            raise CallDeferred(metadata={"approval_id": known.approval_id})
        return for_model(known.result or {})

    async def _made(self, name: str, arguments: Json, call_id: str, *, begun: bool) -> Known:
        asked: Json = {"tool": name, "arguments": arguments}
        if not begun:
            await self._record.step(Step("tool_call", self._agent, asked, tool_call_id=call_id))
        started = perf_counter()
        result = await self._called(name, arguments, call_id)
        spent = Spent(latency_ms=(perf_counter() - started) * 1000)
        approval_id = approval_of(result)
        if approval_id is not None:
            content = {**asked, "approval_id": approval_id, "text": _words(result)}
            await self._record.step(Step("waiting", self._agent, content, spent=spent, tool_call_id=call_id))
            return Known(approval_id=approval_id)
        await self._record.step(
            Step("tool_result", self._agent, {**asked, "result": result}, spent=spent, tool_call_id=call_id)
        )
        return Known(result=result)

    async def _called(self, name: str, arguments: Json, call_id: str) -> Json:
        run_id = self._caller.run_id or ""
        key = key_of(run_id, self._agent, call_id)
        given = {**arguments, KEY: key} if name in self._keyed else arguments
        try:
            return await self._door.call(self._caller, name, given, run_id, key)
        except TradepostError as error:
            return failed(error.code, error.message, error.hint)
        except OSError as error:
            return failed("upstream_error", f"{name} could not be reached: {error}.", "Try another way, or say so.")


def key_of(run_id: str, agent: str, call_id: str) -> str:
    """The idempotency key of a call: the same for the same call of the same turn, whoever makes it again."""
    return "run-" + hashlib.sha256(f"{run_id}\0{agent}\0{call_id}".encode()).hexdigest()[:48]


@lru_cache(maxsize=4096)
def _definition(tool: bytes) -> ToolDefinition:
    """A tool as Pydantic AI has it; kept, since the same few are shown before every request."""
    found = orjson.loads(tool)
    schema = found.get("inputSchema") or {"type": "object", "properties": {}}
    if KEY in schema.get("properties", {}):
        properties = {name: value for name, value in schema["properties"].items() if name != KEY}
        required = [name for name in schema.get("required", ()) if name != KEY]
        schema = {**schema, "properties": properties, "required": required}
    return ToolDefinition(
        name=found["name"], description=found.get("description") or found.get("title"), parameters_json_schema=schema
    )


def _words(result: Json) -> str:
    return " ".join(part.get("text", "") for part in result.get("content", ()))[:1_000]
