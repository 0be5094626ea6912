"""The current time, in one place, so that tests and the demo can hold it still."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

Now = Callable[[], datetime]


def system_now() -> datetime:
    """The wall clock as an aware UTC time."""
    return datetime.now(UTC)


def fixed(moment: datetime) -> Now:
    """A clock that stands still at `moment` (aware)."""
    if moment.tzinfo is None:
        raise ValueError("A fixed clock needs a time with a zone, for example 2026-02-24T09:00:00+00:00.")
    frozen = moment.astimezone(UTC)
    return lambda: frozen


def written_once(moment: datetime) -> str:
    """RFC 3339 in UTC with a Z: seconds, and a fraction only where there is one (commerce.md C5)."""
    utc = moment.astimezone(UTC)
    timespec = "microseconds" if utc.microsecond else "seconds"
    return utc.isoformat(timespec=timespec).replace("+00:00", "Z")


to_rfc3339 = lru_cache(maxsize=16_384)(written_once)  # a record shows several, and the same ones again and again


def from_rfc3339(text: str) -> datetime:
    """Parse RFC 3339; a time without a zone or a bare date counts as UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
