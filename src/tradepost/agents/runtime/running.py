"""One agent's part of a turn: model, tools, model, until it answers, waits for people, or has to stop."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from time import perf_counter
from typing import Any

from pydantic_ai import Agent, DeferredToolRequests
from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelRequest,
    ModelResponse,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ToolCallPart,
)
from pydantic_ai.models import Model
from pydantic_ai.toolsets import AbstractToolset
from pydantic_graph import End

from tradepost.agents.ports import Awaited, Step, ToolDoor, TurnEnd
from tradepost.agents.runtime.asking import MODEL_SECONDS
from tradepost.agents.runtime.builtin import OneList
from tradepost.agents.runtime.history import known_calls, of_earlier, of_turn
from tradepost.agents.runtime.limits import Repeats, require_money, usage_limits
from tradepost.agents.runtime.prompts import system_prompt
from tradepost.agents.runtime.tally import Tally, spent_on
from tradepost.agents.runtime.toolset import HubToolset, Waiting
from tradepost.agents.runtime.troubles import FORESEEN, STOPPED, sentence_for
from tradepost.agents.setups.limits import Limits
from tradepost.foundation.caller import Caller

ENDED_UNSEEN = "The agent ended without an answer."


@dataclass(frozen=True, slots=True)
class Part:
    """What one agent is to do in a turn. `task` is the person's message, or the planner's wording of its share. `own`
    are tools of this turn that no assigned one may stand in for, `builtin` those that an assigned one may."""

    agent: str
    name: str
    instructions: str
    model: Model
    limits: Limits
    caller: Caller
    task: str
    earlier: Sequence[Step] = ()
    done: Sequence[Step] = ()
    decided: Mapping[str, dict[str, Any]] | None = None
    own: Sequence[AbstractToolset[Any]] = ()
    builtin: Sequence[AbstractToolset[Any]] = ()


async def run_part(part: Part, door: ToolDoor, tally: Tally) -> TurnEnd:
    """Run it to its end. What goes wrong with models, tools or limits is a sentence, status failed or stopped."""
    waiting = Waiting()
    try:
        async with asyncio.timeout(part.limits.seconds):
            output = await _run(part, door, tally, waiting)
    except FORESEEN as error:
        sentence = sentence_for(error)
        await tally.step(Step("trouble", part.agent, {"text": sentence, "kind": type(error).__name__}))
        return TurnEnd("stopped" if isinstance(error, STOPPED) else "failed", sentence)
    if isinstance(output, DeferredToolRequests):
        awaited = [Awaited(part.agent, call, *waiting.calls[call]) for call in waiting.calls]
        return TurnEnd("waiting", _waits_for(awaited), awaited)
    return TurnEnd("finished", str(output).strip() or ENDED_UNSEEN)


async def _run(part: Part, door: ToolDoor, tally: Tally, waiting: Waiting) -> Any:
    before = of_turn(part.done, part.agent)
    known = known_calls(part.done, part.agent, dict(part.decided or {}))
    hub = HubToolset(door, part.caller, part.agent, tally, known, waiting, Repeats())
    agent: Agent[Any, Any] = Agent(part.model, output_type=[str, DeferredToolRequests], name=part.agent, retries=2)
    async with agent.iter(
        None if before else part.task,
        message_history=[*of_earlier(part.earlier, part.agent), *before] or None,
        instructions=system_prompt(part.name, part.instructions),
        toolsets=[OneList([*part.own, hub, *part.builtin])],
        model_settings={"timeout": MODEL_SECONDS},
        usage_limits=usage_limits(part.limits),
        usage=tally.usage(part.agent),
    ) as run:
        node: Any = run.next_node
        while not isinstance(node, End):
            if not Agent.is_model_request_node(node):
                node = await run.next(node)
                continue
            started = perf_counter()
            stream: Any
            async with node.stream(run.ctx) as stream:
                async for event in stream:
                    _pass_on(event, part.agent, tally)
            request = node.request
            node = await run.next(node)
            seconds = perf_counter() - started
            response = run.all_messages()[-1]
            _mend_calls(response, tally)
            answered = _answered(part.agent, request, response, seconds)
            await tally.step(answered)
            require_money(part.limits, tally.cost_micros(part.agent))
        return node.data.output


def _pass_on(event: Any, agent: str, tally: Tally) -> None:
    if isinstance(event, PartStartEvent) and isinstance(event.part, TextPart) and event.part.content:
        tally.delta(agent, event.part.content)
    elif isinstance(event, PartDeltaEvent) and isinstance(event.delta, TextPartDelta):
        tally.delta(agent, event.delta.content_delta)


def _mend_calls(response: ModelMessage, tally: Tally) -> None:
    """Give a call another id where one of this turn has its id already: approvals, results and idempotency keys go by
    it, and models that count the calls of each answer from nought begin with the same one every time. Numbers that JSON
    does not have become texts, which whatever takes a number refuses: else nothing of it could be sent on or kept."""
    for one in response.parts:
        if isinstance(one, ToolCallPart):
            one.tool_call_id = tally.id_of_call(one.tool_call_id)
            given = _arguments(one)
            if isinstance(given, dict) and (sendable := _finite(given)) != given:
                one.args = sendable


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, list) else value


def _answered(agent: str, request: ModelRequest, response: ModelMessage, seconds: float) -> Step:
    if not isinstance(response, ModelResponse):
        raise TypeError("a request to a model ended without its response")
    calls = [
        {"tool": one.tool_name, "arguments": _arguments(one), "id": one.tool_call_id}
        for one in response.parts
        if isinstance(one, ToolCallPart)
    ]
    text = "".join(one.content for one in response.parts if isinstance(one, TextPart))
    content = {"text": text, "calls": calls, "model": response.model_name, "finish": response.finish_reason}
    messages = ModelMessagesTypeAdapter.dump_python([request, response], mode="json")
    return Step("model", agent, content, messages=messages, spent=spent_on([response], seconds))


def _arguments(call: ToolCallPart) -> Any:
    try:
        return call.args_as_dict()
    except ValueError:
        return call.args


def _waits_for(awaited: Sequence[Awaited]) -> str:
    tools = ", ".join(f"{one.tool} ({one.approval_id})" for one in awaited)
    return f"A person has to agree first: {tools}. I go on when the answer is there."
