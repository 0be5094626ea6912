"""Answering the approvals of an attempt as its case says."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tradepost.agents.evals.datasets.schema import Approval, Json, Verdict
from tradepost.agents.evals.outcome import Due
from tradepost.agents.evals.ports import World
from tradepost.agents.evals.scoring.fields import covers
from tradepost.agents.ports import Awaited, Step
from tradepost.foundation.caller import Caller


@dataclass
class Approving:
    """Plays the people who approve. What no approval of the case is for waits for ever."""

    rule: list[Approval] | Verdict
    due: list[Due] = field(default_factory=list)
    _used: list[Approval] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    async def answer(
        self, world: World, by: Caller, awaited: Sequence[Awaited], run_id: str, steps: Sequence[Step]
    ) -> dict[str, Json]:
        """Answer what waits in a turn. Returns what became of it, by the model's ids of the calls; of what nobody
        answers, nothing."""
        decided: dict[str, Json] = {}
        for one in awaited:
            arguments = _arguments(steps, one)
            verdict, comment = self._verdict(one.tool, arguments, one.approval_id)
            if verdict != "wait":
                await world.answer(one.approval_id, verdict, comment)
                decided[one.tool_call_id] = await world.outcome(by, one, run_id)
        return decided

    def _verdict(self, tool: str, arguments: Json, approval_id: str) -> tuple[Verdict, str | None]:
        answer, comment = self._said(tool, arguments)
        if approval_id not in self._seen:
            self._seen.add(approval_id)
            self.due.append(Due(tool=tool, arguments=arguments, answer=answer))
        return answer, comment

    def _said(self, tool: str, arguments: Json) -> tuple[Verdict, str | None]:
        if isinstance(self.rule, str):
            return self.rule, None
        for one in self.rule:
            is_used = any(one is used for used in self._used)
            if not is_used and one.tool == tool and covers(arguments, one.arguments):
                self._used.append(one)
                return one.answer, one.comment
        return "wait", None


def _arguments(steps: Sequence[Step], awaited: Awaited) -> Json:
    found = [step for step in steps if step.kind == "waiting" and step.tool_call_id == awaited.tool_call_id]
    return dict(found[-1].content["arguments"]) if found else {}
