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
    beyond = select(key).where(early, made >= end, inside(aside(moment), start, end))
    return Span(met, await walked(store, rows, made, end, key, early, beyond), total)


async def walked(
    store: Store, rows: Select[Any], made: Any, end: datetime, key: Any, early: ColumnElement[bool], beyond: Select[Any]
) -> list[Select[Any]]:
    """The parts of rows that are met on a walk from the end of a period: what was made before it, and what `beyond`
    finds by its `key`, made after it. That is found by itself: beside another filter, a planner would rather read all
    that is made after the period; `early` is its condition, for where it is much."""
    found = await store.all(beyond.limit(_MOST_EARLY + 1))
    parts = [rows.where(made < end)]
    if found:
        parts.append(rows.where(key.in_(found) if len(found) <= _MOST_EARLY else early, made >= end))
    return parts


def inside(moment: Any, start: datetime | None, end: datetime | None) -> ColumnElement[bool]:
    """The condition start <= moment < end."""
    return and_(*([moment >= start] if start is not None else []), *([moment < end] if end is not None else []))
