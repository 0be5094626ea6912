"""Steps of a state machine that others took unseen: a carrier skips scans, a supplier confirms by phone."""

from functools import cache
from typing import Any

from tradepost.commerce.store.states import Transitions


def reachable(transitions: Transitions, current: str) -> frozenset[str]:
    """The states that legal steps lead to from `current`, however many."""
    return _reachable(tuple((state, tuple(following)) for state, following in transitions.items()), current)


@cache
def _reachable(steps: tuple[tuple[str, tuple[str, ...]], ...], current: str) -> frozenset[str]:
    following = dict(steps)
    found: set[str] = set()
    waiting = list(following.get(current, ()))
    while waiting:
        state = waiting.pop()
        if state not in found:
            found.add(state)
            waiting += following.get(state, ())
    return frozenset(found)


def why_not(transitions: Transitions, current: str, wanted: str, noun: Any) -> str | None:
    """Why `current` cannot become `wanted`; None where it can."""
    ways = reachable(transitions, current)
    if wanted in ways:
        return None
    allowed = ", ".join(sorted(ways)) if ways else "none: it is final"
    return f"cannot follow: the {noun} is {current}. Allowed next: {allowed}"
