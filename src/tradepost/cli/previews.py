"""A preview in the terminal: what it comes to, what moved since it was last shown, before and after, and what happens
outside."""

from tradepost.cli import console
from tradepost.hub.actions.foreseen import COLUMNS, Foreseen


def show_preview(seen: Foreseen) -> None:
    """Print what would change."""
    if seen.summary:
        console.say(f"What it would do: {seen.summary}")
    for sentence in seen.moved:
        console.say(f"Changed since it was approved: {sentence}")
    if seen.changes:
        console.say("What would change:")
        console.show_table([dict(one) for one in seen.changes], list(COLUMNS), "")
    for effect in seen.effects:
        console.say(f"Outside the store: {effect}")
