"""The unit of work that every tool gets: one session, one caller, one moment.

Queries are bound to the caller's workspace by the session. Writes go through loaded rows (never bulk statements), so
that versions count, previews see every field, and events say what happened.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

import orjson
from sqlalchemy import Select, bindparam, insert, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.commerce.store.changes import ChangeLog
from tradepost.commerce.store.models import NumberRange, StoreEvent
from tradepost.commerce.store.rows import label_of, noun_of
from tradepost.database.base import Versioned
from tradepost.database.lookups import Lookup
from tradepost.database.outbox import TOUCHED
from tradepost.database.scoping import BUILT_ONCE
from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import InvalidArgument, NotFound, VersionConflict
from tradepost.foundation.ids import new_id
from tradepost.foundation.outsiders import delivered
from tradepost.foundation.untrusted import UntrustedText, untrusted

Row = TypeVar("Row")

MAX_REFERENCE_CHARACTERS = 200
_NO_FILTERS = ("limit", "cursor", "detail", "fields")


@dataclass(frozen=True, slots=True)
class Reversal:
    """The call that takes a write back, and one sentence about it."""

    tool: str
    arguments: Mapping[str, Any]
    summary: str


class Store:
    """One transaction of the shop. `now` is the store's time (a held clock counts), `currency` its default one."""

    def __init__(
        self,
        session: AsyncSession,
        caller: Caller,
        now: datetime,
        currency: str,
        *,
        changes: ChangeLog | None = None,
        expected_version: int | None = None,
        free_text: bool = True,
        asked: Mapping[str, Any] | None = None,
    ) -> None:
        self.session = session
        self.caller = caller
        self.now = now
        self.currency = currency
        self.side_effects: list[str] = []
        self.meaning: str | None = None
        self.subject: tuple[str, str] | None = None
        self.reversal: Reversal | None = None
        self._event: StoreEvent | None = None
        self._changes = changes
        self._expected_version = expected_version
        self._free_text = free_text
        self._asked = asked or {}

    # --- reading

    async def all(self, statement: Select[Row], **parameters: Any) -> Sequence[Row]:
        """All rows of a one-entity select. A statement that is built once takes its values as parameters."""
        return (await self.session.scalars(statement, parameters)).all()

    async def look_up(self, lookup: Lookup, **parameters: Any) -> Sequence[Sequence[Any]]:
        """The rows of a look-up, as plain records: the quickest way for what is only read."""
        return await lookup.rows(self.session, parameters)

    async def one_or_none(self, statement: Select[Row]) -> Row | None:
        """The first row of a one-entity select, if any."""
        return (await self.session.scalars(statement.limit(1))).one_or_none()

    async def get(self, model: type[Row], row_id: str | None) -> Row | None:
        """A row by its own id; None for none."""
        if row_id is None:
            return None
        return await self.session.get(model, (self.caller.workspace_id, row_id))

    async def find(self, model: type[Row], reference: str, *, field: str | None = None) -> Row:
        """A record by what people type: its id, number (with or without '#'), code, sku ("sku:A-1" too), external id
        or tracking number. Ids of other systems are compared exactly. Raises NotFound."""
        found: Row = await self._find(model, reference, field, lock=False)
        return found

    # --- writing

    async def lock(self, model: type[Row], reference: str, *, field: str | None = None) -> Row:
        """Like find, and nobody else changes the row until this transaction ends."""
        row: Row = await self._find(model, reference, field, lock=True)
        if self._changes is not None:
            self._changes.touch(row)
        return row

    async def primary(self, model: type[Row], reference: str, *, field: str | None = None) -> Row:
        """Like lock, for the record a write is about: checks the caller's expected_version. Raises VersionConflict."""
        row: Any = await self.lock(model, reference, field=field)
        self.subject = self.subject or (row.__tablename__, row.id)
        if self._expected_version is not None and row.version != self._expected_version:
            raise VersionConflict(
                f"The {label_of(row)} is at version {row.version}, not {self._expected_version}: somebody changed it.",
                hint="Read it again, check that the change still makes sense, and send its present version.",
                field="expected_version",
                details={"version": row.version},
            )
        return row  # type: ignore[no-any-return]

    async def lock_all(self, statement: Select[Row]) -> Sequence[Row]:
        """All rows of a one-entity select, locked until this transaction ends. Order the select by id."""
        rows = (await self.session.scalars(statement.with_for_update())).all()
        if self._changes is not None:
            for row in rows:
                self._changes.touch(row)
        return rows

    def add(self, row: Row) -> Row:
        """A new row. Give it an id with `new_id(Model.prefix)`."""
        self.session.add(row)
        return row

    async def add_many(self, rows: Sequence[Any]) -> None:
        """Write many new rows at once, for imports: several times quicker than `add`, and the session does not keep
        them. So nothing may change them in this transaction, and what looks at its flushes has to be told of them."""
        by_kind: dict[type[Any], list[dict[str, Any]]] = {}
        for row in rows:
            if isinstance(row, Versioned):
                row.version = 1
            values = {name: value for name, value in row.__dict__.items() if name != "_sa_instance_state"}
            by_kind.setdefault(type(row), []).append({**values, "workspace_id": self.caller.workspace_id})
        for kind, found in by_kind.items():
            await self.session.execute(insert(kind), found, execution_options={"render_nulls": True})  # one statement

    def emit(self, event_type: str, subject: Any, **payload: Any) -> None:
        """Write to the outbox that `subject` (a row) had `event_type` ("order:held"); payload: plain JSON values."""
        version = getattr(subject, "version", None)
        self._write_event(event_type, subject.id, version, {"record": label_of(subject), **payload})

    async def emit_many(self, events: Sequence[tuple[str, Any, Mapping[str, Any]]]) -> None:
        """Write many events at once, in this order: type, subject, payload. For imports."""
        made = [
            self._event_of(kind, row.id, getattr(row, "version", None), {"record": label_of(row), **payload})
            for kind, row, payload in events
        ]
        await self.add_many(made)

    def say_touched(self, records: Sequence[str]) -> None:
        """Write into the last event which records this transaction touched; into one of its own where nothing was
        emitted. Subscribers are told by it."""
        if not records:
            return
        if self._event is None:
            self._write_event("store:changed", records[0], None, {TOUCHED: list(records)})
        else:
            self._event.payload = {**self._event.payload, TOUCHED: list(records)}

    def side_effect(self, sentence: str) -> None:
        """Say what the write will do outside the store ("An e-mail goes to the customer."); a preview lists it."""
        self.side_effects.append(sentence)

    def means(self, sentence: str) -> None:
        """Say in one sentence what the write does, for whoever has to approve it; a preview begins with it."""
        self.meaning = sentence

    def reverse(self, tool: str, arguments: Mapping[str, Any], summary: str) -> None:
        """Say which call takes this write back, by what really was before it. Only for tools that are declared with
        `undo_for`."""
        self.reversal = Reversal(tool, arguments, summary)

    async def next_number(self, prefix: str, start: int = 1000) -> str:
        """The next number of a kind: "PO-1001". Gaps stay where a transaction was rolled back on purpose."""
        return (await self.next_numbers(prefix, 1, start))[0]

    async def next_numbers(self, prefix: str, count: int, start: int = 1000) -> list[str]:
        """The next numbers of a kind, for many new records at once."""
        found = await self._number_range(prefix, start)
        first = found.last + 1
        found.last += count
        await self.session.flush()
        return [f"{prefix}{number}" for number in range(first, first + count)]

    async def number_above(self, prefix: str, highest: int) -> None:
        """Let the next number of a kind be above one that came from elsewhere."""
        found = await self._number_range(prefix, highest)
        found.last = max(found.last, highest)
        await self.session.flush()

    async def _number_range(self, prefix: str, start: int) -> NumberRange:
        statement = select(NumberRange).where(NumberRange.id == prefix).with_for_update()
        found = (await self.session.scalars(statement)).one_or_none()
        return found or self.add(NumberRange(id=prefix, last=start))

    def list_kind(self, kind: str) -> str:
        """The name of a list inside its cursors. It stands for the workspace, what the caller is bound to, and the
        filters too: a cursor of another shop, of another customer or with other filters is not one that this list
        gave."""
        filters = {name: value for name, value in self._asked.items() if name not in _NO_FILTERS}
        bound = [dict(self.caller.attributes)] if self.caller.attributes else []
        told = orjson.dumps([self.caller.workspace_id, filters, *bound], default=str, option=orjson.OPT_SORT_KEYS)
        return f"{kind}/{hashlib.sha256(told).hexdigest()[:16]}"

    def free_text(self, text: str | None, cap: int = 500, *, what: str) -> UntrustedText | None:
        """An outsider's text, marked, cleaned and capped; None where this server leaves such text out. `what` says what
        it is ("an order note"): whoever listens is told that it is delivered."""
        if not self._free_text:
            return None
        if text:
            delivered(what, text)
        return untrusted(text, cap)

    # ---

    def _write_event(self, event_type: str, subject: str, version: int | None, payload: dict[str, Any]) -> None:
        self._event = self._event_of(event_type, subject, version, payload)
        self.session.add(self._event)

    def _event_of(self, event_type: str, subject: str, version: int | None, payload: dict[str, Any]) -> StoreEvent:
        return StoreEvent(
            id=new_id("evt"),
            type=event_type,
            subject=subject,
            subject_version=version,
            payload=payload,
            actor=f"{self.caller.principal.kind}:{self.caller.principal.id}",
            request_id=self.caller.request_id,
            occurred_at=self.now,
        )

    async def _find(self, model: Any, reference: str, field: str | None, *, lock: bool) -> Any:
        noun = noun_of(model)
        wanted = reference.strip()
        if not wanted or len(wanted) > MAX_REFERENCE_CHARACTERS:
            raise InvalidArgument(f"'{reference[:40]}' is not a {noun} id or number.", field=field)
        bare = wanted.removeprefix("sku:") if hasattr(model, "sku") else wanted.removeprefix("#")
        names, statement = _by_reference(model, bare != wanted, lock)
        rows = (await self.session.scalars(statement, {"wanted": wanted, "bare": bare})).all()
        if not rows:
            raise NotFound(
                f"No {noun} '{wanted}' was found.",
                hint=f"Check the {noun} id or number; a search or list tool shows what exists.",
                field=field,
            )

        def rank(row: Any) -> int:
            values = [row.id, *(getattr(row, name) for name in names)]
            return values.index(wanted) if wanted in values else len(values)

        best = sorted(rows, key=rank)
        if len(best) > 1 and rank(best[0]) == rank(best[1]):
            raise InvalidArgument(f"'{wanted}' means more than one {noun}.", hint=f"Use the {noun}'s id.", field=field)
        return best[0]


@cache
def _by_reference(model: Any, decorated: bool, lock: bool) -> tuple[list[str], Select[Any]]:
    """The names a kind of record is called by, and its look-up, built once: building costs more than running it."""
    names = [name for name in ("external_id", "number", "sku", "code", "tracking_number") if hasattr(model, name)]
    columns = [(name, "wanted") for name in ("id", *names)]
    if decorated:
        columns += [(name, "bare") for name in names if name != "external_id"]
    # One indexed look-up per name: an OR over them lets SQLite walk the whole workspace instead.
    found = union_all(*(select(model.id).where(getattr(model, name) == bindparam(value)) for name, value in columns))
    statement = select(model).where(model.id.in_(found)).execution_options(**{BUILT_ONCE: True})
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return names, statement
