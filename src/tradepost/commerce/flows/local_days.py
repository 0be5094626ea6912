"""Days as a warehouse sees them: a date means midnight to midnight in its own timezone."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from sqlalchemy import select

from tradepost.commerce.store.models import StoreSettings
from tradepost.commerce.store.store import Store


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _reachable(day: date) -> date:
    """The day, or one far beyond any shop for a day so far away that adding hours to it leaves the calendar."""
    return min(max(day, date(1900, 1, 1)), date(2999, 1, 1))


def day_bounds(zone: str, day: date) -> tuple[datetime, datetime]:
    """The first moment of the day and of the next one, in UTC. A day of the clock change has 23 or 25 hours."""
    day = _reachable(day)
    start = datetime.combine(day, time.min, _zone(zone))
    end = datetime.combine(day + timedelta(days=1), time.min, _zone(zone))
    return start.astimezone(UTC), end.astimezone(UTC)


def local_day(moment: datetime, zone: str) -> date:
    """The date on the wall calendar of the zone."""
    return moment.astimezone(_zone(zone)).date()


def local_minute(zone: str, day: date, minute: int) -> datetime:
    """So many minutes after midnight by the wall clock of the zone, in UTC; 1440 is the end of the day."""
    days, rest = divmod(minute, 24 * 60)
    wall = datetime.combine(_reachable(day) + timedelta(days=days), time(rest // 60, rest % 60), _zone(zone))
    return wall.astimezone(UTC)


def clock_text(moment: datetime, zone: str) -> str:
    """ "2026-03-02 14:30" by the wall clock of the zone."""
    return moment.astimezone(_zone(zone)).strftime("%Y-%m-%d %H:%M")


async def store_zone(store: Store) -> str:
    """The store's own timezone, for records that belong to no place."""
    return (await store.session.execute(select(StoreSettings.timezone).limit(1))).scalar_one_or_none() or "UTC"
