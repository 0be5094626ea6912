"""The `WWW-Authenticate` header with which a server refuses a credential (RFC 9110, 6750, 9728)."""

import re
from dataclasses import dataclass

MAX_HEADER = 8_192
MAX_SCOPES = 50

_WORD = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_PART = re.compile(rf"\s*({_WORD})\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|({_WORD}[=/:?&.\-\w]*))\s*(?:,|$)")
_SCHEME = re.compile(r"\s*,?\s*(?:bearer|dpop)(?:\s+|$)", re.IGNORECASE)
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,200}")


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a server wants: where its metadata is, which scopes, and what was wrong with the token."""

    resource_metadata: str | None = None
    scopes: tuple[str, ...] = ()
    error: str | None = None


def read_challenge(header: str | None) -> Challenge:
    """The Bearer challenge in a header; an empty one where there is none."""
    if not header or len(header) > MAX_HEADER:
        return Challenge()
    found: dict[str, str] = {}
    for scheme in _SCHEME.finditer(header):
        at = scheme.end()
        while part := _PART.match(header, at):
            value = part[2] if part[2] is not None else part[3]
            found.setdefault(part[1].lower(), re.sub(r"\\(.)", r"\1", value))
            at = part.end()
    return Challenge(found.get("resource_metadata"), scopes_in(found.get("scope")), found.get("error"))


def scopes_in(text: object) -> tuple[str, ...]:
    """The scopes in a text that joins them by spaces, or in a list; what could not be one is left out."""
    parts = text.split(" ") if isinstance(text, str) else text if isinstance(text, list) else []
    known = [part for part in parts if isinstance(part, str) and _SCOPE.fullmatch(part)]
    return tuple(dict.fromkeys(known[:MAX_SCOPES]))
