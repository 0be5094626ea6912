"""What happens in a turn, kept in memory, and what it comes to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tradepost.agents.evals.outcome import Made
from tradepost.agents.ports import Json, Step

MOST_SHOWN = 600  # characters of a result in a report


@dataclass
class Kept:
    """Satisfies Recorder."""

    steps: list[Step] = field(default_factory=list)

    async def step(self, step: Step) -> None:
        """See Recorder."""
        self.steps.append(step)

    def delta(self, agent: str, text: str) -> None:
        """See Recorder: nobody watches."""


def calls_of(steps: Sequence[Step], decided: Mapping[str, Json], writers: Mapping[str, set[str]]) -> list[Made]:
    """The calls of some steps, in their order. `writers` are the tools that may write, by agent."""
    results: dict[tuple[str, str | None], Json] = {
        (step.agent, step.tool_call_id): step.content["result"] for step in steps if step.kind == "tool_result"
    }
    made = []
    for step in steps:
        if step.kind != "tool_call":
            continue
        tool = step.content["tool"]
        result = results.get((step.agent, step.tool_call_id)) or decided.get(step.tool_call_id or "") or {}
        made.append(
            Made(
                agent=step.agent,
                tool=tool,
                arguments=step.content["arguments"],
                is_error=bool(result.get("isError")),
                may_write=tool in writers.get(step.agent, set())
                and step.content["arguments"].get("dry_run") is not True,
                said=_words(result)[:MOST_SHOWN],
            )
        )
    return made


def _words(result: Json) -> str:
    return " ".join(str(part.get("text", "")) for part in result.get("content", ()))
