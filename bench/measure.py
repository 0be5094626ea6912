"""A number, what it should be, and how to get it again."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the table. `target` is the most it may be, in the same unit, or with `at_least` the least; None where
    there is no limit."""

    name: str
    value: float
    unit: str
    target: float | None = None
    note: str = ""
    at_least: bool = False

    @property
    def shown(self) -> str:
        """The value with its unit, to three digits or so."""
        size = abs(self.value)
        digits = 0 if size >= 100 or float(size).is_integer() else 2 if size >= 1 else 3
        return f"{self.value:,.{digits}f} {self.unit}".rstrip()

    @property
    def limit(self) -> str:
        """The target with its unit."""
        if self.target is None:
            return ""
        return f"{'at least ' if self.at_least else ''}{self.target:g} {self.unit}".rstrip()

    @property
    def verdict(self) -> str:
        if self.target is None:
            return ""
        return "ok" if (self.value >= self.target if self.at_least else self.value <= self.target) else "MISSED"


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that `percent` of a hundred do not exceed."""
    return statistics.quantiles(values, n=100)[percent - 1] if len(values) > 1 else values[0]
