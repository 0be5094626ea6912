"""How far one turn may go, and noticing that it goes in circles."""

from collections import Counter
from dataclasses import dataclass, fields
from typing import Any

from pydantic_ai.usage import RunUsage, UsageLimits

from tradepost.agents.ports import Json, Step
from tradepost.foundation.canonical import canonical
from tradepost.foundation.errors import InvalidArgument

SAME_CALLS = 3  # the same call with the same arguments, in one turn of one agent


class Halted(Exception):
    """A run has to stop: it goes in circles, or costs too much. Its message is the sentence for the person."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one turn of one agent may use: answers of the model, tokens in all, millionths of a US dollar (0: no limit,
    as where no price is known), seconds, and how many calls of tools."""

    steps: int = 20
    tokens: int = 200_000
    cost_micros: int = 1_000_000
    seconds: int = 300
    tool_calls: int = 60

    @classmethod
    def of(cls, given: Json) -> "Limits":
        """The defaults with what was set. Raises InvalidArgument naming the limit."""
        highest = {
            "steps": 200,
            "tokens": 10_000_000,
            "cost_micros": 1_000_000_000,
            "seconds": 3_600,
            "tool_calls": 500,
        }
        for name, value in given.items():
            if name not in highest:
                raise InvalidArgument(
                    f"There is no limit '{name}'.", hint=f"There are {', '.join(highest)}.", field="limits"
                )
            least = 0 if name == "cost_micros" else 1
            if type(value) is not int or not least <= value <= highest[name]:
                raise InvalidArgument(
                    f"The limit {name} is a whole number from {least} to {highest[name]:,}.", field="limits"
                )
        return cls(**given)

    def as_dict(self) -> dict[str, int]:
        """All of them by name."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    def usage_limits(self) -> UsageLimits:
        """The same as Pydantic AI takes them; what it costs we count ourselves, where a price is known."""
        return UsageLimits(request_limit=self.steps, total_tokens_limit=self.tokens, tool_calls_limit=self.tool_calls)

    def require_money(self, spent_micros: int) -> None:
        """Raises Halted when more was spent."""
        if self.cost_micros and spent_micros > self.cost_micros:
            raise Halted(
                f"I stopped at a limit of this agent: {self.cost_micros / 1_000_000:.2f} US dollars for one answer. "
                "Ask for less at once, or let an admin raise it."
            )


class Repeats:
    """Counts the calls of a turn."""

    def __init__(self) -> None:
        self._seen: Counter[bytes] = Counter()

    def count(self, tool: str, arguments: Json) -> None:
        """One more call. Raises Halted."""
        call = canonical([tool, arguments])
        self._seen[call] += 1
        if self._seen[call] > SAME_CALLS:
            raise Halted(
                f"I stopped: {tool} was asked {SAME_CALLS} times with the same arguments; once more would not help."
            )


def usage_of(done: list[Step]) -> RunUsage:
    """What the kept steps of this turn have used already."""
    models = [step for step in done if step.kind == "model"]
    known: Any = RunUsage(
        requests=len(models),
        input_tokens=sum(step.spent.tokens_in for step in models),
        output_tokens=sum(step.spent.tokens_out for step in models),
        tool_calls=sum(step.kind == "tool_result" for step in done),
    )
    return known  # type: ignore[no-any-return]
