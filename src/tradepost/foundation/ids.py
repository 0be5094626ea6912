"""Opaque, prefixed ids: `ord_06fk3…`. The body sorts by time of making: new rows land at the end of an index."""

import os
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


class _Random:
    """Random characters from the operating system, asked for many at once: an import needs a million ids. A forked
    process asks anew, or it would make the ids of its parent."""

    CHARACTERS = 13  # of 5 bits each
    AT_ONCE = 512

    def __init__(self) -> None:
        self.forget()
        if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
            os.register_at_fork(after_in_child=self.forget)

    def forget(self) -> None:
        self._waiting: list[str] = []

    def take(self) -> str:
        """One id's worth."""
        try:
            return self._waiting.pop()  # at most one thread gets each
        except IndexError:
            waiting = self.take_many(self.AT_ONCE)
            mine = waiting.pop()
            self._waiting = waiting
            return mine

    def take_many(self, count: int) -> list[str]:
        """Each one id's worth, fresh."""
        size = self.CHARACTERS
        text = os.urandom(size * count).translate(_CHARACTER_OF_BYTE).decode("ascii")
        return [text[start : start + size] for start in range(0, len(text), size)]


_CHARACTER_OF_BYTE = bytes(ord(_ALPHABET[byte % 32]) for byte in range(256))  # the low 5 bits: every one as likely
_random = _Random()


def _stamp(prefix: str) -> str:
    now, pair = time.time_ns() // 1_000_000, _PAIRS
    return (
        f"{prefix}_{pair[now >> 40 & 1023]}{pair[now >> 30 & 1023]}{pair[now >> 20 & 1023]}"
        f"{pair[now >> 10 & 1023]}{pair[now & 1023]}"
    )


def new_id(prefix: str) -> str:
    """`prefix_` + 10 characters of milliseconds + 13 random ones (65 bits)."""
    return _stamp(prefix) + _random.take()


def new_ids(prefix: str, count: int) -> list[str]:
    """So many ids of one millisecond, for rows that are made together."""
    stamp = _stamp(prefix)
    return [stamp + characters for characters in _random.take_many(count)]


def handle(prefix: str) -> str:
    """`prefix_` + 26 random characters (130 bits): for handles that must not be guessed (security.md P14)."""
    return f"{prefix}_{_encode(secrets.randbits(130), 26)}"
