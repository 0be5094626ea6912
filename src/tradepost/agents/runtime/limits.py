"""How far one turn may go, and noticing that it goes in circles."""

from collections import Counter

from pydantic_ai.usage import UsageLimits

from tradepost.agents.ports import Json
from tradepost.agents.setups.limits import Limits
from tradepost.foundation.canonical import canonical

SAME_CALLS = 3  # the same call with the same arguments, in one turn of one agent


class Halted(Exception):
    """A run has to stop: it goes in circles, or costs too much. Its message is the sentence for the person."""


def usage_limits(limits: Limits) -> UsageLimits:
    """The same as Pydantic AI takes them; what it costs we count ourselves, where a price is known."""
    return UsageLimits(request_limit=limits.steps, total_tokens_limit=limits.tokens, tool_calls_limit=limits.tool_calls)


def require_money(limits: Limits, spent_micros: int) -> None:
    """Raises Halted when more was spent."""
    if limits.cost_micros and spent_micros > limits.cost_micros:
        raise Halted(
            f"I stopped at a limit of this agent: {limits.cost_micros / 1_000_000:.2f} US dollars for one answer. "
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
