"""Reading a CSV file row by row: never the whole of it at once, and every mistake with its row and column."""

import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tradepost.commerce.transfer.sheets.columns import Column, match_header
from tradepost.commerce.transfer.sheets.mapping import ColumnMapping
from tradepost.commerce.transfer.sheets.problems import Problem
from tradepost.commerce.transfer.sheets.values import BadValue
from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.untrusted import clean

MAX_CELL = 2**20  # characters
MAX_ROWS_PER_RECORD = 1000
MAX_SHOWN = 200  # characters of a cell in a report
Cells = Sequence[str]


@dataclass(slots=True)
class Row:
    """A row: its number as a spreadsheet counts it (the header is 1), the values of the cells that say something, and
    what they are written like."""

    number: int
    values: dict[str, Any] = field(default_factory=dict)
    raw: dict[str, str] = field(default_factory=dict)

    def get(self, name: str) -> Any:
        """The value of a field; None where its cell is empty or its column is not there."""
        return self.values.get(name)


@dataclass(slots=True)
class Group:
    """The rows of one record, next to each other in the file, and what is wrong with them by themselves."""

    rows: list[Row]
    problems: list[Problem]


class Sheet:
    """A CSV file whose header is understood. `digest` stands for its content and mapping."""

    def __init__(self, path: Path, columns: Sequence[Column], mapping: ColumnMapping) -> None:
        self.path = path
        self._mapping = mapping
        self._columns = {column.field: column for column in columns}
        with self._opened() as (stream, stamp):
            self._stamp = stamp
            self.digest = _digest(stream, mapping)
        cells = next(self._cells(), (1, []))[1]
        if not any(cells):
            raise InvalidArgument(f"{path} has no header.", hint="The first row names the columns.")
        if len(cells) == 1 and (found := next((mark for mark in ";\t|" if mark in cells[0]), None)):
            raise InvalidArgument(
                f"The columns of {path} stand between {found!r}, not between commas.",
                hint=f'Say so in a mapping file: delimiter = "{found.replace(chr(9), chr(92) + "t")}".',
            )
        self.header = match_header(cells, columns, mapping.columns, list(mapping.defaults))

    def label(self, name: str) -> str:
        """What the file calls a field."""
        column = self._columns.get(name)
        return self.header.labels.get(name) or (column.headers[0] if column else name)

    def require_unchanged(self) -> None:
        """Raise InvalidArgument where the file was written to since it was opened."""
        with self._opened() as (_, stamp):
            if stamp != self._stamp:
                raise InvalidArgument(f"{self.path} changed while it was read.", hint="Import it again.")

    def groups(self, key: str | None) -> Iterator[Group]:
        """The file's records: the rows next to each other that have the same `key`, or each row by itself. Raises
        InvalidArgument where the file is no CSV."""
        group: Group | None = None
        current: Any = None
        seen: dict[Any, int] = {}
        for row, problems in self._rows():
            value = row.get(key) if key else None
            if group is not None and value is not None and value == current:
                group.problems += problems
                if len(group.rows) <= MAX_ROWS_PER_RECORD:
                    group.rows.append(row)
                    if len(group.rows) > MAX_ROWS_PER_RECORD:
                        why = f"has more than {MAX_ROWS_PER_RECORD:,} rows"
                        group.problems.append(self.problem(row, key or "", why))
                continue
            if group is not None:
                yield group
            if key and value is None and key not in {problem.column for problem in problems} and not problems:
                problems = [self.problem(row, key, "is empty: it says which record the row belongs to")]
            if value is not None:
                if value in seen:
                    why = f"stands in row {seen[value]} already: rows of one record must stand together"
                    problems = [*problems, self.problem(row, key or "", why)]
                seen.setdefault(value, row.number)
            group, current = Group([row], list(problems)), value
        if group is not None:
            yield group

    def problem(self, row: Row, name: str, why: str) -> Problem:
        """A problem at a field of a row."""
        return Problem(row.number, self.label(name), row.raw.get(name, "")[:MAX_SHOWN], why)

    def _rows(self) -> Iterator[tuple[Row, list[Problem]]]:
        width = len(self.header.columns)
        for number, cells in self._cells():
            if number == 1 or not any(cell.strip() for cell in cells):
                continue
            if len(cells) != width:
                why = f"has {len(cells)} cells, the header has {width}: is a quote or a delimiter missing?"
                yield Row(number), [Problem(number, "row", "", why)]
                continue
            yield self._row(number, cells)

    def _row(self, number: int, cells: Cells) -> tuple[Row, list[Problem]]:
        row, problems = Row(number), []
        for column, cell in zip(self.header.columns, cells, strict=True):
            if column is not None:
                row.raw[column.field] = self._mapping.translated(column.field, cell.strip())
        for name, value in self._mapping.defaults.items():
            row.raw.setdefault(name, value)
        for name, raw in row.raw.items():
            if not raw:
                continue
            try:
                row.values[name] = self._columns[name].read(raw)
            except BadValue as error:
                problems.append(self.problem(row, name, str(error)))
        return row, problems

    def _cells(self) -> Iterator[tuple[int, Cells]]:
        csv.field_size_limit(MAX_CELL)
        number = 0
        try:
            with self._opened() as (stream, _), io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text:
                reader = csv.reader(text, delimiter=self._mapping.delimiter, strict=True)
                for number, cells in enumerate(reader, start=1):
                    yield number, cells
        except csv.Error as error:
            raise InvalidArgument(
                f"{self.path} is no CSV from row {number + 1} on: {error}.", hint="Check the quotes there."
            ) from None
        except UnicodeDecodeError:
            raise InvalidArgument(
                f"{self.path} is not UTF-8 after row {number}.", hint="Save it as CSV in UTF-8."
            ) from None

    @contextmanager
    def _opened(self) -> Iterator[tuple[io.BufferedReader, tuple[int, int]]]:
        try:
            stream = self.path.open("rb")
        except OSError as error:
            raise InvalidArgument(f"{self.path} cannot be read: {error.strerror}.", hint="Check the path.") from error
        with stream:
            status = self.path.stat()
            yield stream, (status.st_size, status.st_mtime_ns)


def _digest(stream: io.BufferedReader, mapping: ColumnMapping) -> str:
    found = hashlib.sha256(hashlib.sha256(mapping.content).digest())
    while chunk := stream.read(2**20):
        found.update(chunk)
    return found.hexdigest()


def shown(value: object) -> str:
    """A value inside of a sentence."""
    return clean(str(value), 60)
