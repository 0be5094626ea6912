"""Asking for a person of the shop, for the assistant of its customers: by the customer's own wish, as it was read from
their words, or by a tool that the assistant calls. Both stand in the turn's steps, so that a turn that was cut off
knows of it when it goes on.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field
from pydantic_ai import FunctionToolset, RunContext

from tradepost.agents.ports import Recorder, Step
from tradepost.foundation.ids import new_id

TOOL = "ask_for_a_person"
WISH = "talk_to_a_person"
HANDED_OVER = (
    "I have asked a person of the shop to take over. They will answer here, and they see what was said so far, so you"
    " need not say it again."
)
_RESULT = "A person will take over after this answer. Tell the customer so, and nothing else."

Reason = Annotated[
    str, Field(min_length=3, max_length=500, description="What the customer wants, and why you cannot do it.")
]


def person_tools(record: Recorder, agent: str) -> FunctionToolset[Any]:
    """The tool, for one turn."""

    async def ask_for_a_person(ctx: RunContext[Any], reason: Reason) -> str:
        """Hand this conversation over to a person of the shop. Use when the customer wants one, is upset, or needs what
        you cannot do. Not for a write that waits for agreement: that is with a person already."""
        call_id = ctx.tool_call_id or new_id("call")
        asked = {"tool": TOOL, "arguments": {"reason": reason}}
        await record.step(Step("tool_call", agent, asked, tool_call_id=call_id))
        result = {"content": [{"type": "text", "text": _RESULT}], "isError": False}
        await record.step(Step("tool_result", agent, {**asked, "result": result}, tool_call_id=call_id))
        return _RESULT

    tools: FunctionToolset[Any] = FunctionToolset(id="person")
    tools.add_function(ask_for_a_person, name=TOOL)
    return tools


def wish_in(done: Sequence[Step]) -> str | None:
    """What the customer said of their wish for a person, as it was read; None without such a wish."""
    for step in done:
        fields = step.content.get("fields") if step.kind == "reading" else None
        if isinstance(fields, dict) and fields.get("wish") == WISH:
            return str(fields.get("summary") or "")
    return None


def reason_in(done: Sequence[Step]) -> str | None:
    """Why a person is asked for in these steps; None where nobody is."""
    called = next((s for s in done if s.kind == "tool_call" and s.content.get("tool") == TOOL), None)
    return wish_in(done) if called is None else str(called.content["arguments"].get("reason", ""))


class Noting:
    """A recorder that also knows what it has kept in this turn."""

    def __init__(self, record: Recorder, done: Sequence[Step]) -> None:
        self._record = record
        self.steps = list(done)

    async def step(self, step: Step) -> None:
        """See Recorder."""
        await self._record.step(step)
        if step.kind in ("reading", "tool_call"):
            self.steps.append(step)

    def delta(self, agent: str, text: str) -> None:
        """See Recorder."""
        self._record.delta(agent, text)
