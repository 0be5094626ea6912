"""Filters by time: from (inclusive) and to (exclusive), refused where they contradict each other."""

from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select

from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import InvalidArgument

Row = TypeVar("Row")


def within(
    statement: Select[Row], column: ColumnElement[Any] | Any, start: datetime | None, end: datetime | None, prefix: str
) -> Select[Row]:
    """The select limited to start <= column < end; `prefix` names the arguments ("issued": issued_from, issued_to)."""
    require_period(start, end, prefix)
    if start is not None:
        statement = statement.where(column >= start)
    if end is not None:
        statement = statement.where(column < end)
    return statement


def require_period(start: datetime | None, end: datetime | None, prefix: str) -> None:
    """Raise InvalidArgument unless the period has a length."""
    if start is not None and end is not None and start >= end:
        raise InvalidArgument(
            f"{prefix}_from {to_rfc3339(start)} is not before {prefix}_to {to_rfc3339(end)}.",
            hint="Give a start that lies before the end, or leave one of them out.",
            field=f"{prefix}_from",
        )


def days_text(days: int) -> str:
    """ "1 day", "3 days"."""
    return "1 day" if days == 1 else f"{days} days"


def days_until(now: datetime, moment: datetime | None) -> int | None:
    """Whole days from now to a deadline; negative once it has passed, None without one."""
    return None if moment is None else (moment - now).days
