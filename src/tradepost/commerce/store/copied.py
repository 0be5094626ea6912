"""Columns that say of a row what others say: the warehouse that a stop starts from, the day a line's return was asked
for, the states of a payment's refunds. With them a list is found, put in order and counted in one index.

They follow from the rows: before a transaction commits, the copies of whatever it changed are made anew. Only whoever
writes past the session (a bulk load) has to ask for it, or bring them along. It is nobody's change: no version counts
it, and a preview does not show it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, event, inspect, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from tradepost.database.base import StoreBase
from tradepost.database.scoping import ScopedSession

_WAITING = "columns_to_copy"  # in a session's info
_AT_ONCE = 500

Tables = Mapping[str, Table]


@dataclass(frozen=True, slots=True)
class Source:
    """Rows that a copy is made of: the columns it follows, and how it finds the rows that hold the copy, namely those
    whose `key` is the source's `names`. `when_new`: also where the source is added."""

    columns: tuple[str, ...]
    names: str = "id"
    key: str = "id"
    when_new: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Copied:
    """Copied columns of a table: their values as SQL over the tables, and the tables that they follow from."""

    table: str
    values: Callable[[Tables], Mapping[str, ColumnElement[Any]]]
    sources: Mapping[str, Source]


_COPIED: list[Copied] = []
_BY_SOURCE: dict[str, list[tuple[Copied, Source]]] = defaultdict(list)


def keep_copied(copied: Copied) -> None:
    """From now on the columns follow their sources. For the modules that declare tables."""
    _COPIED.append(copied)
    for table, source in copied.sources.items():
        _BY_SOURCE[table].append((copied, source))


def of_parent(tables: Tables, child: str, reference: str, parent: str, column: str) -> ColumnElement[Any]:
    """A column of the row that `reference` of the child names."""
    own, its = tables[child], tables[parent]
    there = select(its.c[column]).where(its.c.workspace_id == own.c.workspace_id, its.c.id == own.c[reference])
    return there.correlate(own).scalar_subquery()


async def copy_anew(session: AsyncSession, workspace_id: str, ids: Mapping[str, Sequence[str]]) -> None:
    """Fill the copied columns of rows that were written past the session, in its transaction: {table: ids}."""

    def fill(inner: Session) -> None:
        for copied in _COPIED:
            _copy(inner.connection(), copied, workspace_id, "id", ids.get(copied.table, ()))

    await session.run_sync(fill)


def note_sources(session: Session, rows: Iterable[Any]) -> None:
    """Make copies of these new rows before the transaction commits: for rows that no flush of it writes."""
    for row in rows:
        for copied, source in _BY_SOURCE.get(row.__tablename__, ()):
            if source.when_new:
                _note(session, row, copied, source)


@event.listens_for(ScopedSession, "before_flush")
def _note_changes(session: Session, _context: Any, _instances: Any) -> None:
    note_sources(session, session.new)
    for row in (*session.dirty, *session.deleted):
        for copied, source in _BY_SOURCE.get(row.__tablename__, ()):
            if row in session.deleted or _changes(row, source.columns):
                _note(session, row, copied, source)


@event.listens_for(ScopedSession, "before_commit")
def _keep_copies(session: Session) -> None:
    session.flush()
    for (workspace_id, copied, key), names in session.info.pop(_WAITING, {}).items():
        _copy(session.connection(), copied, workspace_id, key, list(names))


def _note(session: Session, row: Any, copied: Copied, source: Source) -> None:
    waiting = session.info.setdefault(_WAITING, defaultdict(dict))
    workspace_id = row.workspace_id or session.info["workspace_id"]
    waiting[workspace_id, copied, source.key][getattr(row, source.names)] = None


def _changes(row: Any, columns: Iterable[str]) -> bool:
    return any(inspect(row).attrs[column].history.has_changes() for column in columns)


def _copy(connection: Connection, copied: Copied, workspace_id: str, key: str, names: Sequence[str]) -> None:
    """Let the columns say what their sources say, in the rows whose `key` is one of the names."""
    tables = StoreBase.metadata.tables
    table, values = tables[copied.table], copied.values(tables)
    differs = or_(*(table.c[name].is_distinct_from(value) for name, value in values.items()))
    change = update(table).values({**values, "updated_at": table.c.updated_at})
    for start in range(0, len(names), _AT_ONCE):
        some = table.c[key].in_(names[start : start + _AT_ONCE])
        connection.execute(change.where(table.c.workspace_id == workspace_id, some, differs))
