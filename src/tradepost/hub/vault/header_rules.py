"""Which headers may be stored for a server: names and values that cannot smuggle anything, none that are ours."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from tradepost.foundation.errors import InvalidArgument
from tradepost.hub.vault.managers.references import holds_reference, references_in

MAX_HEADERS = 20
MAX_VALUE = 8192
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_OURS = frozenset(
    "host connection content-length content-type content-encoding transfer-encoding te trailer upgrade keep-alive "
    "accept accept-encoding cookie set-cookie expect forwarded via idempotency-key last-event-id "
    "tradepost-caller".split()
)


@dataclass(frozen=True, slots=True)
class Header:
    """A header to be sent to a server. A hidden value is a secret: it is never shown again. One whose secret is kept
    elsewhere was read by this `reference`, and is good until then by the clock of the references."""

    name: str
    value: str = field(repr=False)
    hidden: bool = True
    reference: str | None = field(default=None, repr=False, compare=False)
    until: float | None = field(default=None, repr=False, compare=False)

    @property
    def is_secret(self) -> bool:
        """Whether what is sent must not be seen."""
        return self.hidden or holds_reference(self.value)


def checked_headers(headers: Sequence[Header]) -> list[Header]:
    """The headers, each name once. Raises InvalidArgument; no message holds a value."""
    if len(headers) > MAX_HEADERS:
        raise InvalidArgument(f"More than {MAX_HEADERS} headers.", field="headers")
    seen: set[str] = set()
    for header in headers:
        name = header.name.lower()
        if not _NAME.fullmatch(header.name):
            raise InvalidArgument(f"'{_printable(header.name)}' is no header name.", field="headers")
        if is_ours(name):
            raise InvalidArgument(
                f"The header '{header.name}' is set by the hub itself.", field="headers", hint="Leave it out."
            )
        if not is_header_value(header.value):
            raise InvalidArgument(
                f"The value of '{header.name}' is not visible ASCII text of at most {MAX_VALUE} characters.",
                field="headers",
            )
        references_in(header.value)
        if name in seen:
            raise InvalidArgument(f"The header '{header.name}' stands twice.", field="headers")
        seen.add(name)
    return list(headers)


def is_ours(name: str) -> bool:
    """Whether a header, in lower case, is one that the hub itself sets, or that says where a request goes."""
    return name in _OURS or name.startswith(("mcp-", "proxy-", "x-forwarded-"))


def is_header_value(text: str) -> bool:
    """Whether a header can carry a text as it is, and cannot be made to carry more."""
    return len(text) <= MAX_VALUE and _VALUE.fullmatch(text) is not None


def _printable(text: str) -> str:
    return "".join(character if " " <= character <= "~" else "?" for character in text[:60])
