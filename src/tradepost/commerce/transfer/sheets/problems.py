"""What is wrong with rows of a CSV file: the first ones for the screen, all of them for a report file."""

import csv
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tradepost.foundation.errors import InvalidArgument
from tradepost.foundation.untrusted import clean

SHOWN = 20
_VALUE_CAP = 60
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would compute a cell that begins so


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong: the row as a spreadsheet counts it (the header is row 1), the column, its content, and why."""

    row: int
    column: str
    value: str
    why: str

    def __str__(self) -> str:
        value = f" '{clean(self.value, _VALUE_CAP)}'" if self.value else ""
        return f"row {self.row}, {clean(self.column, _VALUE_CAP)}{value}: {self.why}"


class Report:
    """Counts problems, keeps the first ones and writes each to the report file, which is made with the first."""

    def __init__(self, path: Path | None = None) -> None:
        self.count = 0
        self._first: list[Problem] = []
        self._path = path
        self._open = ExitStack()
        self._writer: Any = None
        if path is not None and path.exists():
            raise InvalidArgument(f"The report {path} is there already.", hint="Name a new file, or remove it.")

    def add(self, problems: Iterable[Problem]) -> None:
        """Take note. Raises InvalidArgument where the report cannot be written."""
        for problem in problems:
            self.count += 1
            if len(self._first) < SHOWN:
                self._first.append(problem)
            if self._path is not None:
                self._write(self._path, problem)

    @property
    def first(self) -> list[Problem]:
        """The first problems that were found, by row."""
        return sorted(self._first, key=lambda problem: problem.row)

    def _write(self, path: Path, problem: Problem) -> None:
        try:
            if self._writer is None:
                stream = self._open.enter_context(path.open("x", encoding="utf-8", newline=""))
                self._writer = csv.writer(stream)
                self._writer.writerow(["row", "column", "value", "why"])
            cells = (problem.column, problem.value, problem.why)
            self._writer.writerow([problem.row, *(_harmless(cell) for cell in cells)])
        except OSError as error:
            raise InvalidArgument(
                f"The report {path} cannot be written: {error.strerror}.", hint="Choose a folder you may write."
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._open.close()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
