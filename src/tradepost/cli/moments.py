"""Times on the command line."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from tradepost.foundation.errors import InvalidArgument

SinceOption = Annotated[
    str | None, typer.Option("--since", help="From this time on, for example 2026-02-24 or 2026-02-24T09:00:00Z.")
]
UntilOption = Annotated[str | None, typer.Option("--until", help="Before this time.")]


def moment(text: str | None, option: str) -> datetime | None:
    """A date (its beginning) or a time of RFC 3339, in UTC where no zone is given. Raises InvalidArgument."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidArgument(
            f"'{text[:40]}' is no time.", hint="Write 2026-02-24 or 2026-02-24T09:00:00Z.", field=option
        ) from None
