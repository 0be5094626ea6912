"""The writer: reads in groups, writes before anything happens, nothing lost without a trace."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from tests.engines import DatabaseUrls
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.errors import Unavailable
from tradepost.hub.audit import writer as writing
from tradepost.hub.audit.fact import AuditFact, Kept
from tradepost.hub.audit.models import AuditEvent
from tradepost.hub.audit.read import export, tail
from tradepost.hub.audit.writer import AuditWriter


def fact(workspace_id: str = "ws_1", request_id: str = "req_1", **values: object) -> AuditFact:
    return AuditFact(workspace_id, "read", "tool:call", request_id, "agent_key", "key_1", **values)  # type: ignore[arg-type]


async def count(database: Database) -> int:
    async with database.system(write=False) as session:
        return await session.scalar(select(func.count()).select_from(AuditEvent)) or 0


async def test_noted_rows_are_written_in_order_and_in_groups(database: Database):
    writer = AuditWriter(database)
    for number in range(600):
        writer.note(fact(request_id=f"req_{number}"))
    await writer.drain()

    rows = await tail(database, "ws_1", limit=1000)
    assert [row.request_id for row in rows] == [f"req_{number}" for number in range(600)]
    sequences = [row.sequence or 0 for row in rows]
    assert sequences == sorted(sequences)


async def test_the_background_writes_without_being_asked_and_stopping_loses_nothing(database: Database):
    writer = AuditWriter(database)
    await writer.start()
    writer.note(fact())
    async with asyncio.timeout(10):
        while await count(database) == 0:  # noqa: ASYNC110 (what another connection sees has no event)
            await asyncio.sleep(0)
    writer.note(fact(request_id="req_last"))
    await writer.stop()
    assert await count(database) == 2


async def test_a_recorded_fact_stands_exactly_if_the_change_does(database: Database):
    writer = AuditWriter(database)
    with pytest.raises(ZeroDivisionError):
        async with database.transaction("ws_1", write=True) as session:
            writer.record(session, fact())
            raise ZeroDivisionError
    assert await count(database) == 0


async def test_an_intent_that_cannot_be_stored_stops_the_write(database_urls: DatabaseUrls):
    database = Database(database_urls.hub)
    await rename(database, "audit_events", "audit_gone")
    writer = AuditWriter(database)
    with pytest.raises(Unavailable):
        await writer.intent(fact())
    writer.note(fact())
    with pytest.raises(SQLAlchemyError):
        await writer.drain()
    await database.close()


async def test_what_does_not_fit_is_counted_and_recorded_as_a_gap(database: Database):
    writer = AuditWriter(database, capacity=3)
    for _ in range(5):
        writer.note(fact())
    await writer.drain()
    rows = await tail(database, "ws_1")
    assert [row.tag for row in rows] == ["tool:call"] * 3 + ["audit:gap"]
    assert rows[-1].details == {"rows_not_recorded": 2}


async def test_reads_wait_for_room_while_very_many_rows_wait(database: Database, monkeypatch: pytest.MonkeyPatch):
    """Else more and more would pile up in memory under load, until they are lost."""
    monkeypatch.setattr(writing, "CROWDED", 10)
    writer = AuditWriter(database)
    await writer.start()
    for number in range(9):
        writer.note(fact(request_id=f"req_{number}"))
    assert writer.room() is None
    writer.note(fact(request_id="req_9"))
    waiting = writer.room()
    assert waiting is not None
    await waiting
    assert await count(database) == 10
    assert writer.room() is None
    await writer.stop()


async def test_nobody_waits_for_room_while_the_database_takes_nothing(
    database_urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(writing, "CROWDED", 1)
    monkeypatch.setattr(writing, "ROOM_SECONDS", 10_000)
    monkeypatch.setattr(writing, "RETRY_SECONDS", 10_000)
    database = Database(database_urls.hub)
    await rename(database, "audit_events", "audit_gone")
    writer = AuditWriter(database)
    await writer.start()
    writer.note(fact())
    waiting = writer.room()
    assert waiting is not None
    await waiting  # until it is known that the rows are not taken
    writer.note(fact(request_id="req_2"))
    assert writer.room() is None
    await rename(database, "audit_gone", "audit_events")
    await writer.stop()
    assert await count(database) == 2
    await database.close()


async def rename(database: Database, table: str, name: str) -> None:
    async with database.transaction("ws_1", write=True) as session:
        if not database.is_sqlite:
            await session.execute(text("RESET ROLE"))
        await session.execute(text(f"ALTER TABLE {table} RENAME TO {name}"))


async def test_following_and_exporting(database: Database):
    writer = AuditWriter(database)
    for number in range(3):
        writer.note(fact(request_id=f"req_{number}", agent_id="agt_1" if number else None))
    writer.note(fact("ws_2"))
    await writer.drain()

    first, *_ = await tail(database, "ws_1")
    assert [row.request_id for row in await tail(database, "ws_1", after=first.sequence)] == ["req_1", "req_2"]
    assert len(await tail(database, "ws_1", agent_id="agt_1")) == 2
    lines = b"".join([block.data async for block in export(database, "ws_1")]).splitlines()
    assert len(lines) == 3
    assert all(b'"workspace_id":"ws_1"' in line for line in lines)


def test_the_row_of_a_call_is_what_its_values_by_name_make():
    """The quick way leaves nothing out and mixes nothing up."""
    caller = Caller("ws_1", Principal("agent_key", "key_1"), "req_1", user_id="usr_1", agent_id="agt_1")
    names = AuditFact._fields[AuditFact._fields.index("server") :]
    values: dict[str, Any] = {name: f"the {name}" for name in names if name not in Kept._fields}
    quick = AuditFact.of_call(caller, "read", "tool:call", "run_1", *values.values())
    assert quick == AuditFact.of(caller, "read", "tool:call", run_id="run_1", **values)
