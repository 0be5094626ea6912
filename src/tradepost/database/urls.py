"""Where a database is, as people write it."""

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from tradepost.foundation.errors import SetupError


def parse_url(url: str) -> URL:
    """A SQLAlchemy URL with our drivers filled in. Raises SetupError for anything but SQLite and PostgreSQL."""
    example = "sqlite:////srv/tradepost/hub.db or postgresql://user@host/name"
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise SetupError(f"'{hide_password(url)}' is not a database URL.", hint=f"Write it like {example}.") from None
    family = parsed.drivername.split("+")[0]
    if family == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise SetupError("A SQLite URL needs a file.", hint=f"Write it like {example}.")
        return parsed.set(drivername="sqlite+aiosqlite")
    if family in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    raise SetupError(f"'{family}' databases are not supported.", hint=f"Use SQLite or PostgreSQL: {example}.")


def hide_password(url: str) -> str:
    """The URL as it may be shown."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return url.split("@")[-1]
