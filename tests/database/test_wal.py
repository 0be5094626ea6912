"""A new SQLite file, opened by several at once."""

import sqlite3
from pathlib import Path

import pytest

from tradepost.database import wal


def test_who_is_told_locked_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wal, "PAUSE_SECONDS", 0)
    answers = [sqlite3.OperationalError("database is locked"), sqlite3.OperationalError("database is locked"), None]
    asked: list[str] = []

    def execute(statement: str) -> None:
        asked.append(statement)
        answer = answers.pop(0)
        if answer is not None:
            raise answer

    wal.use_wal(execute)
    assert asked == ["PRAGMA journal_mode=WAL"] * 3


def test_another_trouble_is_told_at_once() -> None:
    def execute(_statement: str) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with pytest.raises(sqlite3.OperationalError, match="disk"):
        wal.use_wal(execute)


def test_a_file_is_in_its_write_ahead_log_afterwards(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "new.db") as connection:
        wal.use_wal(connection.execute)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
