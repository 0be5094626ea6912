"""What an import would do, in words that people can review before it is done."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from tradepost.hub.registration.configuration.document import Part
from tradepost.hub.registration.configuration.reading import Path

Action = Literal["create", "change", "remove"]
Kind = Literal[
    "zone",
    "limits",
    "rules",
    "audit",
    "profile",
    "agent",
    "server",
    "tool",
    "resource",
    "prompt",
    "assignment",
    "policy",
]
What = Literal["header", "url", "client_secret"]
Members = Mapping[str, tuple[Any, Any]]
Some = TypeVar("Some", bound=Part)

_SIGNS: Mapping[Action, str] = {"create": "+", "change": "~", "remove": "-"}
MOST_SHOWN = 120  # characters of a value in a line


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that would be created, changed or removed. `members` are those that get another value: before, after.
    `key` names the rows, `wanted` is what the file says, at `path`."""

    action: Action
    kind: Kind
    name: str
    key: tuple[str, ...]
    members: Members = field(default_factory=dict)
    note: str | None = None
    wanted: Part | None = None
    path: Path = ()

    @property
    def line(self) -> str:
        """One line of the plan."""
        told = [f"{member}: {_shown(before)} -> {_shown(after)}" for member, (before, after) in self.members.items()]
        text = f"{_SIGNS[self.action]} {self.action} {self.kind} {self.name}".rstrip()
        if self.action == "create":
            set_ = {member: after for member, (_, after) in self.members.items() if after not in ("", [], {}, None)}
            told = [f"{member}: {_shown(after)}" for member, after in set_.items()]
        if told:
            text += f" ({'; '.join(told)})"
        return f"{text}  [{self.note}]" if self.note else text

    def part(self, kind: type[Some]) -> Some:
        """What the file says, where that is a part of this kind."""
        if not isinstance(self.wanted, kind):
            raise TypeError(f"The change of {self.name} has no {kind.__name__}.")
        return self.wanted

    @property
    def before(self) -> dict[str, Any]:
        """For the audit."""
        return {member: before for member, (before, _) in self.members.items()} if self.action != "create" else {}

    @property
    def after(self) -> dict[str, Any]:
        """For the audit."""
        return {member: after for member, (_, after) in self.members.items()} if self.action != "remove" else {}


@dataclass(frozen=True, slots=True)
class ToBeSet:
    """A value of a server's that nobody has given: of a `header` that it should be sent, of its secret `url`, or of its
    OAuth client's `client_secret`. `variable` is that of the environment from which `tradepost import` takes it."""

    server: str
    what: What
    header: str | None
    secret: bool
    variable: str

    @property
    def line(self) -> str:
        """One line for people."""
        named = {"header": f"the header {self.header}", "url": "the secret URL", "client_secret": "the client's secret"}
        return f"{self.server}: {named[self.what]} ({self.variable})"


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes in the order in which they are made, what is not done and why, and what is missing."""

    changes: Sequence[Change]
    notes: Sequence[str] = ()
    to_be_set: Sequence[ToBeSet] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the workspace is as the file says."""
        return not self.changes

    def counted(self) -> dict[str, int]:
        """How many changes there are of each action."""
        return {action: sum(one.action == action for one in self.changes) for action in _SIGNS}


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and (not value or " " in value or "\n" in value):
        text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "…"
