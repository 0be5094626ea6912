"""Importing a CSV file: the whole of it is checked first, then it is written in batches, each one transaction.

With a bad row nothing is written, unless bad rows are to be left out. An import that is broken off between two batches
is continued by importing the file again: the position stands with the last batch. A record is always in one batch.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from tradepost.commerce.store.bookings import keep_books, require_open
from tradepost.commerce.store.books import as_closed, closed_books
from tradepost.commerce.store.models import StoreSettings
from tradepost.commerce.store.store import Store
from tradepost.commerce.store.touched import Touched
from tradepost.commerce.transfer.sheets.draft import Draft
from tradepost.commerce.transfer.sheets.kind import Ground, Kind, Planning, Refused
from tradepost.commerce.transfer.sheets.outcome import SHOWN_CHANGES, BadRows, BrokenOff, Outcome, Tally
from tradepost.commerce.transfer.sheets.position import Position, keep_position, load_position
from tradepost.commerce.transfer.sheets.problems import Problem, Report
from tradepost.commerce.transfer.sheets.reading import Sheet
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller
from tradepost.foundation.clock import system_now
from tradepost.foundation.errors import InvalidArgument, StateConflict, TradepostError

BATCH_RECORDS = 500
BATCH_ROWS = 2500
Progress = Callable[[str, int, int | None], None]  # what is done, rows so far, rows in all where that is known


@dataclass(frozen=True, slots=True)
class Wish:
    """How a file shall be imported. `again`: also a file whose moment was taken over before."""

    dry_run: bool = False
    skip_bad_rows: bool = False
    again: bool = False


@dataclass(slots=True)
class _Batch:
    """Records next to each other; `end` is the last row read for them."""

    records: list[Any]
    end: int
    rows: int
    refused: int


@dataclass(slots=True)
class _Pass:
    """One walk through the file."""

    tally: Tally = field(default_factory=Tally)
    rows: int = 0
    end: int = 0
    refused: int = 0
    changes: list[str] = field(default_factory=list)


async def import_sheet(
    database: Database,
    caller: Caller,
    kind: Kind[Any, Any],
    sheet: Sheet,
    ground: Ground,
    report: Report,
    wish: Wish,
    on_progress: Progress,
) -> Outcome:
    """Import a file. Raises BadRows, where nothing was written because of a bad row, BrokenOff where the database
    failed, or InvalidArgument for a file that is none."""
    work = _Import(database, caller, kind, sheet, ground, report, wish, on_progress)
    try:
        return await work.run()
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise BrokenOff(ground.source, cause, done=work.done) from error
    except StateConflict as error:  # another process changed what the plan rests on: closed the books, for one
        raise BrokenOff(ground.source, error.message, done=work.done) from error


class _Import:
    def __init__(
        self,
        database: Database,
        caller: Caller,
        kind: Kind[Any, Any],
        sheet: Sheet,
        ground: Ground,
        report: Report,
        wish: Wish,
        on_progress: Progress,
    ) -> None:
        self._database, self._caller, self._kind, self._sheet = database, caller, kind, sheet
        self._ground, self._report, self._wish, self._on_progress = ground, report, wish, on_progress
        self._told: set[tuple[int, str]] = set()
        self.done: int | None = None  # the last row that is imported for certain

    async def run(self) -> Outcome:
        position = await self._position()
        if position is not None and position.finished:
            if self._kind.once and not self._wish.again:
                return self._told_before(position)
            position = None
        after = position.row if position is not None else 0
        self.done = after or None
        checked = await self._check(after)
        if self._report.count and not self._wish.skip_bad_rows:
            raise BadRows(self._ground.source, self._report.first, self._report.count)
        before = position.tally if position is not None else Tally()
        if self._wish.dry_run:
            return self._outcome(checked, before + checked.tally, after)
        self._sheet.require_unchanged()
        if not checked.tally.new and not checked.tally.changed:
            await self._finish(before + checked.tally, checked.end)
            return self._outcome(checked, before + checked.tally, after)
        written = await self._write(after, before, checked.rows)
        await self._database.analyze()
        return self._outcome(checked, before + written.tally, after)

    async def _position(self) -> Position | None:
        async with self._database.transaction(self._caller.workspace_id, write=False) as session:
            return await load_position(session, self._caller.workspace_id, self._kind.name, self._sheet.digest)

    async def _check(self, after: int) -> _Pass:
        """Read the whole file and plan what comes after row `after`, without writing anything."""
        seen = _Pass()
        memory: dict[Any, Any] = {}
        for batch in self._batches():
            seen.rows += batch.rows
            seen.refused += batch.refused
            seen.end = batch.end
            if batch.end > after:
                async with self._database.transaction(self._caller.workspace_id, write=False) as session:
                    planning = Planning(self._store(session), self._ground, write=False, memory=memory)
                    await self._plan(planning, batch, seen)
            self._on_progress("Checking", seen.rows, None)
        return seen

    async def _write(self, after: int, before: Tally, rows: int) -> _Pass:
        """Write what comes after row `after`, batch by batch."""
        done = _Pass()
        memory: dict[Any, Any] = {}
        end = after
        self._on_progress("Importing", 0, rows)
        async for batch, is_last in _with_last(self._batches()):
            done.rows += batch.rows
            if batch.end > after:
                known = self._report.count
                async with self._database.transaction(self._caller.workspace_id, write=True) as session:
                    touched = Touched(session)
                    keep_books(session)
                    planning = Planning(self._store(session), self._ground, write=True, memory=memory)
                    await _require_settings(planning.store)
                    draft = await self._plan(planning, batch, done)
                    if self._report.count > known and not self._wish.skip_bad_rows:
                        raise BadRows(self._ground.source, self._report.first, self._report.count, done=end)
                    await self._require_open(session, draft)
                    await draft.write(planning.store)
                    touched.also(draft.final)
                    planning.store.say_touched(touched.ids())
                    now = Position(batch.end, is_last, before + done.tally)
                    await keep_position(session, self._caller.workspace_id, self._kind.name, self._sheet.digest, now)
                end = self.done = batch.end
            self._on_progress("Importing", done.rows, rows)
        return done

    async def _require_open(self, session: AsyncSession, draft: Draft) -> None:
        """What is written beside the session keeps the books, too. Raises StateConflict."""
        closed = await closed_books(session)
        if closed is not None:
            for row in draft.final:
                require_open(closed, row)

    async def _finish(self, tally: Tally, end: int) -> None:
        """Nothing is to be written but that the file was taken over."""
        async with self._database.transaction(self._caller.workspace_id, write=True) as session:
            now = Position(end, True, tally)
            await keep_position(session, self._caller.workspace_id, self._kind.name, self._sheet.digest, now)

    def _store(self, session: Any) -> Store:
        return Store(session, self._caller, self._ground.now, self._ground.currency)

    async def _plan(self, planning: Planning, batch: _Batch, into: _Pass) -> Draft:
        """What importing a batch does."""
        whole = Draft()
        known = await self._kind.look_up(planning, batch.records)
        for record in self._kind.arrange(batch.records):
            draft = Draft()
            try:
                self._kind.plan(planning, known, record, draft)
            except Refused as error:
                into.refused += 1
                self._note([self._sheet.problem(error.row, error.field, error.why)])
                continue
            except TradepostError as error:
                into.refused += 1
                self._note([Problem(self._kind.first_row(record).number, "row", "", error.message)])
                continue
            into.tally.count(draft.verdict)
            if draft.verdict == "changed":
                into.changes += draft.words()[: SHOWN_CHANGES - len(into.changes)]
            whole.take(draft)
        return whole

    def _batches(self) -> Iterator[_Batch]:
        """The file's records, some at a time."""
        batch = _Batch([], 1, 0, 0)
        names: dict[tuple[str, str], int] = {}
        for group in self._sheet.groups(self._kind.key):
            batch.end = group.rows[-1].number
            batch.rows += len(group.rows)
            problems = list(group.problems)
            if not problems:
                try:
                    record = self._kind.read(group.rows, self._ground)
                    if record is not None and not (problems := self._twice(record, names)):
                        batch.records.append(record)
                except Refused as error:
                    problems = [self._sheet.problem(error.row, error.field, error.why)]
            if problems:
                batch.refused += 1
                self._note(problems)
            if len(batch.records) >= BATCH_RECORDS or batch.rows >= BATCH_ROWS:
                yield batch
                batch = _Batch([], batch.end, 0, 0)
        if batch.rows:
            yield batch

    def _twice(self, record: Any, names: dict[tuple[str, str], int]) -> list[Problem]:
        found = list(self._kind.unique(record))
        problems = []
        for what, name, row, label in found:
            other = names.get((what, name))
            if other is not None and other != row.number:
                problems.append(self._sheet.problem(row, label, f"the same {what} stands in row {other}"))
        if not problems:
            names.update({(what, name): row.number for what, name, row, _ in found})
        return problems

    def _note(self, problems: list[Problem]) -> None:
        """Report what was not reported by the pass before."""
        new = [problem for problem in problems if (problem.row, problem.column) not in self._told]
        self._told |= {(problem.row, problem.column) for problem in new}
        self._report.add(new)

    def _outcome(self, checked: _Pass, tally: Tally, after: int) -> Outcome:
        return Outcome(
            checked.rows,
            tally,
            self._wish.dry_run,
            self._sheet.header.ignored,
            checked.refused,
            self._report.first,
            self._report.count,
            checked.changes,
            after or None,
        )

    def _told_before(self, position: Position) -> Outcome:
        return Outcome(
            position.row - 1,
            Tally(0, 0, position.tally.total),
            self._wish.dry_run,
            self._sheet.header.ignored,
            told_before=True,
        )


