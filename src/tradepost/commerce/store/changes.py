"""What a transaction changes, field by field, and the record versions that it rests on.

The very code that executes runs and its changes are read off the session at each flush. For a preview the transaction
is then rolled back, so a preview cannot drift from the deed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event, inspect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

Place = tuple[str, str]  # table, id

# Books of the machine itself, and logs of what another record shows.
SILENT_TABLES = frozenset(
    {
        *("operations", "store_outbox", "number_ranges", "customer_name_parts", "effects"),
        *("stock_movements", "tracking_events"),
    }
)
# Of a record that is only read, what changes there does not change what a write does: names, addresses, histories.
_BACKGROUND = SILENT_TABLES | {
    *("store_settings", "customers", "customer_groups", "locations", "carriers", "suppliers", "products"),
    *("policy_clauses", "order_notes", "transfers", "tickets", "ticket_messages", "customer_messages"),
}


@dataclass(frozen=True, slots=True)
class Changed:
    """A record that a transaction changes. `before` has the old values of the fields that moved; it is None for a
    record that is new. `gone`: it is deleted."""

    row: Any
    before: Mapping[str, Any] | None
    gone: bool = False


class ChangeLog:
    """Collects the changes of one session from its flushes, and which records it rests on."""

    def __init__(self, session: AsyncSession) -> None:
        self._rows: dict[Place, Any] = {}
        self._before: dict[Place, dict[str, Any]] = {}
        self._new: set[Place] = set()
        self._gone: set[Place] = set()
        self._versions: dict[Place, int] = {}
        self._read: dict[Place, int] = {}
        self._kept: dict[Place, Any] = {}  # the session itself forgets what nobody holds
        event.listen(session.sync_session, "before_flush", self._on_flush)
        event.listen(session.sync_session, "loaded_as_persistent", self._on_load)

    def touch(self, row: Any) -> None:
        """Remember the version of a row that the write has locked, changed or not."""
        place = (row.__tablename__, row.id)
        self._versions.setdefault(place, row.version)
        self._kept[place] = row

    def row(self, place: Place) -> Any:
        """The record at a place of `versions`."""
        return self._rows.get(place) or self._kept.get(place)

    def is_new(self, row: Any) -> bool:
        """Whether the transaction made this record."""
        return (row.__tablename__, row.id) in self._new

    def _on_load(self, _session: Session, row: Any) -> None:
        table = row.__tablename__
        if table not in _BACKGROUND and hasattr(row, "version"):
            self._read.setdefault((table, row.id), row.version)
            self._kept.setdefault((table, row.id), row)

    def _on_flush(self, session: Session, _context: Any, _instances: Any) -> None:
        for row in [*session.new, *session.dirty, *session.deleted]:
            place = (row.__tablename__, row.id)
            self._rows[place] = row
            if row in session.new:
                self._new.add(place)
                continue
            if row in session.deleted:
                self._gone.add(place)
            state = inspect(row)
            before = self._before.setdefault(place, {})
            for column in state.mapper.column_attrs:
                history = state.attrs[column.key].history
                if history.deleted and column.key not in before:
                    before[column.key] = history.deleted[0]
            if hasattr(row, "version") and place not in self._versions and place not in self._new:
                self._versions[place] = before.get("version", row.version)

    def changed(self) -> Iterator[Changed]:
        """The records in the order in which they were first touched."""
        for place, row in self._rows.items():
            before = None if place in self._new else self._before.get(place, {})
            yield Changed(row, before, place in self._gone)

    def versions(self) -> dict[Place, int]:
        """The version that every existing record had which the write changes, locks or decides by, before it."""
        known = {**self._read, **self._versions}
        return {
            place: known[place] for place in sorted(known) if place not in self._new and place[0] not in SILENT_TABLES
        }

    def versions_after(self) -> dict[Place, int]:
        """The version that each record has by now which the write has changed; what is new, too. After the flush."""
        return {
            place: row.version
            for place, row in sorted(self._rows.items(), key=lambda item: item[0])
            if place[0] not in SILENT_TABLES and place not in self._gone and hasattr(row, "version")
        }
