"""What stands in for a model where a case names the calls that are expected: it makes them one after the other, through
the very same loop, tools, policy and approvals, and says in the end that it is no model."""

from collections.abc import AsyncIterator

import orjson
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel

from tradepost.agents.evals.datasets.schema import Case, Step
from tradepost.agents.evals.scoring.scorers import ACTING

LABEL = "[expected calls, no model]"
LIMITS = {"steps": 200, "tool_calls": 500, "tokens": 10_000_000}  # a task has as many calls as it has


def acting(case: Case) -> FunctionModel | None:
    """Makes the calls of a case; None for one that names none."""
    if case.steps is None:
        return None
    steps = case.steps

    def respond(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        at = _made(messages)
        if at < len(steps):
            return ModelResponse(parts=[ToolCallPart(steps[at].tool, steps[at].arguments, f"step-{at + 1}")])
        return ModelResponse(parts=[TextPart(_end(steps))])

    async def stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
        at = _made(messages)
        if at < len(steps):
            arguments = orjson.dumps(steps[at].arguments).decode()
            yield {0: DeltaToolCall(steps[at].tool, arguments, tool_call_id=f"step-{at + 1}")}
        else:
            yield _end(steps)

    return FunctionModel(respond, stream_function=stream, model_name=ACTING)


def _made(messages: list[ModelMessage]) -> int:
    """How many calls have their result."""
    requests = [one for one in messages if isinstance(one, ModelRequest)]
    return sum(isinstance(part, ToolReturnPart) for one in requests for part in one.parts)


def _end(steps: list[Step]) -> str:
    return f"{LABEL} {len(steps)} calls were made."
