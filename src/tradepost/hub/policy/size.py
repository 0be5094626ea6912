"""How much a condition would look at, and what that costs: known before it runs: nothing can stop the engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MOST_WORK = 200_000  # about 20 ms: a unit is 0.1 microseconds
MAX_LEVELS = 30  # of objects and lists within each other


class Unevaluable(Exception):
    """A condition that gave no answer; the text says why."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much a condition would look at: values, the longest list or object, characters of text."""

    nodes: int = 1
    longest: int = 1
    text: int = 0
    is_small: bool = True

    def and_of(self, other: "Size") -> "Size":
        """The larger in each respect."""
        return Size(
            max(self.nodes, other.nodes),
            max(self.longest, other.longest),
            max(self.text, other.text),
            self.is_small and other.is_small,
        )


SMALL = Size(nodes=100, longest=20, text=4_000)  # what most calls are below


@dataclass(slots=True)
class Weight:
    """What a run costs, by depth of loops: whole inputs that are looked at, other steps, copying loops, patterns."""

    looks: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    steps: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    copies: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    patterns: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    sums: int = 0
    longest: int = 1

    def work(self, size: Size) -> float:
        """About how many units a run on inputs of this size takes, at worst."""
        many = max(size.longest, self.longest) * (1 + self.sums)
        text = size.text * (1 + self.sums) / 250
        found = 0.0
        for depth in range(len(self.steps)):
            times = many**depth
            found += times * self.looks[depth] * (size.nodes + text)
            found += times * self.steps[depth] * (20 + text)
            found += times * self.copies[depth] * many * many * (5 + text)
            found += times * self.patterns[depth] * (5_000 + text)
        return found


def size_of(value: Any, most: int = 20_000) -> Size:
    """How large a JSON value is. Raises Unevaluable for one that is deeper or larger than any condition may see."""
    nodes = text = 0
    longest = 1
    level = [value]
    for _ in range(MAX_LEVELS):
        below: list[Any] = []
        for one in level:
            if isinstance(one, str):
                text += len(one)
            elif isinstance(one, Mapping):
                longest = max(longest, len(one))
                below += one.values()
                text += sum(map(len, one))
            elif isinstance(one, list | tuple):
                longest = max(longest, len(one))
                below += one
        nodes += len(level)
        if nodes + len(below) > most:
            break
        if not below:
            return Size(nodes, longest, text, nodes <= SMALL.nodes and longest <= SMALL.longest and text <= SMALL.text)
        level = below
    raise Unevaluable("the arguments are too large for any condition")
