"""Tools that every agent has beside its catalog; to a model they look the same. They look at nothing and change
nothing: whatever is the shop's goes through the hub.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field
from pydantic_ai import FunctionToolset, RunContext
from pydantic_ai.toolsets import AbstractToolset, ToolsetTool

from tradepost.agents.runtime.reckoning import Unreadable, result_of
from tradepost.foundation.clock import Now, system_now

MOST_DAYS = 36_500
_SATURDAY = 5

Sum = Annotated[str, Field(max_length=1_000, description="The sum, for example (3 * 24.90 + 4.95) * 0.81")]
Day = Annotated[date, Field(description="A day, for example 2026-03-31")]
Days = Annotated[int, Field(ge=-MOST_DAYS, le=MOST_DAYS, description="How many days later; earlier with a minus.")]
Working = Annotated[bool, Field(description="Count Monday to Friday alone; holidays are not known.")]


class OneList(AbstractToolset[Any]):
    """Several toolsets as one. Of tools with the same name the first one's counts: what a person assigned goes before
    what every agent has anyway, and no name of a foreign server breaks an agent."""

    def __init__(self, toolsets: Sequence[AbstractToolset[Any]]) -> None:
        self._toolsets = tuple(toolsets)

    @property
    def id(self) -> str:
        """See AbstractToolset."""
        return "tools"

    async def get_tools(self, ctx: RunContext[Any]) -> dict[str, ToolsetTool[Any]]:
        """See AbstractToolset."""
        found: dict[str, ToolsetTool[Any]] = {}
        for toolset in self._toolsets:
            found = {**await toolset.get_tools(ctx), **found}
        return found

    async def call_tool(
        self, name: str, tool_args: dict[str, Any], ctx: RunContext[Any], tool: ToolsetTool[Any]
    ) -> Any:
        """See AbstractToolset."""
        return await tool.toolset.call_tool(name, tool_args, ctx, tool)


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

    for function in (now, calculate, date_after, days_between):
        tools.add_function(function, name=function.__name__)
    return tools


def calculate(expression: Sum) -> str:
    """Reckon exactly: + - * / % ** and brackets, in decimal figures. Use for every sum of amounts, quantities or
    percentages that no tool has given you."""
    try:
        return f"{expression.strip()} = {result_of(expression)}"
    except Unreadable as error:
        return f"This is no sum: {error}."


def date_after(start: Day, days: Days, working_days: Working = False) -> str:
    """The date so many days after a day, or before it. Use for deadlines and windows: "30 days after delivery"."""
    if not working_days:
        try:
            found = start + timedelta(days=days)
        except OverflowError:
            return "That date is out of the calendar."
        return f"{found:%A} {found.isoformat()}"
    step, left, found = (1 if days >= 0 else -1), abs(days), start
    try:
        while left:
            found += timedelta(days=step)
            left -= found.weekday() < _SATURDAY
    except OverflowError:
        return "That date is out of the calendar."
    return f"{found:%A} {found.isoformat()}"


def days_between(start: Day, end: Day) -> str:
    """How many days lie between two days, and how many of them are Monday to Friday (the first not counted, the last
    one is). Use to tell how late something is, or whether a window is still open."""
    first, last = min(start, end), max(start, end)
    days = (last - first).days
    weeks, rest = divmod(days, 7)
    working = weeks * 5 + sum((first.weekday() + 1 + number) % 7 < _SATURDAY for number in range(rest))
    said = f"{days} days, {working} of them Monday to Friday"
    return said if start <= end else f"{said}; {end.isoformat()} is before {start.isoformat()}"


def _told(clock: Now, zone: str) -> str:
    moment = clock()
    try:
        here = moment.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError):
        return f"There is no time zone '{zone[:60]}'; in UTC it is {moment:%A %Y-%m-%d %H:%M}."
    return f"{here:%A %Y-%m-%d %H:%M} ({zone})"
