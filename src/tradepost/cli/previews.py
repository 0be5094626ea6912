"""A preview in the terminal: what it comes to, what moved since it was last shown, before and after, and what happens
outside."""

from collections.abc import Mapping
from typing import Any

from tradepost.cli import console


def show_preview(preview: Mapping[str, Any]) -> None:
    """Print what would change."""
    if preview.get("summary"):
        console.say(f"What it would do: {console.text(preview['summary'])}")
    for sentence in preview.get("moved", []):
        console.say(f"Changed since it was approved: {console.text(sentence)}")
    changes = preview.get("changes") or []
    if changes:
        console.say("What would change:")
        rows = [{**one, "before": _shown(one.get("before")), "after": _shown(one.get("after"))} for one in changes]
        console.show_table(rows, ["record", "field", "before", "after"], "")
    for effect in preview.get("side_effects", []):
        console.say(f"Outside the store: {console.text(effect)}")


def _shown(value: Any) -> Any:
    return "-" if value is None else value