async def _with_last(batches: Iterator[_Batch]) -> AsyncIterator[tuple[_Batch, bool]]:
    """Each batch, and whether it is the last one."""
    held: _Batch | None = None
    for batch in batches:
        if held is not None:
            yield held, False
        held = batch
    if held is not None:
        yield held, True


async def lay_ground(
    database: Database, workspace_id: str, source: Path, currency: str | None, create: frozenset[str]
) -> Ground:
    """The ground of an import into a workspace. Raises InvalidArgument where the currency is not known, or another."""
    async with database.transaction(workspace_id, write=False) as session:
        settings = (await session.scalars(select(StoreSettings))).first()
    if settings is None:
        if currency is None:
            raise InvalidArgument(
                "The workspace has no store yet, so its currency is not known.", hint="Say it: --currency EUR."
            )
        return Ground(currency, system_now(), source.name, create)
    if currency is not None and currency != settings.currency:
        raise InvalidArgument(
            f"The store's currency is {settings.currency}, not {currency}.", hint="Leave --currency out."
        )
    return Ground(settings.currency, settings.fixed_now or system_now(), source.name, create, as_closed(settings))


async def _require_settings(store: Store) -> None:
    """The first import into a workspace makes its store."""
    if (await store.session.scalars(select(StoreSettings))).first() is None:
        store.add(StoreSettings(id="settings", name="Imported store", currency=store.currency))
        await store.session.flush()
