"""The SQLite driver with threads: what it tells of a statement, for one change of threads each."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiosqlite
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tradepost.database.engine import Database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'any.db'}")
    async with opened.transaction("one", write=True) as session:
        await session.execute(text("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT UNIQUE)"))
    yield opened
    await opened.close()


async def test_a_statement_changes_threads_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    changes: list[object] = []
    usual: Any = aiosqlite.Connection._execute

    async def counting(self: aiosqlite.Connection, function: Any, *given: Any, **named: Any) -> Any:
        changes.append(function)
        return await usual(self, function, *given, **named)

    async with database.transaction("one", write=True) as session:
        await session.execute(text("SELECT 1"))
        monkeypatch.setattr(aiosqlite.Connection, "_execute", counting)
        await session.execute(text("INSERT INTO item (name) VALUES ('a'), ('b')"))
        assert (await session.execute(text("SELECT name FROM item ORDER BY name"))).all() == [("a",), ("b",)]
        assert len(changes) == 2


async def test_what_a_statement_changed_is_told(database: Database) -> None:
    insert = text("INSERT INTO item (name) VALUES (:name)")
    async with database.transaction("one", write=True) as session:
        several: Any = await session.execute(insert, [{"name": name} for name in "abc"])
        assert several.rowcount == 3
        one: Any = await session.execute(insert, {"name": "d"})
        assert (one.rowcount, one.lastrowid) == (1, 4)
        changed = await session.execute(text("UPDATE item SET name = name || '!' WHERE id > 2 RETURNING id, name"))
        assert sorted(changed.all()) == [(3, "c!"), (4, "d!")]
        with pytest.raises(IntegrityError, match="UNIQUE"):
            await session.execute(insert, {"name": "a"})
        rows = await session.execute(text("SELECT id FROM item ORDER BY id"))
        assert list(rows.keys()) == ["id"]
        assert rows.fetchone() == (1,)
        assert rows.fetchmany(2) == [(2,), (3,)]
        assert [row async for row in await session.stream(text("SELECT id FROM item WHERE id > 3"))] == [(4,)]
