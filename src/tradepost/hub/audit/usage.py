"""How much was called, by day: summed up from linked rows now and then, so that a look at months reads no log.

What is not summed up yet is counted as it stands. A row counts once, however many processes sum up: the mark that says
how far the sums go moves in the same transaction.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Any, Literal

from sqlalchemy import ColumnElement, String, and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.database.engine import Database
from tradepost.hub.audit.late import LATE_ROWS
from tradepost.hub.audit.models import AuditDay, AuditEvent, AuditLink, AuditMark

By = Literal["day", "agent", "tool", "server", "user"]
BOUNDS_MS = (1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000)
MARK = "usage"
STEP = 2_000  # links in one transaction: on SQLite, others wait for it

_BOUNDS_US = tuple(round(bound * 1_000) for bound in BOUNDS_MS)
_CALLS = ("read", "outcome", "refused")  # one row for each call; an intent comes before its outcome
_LATEST = timedelta(hours=1)  # rows come later than others with higher numbers, but not as late as this
_KEY = ("day", "agent_id", "user_id", "server", "tool")
_COLUMN_OF = {"day": "day", "agent": "agent_id", "user": "user_id", "server": "server", "tool": "tool"}
_SUMS = ("calls", "reads", "writes", "refused", "errors", "approvals", "tokens", "timed", "total_us", "upstream_us")


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))


_IS_CALL = AuditEvent.kind.in_(_CALLS)
_IS_TIMED = and_(_IS_CALL, AuditEvent.duration_us.is_not(None))
# Put together once: that takes longer than most looks at them.
_SUMS_OF_ROWS = (
    _count(_IS_CALL),
    *(_count(AuditEvent.kind == kind) for kind in _CALLS),
    _count(and_(_IS_CALL, AuditEvent.error_code.is_not(None))),
    _count(AuditEvent.tag == "approval:approved"),
    func.sum(AuditEvent.result_tokens),
    _count(_IS_TIMED),
    func.sum(case((_IS_TIMED, AuditEvent.duration_us), else_=0)),
    func.sum(AuditEvent.upstream_us),
    *(
        _count(and_(_IS_TIMED, AuditEvent.duration_us > low, AuditEvent.duration_us <= high))
        for low, high in pairwise((-1, *_BOUNDS_US, 2**62))
    ),
)
_SUMS_OF_DAYS = (
    *(func.sum(getattr(AuditDay, name)) for name in _SUMS),
    *(func.sum(AuditDay.buckets[place].as_integer()) for place in range(len(BOUNDS_MS) + 1)),
)


@dataclass(slots=True)
class Usage:
    """Sums about one key. Times in microseconds, of the `timed` calls."""

    calls: int = 0
    reads: int = 0
    writes: int = 0
    refused: int = 0
    errors: int = 0
    approvals: int = 0
    tokens: int = 0
    timed: int = 0
    total_us: int = 0
    upstream_us: int = 0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_MS) + 1))

    def add(self, sums: Sequence[int], buckets: Sequence[int]) -> None:
        """Add sums in the order of the fields."""
        for name, more in zip(_SUMS, sums, strict=True):
            setattr(self, name, getattr(self, name) + int(more or 0))
        self.buckets = [mine + int(its or 0) for mine, its in zip(self.buckets, buckets, strict=True)]

    def at_most_ms(self, share: float) -> float | None:
        """About how long this share of the calls took at most, in milliseconds: somewhere in its bucket, by even
        spread. None without calls; of those beyond the last bound, that bound."""
        wanted, below, lower = share * self.timed, 0, 0.0
        for bound, count in zip(BOUNDS_MS, self.buckets, strict=False):
            if count and below + count >= wanted:
                return round(lower + (bound - lower) * max(wanted - below, 0) / count, 3)
            below, lower = below + count, float(bound)
        return lower if self.timed else None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Days (both included, as text), and whose calls of what."""

    by: By
    first_day: str
    last_day: str
    agent_id: str | None = None
    user_id: str | None = None
    server: str | None = None
    tool: str | None = None


async def usage(session: AsyncSession, wanted: Wanted) -> dict[str, Usage]:
    """The sums by key, in the order of the keys."""
    found: dict[str, Usage] = {}
    column = getattr(AuditDay, _COLUMN_OF[wanted.by])
    summed = select(column, *_SUMS_OF_DAYS).group_by(column)
    for key, *sums in (await session.execute(_limited(summed, AuditDay.day, wanted))).all():
        found.setdefault(key, Usage()).add(sums[: len(_SUMS)], sums[len(_SUMS) :])
    place = _KEY.index(_COLUMN_OF[wanted.by])
    rest = _sums(session.get_bind().dialect.name).where(await _not_summed(session))
    for more in (await session.execute(rest)).all():
        named, sums, buckets = _parts(more)
        if _fits(named, wanted):
            found.setdefault(named[place], Usage()).add(sums, buckets)
    return dict(sorted(found.items()))


async def roll_up(database: Database, workspace_id: str) -> int:
    """Sum up what was linked since the last time. Returns how many rows that were."""
    summed = 0
    while True:
        async with database.transaction(workspace_id, write=True) as session:
            step = await _step(session)
        summed += step
        if step < STEP:
            return summed


