"""The SQLite driver that runs its statements in a thread, with one change of threads for each of them.

The usual adapter goes to the connection's thread and back four times per statement: for a cursor, for running it, for
its rows and for closing it. Each way costs more than most statements of a shop do. Here all four are done in one.
"""

import sqlite3
from collections import deque
from typing import Any

import aiosqlite
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
    AsyncAdapt_aiosqlite_dbapi,
    SQLiteDialect_aiosqlite,
)
from sqlalchemy.util.concurrency import await_

NAME = "sqlite+threaded"

_Ran = tuple[list[Any], Any, Any, int]  # rows, description, the last row's id, how many rows changed


def _run(connection: sqlite3.Connection, many: bool, operation: str, parameters: Any) -> _Ran:
    """In the connection's thread: a statement, all of its rows, and what else there is to know of it."""
    cursor = connection.cursor()
    try:
        (cursor.executemany if many else cursor.execute)(operation, parameters)
        rows = cursor.fetchall() if cursor.description else []
        return rows, cursor.description, cursor.lastrowid, cursor.rowcount
    finally:
        cursor.close()


class _Cursor(AsyncAdapt_aiosqlite_cursor):
    """One that is closed as soon as it has run: it keeps what its statement gave."""

    __slots__ = ("arraysize", "description", "lastrowid", "rowcount")

    arraysize: int
    description: Any
    lastrowid: Any
    rowcount: int

    def __init__(self, adapt_connection: Any) -> None:
        self._adapt_connection = adapt_connection
        self._connection = adapt_connection._connection
        self._rows = deque()
        self.arraysize, self.description, self.lastrowid, self.rowcount = 1, None, None, -1

    async def _go(self, many: bool, operation: str, parameters: Any) -> None:
        connection: Any = self._connection
        async with self._adapt_connection._execute_mutex:
            ran: _Ran = await connection._execute(_run, connection._conn, many, operation, parameters)
        rows, self.description, self.lastrowid, self.rowcount = ran
        self._rows = deque(rows)

    def execute(self, operation: Any, parameters: Any = None) -> None:
        self._finish(False, operation, () if parameters is None else parameters)

    def executemany(self, operation: Any, seq_of_parameters: Any) -> None:
        self._finish(True, operation, seq_of_parameters)

    def _finish(self, many: bool, operation: Any, parameters: Any) -> None:
        try:
            await_(self._go(many, operation, parameters))
        except Exception as error:  # noqa: BLE001 (it is told in the words of the driver)
            self._adapt_connection._handle_exception(error)

    async def _async_soft_close(self) -> None:
        """Nothing is open."""

    def close(self) -> None:
        self._rows.clear()


class _Connection(AsyncAdapt_aiosqlite_connection):
    __slots__ = ()

    _cursor_cls = _Cursor


class _Driver(AsyncAdapt_aiosqlite_dbapi):
    def connect(self, *arg: Any, **kw: Any) -> _Connection:
        opened = super().connect(*arg, **kw)
        return _Connection(self, opened._connection)


class ThreadedSqlite(SQLiteDialect_aiosqlite):
    """The usual driver with fewer changes of threads."""

    driver = "threaded"
    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> _Driver:
        return _Driver(aiosqlite, sqlite3)


registry.register("sqlite.threaded", __name__, ThreadedSqlite.__name__)
