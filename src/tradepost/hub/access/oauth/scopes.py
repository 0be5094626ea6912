"""Scopes of OAuth clients.

The scope `agent` means: work as the agent that the person chooses, with what they allow. A client that names no scope
asks for that. Scopes like `write:orders` are asked for by name, usually after a call was refused for want of one. What
a token really holds is never more than its agent has, and a viewer's tokens only read.
"""

import re
from collections.abc import Iterable

from tradepost.hub.access.oauth.errors import INVALID_SCOPE, OAuthError

BASE = "agent"
READ = "read:"
MAX_SCOPES = 60

_TOKEN = re.compile(r"[!#-\[\]-~]{1,80}")
_IGNORED = frozenset({"offline_access"})  # a refresh token comes anyway


def read_scopes(text: str | None) -> list[str]:
    """The scopes that a client names, sorted. Raises OAuthError."""
    parts = (text or "").split(" ") if text else []
    named = sorted({part for part in parts if part} - _IGNORED)
    if len(named) > MAX_SCOPES or not all(_TOKEN.fullmatch(part) for part in named):
        raise OAuthError(INVALID_SCOPE, "The scope is malformed or far too long.")
    return named


def is_open(asked: Iterable[str]) -> bool:
    """Whether the client leaves it to the person what it may do."""
    asked = set(asked)
    return not asked or BASE in asked


def for_role(scopes: Iterable[str], role: str) -> frozenset[str]:
    """What of these a person with this role may hand on."""
    return frozenset(scope for scope in scopes if role != "viewer" or scope.startswith(READ))


def grantable(asked: Iterable[str], held: Iterable[str], role: str, *, changes: bool) -> list[str]:
    """What a person gives a client that works as an agent holding `held`: what it named, and where it left that open
    what reads, with `changes` all."""
    asked, allowed = set(asked), for_role(held, role)
    given = {scope for scope in allowed if scope in asked}
    if is_open(asked):
        given |= {scope for scope in allowed if changes or scope.startswith(READ)}
    return sorted(given)
