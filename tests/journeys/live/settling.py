"""Waiting for what the hub makes of an approval."""

from __future__ import annotations

import time

from tests.processes import Place

SECONDS = 60.0


def state(place: Place, action: str) -> str:
    """The state of an action, asked of the database itself: quick enough to see it change."""
    return str(place.query(f"SELECT state FROM actions WHERE id = '{action}'"))


def settled(place: Place, action: str) -> str:
    """The state in which an approved action ends."""
    deadline = time.monotonic() + SECONDS
    while (found := state(place, action)) in ("approved", "executing"):
        assert time.monotonic() < deadline, f"{action} is still {found}"
        place.pause()
    return found
