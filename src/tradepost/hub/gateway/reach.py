"""A database that is away for a moment is no fault of the call: it is told to come back."""

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from tradepost.foundation.errors import Unavailable

RETRY_AFTER_SECONDS = 5.0


# What SQLAlchemy raises where a database is away, among other things. A `try` costs nothing as long as all is well.
DATABASE_ERRORS = (DBAPIError, NoConnection)


def away(error: DBAPIError | NoConnection) -> Unavailable | None:
    """What a caller is told when the database could not be reached; None for any other error."""
    reached = isinstance(error, DBAPIError) and not error.connection_invalidated
    if reached and not isinstance(error, OperationalError | InterfaceError):
        return None
    return Unavailable(
        "The hub cannot reach its database just now.",
        hint="Try again in a few seconds.",
        retry_after_seconds=RETRY_AFTER_SECONDS,
    )
