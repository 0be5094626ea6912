"""A database that is away for a moment is no fault of the call: it is told to come back."""

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from tradepost.foundation.errors import Unavailable

RETRY_AFTER_SECONDS = 5.0


class InReach:
    """For a block that asks the databases. Raises Unavailable where one cannot be reached."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        away = isinstance(error, OperationalError | InterfaceError | NoConnection)
        if away or (isinstance(error, DBAPIError) and error.connection_invalidated):
            raise Unavailable(
                "The hub cannot reach its database just now.",
                hint="Try again in a few seconds.",
                retry_after_seconds=RETRY_AFTER_SECONDS,
            ) from error


in_reach = InReach()
