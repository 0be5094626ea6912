"""How a value says that its secret is kept elsewhere: `secret://MANAGER/PATH#KEY`, alone or after other words, as in
`Bearer secret://vault/kv/tradepost/acme/tickets#token`.

A path is plain segments, so that it means one thing to everybody: to whoever says which paths a workspace may read, and
to the manager.
"""

import re
from dataclasses import dataclass

from tradepost.foundation.errors import InvalidArgument

SCHEME = "secret://"
MAX_REFERENCE = 500
_WORD = re.compile(r"secret://\S*")
_FORM = re.compile(
    r"secret://(?P<manager>[a-z0-9][a-z0-9_-]{0,39})/(?P<path>[A-Za-z0-9._@+=~/-]+)(#(?P<key>[A-Za-z0-9._-]{1,200}))?"
)


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a secret is: with which manager, under which path, and which part of what is there."""

    manager: str
    path: tuple[str, ...]
    key: str | None

    def __str__(self) -> str:
        return f"{SCHEME}{self.manager}/{'/'.join(self.path)}" + (f"#{self.key}" if self.key else "")


def holds_reference(value: str) -> bool:
    """Whether anything in a value is kept elsewhere."""
    return SCHEME in value


def references_in(value: str) -> list[Reference]:
    """The references in a value, in order. Raises InvalidArgument for one that is none; the message holds nothing of
    the value."""
    return [read_reference(word) for word in _WORD.findall(value)]


def read_reference(word: str) -> Reference:
    """One reference. Raises InvalidArgument."""
    found = _FORM.fullmatch(word) if len(word) <= MAX_REFERENCE else None
    path = tuple(found["path"].split("/")) if found else ()
    if found is None or any(segment in ("", ".", "..") for segment in path):
        raise InvalidArgument(
            "A reference to a secret is written secret://MANAGER/PATH#KEY, the path of plain segments.",
            field="headers",
            hint="For example secret://vault/kv/tradepost/acme/tickets#token.",
        )
    return Reference(found["manager"], path, found["key"])


def filled_in(value: str, secrets: list[str]) -> str:
    """The value with its references replaced, in order."""
    left = iter(secrets)
    return _WORD.sub(lambda _: next(left), value)
