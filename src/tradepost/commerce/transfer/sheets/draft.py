"""What importing a record would do to the store, put together without touching it and written in one go."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from tradepost.commerce.customers.models import NAMES, Customer
from tradepost.commerce.customers.names import keep_names
from tradepost.commerce.store.copied import note_sources
from tradepost.commerce.store.order_sums import note_orders
from tradepost.commerce.store.rows import label_of
from tradepost.commerce.store.store import Store

LAYERS = 4
_COUNTED = re.compile(r"([A-Z]{1,10}-)([0-9]{1,12})")
Deed = Callable[[Store], None]


class Draft:
    """New rows, changes of loaded rows, deeds (stock that moves) and events of one record or of a batch of them."""

    def __init__(self) -> None:
        self.is_new = False
        self._new: list[list[Any]] = [[] for _ in range(LAYERS)]
        self._final: list[list[Any]] = [[] for _ in range(LAYERS)]
        self._numbered: list[tuple[Any, str]] = []
        self._changes: list[tuple[Any, dict[str, Any]]] = []
        self._deeds: list[Deed] = []
        self._words: list[str] = []
        self._events: list[tuple[str, Any, dict[str, Any]]] = []

    def add(self, layer: int, row: Any, *, number: str | None = None, final: bool = False) -> Any:
        """A new row. Rows of a lower layer are written first: parents 0, their children 1. `number`: the kind of
        number ("CUST-") it gets when it is written. `final`: no record of the file changes it any more, so that it
        can be written together with many others, which is far quicker."""
        (self._final if final else self._new)[layer].append(row)
        if number is not None:
            self._numbered.append((row, number))
        return row

    def change(self, row: Any, **values: Any) -> bool:
        """Change what differs of a loaded row. Says whether anything does."""
        different = {name: value for name, value in values.items() if getattr(row, name) != value}
        if different:
            self._changes.append((row, different))
        return bool(different)

    def set(self, row: Any, **values: Any) -> None:
        """Give a loaded row these values, whatever earlier records of the batch gave it."""
        self._changes.append((row, values))

    def do(self, deed: Deed, words: str) -> None:
        """Something to be done when all rows are there, and what it is."""
        self._deeds.append(deed)
        self._words.append(words)

    def emit(self, event_type: str, row: Any, **payload: Any) -> None:
        """An event to be written to the outbox."""
        self._events.append((event_type, row, payload))

    @property
    def verdict(self) -> str:
        """new, changed, or unchanged."""
        if self.is_new:
            return "new"
        changes = self._changes or self._deeds or any(self._new) or any(self._final)
        return "changed" if changes else "unchanged"

    def words(self) -> list[str]:
        """What changes: "order 1001: payment_status, captured_minor"."""
        return [f"{label_of(row)}: {', '.join(sorted(values))}" for row, values in self._changes] + self._words

    def take(self, other: "Draft") -> None:
        """Add another draft's work to this one."""
        for mine, theirs in zip((*self._new, *self._final), (*other._new, *other._final), strict=True):
            mine += theirs
        self._numbered += other._numbered
        self._changes += other._changes
        self._deeds += other._deeds
        self._events += other._events

    def _highest(self) -> dict[str, int]:
        """The highest number per kind ("PO-") that the file itself gives: what the shop counts later is above it."""
        found: dict[str, int] = {}
        for row in (row for rows in (*self._new, *self._final) for row in rows):
            counted = _COUNTED.fullmatch(getattr(row, "number", None) or "")
            if counted is not None:
                prefix, number = counted.groups()
                found[prefix] = max(found.get(prefix, 0), int(number))
        return found

    @property
    def final(self) -> list[Any]:
        """The new rows that are written beside the session."""
        return [row for rows in self._final for row in rows]

    async def write(self, store: Store) -> None:
        """Do it all, in the store's transaction."""
        for prefix, highest in sorted(self._highest().items()):
            await store.number_above(prefix, highest)
        for prefix in sorted({prefix for _, prefix in self._numbered}):
            rows = [row for row, its in self._numbered if its == prefix]
            for row, number in zip(rows, await store.next_numbers(prefix, len(rows)), strict=True):
                row.number = number
        for rows, final in zip(self._new, self._final, strict=True):
            if rows:
                store.session.add_all(rows)
                await store.session.flush()
            if final:
                await store.add_many(final)
                await _follow_up(store, final)
        for row, values in self._changes:
            for name, value in values.items():
                setattr(row, name, value)
        await store.session.flush()
        for deed in self._deeds:
            deed(store)
        await store.session.flush()  # versions count up here, and events name them
        await store.emit_many(self._events[:-1])
        for event_type, row, payload in self._events[-1:]:
            store.emit(event_type, row, **payload)
        await store.session.flush()


async def _follow_up(store: Store, rows: Sequence[Any]) -> None:
    """What else follows from rows that no flush has written: the sums on their orders, what others copy of them, and
    the names people search."""
    note_orders(store.session.sync_session, rows)
    note_sources(store.session.sync_session, rows)
    names = [getattr(row, name) for row in rows if isinstance(row, Customer) for name in NAMES]
    await store.session.run_sync(keep_names, store.caller.workspace_id, names)
