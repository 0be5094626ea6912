"""How deep a JSON value is nested, found without recursion: whatever parsed it may have gone deeper than Python can."""

from typing import Any


def deeper_than(value: Any, limit: int) -> bool:
    """Whether lists and objects stand in one another on more than so many levels."""
    level = [value]
    for _ in range(limit):
        level = [
            inner
            for part in level
            if isinstance(part, dict | list)
            for inner in (part.values() if isinstance(part, dict) else part)
        ]
        if not level:
            return False
    return True
