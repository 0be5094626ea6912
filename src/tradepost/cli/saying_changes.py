"""Differences between what was approved and what a server shows now, in sentences."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tradepost.cli import console
from tradepost.hub.registration.changes import Changed
from tradepost.hub.registration.content_lists import ContentChanges
from tradepost.hub.registration.difference import Difference
from tradepost.hub.registration.review import Review

SHOWN_CHANGES = 50


def say_edits(seen: Review) -> None:
    """How the waiting definition differs from the pinned one."""
    if seen.change is None:
        return
    console.say(f"Its definition changed ({', '.join(seen.kinds)}); agents never see the new one until it is approved:")
    for reason in seen.change.reasons:
        console.say(f"  ! {reason}")
    for edit in seen.edits[:SHOWN_CHANGES]:
        console.say(f"  {edit.kind}: {edit.says}")


def say_difference(difference: Difference, slug: str) -> None:
    """What a look at a server changed in the registry."""
    if difference.new:
        console.say(f"New, waiting for approval: {', '.join(difference.new)}.")
    until = "agents go on with the approved one" if difference.kept else "out of every catalog until approved"
    for change in difference.changed[:SHOWN_CHANGES]:
        console.say(f"Changed ({', '.join(change.kinds)}), {until}: {change.name}.")
        _say_change(change)
    if difference.removed:
        console.say(f"Gone from the server: {', '.join(difference.removed)}.")
    if difference.set_aside:
        console.say(f"Refused now, {until}: {', '.join(difference.set_aside)}.")
    for name, why in difference.refused:
        console.say(f"Refused: {name}: {why}")
    _say_contents(difference.contents, until)
    if difference.contents.new or difference.contents.changed:
        console.say(f"Look at resources and prompts before you approve them: tradepost server contents {slug}")
    if difference.changed:
        console.say(f"Look at each before you approve it: tradepost server show {slug} TOOL")


def _say_contents(contents: ContentChanges, until: str) -> None:
    if contents.new:
        console.say(f"New resources and prompts, waiting for approval: {', '.join(contents.new[:SHOWN_CHANGES])}.")
    for change in contents.changed[:SHOWN_CHANGES]:
        console.say(f"Changed ({', '.join(change.kinds)}), {until}: {change.name}.")
        _say_change(change)
    if contents.removed:
        console.say(f"Resources and prompts gone from the server: {', '.join(contents.removed[:SHOWN_CHANGES])}.")
    if contents.set_aside:
        console.say(f"Refused now, {until}: {', '.join(contents.set_aside[:SHOWN_CHANGES])}.")


def _say_change(change: Changed) -> None:
    for reason in change.reasons:
        console.say(f"  ! {reason}")
    for sentence in change.says[:SHOWN_CHANGES]:
        console.say(f"  {sentence}")


def as_plain(difference: Difference) -> dict[str, Any]:
    """A difference as JSON."""
    contents = {**asdict(difference.contents), "changed": _plain(difference.contents.changed)}
    return {**asdict(difference), "changed": _plain(difference.changed), "contents": contents}


def _plain(changes: Sequence[Changed]) -> list[dict[str, Any]]:
    return [{**asdict(change), "kind": change.kind} for change in changes]
