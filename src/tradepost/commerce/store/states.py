"""State machines, enforced where rows change: an illegal step is refused and the legal ones are named (C15)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from tradepost.commerce.store.rows import label_of
from tradepost.foundation.errors import StateConflict

Transitions = Mapping[str, tuple[str, ...]]
NOTHING_MORE: Mapping[str, Any] = MappingProxyType({})


def require_step(row: Any, to: str, transitions: Transitions, column: str = "status") -> None:
    """Raise StateConflict unless `transitions` allow the row to go from its state to `to`."""
    if to not in transitions.get(getattr(row, column), ()):
        hint = "Read the record again and choose a step that its state allows."
        raise not_in_this_state(row, f"and cannot become {to}", transitions, column=column, hint=hint)


def not_in_this_state(
    row: Any,
    why: str,
    transitions: Transitions,
    *,
    hint: str,
    column: str = "status",
    but: str | None = None,
    field: str | None = None,
    details: Mapping[str, Any] = NOTHING_MORE,
) -> StateConflict:
    """The error for what the row's state does not admit: it names the state, `why` ("and is not shipped") and the steps
    that the state allows, all `but` one that something else rules out."""
    current = getattr(row, column)
    allowed = [step for step in transitions.get(current, ()) if step != but]
    return StateConflict(
        f"The {label_of(row)} is {current} {why}. Allowed next: {', '.join(allowed) or 'none: it is final'}.",
        hint=hint,
        field=field,
        details={"current": current, "allowed": allowed, **details},
    )


def step(row: Any, to: str, transitions: Transitions, column: str = "status") -> None:
    """Take the step, or raise StateConflict."""
    require_step(row, to, transitions, column)
    setattr(row, column, to)
