"""What a person looks at before approving a tool: all of its definition, and what differs from the pinned one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from tradepost.hub.registration.pins import ChangeKind, kind_of_change
from tradepost.hub.registry.models import ToolEntry

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Edit:
    """One place in a definition that differs; `before` or `after` is None where there is nothing."""

    place: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Review:
    """A tool entry for review. `definition` is what approving would pin: the waiting one where there is one."""

    definition: Json
    digest: str
    waits: bool
    kind: ChangeKind | None
    edits: tuple[Edit, ...]


def review(entry: ToolEntry) -> Review:
    """The entry as a person should see it before approving, at every look and not only when the change was found."""
    pinned: Json = orjson.loads(entry.definition)
    if entry.candidate is None or entry.candidate_digest is None:
        return Review(pinned, entry.digest, entry.state == "unapproved", None, ())
    waiting: Json = orjson.loads(entry.candidate)
    return Review(waiting, entry.candidate_digest, True, kind_of_change(pinned, waiting), tuple(edits(pinned, waiting)))


def edits(before: Any, after: Any, place: str = "") -> Iterator[Edit]:
    """The places in which two JSON values differ, as deep as both have the same shape."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in [*before, *(key for key in after if key not in before)]:
            inner = f"{place}.{key}" if place else str(key)
            yield from edits(before.get(key), after.get(key), inner)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from edits(old, new, f"{place}[{index}]")
    elif before != after:
        yield Edit(place, before, after)
