"""Opaque, prefixed ids: `ord_06fk3…`. The body sorts by time of making: new rows land at the end of an index."""

import os
import secrets
import threading
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base 32: no i, l, o, u


_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]


def _encode(value: int, length: int) -> str:
    pairs = []
    for _ in range((length + 1) // 2):
        pairs.append(_PAIRS[value & 1023])
        value >>= 10
    return "".join(reversed(pairs))[-length:]


class _Random:
    """Random numbers from the operating system, asked for many at once: an import needs a million ids. A forked process
    asks anew, or it would make the ids of its parent."""

    BYTES = 9
    AT_ONCE = 512

    def __init__(self) -> None:
        self.forget()
        if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
            os.register_at_fork(after_in_child=self.forget)

    def forget(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[bytes] = []

    def bits(self, count: int) -> int:
        """A number of so many bits, at most 72."""
        with self._lock:
            if not self._waiting:
                block = os.urandom(self.BYTES * self.AT_ONCE)
                self._waiting = [block[start : start + self.BYTES] for start in range(0, len(block), self.BYTES)]
            return int.from_bytes(self._waiting.pop(), "big") >> (8 * self.BYTES - count)


_random = _Random()


def new_id(prefix: str) -> str:
    """`prefix_` + 10 characters of milliseconds + 13 random ones (65 bits)."""
    milliseconds = time.time_ns() // 1_000_000
    return f"{prefix}_{_encode(milliseconds, 10)}{_encode(_random.bits(65), 13)}"


def handle(prefix: str) -> str:
    """`prefix_` + 26 random characters (130 bits): for handles that must not be guessed (security.md P14)."""
    return f"{prefix}_{_encode(secrets.randbits(130), 26)}"
