"""The shop's books: closed up to a day, after which nothing is dated into that time and nothing booked there changes.

Days are those of the shop's own timezone. Books are closed forward; to open some days again is a step of its own.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.commerce.store.models import StoreSettings
from tradepost.commerce.store.store import Store
from tradepost.foundation.errors import InvalidArgument, StateConflict

EARLIEST, LATEST = date(1900, 1, 1), date(2999, 1, 1)  # far beyond any shop, and safe for arithmetic


@dataclass(frozen=True, slots=True)
class ClosedBooks:
    """Books that are closed through a day; `ends` is the first moment that is open."""

    through: date
    zone: str
    ends: datetime

    @classmethod
    def at(cls, through: date, zone: str) -> "ClosedBooks":
        """Closed through this day in this timezone."""
        midnight = datetime.combine(through + timedelta(days=1), time.min, ZoneInfo(zone))
        return cls(through, zone, midnight.astimezone(UTC))

    @property
    def first_open(self) -> date:
        """The first day that can be booked."""
        return self.through + timedelta(days=1)

    def hold(self, moment: datetime | None) -> bool:
        """Whether the moment lies in the closed time."""
        return moment is not None and moment < self.ends

    def says(self) -> str:
        """Which days are closed, in words."""
        return f"the books are closed through {self.through}, the first open day is {self.first_open}"

    def refusal(self, what: str, moment: datetime) -> StateConflict:
        """The error for a write that would touch the closed time. `what`: "refund REF-1 would be dated"."""
        day = moment.astimezone(ZoneInfo(self.zone)).date()
        return StateConflict(
            f"{what} {day}, and {self.says()}.",
            hint=f"Book it today or on another day from {self.first_open} on, for example as a correction of its own. "
            "If it has to be in the closed time, an operator opens that again: `tradepost store books --reopen-from`.",
            details={
                "date": day.isoformat(),
                "closed_through": self.through.isoformat(),
                "first_open_day": self.first_open.isoformat(),
            },
        )


CLOSED = select(StoreSettings)


def as_closed(settings: StoreSettings | None) -> ClosedBooks | None:
    """What a shop's settings say; None where nothing is closed."""
    if settings is None or settings.books_closed_through is None:
        return None
    return ClosedBooks.at(settings.books_closed_through, settings.timezone)


async def closed_books(session: AsyncSession) -> ClosedBooks | None:
    """What is closed of the session's shop; None where nothing is."""
    return as_closed((await session.scalars(CLOSED)).first())


async def close_books(store: Store, through: date) -> ClosedBooks:
    """Close the books through a day that is over. Raises StateConflict for one that is not, or is closed already."""
    settings = await _settings(store, through)
    zone = settings.timezone
    today = store.now.astimezone(ZoneInfo(zone)).date()
    before = settings.books_closed_through
    if through >= today:
        raise StateConflict(
            f"{through} is not over yet: it is {today} in {zone}.",
            hint=f"Close the books through {today - timedelta(days=1)} at the latest.",
        )
    if before is not None and through <= before:
        raise StateConflict(
            f"The books are closed through {before} already; they are closed forward only.",
            hint="Days are opened again with --reopen-from DAY.",
        )
    settings.books_closed_through = through
    await store.session.flush()
    _tell(store, "store:books_closed", settings, before)
    return ClosedBooks.at(through, zone)


async def reopen_books(store: Store, first: date) -> ClosedBooks:
    """Open the books again from a day on. Raises StateConflict where that day is open."""
    settings = await _settings(store, first)
    before = settings.books_closed_through
    if before is None or first > before:
        state = "nothing is closed" if before is None else f"they are closed through {before}"
        raise StateConflict(f"The books are open from {first} on: {state}.", hint="There is nothing to open.")
    settings.books_closed_through = first - timedelta(days=1)
    await store.session.flush()
    _tell(store, "store:books_reopened", settings, before)
    return ClosedBooks.at(settings.books_closed_through, settings.timezone)


async def _settings(store: Store, day: date) -> StoreSettings:
    if not EARLIEST <= day <= LATEST:
        raise InvalidArgument(f"{day} is no day of a shop.", hint="Write it like 2026-02-28.")
    rows = await store.lock_all(select(StoreSettings))
    if not rows:
        raise StateConflict("The workspace has no store.", hint="Import one, or load the demo shop.")
    return rows[0]


def _tell(store: Store, event_type: str, settings: StoreSettings, before: date | None) -> None:
    """Leave who did it, when, and from what to what."""
    after = settings.books_closed_through
    told = {name: None if day is None else day.isoformat() for name, day in (("before", before), ("after", after))}
    store.emit(event_type, settings, **told)