async def _step(session: AsyncSession) -> int:
    found = select(AuditMark).where(AuditMark.id == MARK).with_for_update()
    mark = (await session.scalars(found)).one_or_none()
    if mark is None:
        mark = AuditMark(id=MARK, position=0, sequence=0)
        session.add(mark)
    ahead = select(AuditLink.position).where(AuditLink.position > mark.position).order_by(AuditLink.position)
    positions = list(await session.scalars(ahead.limit(STEP)))
    if not positions:
        return 0
    linked = and_(AuditLink.position > mark.position, AuditLink.position <= positions[-1])
    joined = and_(AuditLink.workspace_id == AuditEvent.workspace_id, AuditLink.id == AuditEvent.id)
    rows = (await session.execute(_sums(session.get_bind().dialect.name).join(AuditLink, joined).where(linked))).all()
    await _add(session, [_parts(row) for row in rows])
    newest = await session.scalar(select(func.max(AuditEvent.sequence)).join(AuditLink, joined).where(linked))
    mark.position, mark.sequence = positions[-1], max(mark.sequence, newest or 0)
    return len(positions)


async def _add(session: AsyncSession, groups: list[tuple[tuple[str, ...], list[int], list[int]]]) -> None:
    ids = {key: hashlib.sha256("\0".join(key).encode()).hexdigest()[:32] for key, _, _ in groups}
    known = {row.id: row for row in await session.scalars(select(AuditDay).where(AuditDay.id.in_(ids.values())))}
    for key, sums, buckets in groups:
        row = known.get(ids[key])
        total = Usage()
        if row is not None:
            total.add([getattr(row, name) for name in _SUMS], row.buckets)
        else:
            row = AuditDay(id=ids[key], **dict(zip(_KEY, key, strict=True)))
            session.add(row)
        total.add(sums, buckets)
        row.buckets = total.buckets
        for name in _SUMS:
            setattr(row, name, getattr(total, name))


def _sums(dialect: str) -> Any:
    """Sums of rows of the log by all that they are kept apart by. Names that a client made up are not told apart."""
    of_tool = or_(AuditEvent.tag.like("tool:%"), AuditEvent.tag.like("approval:%"))
    is_tool = and_(of_tool, AuditEvent.server.is_not(None))
    key = (
        _day(dialect),
        func.coalesce(AuditEvent.agent_id, ""),
        func.coalesce(AuditEvent.user_id, ""),
        func.coalesce(AuditEvent.server, ""),
        case((is_tool, func.coalesce(AuditEvent.tool, "")), else_=""),
    )
    counted = or_(_IS_CALL, AuditEvent.tag == "approval:approved")
    return select(*key, *_SUMS_OF_ROWS).where(counted).group_by(*key)


def _parts(row: Any) -> tuple[tuple[str, ...], list[int], list[int]]:
    keys, sums = len(_KEY), len(_SUMS)
    return tuple(row[:keys]), [int(n or 0) for n in row[keys : keys + sums]], [int(n or 0) for n in row[keys + sums :]]


def _day(dialect: str) -> ColumnElement[str]:
    if dialect == "sqlite":
        return func.substr(AuditEvent.occurred_at, 1, 10, type_=String())
    return func.to_char(func.timezone("UTC", AuditEvent.occurred_at), "YYYY-MM-DD", type_=String())


async def _not_summed(session: AsyncSession) -> ColumnElement[bool]:
    """Rows behind the mark, and those that have no link up to it though others with higher numbers have: rows may get
    their links later than those, but not much."""
    mark = await session.get(AuditMark, (session.info["workspace_id"], MARK))
    if mark is None:
        return AuditEvent.sequence > 0
    late = AuditEvent.sequence > mark.sequence - LATE_ROWS
    newest = await session.scalar(select(AuditEvent.occurred_at).where(AuditEvent.sequence == mark.sequence))
    if newest is not None:  # a few rows of the last hour, where it would be the last ten thousand
        late = and_(late, AuditEvent.occurred_at > newest - _LATEST)
    summed = select(AuditLink.id).where(
        AuditLink.workspace_id == AuditEvent.workspace_id,
        AuditLink.id == AuditEvent.id,
        AuditLink.position <= mark.position,
    )
    return and_(or_(AuditEvent.sequence > mark.sequence, late), ~summed.exists())


def _limited(statement: Any, day: Any, wanted: Wanted) -> Any:
    statement = statement.where(day >= wanted.first_day, day <= wanted.last_day)
    for name in ("agent_id", "user_id", "server", "tool"):
        value = getattr(wanted, name)
        if value is not None:
            statement = statement.where(getattr(AuditDay, name) == value)
    return statement


def _fits(key: tuple[str, ...], wanted: Wanted) -> bool:
    if not wanted.first_day <= key[0] <= wanted.last_day:
        return False
    limits = (wanted.agent_id, wanted.user_id, wanted.server, wanted.tool)
    return all(limit is None or limit == value for limit, value in zip(limits, key[1:], strict=True))
