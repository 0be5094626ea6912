"""Which argument of a foreign tool makes it only say what it would do: an admin's word for one definition of the tool.
Whoever ignores the argument carries the write out, so with another definition the word counts no more."""

from collections.abc import Mapping
from typing import Any

KEY = "dry_run"  # in a tool's settings


def dry_run_of(settings: Mapping[str, Any], digest: str) -> str | None:
    """The argument, where somebody said so of this very definition."""
    said = settings.get(KEY)
    return said["argument"] if said and said["digest"] == digest else None


def mark(argument: str, digest: str) -> dict[str, str]:
    """What stands in a tool's settings about this definition of it."""
    return {"argument": argument, "digest": digest}
