"""Shares of windows: how many processes and replicas together keep one limit, without a write for each use.

A window is a row: what is counted, when it began and ends, and how much of it is taken. A process takes a share in one
atomic statement and spends it in its own memory. What is left of a share when the window ends is gone with it.

The time is the database's own where several machines share one (PostgreSQL), and the machine's where all processes run
on one (SQLite). A clock that is set back neither opens nor closes a window for longer than its length: what was taken
stays taken, and the window begins anew at the earlier time. A clock that is set forward does not end a window that
whoever asks knows to be on (`known_ms`).
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

TABLE = "rate_windows"


class Ask(NamedTuple):
    """A wish for a share: `wanted` of the window `id` of a workspace ("*" for what belongs to none), whose limit is
    `capacity` in `length_ms`; not less than `least`, or nothing. A negative one gives back. An `aligned` window begins
    at a multiple of its length (a day at midnight UTC), any other one with its first use. `known_ms` is the beginning
    of the window that the asker knows to be on, 0 for none."""

    workspace_id: str
    id: str
    length_ms: int
    capacity: int
    wanted: int
    least: int = 1
    aligned: bool = False
    known_ms: int = 0


class Share(NamedTuple):
    """What was given, what all have taken of the window by now, when it began, and in how many ms it ends."""

    given: int
    taken: int
    started_ms: int
    rest_ms: int


_NAMES = ("workspace_id", "id", "length_ms", "capacity", "wanted", "least", "aligned", "known_ms")


def _statement(now: str, source: str) -> str:
    """The same on both engines but for the time and for how rows are made of JSON. In a SET every name means the row
    as it was."""
    begins = f"CASE WHEN aligned = 1 THEN {now} - {now} % length_ms ELSE {now} END"
    over = f"({now} >= {TABLE}.ends_ms AND {TABLE}.started_ms <> excluded.known_ms)"
    moved = f"({over} OR {now} < {TABLE}.started_ms)"
    before = f"(CASE WHEN {over} THEN 0 ELSE {TABLE}.taken END)"
    given = _given("excluded.", before)
    return f"""
        INSERT INTO {TABLE} (workspace_id, id, started_ms, ends_ms, capacity, wanted, least, known_ms, given, taken)
        SELECT workspace_id, id, {begins}, {begins} + length_ms, capacity, wanted, least, known_ms, {_given("", "0")},
          CASE WHEN {_given("", "0")} < 0 THEN 0 ELSE {_given("", "0")} END
        FROM {source} ORDER BY workspace_id, id
        ON CONFLICT (workspace_id, id) DO UPDATE SET
          started_ms = CASE WHEN {moved} THEN excluded.started_ms ELSE {TABLE}.started_ms END,
          ends_ms = CASE WHEN {moved} THEN excluded.ends_ms ELSE {TABLE}.ends_ms END,
          capacity = excluded.capacity, wanted = excluded.wanted, least = excluded.least, known_ms = excluded.known_ms,
          given = {given},
          taken = CASE WHEN {before} + {given} < 0 THEN 0 ELSE {before} + {given} END
        RETURNING workspace_id, id, given, taken, started_ms, ends_ms - {now}"""  # noqa: S608 (names of our own)


def _given(of: str, taken: str) -> str:
    """All that is wanted, or what is left of the limit unless it is too little. A return (negative) is always taken."""
    return (
        f"(CASE WHEN {of}wanted <= 0 OR {of}capacity - {taken} >= {of}wanted THEN {of}wanted "
        f"WHEN {of}capacity - {taken} >= {of}least AND {of}capacity > {taken} THEN {of}capacity - {taken} ELSE 0 END)"
    )


_FIELDS = ", ".join(f"json_extract(value, '$.{name}') AS {name}" for name in _NAMES)
# WHERE true: without it SQLite takes ON CONFLICT for the condition of a join.
_ON_SQLITE = _statement("?2", f"(SELECT {_FIELDS} FROM json_each(?1) WHERE true) WHERE true")  # noqa: S608
_COLUMNS = "workspace_id text, id text, length_ms bigint, capacity bigint, wanted bigint, least bigint, "
_NOW = "coalesce(%(now)s::bigint, (extract(epoch FROM statement_timestamp()) * 1000)::bigint)"
_ON_POSTGRES = _statement(
    _NOW, f"json_to_recordset(%(asks)s::json) AS asks({_COLUMNS} aligned bigint, known_ms bigint)"
).replace(" % ", " %% ")


async def on_sqlite(connection: AsyncConnection, asks: Sequence[Ask], now_ms: int) -> dict[tuple[str, str], Share]:
    """The shares, by workspace and window. One statement outside of any transaction: it is one by itself."""
    driver: Any = (await connection.get_raw_connection()).driver_connection
    try:
        rows = await driver.execute_fetchall(_ON_SQLITE, (_as_json(asks), now_ms))
    except sqlite3.Error as error:
        raise OperationalError(f"INSERT INTO {TABLE}", None, error) from error
    return _shares(rows)


async def on_postgres(
    connection: AsyncConnection, asks: Sequence[Ask], now_ms: int | None
) -> dict[tuple[str, str], Share]:
    """The same, in the transaction of the connection. None for the time is the database's own."""
    found = await connection.exec_driver_sql(_ON_POSTGRES, {"asks": _as_json(asks), "now": now_ms})
    return _shares(found.all())


def _as_json(asks: Sequence[Ask]) -> str:
    """In the order of their keys, so that processes that ask at once lock rows in one order."""
    return orjson.dumps([{**ask._asdict(), "aligned": int(ask.aligned)} for ask in sorted(asks)]).decode()


def _shares(rows: Iterable[Sequence[Any]]) -> dict[tuple[str, str], Share]:
    return {(row[0], row[1]): Share(row[2], row[3], row[4], row[5]) for row in rows}
