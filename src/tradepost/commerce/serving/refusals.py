"""What the database refuses, in words: it is the last guard of the store's rules, so its refusal is an answer."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError

from tradepost.foundation.errors import StateConflict, TradepostError, Unavailable

log = logging.getLogger(__name__)


def may_pass(error: DBAPIError, operation_id: str) -> bool:
    """Whether repeating the whole transaction may succeed: a twin won the key or began the number range, a deadlock, a
    serialization failure."""
    state = getattr(error.orig, "sqlstate", None)
    if state in ("40001", "40P01"):
        return True
    refusal = str(error.orig)
    return isinstance(error, IntegrityError) and ("operations" in refusal or "number_ranges" in refusal)


def in_words(error: DBAPIError) -> TradepostError:
    """StateConflict for a broken rule, Unavailable for a locked record or a database that cannot answer."""
    if isinstance(error, IntegrityError):
        log.warning("The database refused a write: %s", error.orig)
        return StateConflict(
            "The change would break a rule of the store (an amount, a quantity or a reference does not fit).",
            hint="Read the record again; somebody may have changed it meanwhile.",
        )
    state = getattr(error.orig, "sqlstate", None)
    if state == "55P03" or "locked" in str(error.orig):
        return Unavailable("The record is being changed by somebody else.", hint="Try again.", retry_after_seconds=1)
    log.error("The store failed: %s", error.orig)
    return Unavailable("The store cannot do this now.", hint="Try again later.", retry_after_seconds=5)


@contextmanager
def answered_in_words() -> Iterator[None]:
    """Raise the database's failures as errors that tell the caller what to do."""
    try:
        yield
    except DBAPIError as error:
        raise in_words(error) from error
