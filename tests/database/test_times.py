"""Times as SQLite keeps them, which has none of its own: text in, aware times in UTC out."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy.dialects import sqlite

from tradepost.database.types import UtcDateTime, as_sqlite_keeps

MOMENT = datetime(2026, 2, 24, 9, 30, 15, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        (as_sqlite_keeps(MOMENT), MOMENT),
        (as_sqlite_keeps(MOMENT.astimezone(timezone(timedelta(hours=5, minutes=30)))), MOMENT),
        (as_sqlite_keeps(MOMENT.replace(microsecond=0)), MOMENT.replace(microsecond=0)),
        ("2026-02-24 09:30:15", MOMENT.replace(microsecond=0)),  # as other programs write it
        (None, None),
    ],
)
def test_what_is_kept_comes_back_as_the_same_time_in_utc(kept: str | None, expected: datetime | None):
    read = UtcDateTime().result_processor(sqlite.dialect(), None)
    assert read is not None
    found = read(kept)
    assert found == expected
    assert found is None or found.tzinfo is UTC
