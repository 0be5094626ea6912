"""Adding rows of one table, many at a time and again and again, in one prepared statement past the ORM.

What an insert of the ORM costs per row (a dictionary, a compiled parameter set, one step of the driver each) is several
times what the database does with it. Here the rows of a group go to the driver at once. They are plain tuples; times
are aware, JSON columns are dictionaries. Nobody fills in a workspace: every row names its own.
"""

import sqlite3
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import orjson
from sqlalchemy import Table
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from tradepost.database.bulk import Row
from tradepost.database.types import JsonColumn, UtcDateTime, as_sqlite_keeps

_SMALLER = (32, 8, 4, 2, 1)  # how many times a small group's statement is smaller

# Python's driver takes four times as long over a None as over a text, so what is empty goes in as a number that is
# neither a text nor a whole number, and comes to rest as NULL.
_EMPTY = 0.5


class Appending:
    """How rows of a table are added; made once, at the top of a module. `most` is how many rows go at once, `numbered`
    names the column that the database numbers in the order of the rows, where the table has one."""

    def __init__(self, model: type[Any], columns: Sequence[str], most: int, numbered: str | None = None) -> None:
        table: Table = model.__table__
        self._columns = tuple(columns)
        self.most = most
        self._on_sqlite = tuple(
            (count, _sqlite_insert(table, self._columns, numbered, count))
            for count in (self.most // times for times in _SMALLER)
        )
        self._converted = tuple(_converted(table, self._columns))
        # One parameter for all rows; the server makes columns of it, and numbers and other defaults as always.
        names = ", ".join(columns)
        self._shown = f"INSERT INTO {table.name}"
        self._on_postgres = (
            f"INSERT INTO {table.name} ({names}) "  # noqa: S608 (the names are our own)
            f"SELECT {names} FROM json_populate_recordset(NULL::{table.name}, %s)"
        )

    async def on_sqlite(self, connection: AsyncConnection, rows: Sequence[Row]) -> None:
        """One statement outside of any transaction: it is one by itself, and one change of threads."""
        if len(rows) > self.most:
            raise ValueError(f"{len(rows)} rows are more than the {self.most} of one statement.")
        room, statement = next((room, text) for room, text in self._on_sqlite if len(rows) <= room)
        width = len(self._columns)
        values: list[Any] = list(chain.from_iterable(rows))
        for position, convert in self._converted:
            values[position::width] = _each(convert, values[position::width])
        values = [_EMPTY if value is None else value for value in values]
        values += [_EMPTY] * (width * (room - len(rows)))
        values.append(len(rows))
        driver: Any = (await connection.get_raw_connection()).driver_connection
        try:
            await driver.execute_fetchall(statement, values)
        except sqlite3.IntegrityError as error:  # the driver's own, which nobody has turned into the engine's
            raise IntegrityError(self._shown, None, error) from error
        except sqlite3.Error as error:
            raise OperationalError(self._shown, None, error) from error

    async def on_postgres(self, connection: AsyncConnection, rows: Sequence[Row]) -> None:
        """One statement in the transaction of the connection."""
        records = [dict(zip(self._columns, row, strict=True)) for row in rows]
        await connection.exec_driver_sql(self._on_postgres, (orjson.dumps(records).decode(),))


def _sqlite_insert(table: Table, columns: tuple[str, ...], numbered: str | None, count: int) -> str:
    """An insert with room for so many rows that takes the first ones; how many, is its last parameter. Of a statement
    per number of rows, the driver could keep few prepared. The number is the one that the table's trigger would give; a
    row that has it already spares SQLite an update, and nobody else can write in between."""
    marks = ", ".join("?" * len(columns))
    values = ", ".join(f"({number}, {marks})" for number in range(1, count + 1))
    given = ", ".join(f"nullif(column{position}, {_EMPTY})" for position in range(2, len(columns) + 2))
    number = f"(SELECT coalesce(max(rowid), 0) FROM {table.name}) + column1, " if numbered else ""  # noqa: S608
    names = ", ".join((numbered, *columns) if numbered else columns)
    return f"INSERT INTO {table.name} ({names}) SELECT {number}{given} FROM (VALUES {values}) WHERE column1 <= ?"  # noqa: S608


def _converted(table: Table, columns: tuple[str, ...]) -> list[tuple[int, Callable[[Any], str]]]:
    """The positions whose values SQLite keeps as texts, and what makes them."""
    found: list[tuple[int, Callable[[Any], str]]] = []
    for position, name in enumerate(columns):
        kind = table.columns[name].type
        if isinstance(kind, UtcDateTime):
            found.append((position, as_sqlite_keeps))
        elif isinstance(kind, JsonColumn):
            found.append((position, _json_text))
    return found


def _each(convert: Callable[[Any], str], values: Sequence[Any]) -> list[str | None]:
    """Rows that go together often have one and the same value."""
    made: list[str | None] = []
    last: Any = None
    text: str | None = None
    for value in values:
        if value is not last:
            last, text = value, None if value is None else convert(value)
        made.append(text)
    return made


def _json_text(value: Any) -> str:
    return orjson.dumps(value).decode()
