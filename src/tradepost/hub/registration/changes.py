"""What an admin should expect of a tool, resource or prompt whose definition is another one: other words, more
possibilities, something that breaks callers, or signs that somebody wants something of the model. Often several of
them at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tradepost.hub.registration.edits import KINDS, Edit, EditKind, edits
from tradepost.hub.registration.suspicion import signs_of

CLOAKED = "It shows another definition to whoever calls it than in its list."


@dataclass(frozen=True, slots=True)
class Change:
    """`kinds` are all that apply, the gravest first; `reasons` say what is suspicious, a sentence each."""

    kinds: tuple[EditKind, ...]
    reasons: tuple[str, ...]
    edits: tuple[Edit, ...]

    @property
    def kind(self) -> EditKind:
        """The gravest."""
        return self.kinds[0]


@dataclass(frozen=True, slots=True)
class Changed:
    """A tool, resource or prompt whose definition is not the pinned one any more. `kinds` are all that apply, the
    gravest first; `reasons` say what is suspicious, `says` every difference, a sentence each."""

    name: str
    before: str
    after: str
    kinds: tuple[EditKind, ...]
    reasons: tuple[str, ...] = ()
    says: tuple[str, ...] = ()

    @property
    def kind(self) -> EditKind:
        """The gravest."""
        return self.kinds[0]

    def summary(self) -> list[object]:
        """Plain values for the audit."""
        return [self.name, self.kind, self.before, self.after, list(self.kinds), list(self.reasons)]


def change_of(before: Mapping[str, Any], after: Mapping[str, Any], other_tools: Iterable[str] = ()) -> Change:
    """How one definition differs from another. `other_tools` are the names of tools that are known beside it."""
    known = tuple(other_tools)
    found = edits(before, after)
    had = {(sign.kind, sign.evidence) for sign in signs_of(before, known)}
    new = [sign for sign in signs_of(after, known) if (sign.kind, sign.evidence) not in had]
    reasons = [sign.sentence() for sign in new]
    reasons += [f"What it says about itself moved: {edit.says}" for edit in found if edit.kind == "suspicious"]
    kinds = {edit.kind for edit in found} | ({"suspicious"} if reasons else set())
    return Change(tuple(kind for kind in KINDS if kind in kinds) or ("text",), tuple(reasons), tuple(found))
