"""Which records' views a transaction changes, read off its flushes: the ones that subscribers are told of.

It follows from the rows alone, so a write cannot forget to say it: a row that belongs to an order, a parcel or a return
changes that record's view, a stock level that of its warehouse. Rows change through the session, never by bulk
statements, so every change comes by here; an import that adds many rows at once (Store.add_many) tells of them itself.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from tradepost.commerce.store.store import Store

# Records that have a view of their own, and the columns by which other rows belong to one.
_RECORDS = frozenset({"orders", "shipments", "returns"})
_BELONGS = ("order_id", "shipment_id", "return_id")
_IN_WAREHOUSE = frozenset({"stock_levels"})
_UNSEEN = frozenset({"effects", "store_outbox"})  # rows about a record that no view of it shows


@asynccontextmanager
async def telling(store: Store) -> AsyncIterator[None]:
    """Say of all that is written inside, in its last event, which records it touched. For every unit of work that
    writes to the shop."""
    touched = Touched(store.session)
    yield
    await store.session.flush()
    store.say_touched(touched.ids())


class Touched:
    """Collects from the flushes of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._ids: dict[str, None] = {}
        event.listen(session.sync_session, "before_flush", self._on_flush)

    def ids(self) -> list[str]:
        """The records' ids, in the order in which they were first touched."""
        return list(self._ids)

    def also(self, rows: Iterable[Any]) -> None:
        """Rows that were written beside the session."""
        for row in rows:
            self._ids.update(dict.fromkeys(_touched_by(row)))

    def _on_flush(self, session: Session, _context: Any, _instances: Any) -> None:
        changed = [row for row in session.dirty if session.is_modified(row)]
        for row in [*session.new, *changed, *session.deleted]:
            self._ids.update(dict.fromkeys(_touched_by(row)))


def _touched_by(row: Any) -> Iterator[str]:
    if row.__tablename__ in _UNSEEN:
        return
    if row.__tablename__ in _RECORDS:
        yield row.id
    for column in _BELONGS:
        record = getattr(row, column, None)
        if record is not None:
            yield record
    if row.__tablename__ in _IN_WAREHOUSE:
        yield row.location_id
