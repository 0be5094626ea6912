"""What a transaction changes, field by field: the preview of a write, and the record versions it rests on.

The very code that executes runs, its changes are read off the session at each flush, and the transaction is rolled
back. So a preview cannot drift from the deed.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import event, inspect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from tradepost.commerce.store import privacy
from tradepost.commerce.store.order_sums import SUMS
from tradepost.commerce.store.rows import label_of
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import to_rfc3339
from tradepost.foundation.money import display

_SILENT_COLUMNS = frozenset(
    {
        *("workspace_id", "id", "version", "created_at", "updated_at", "sequence", "relayed_at"),
        *("email_domain", "email_turned"),  # follow from the address
        *SUMS,
    }
)
_SILENT_TABLES = frozenset({"operations", "store_outbox", "number_ranges"})


class ChangeLog:
    """Collects the changes of one session from its flushes."""

    def __init__(self, session: AsyncSession, caller: Caller) -> None:
        self._caller = caller
        self._rows: dict[tuple[str, str], Any] = {}
        self._before: dict[tuple[str, str], dict[str, Any]] = {}
        self._new: set[tuple[str, str]] = set()
        self._versions: dict[tuple[str, str], int] = {}
        event.listen(session.sync_session, "before_flush", self._on_flush)

    def touch(self, row: Any) -> None:
        """Remember the version of a row that the write rests on, changed or not."""
        self._versions.setdefault((row.__tablename__, row.id), row.version)

    def _on_flush(self, session: Session, _context: Any, _instances: Any) -> None:
        for row in [*session.new, *session.dirty, *session.deleted]:
            if row.__tablename__ in _SILENT_TABLES:
                continue
            place = (row.__tablename__, row.id)
            self._rows[place] = row
            if row in session.new:
                self._new.add(place)
                continue
            state = inspect(row)
            before = self._before.setdefault(place, {})
            for column in state.mapper.column_attrs:
                history = state.attrs[column.key].history
                if history.deleted and column.key not in before:
                    before[column.key] = history.deleted[0]
            if hasattr(row, "version") and place not in self._versions:
                self._versions[place] = before.get("version", row.version)

    def changes(self) -> list[dict[str, Any]]:
        """[{record, field, before, after}] in the order the records were first touched."""
        found: list[dict[str, Any]] = []
        for place, row in self._rows.items():
            before = {} if place in self._new else self._before.get(place, {})
            for column in inspect(row).mapper.column_attrs:
                key = column.key
                if key in _SILENT_COLUMNS or (place not in self._new and key not in before):
                    continue
                old, new = before.get(key), getattr(row, key)
                if old == new or (place in self._new and new in (None, "", [], {}, 0, False)):
                    continue
                found.append(
                    {
                        "record": label_of(row),
                        "field": key,
                        "before": self._shown(row, key, old),
                        "after": self._shown(row, key, new),
                    }
                )
        return found

    def versions(self) -> list[dict[str, Any]]:
        """[{record, version}] of every existing row the write touches, as they were before it."""
        return [
            {"record": f"{table}/{identity}", "version": version}
            for (table, identity), version in sorted(self._versions.items())
        ]

    def _shown(self, row: Any, key: str, value: Any) -> Any:
        """A value as the caller may see it: money and times ready to read, personal data masked."""
        if isinstance(value, datetime):
            return to_rfc3339(value)
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, dict) and key.endswith("address"):
            return privacy.address(self._caller, value)
        if key in ("email", "email_folded"):
            return privacy.email(self._caller, value)
        if key == "phone":
            return privacy.phone(self._caller, value)
        currency = getattr(row, "currency", None)
        if key.endswith("_minor") and isinstance(value, int) and isinstance(currency, str):
            return display(value, currency)
        return value
