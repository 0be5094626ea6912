"""State machines, enforced where rows change: an illegal step is refused and the legal ones are named (C15)."""

from collections.abc import Mapping
from typing import Any

from tradepost.commerce.store.rows import label_of
from tradepost.foundation.errors import StateConflict

Transitions = Mapping[str, tuple[str, ...]]


def require_step(row: Any, to: str, transitions: Transitions, column: str = "status") -> None:
    """Raise StateConflict unless `transitions` allow the row to go from its state to `to`."""
    current = getattr(row, column)
    allowed = transitions.get(current, ())
    if to not in allowed:
        options = ", ".join(allowed) if allowed else "none: it is final"
        raise StateConflict(
            f"The {label_of(row)} is {current} and cannot become {to}. Allowed next: {options}.",
            hint="Read the record again and choose a step that its state allows.",
            details={"current": current, "allowed": list(allowed)},
        )


def step(row: Any, to: str, transitions: Transitions, column: str = "status") -> None:
    """Take the step, or raise StateConflict."""
    require_step(row, to, transitions, column)
    setattr(row, column, to)
