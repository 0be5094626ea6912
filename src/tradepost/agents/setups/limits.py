"""How far one turn of an agent may go."""

from dataclasses import dataclass, fields
from typing import Any

from tradepost.foundation.errors import InvalidArgument


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
    def of(cls, given: dict[str, Any]) -> "Limits":
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
