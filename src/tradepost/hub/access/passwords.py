"""Passwords as argon2id hashes. Hashing takes a twentieth of a second and 64 MiB: few at once, never in the event loop.

Whoever asks about a person who is not there waits for the same work as about one who is.
"""

import asyncio
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from tradepost.foundation.errors import InvalidArgument, RateLimited

MIN_PASSWORD = 12
MAX_PASSWORD = 256
AT_ONCE = 2
MOST_WAITING = 64

_hasher = PasswordHasher()


def check_password(password: str) -> str:
    """The password as it is hashed: its letters in one spelling, whatever keyboard it was typed on. Raises
    InvalidArgument for one that is too short or too long."""
    plain = unicodedata.normalize("NFC", password)
    if len(plain) < MIN_PASSWORD:
        raise InvalidArgument(
            f"The password is shorter than {MIN_PASSWORD} characters.",
            field="password",
            hint="Take a longer one: a few words are easy to remember.",
        )
    if len(plain) > MAX_PASSWORD:
        raise InvalidArgument(f"The password is longer than {MAX_PASSWORD} characters.", field="password")
    return plain


def hash_password(password: str) -> str:
    """The hash of a new password. Raises InvalidArgument."""
    return _hasher.hash(check_password(password))


def fits(password_hash: str, password: str) -> bool:
    """Whether this is the password behind a hash."""
    try:
        return _hasher.verify(password_hash, unicodedata.normalize("NFC", password[: MAX_PASSWORD * 4]))
    except (VerificationError, InvalidHashError):
        return False


def is_dated(password_hash: str) -> bool:
    """Whether the hash was made with other parameters than those of today."""
    return _hasher.check_needs_rehash(password_hash)


class PasswordWork:
    """Does the work beside the event loop, so many at a time; the rest waits in line."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._nobody: str | None = None

    async def hashed(self, password: str) -> str:
        """The hash of a new password. Raises InvalidArgument, RateLimited."""
        plain = check_password(password)
        async with self._turn():
            return await asyncio.to_thread(_hasher.hash, plain)

    async def fits(self, password_hash: str | None, password: str) -> bool:
        """Whether this is the password; False after the same work where there is no hash. Raises RateLimited."""
        async with self._turn():
            if self._nobody is None:
                self._nobody = await asyncio.to_thread(_hasher.hash, "nobody has this password")
            right = await asyncio.to_thread(fits, password_hash or self._nobody, password)
        return right and password_hash is not None

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._waiting >= MOST_WAITING:
            raise RateLimited("Too many people sign in at this moment.", retry_after_seconds=5.0)
        self._waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._turns.release()
