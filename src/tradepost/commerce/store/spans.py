"""Lists in the order of one moment (made), limited by another (promised, shipped, taken).

No index answers both. Of few rows all are put in order. Many are met soon enough on a walk through the list's own
order, if it begins where the period ends: hardly anything is promised or shipped before it is made. What was, as
records from elsewhere may have been, has a small index of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute

from tradepost.commerce.store.columns import aside
from tradepost.commerce.store.listing import count_by, estimate
from tradepost.commerce.store.store import Store

FEW = 2_000  # are put in order sooner than met on a walk
_MOST_EARLY = 500  # records with their moment before they were made that are handed on one by one


@dataclass(frozen=True, slots=True)
class Span:
    """What `page` takes: the statement, the parts of it that are quickly put in order, and how many rows there are."""

    statement: Select[Any]
    parts: Sequence[Select[Any]] | None = None
    total: int | str | None = None


async def in_span(
    store: Store,
    statement: Select[Any],
    order: Sequence[InstrumentedAttribute[Any]],
    moment: ColumnElement[Any] | InstrumentedAttribute[Any],
    start: datetime | None,
    end: datetime | None,
    *,
    early: ColumnElement[bool],
    ways: Sequence[ColumnElement[bool]] = (),
) -> Span:
    """The rows of the statement whose `moment` lies in start <= moment < end, one of which is given. `order` begins
    with the moment of being made; `early` is the condition of the index of what has its moment before that. `ways` say
    that it lies in the period, one of them for each row and each with an index, where the moment itself has none."""
    ways = ways or [inside(moment, start, end)]
    found = [statement.where(way) for way in ways]
    counted = union_all(*(count_by(rows, order[-1]) for rows in found))
    total = await estimate(store, counted)
    if isinstance(total, int) and total <= FEW:
        # Put in order by no index: a walk in the list's order would meet the few of long ago last.
        columns = [aside(column).label(column.key) for column in order]
        parts = [rows.with_only_columns(*columns, maintain_column_froms=True) for rows in found]
        return Span(statement.where(or_(*ways)), parts, total)
    met = statement.where(inside(aside(moment), start, end))
    if end is None:
        return Span(met, None, total)
    made, key = order[0], order[-1]
    rows = met.with_only_columns(*order, maintain_column_froms=True)
    found_early = await made_after(store, key, early, made, moment, start, end)
    if found_early is not None and not found_early:
        return Span(met, (rows.where(made < end),), total)
    some = early if found_early is None else key.in_(found_early)
    return Span(met, (rows.where(made < end), rows.where(some, made >= end)), total)


async def made_after(
    store: Store,
    key: InstrumentedAttribute[Any],
    early: ColumnElement[bool],
    made: InstrumentedAttribute[Any],
    moment: Any,
    start: datetime | None,
    end: datetime,
) -> list[str] | None:
    """The keys of what has its moment in the period and was made after it; None if there are many. Found by themselves:
    beside another filter, a planner would rather read all that is made after the period."""
    beyond = select(key).where(early, made >= end, inside(aside(moment), start, end)).limit(_MOST_EARLY + 1)
    found = list(await store.all(beyond))
    return found if len(found) <= _MOST_EARLY else None


def inside(moment: Any, start: datetime | None, end: datetime | None) -> ColumnElement[bool]:
    """The condition start <= moment < end."""
    return and_(*([moment >= start] if start is not None else []), *([moment < end] if end is not None else []))
