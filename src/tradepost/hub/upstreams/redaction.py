"""Keeping a server's own credential out of what it answers: a server that echoes it must not hand it to an agent."""

import base64
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

MASK = "[redacted]"


def redact(value: Any, secrets: Sequence[str]) -> Any:
    """The value with every occurrence of a secret (plain, base64, URL-encoded, reversed) masked in texts and keys."""
    if not secrets:
        return value
    spellings = [spelling for secret in secrets for spelling in _spellings(secret)]
    return _masked(value, spellings)


def _spellings(secret: str) -> list[str]:
    encoded = base64.b64encode(secret.encode()).decode("ascii")
    return list(dict.fromkeys([secret, encoded, encoded.rstrip("="), quote(secret, safe=""), secret[::-1]]))


def _masked(value: Any, spellings: Sequence[str]) -> Any:
    if isinstance(value, str):
        for spelling in spellings:
            value = value.replace(spelling, MASK)
        return value
    if isinstance(value, dict):
        return {_masked(key, spellings): _masked(inner, spellings) for key, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner, spellings) for inner in value]
    return value
