"""Tools that every agent has beside its catalog; to a model they look the same."""

from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic_ai import FunctionToolset

from tradepost.foundation.clock import Now, system_now


@cache
def builtin_tools(clock: Now = system_now) -> FunctionToolset[Any]:
    """What needs no server."""
    tools: FunctionToolset[Any] = FunctionToolset(id="builtin")

    def now(zone: str = "UTC") -> str:
        """The present date, time and weekday. Use before reasoning about "today", "this week" or deadlines.

        Args:
            zone: An IANA time zone, for example Europe/Amsterdam.
        """
        return _told(clock, zone)

    tools.add_function(now, name="now")
    return tools


def _told(clock: Now, zone: str) -> str:
    moment = clock()
    try:
        here = moment.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError):
        return f"There is no time zone '{zone[:60]}'; in UTC it is {moment:%A %Y-%m-%d %H:%M}."
    return f"{here:%A %Y-%m-%d %H:%M} ({zone})"
