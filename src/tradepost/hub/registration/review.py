"""What a person looks at before approving a tool, resource or prompt: all of its definition, what differs from the
pinned one, and what in it may be meant for the model rather than for them."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from tradepost.hub.registration.changes import Change, change_of
from tradepost.hub.registration.edits import Edit, EditKind
from tradepost.hub.registration.suspicion import signs_of
from tradepost.hub.registry.models import PromptEntry, ResourceEntry, ToolEntry

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Review:
    """An entry for review. `definition` is what approving would pin: the waiting one where there is one; `change`
    is how that differs from the pinned one."""

    definition: Json
    digest: str
    waits: bool
    change: Change | None

    @property
    def kind(self) -> EditKind | None:
        """The gravest kind of change."""
        return self.change.kind if self.change is not None else None

    @property
    def kinds(self) -> tuple[EditKind, ...]:
        """All kinds that apply."""
        return self.change.kinds if self.change is not None else ()

    @property
    def edits(self) -> tuple[Edit, ...]:
        """Every place that differs."""
        return self.change.edits if self.change is not None else ()

    def signs(self, other_tools: Iterable[str] = ()) -> list[str]:
        """What to look at first in what approving would pin, a sentence each."""
        return [sign.sentence() for sign in signs_of(self.definition, other_tools)]

    def waiting(self) -> Json | None:
        """The changed definition that waits, with each difference, as plain values; None where none does."""
        if self.change is None:
            return None
        return {
            "kind": self.kind,
            "kinds": list(self.kinds),
            "reasons": list(self.change.reasons),
            "digest": self.digest,
            "definition": self.definition,
            "differences": [asdict(one) for one in self.edits],
        }

    def words(self, most: int) -> str:
        """How it describes itself, at most so many characters of it."""
        said = str(self.definition.get("description", ""))
        return said if len(said) <= most else said[:most] + "…"

    def in_short(self) -> str:
        """What waits, in a word or two; empty where nothing does."""
        if self.kinds:
            return f"changed ({', '.join(self.kinds)})"
        return "new" if self.waits else ""


def review(entry: ToolEntry | ResourceEntry | PromptEntry, other_tools: Iterable[str] = ()) -> Review:
    """The entry as a person should see it before approving, at every look and not only when the change was found."""
    pinned: Json = orjson.loads(entry.definition)
    if entry.candidate is None or entry.candidate_digest is None:
        return Review(pinned, entry.digest, entry.state == "unapproved", None)
    waiting: Json = orjson.loads(entry.candidate)
    return Review(waiting, entry.candidate_digest, True, change_of(pinned, waiting, other_tools))
