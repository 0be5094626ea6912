"""The scripted model as Pydantic AI takes one: it goes through the very same loop, sees the same messages and tool
schemas, and is labelled in every answer."""

import re
from collections.abc import AsyncIterator
from typing import Any

import orjson
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    RetryPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel

from tradepost.agents.ports import Json
from tradepost.agents.scripted.facts import records_in
from tradepost.agents.scripted.forms import fill
from tradepost.agents.scripted.script import Move, Seen, label, next_move
from tradepost.agents.setups.model_names import SCRIPTED
from tradepost.foundation.ids import new_id

_WORDS_AT_ONCE = 8
_MEANS_EARLIER = re.compile(
    r"^\s*(and|also|what about|how about)\b|\b(it|its|that|this|them|those|these|there|again|same|he|she|her|his)\b",
    re.IGNORECASE,
)


def scripted_model() -> FunctionModel:
    """The model. It keeps nothing between two answers."""
    return FunctionModel(_respond, stream_function=_stream, model_name=SCRIPTED)


def _respond(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    form = _form(messages, info)
    if form is not None:
        return ModelResponse(parts=[ToolCallPart(form[0], form[1])])
    move = _move(messages, info)
    if move.calls:
        return ModelResponse(parts=[ToolCallPart(name, arguments, new_id("call")) for name, arguments in move.calls])
    return ModelResponse(parts=[TextPart(label(move.text))])


async def _stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
    move = _move(messages, info)
    if move.calls:
        yield {
            at: DeltaToolCall(name, orjson.dumps(arguments).decode(), tool_call_id=new_id("call"))
            for at, (name, arguments) in enumerate(move.calls)
        }
        return
    words = label(move.text).split(" ")
    for at in range(0, len(words), _WORDS_AT_ONCE):
        yield " ".join(words[at : at + _WORDS_AT_ONCE]) + (" " if at + _WORDS_AT_ONCE < len(words) else "")


def _form(messages: list[ModelMessage], info: AgentInfo) -> tuple[str, Json] | None:
    """The form that is asked for, filled in: a model has to call its tool to answer."""
    for tool in info.output_tools:
        filled = fill(tool.parameters_json_schema, _question(messages)[0], info.instructions or "")
        if filled is not None:
            return tool.name, filled
    return None


def _move(messages: list[ModelMessage], info: AgentInfo) -> Move:
    question, seen = _question(messages)
    tools: dict[str, Json] = {
        tool.name: {**tool.parameters_json_schema, "description": tool.description} for tool in info.function_tools
    }
    if not tools and "The answers:" in question:
        return Move(text=question.partition("The answers:")[2].strip())
    return next_move(question, tools, seen)


def _question(messages: list[ModelMessage]) -> tuple[str, list[Seen]]:
    """What was asked last, and the results since. Where it speaks of something without naming it ("cancel it"), the
    records that were named last stand behind it."""
    question, named = "", ""
    seen: list[Seen] = []
    for message in messages:
        if not isinstance(message, ModelRequest):
            continue
        for part in message.parts:
            if isinstance(part, UserPromptPart):
                question, seen = _text(part.content), []
                records = ", ".join(records_in(question))
                if not records and named and _MEANS_EARLIER.search(question):
                    question = f"{question} ({named})"
                named = records or named
            elif isinstance(part, ToolReturnPart):
                seen.append(Seen(part.tool_name, part.content))
            elif isinstance(part, RetryPromptPart) and part.tool_name:
                seen.append(Seen(part.tool_name, part.model_response()))
    return question, seen


def _text(content: Any) -> str:
    return content if isinstance(content, str) else " ".join(str(one) for one in content)
