"""Tools that every agent has beside its catalog; to a model they look the same."""

from datetime import UTC, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic_ai import FunctionToolset


@cache
def builtin_tools() -> FunctionToolset[Any]:
    """What needs no server."""
    tools: FunctionToolset[Any] = FunctionToolset(id="builtin")
    tools.add_function(now, name="now")
    return tools


def now(zone: str = "UTC") -> str:
    """The present date, time and weekday. Use before reasoning about "today", "this week" or deadlines.

    Args:
        zone: An IANA time zone, for example Europe/Amsterdam.
    """
    try:
        here = datetime.now(UTC).astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError):
        return f"There is no time zone '{zone[:60]}'; in UTC it is {datetime.now(UTC):%A %Y-%m-%d %H:%M}."
    return f"{here:%A %Y-%m-%d %H:%M} ({zone})"
