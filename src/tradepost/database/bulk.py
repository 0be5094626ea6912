"""Writing very many rows: past the ORM and its units of work, in the few large steps that each engine does best.

For loading only. Rows are tuples of what the driver stores (text, whole numbers, None, true or false): nothing is
filled in, converted or limited to a workspace on the way. The database's own constraints hold as always, but for
foreign keys where the engine lets us leave them out: whoever loads brings what its rows refer to.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import Table, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

Row = tuple[Any, ...]


def missing(model: type[Any], dialect: str) -> Any:
    """An insert that leaves out the rows that are there already."""
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert(model).on_conflict_do_nothing()


class BulkWriter:
    """One open transaction that takes rows in bulk."""

    def __init__(self, connection: AsyncConnection, *, is_sqlite: bool) -> None:
        self._connection = connection
        self._is_sqlite = is_sqlite

    async def prepare(self) -> None:
        """PostgreSQL: COPY knows no row-level security, so the owner of the tables writes; a large step may take longer
        than a statement of the application; and references are looked up by index from the first row on, though the
        statistics still speak of small tables."""
        for setting in ("ROLE NONE", "statement_timeout = 0", "synchronous_commit = off", "enable_seqscan = off"):
            await self._connection.execute(text(f"SET LOCAL {setting}"))
        if await self.may_leave_references():  # half of the time goes into looking them up
            await self._connection.execute(text("SET LOCAL session_replication_role = replica"))

    async def may_leave_references(self) -> bool:
        """Whether PostgreSQL lets us leave out looking up references: a superuser's right."""
        is_super = text("SELECT rolsuper FROM pg_roles WHERE rolname = session_user")
        return bool((await self._connection.execute(is_super)).scalar())

    async def insert(self, table: Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Add the rows, each with one value per column, in that order."""
        if not rows:
            return
        names = ", ".join(columns)
        driver: Any = (await self._connection.get_raw_connection()).driver_connection
        if self._is_sqlite:
            # Many rows in a statement: the driver lets other threads run once per statement, not once per row.
            marks = f"({', '.join('?' * len(columns))})"
            at_once = max(_VALUES_PER_STATEMENT // len(columns), 1)
            for start in range(0, len(rows), at_once):
                part = rows[start : start + at_once]
                values = ", ".join([marks] * len(part))
                statement = f"INSERT INTO {table.name} ({names}) VALUES {values}"  # noqa: S608 (the names are our own)
                await (await driver.execute(statement, list(chain.from_iterable(part)))).close()
            return
        async with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
            for start in range(0, len(rows), _ROWS_PER_WRITE):
                await copy.write(_as_copied(rows[start : start + _ROWS_PER_WRITE]))

    async def add_missing(self, model: type[Any], rows: Sequence[Mapping[str, Any]]) -> None:
        """Add those of the rows that are not there yet."""
        if rows:
            await self._connection.execute(missing(model, "sqlite" if self._is_sqlite else "postgresql"), list(rows))

    async def change_each(self, statement: Any, values: Sequence[Mapping[str, Any]]) -> None:
        """Run an update once per set of values. It must name the workspace itself."""
        if values:
            await self._connection.execute(statement, list(values))


_ROWS_PER_WRITE = 1_000
_VALUES_PER_STATEMENT = 32_000
_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _as_copied(rows: Iterable[Row]) -> str:
    """Rows in COPY's text format."""
    return "".join("\t".join([_field(value) for value in row]) + "\n" for row in rows)


def _field(value: Any) -> str:
    if value is None:
        return "\\N"
    if type(value) is not str:
        return str(value)
    return value if value.isprintable() and "\\" not in value else value.translate(_ESCAPED)
