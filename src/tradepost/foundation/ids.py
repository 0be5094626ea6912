"""Opaque, prefixed ids: `ord_06fk3…`. The body sorts by time of making: new rows land at the end of an index."""

import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base 32: no i, l, o, u


_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]


def _encode(value: int, length: int) -> str:
    pairs = []
    for _ in range((length + 1) // 2):
        pairs.append(_PAIRS[value & 1023])
        value >>= 10
    return "".join(reversed(pairs))[-length:]


def new_id(prefix: str) -> str:
    """`prefix_` + 10 characters of milliseconds + 13 random ones (65 bits)."""
    milliseconds = time.time_ns() // 1_000_000
    return f"{prefix}_{_encode(milliseconds, 10)}{_encode(secrets.randbits(65), 13)}"


def handle(prefix: str) -> str:
    """`prefix_` + 26 random characters (130 bits): for handles that must not be guessed (security.md P14)."""
    return f"{prefix}_{_encode(secrets.randbits(130), 26)}"
