"""When a rule holds: from one moment to another, or hours of some days of every week, in a time zone."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.errors import InvalidArgument

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WHOLE_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")
_MEMBERS = ("from", "to", "days", "start", "end", "zone")
_OF_THE_MACHINE = frozenset({"localtime", "Factory", "posixrules"})  # files beside the zones that are none, or any
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+/-]{0,63}")


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time. One-off: `begins` to `ends`, each may be open. Weekly: `start` to `end` (minutes of the day)
    on `days` (0 is Monday); an end before the start is on the next day. Both together: the weekly hours between the
    two moments. The beginning belongs to it, the end does not."""

    begins: datetime | None = None
    ends: datetime | None = None
    days: frozenset[int] = frozenset()
    start: int = 0
    end: int = 24 * 60
    zone: str = "UTC"

    def covers(self, moment: datetime) -> bool:
        """Whether a moment lies in it."""
        if self.begins is not None and moment < self.begins:
            return False
        if self.ends is not None and moment >= self.ends:
            return False
        if not self.days:
            return True
        local = moment.astimezone(zone_of(self.zone))
        minute, today = local.hour * 60 + local.minute, local.weekday()
        if self.start < self.end:
            return today in self.days and self.start <= minute < self.end
        yesterday = (local - timedelta(days=1)).weekday()
        return (today in self.days and minute >= self.start) or (yesterday in self.days and minute < self.end)

    def as_stored(self) -> dict[str, Any]:
        """As JSON, which `window_of` reads."""
        shape: dict[str, Any] = {}
        if self.begins is not None:
            shape["from"] = to_rfc3339(self.begins)
        if self.ends is not None:
            shape["to"] = to_rfc3339(self.ends)
        if self.days:
            shape["days"] = [DAYS[day] for day in sorted(self.days)]
            shape |= {"start": _clock(self.start), "end": _clock(self.end), "zone": self.zone}
        return shape

    def in_words(self) -> str:
        """For a list."""
        words = []
        if self.begins is not None:
            words.append(f"from {to_rfc3339(self.begins)}")
        if self.ends is not None:
            words.append(f"to {to_rfc3339(self.ends)}")
        if self.days:
            days = ", ".join(DAYS[day] for day in sorted(self.days))
            words.append(f"{days} {_clock(self.start)} to {_clock(self.end)} {self.zone}")
        return " ".join(words)


def window_of(given: Mapping[str, Any] | None) -> Window | None:
    """A window from JSON: from, to (RFC 3339), days, start, end (HH:MM), zone. None for none. Raises
    InvalidArgument."""
    if not given:
        return None
    for name in given:
        if name not in _MEMBERS:
            raise InvalidArgument(f"A window has no '{str(name)[:40]}'.", hint=f"It has {', '.join(_MEMBERS)}.")
    begins, ends = _moment(given.get("from"), "from"), _moment(given.get("to"), "to")
    if begins is not None and ends is not None and ends <= begins:
        raise InvalidArgument("The window ends before it begins.", field="to")
    days = _days(given.get("days"))
    if not days and (given.get("start") is not None or given.get("end") is not None):
        raise InvalidArgument("Hours need the days they are meant for.", hint="days: mon,tue,wed", field="days")
    if not days and begins is None and ends is None:
        raise InvalidArgument("The window has neither days nor a beginning or end.", field="window")
    start, end = _minute(given.get("start") or "00:00", "start"), _minute(given.get("end") or "24:00", "end")
    if start == end:
        raise InvalidArgument("The window begins and ends at the same minute.", field="end")
    zone = checked_zone(str(given.get("zone") or "UTC"))
    return Window(begins, ends, days, start, end, zone) if days else Window(begins, ends)


def checked_zone(name: str) -> str:
    """The name of a time zone. Raises InvalidArgument."""
    try:
        if not _ZONE.fullmatch(name) or name in _OF_THE_MACHINE:
            raise ValueError(name)
        zone_of(name)
    except (ValueError, OSError, KeyError):
        raise InvalidArgument(
            f"'{name[:40]}' is no time zone.", hint="Use a name like Europe/Rome or UTC.", field="zone"
        ) from None
    return name


@lru_cache(maxsize=256)
def zone_of(name: str) -> ZoneInfo:
    """A time zone by its name."""
    return ZoneInfo(name)


def _moment(given: Any, field: str) -> datetime | None:
    if given is None or given == "":
        return None
    try:
        moment = given if isinstance(given, datetime) else datetime.fromisoformat(str(given))
        if moment.tzinfo is None:
            raise ValueError(given)  # midnight is at another moment in each zone
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidArgument(
            f"'{str(given)[:40]}' is no time.", hint="Write it with its zone: 2026-11-27T00:00:00Z.", field=field
        ) from None


def _days(given: Any) -> frozenset[int]:
    if given is None:
        return frozenset()
    names = given.split(",") if isinstance(given, str) else given
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise InvalidArgument("Days are a list of names.", hint=f"They are {', '.join(DAYS)}.", field="days")
    days = set()
    for name in names:
        said = name.strip().lower()
        found = next((at for at, whole in enumerate(_WHOLE_DAYS) if len(said) > 2 and whole.startswith(said)), None)
        if found is None:
            raise InvalidArgument(f"'{name[:20]}' is no day.", hint=f"They are {', '.join(DAYS)}.", field="days")
        days.add(found)
    return frozenset(days)


def _minute(given: Any, field: str) -> int:
    text = str(given)
    if not _CLOCK.fullmatch(text):
        raise InvalidArgument(f"'{text[:20]}' is no time of day.", hint="Write it like 18:00.", field=field)
    return int(text[:2]) * 60 + int(text[3:])


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
