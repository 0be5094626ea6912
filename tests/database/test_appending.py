"""Appending: rows that went past the ORM are the rows that the ORM would have written, and all of them or none."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from tests.engines import DatabaseUrls, Template
from tradepost.database import migrate
from tradepost.database.appending import Appending
from tradepost.database.engine import Database
from tradepost.hub.audit.models import AuditEvent

COLUMNS = ("workspace_id", "id", "occurred_at", "kind", "tag", "request_id", "principal_kind", "principal_id")
EVENTS = Appending(AuditEvent, (*COLUMNS, "tool", "duration_us", "details"), 300, numbered="sequence")
NOON = datetime(2026, 2, 24, 12, tzinfo=UTC)
MOMENTS = (NOON, NOON + timedelta(microseconds=1), NOON.astimezone(timezone(timedelta(hours=-5))))


@pytest.fixture
def database_template() -> Template:
    return Template("hub", hub=lambda url: migrate.upgrade(url, "hub") and None, store=lambda url: None)


@pytest.fixture
async def database(database_urls: DatabaseUrls) -> AsyncIterator[Database]:
    database = Database(database_urls.hub)
    yield database
    await database.close()


def row(event_id: str, **values: object) -> dict[str, object]:
    return {
        **dict.fromkeys(COLUMNS, "x"),
        "id": event_id,
        "occurred_at": NOON,
        "tool": None,
        "duration_us": None,
        "details": {},
        **values,
    }


async def stored(database: Database) -> list[AuditEvent]:
    async with database.system(write=False) as session:
        return list(await session.scalars(select(AuditEvent).order_by(AuditEvent.sequence)))


ROWS = [
    row("aud_1", occurred_at=MOMENTS[0], tool="", duration_us=0),
    row("aud_2", occurred_at=MOMENTS[1], tool='é "\\\n\U0001f600', duration_us=2**53, details={"b": 0.5, "a": [None]}),
    row("aud_3", occurred_at=MOMENTS[2], workspace_id="y", tool="0.5", details={"": "\u2028"}),
]


async def test_rows_come_to_rest_as_the_orm_would_write_them(database: Database):
    async with database.system(write=True) as session:
        session.add(AuditEvent(**{**ROWS[0], "id": "aud_0"}))
    await database.append_everywhere(EVENTS, [tuple(values.values()) for values in ROWS])
    async with database.system(write=True) as session:
        for values in ROWS:
            session.add(AuditEvent(**{**values, "id": f"{values['id']}_orm"}))

    found = await stored(database)
    assert [event.id for event in found] == ["aud_0", "aud_1", "aud_2", "aud_3"] + [f"aud_{n}_orm" for n in (1, 2, 3)]
    numbers = [event.sequence or 0 for event in found]
    assert numbers == list(range(numbers[0], numbers[0] + len(found)))
    for values, appended, by_orm in zip(ROWS, found[1:4], found[4:], strict=True):
        for name in values.keys() - {"id"}:
            assert getattr(appended, name) == getattr(by_orm, name) == values[name], name


@pytest.mark.parametrize("count", [1, 2, EVENTS.most // 8 + 1, EVENTS.most])
async def test_groups_of_every_size_keep_their_order(database: Database, count: int):
    rows = [tuple(row(f"aud_{number:04}").values()) for number in range(count)]
    await database.append_everywhere(EVENTS, rows)
    assert [event.id for event in await stored(database)] == [f"aud_{number:04}" for number in range(count)]


@pytest.mark.parametrize(
    "wrong", [{"id": "aud_1"}, {"tag": None}, {"id": None}, {"details": None}], ids=["twice", "tag", "id", "details"]
)
async def test_one_row_that_cannot_be_stored_takes_the_others_along(database: Database, wrong: dict[str, object]):
    rows = [*ROWS[:2], {**row("aud_9"), **wrong}]
    with pytest.raises(SQLAlchemyError) as refused:
        await database.append_everywhere(EVENTS, [tuple(values.values()) for values in rows])
    assert len(str(refused.value)) < 2_000
    assert await stored(database) == []
