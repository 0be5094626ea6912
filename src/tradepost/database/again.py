"""A transaction that the database breaks off, though nothing is wrong with it: two waited for each other (a deadlock),
or could not have come one after the other (a serialization failure). Nothing of it was kept: it is made again."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

MOST_AGAIN = 3
PAUSE_SECONDS = 0.02  # the other one finishes meanwhile
_STATES = frozenset({"40001", "40P01"})

Made = TypeVar("Made")


def was_broken_off(error: BaseException) -> bool:
    """Whether the database ended the transaction only because of others: the same again may succeed."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _STATES


async def whole(transaction: Callable[[], Awaitable[Made]]) -> Made:
    """Run a function that makes one transaction, from its beginning to its commit, and changes nothing besides; again,
    at most three times, while the database breaks it off. Raises what the last attempt raised."""
    for attempt in range(1, MOST_AGAIN + 1):
        try:
            return await transaction()
        except DBAPIError as error:
            if not was_broken_off(error):
                raise
        await asyncio.sleep(PAUSE_SECONDS * attempt)
    return await transaction()


class Kept:
    """Whether anything was committed by what runs now, and by what it waits for."""

    def __init__(self) -> None:
        self.anything = False


_kept: ContextVar[Kept | None] = ContextVar("kept", default=None)


def committed() -> None:
    """A writing transaction is committed."""
    kept = _kept.get()
    if kept is not None:
        kept.anything = True


async def unless_kept(work: Callable[[], Awaitable[Made]]) -> Made:
    """Run a function that makes any number of transactions; again, as above, as long as none was committed before one
    was broken off. Raises what the last attempt raised."""
    kept = Kept()
    token = _kept.set(kept)
    try:
        for attempt in range(1, MOST_AGAIN + 1):
            try:
                return await work()
            except DBAPIError as error:
                if kept.anything or not was_broken_off(error):
                    raise
            await asyncio.sleep(PAUSE_SECONDS * attempt)
        return await work()
    finally:
        _kept.reset(token)
