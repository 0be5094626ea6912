"""The chain: every committed row gets its place once, and any change afterwards shows."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tradepost.database.engine import Database
from tradepost.foundation.clock import fixed, system_now
from tradepost.hub.audit.fact import AuditFact
from tradepost.hub.audit.late import LATE_ROWS, MissingNumbers
from tradepost.hub.audit.seal import Sealer
from tradepost.hub.audit.verify import verify
from tradepost.hub.audit.writer import AuditWriter
from tradepost.hub.audit.written import JustWritten


async def write(database: Database, count: int, workspace_id: str = "ws_1") -> None:
    writer = AuditWriter(database)
    for number in range(count):
        writer.note(AuditFact(workspace_id, "read", "tool:call", f"req_{number}", "agent_key", "key_1"))
    await writer.drain()


async def spoil(database: Database, statement: str) -> None:
    """What somebody with the database in hand might do."""
    async with database.system(write=True) as session:
        if database.is_sqlite:
            guards = text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'audit_%_no_%'")
            for (name,) in (await session.execute(guards)).all():
                await session.execute(text(f"DROP TRIGGER {name}"))
        else:
            await session.execute(text("RESET ROLE"))
        await session.execute(text(statement))


async def test_each_workspace_has_its_own_chain(database: Database):
    await write(database, 3)
    await write(database, 2, "ws_2")
    assert await Sealer(database).seal() == 5

    one, two = await verify(database, "ws_1"), await verify(database, "ws_2")
    assert (one.checked, one.unsealed, one.intact) == (3, 0, True)
    assert (two.checked, two.unsealed, two.intact) == (2, 0, True)
    assert one.head != two.head


ODD: tuple[dict[str, Any], ...] = (
    {"tool": 'say "hello"\\n\n\t\x01', "details": {"b": 1, "a": {"d": [1, None, True], "c": "é"}}},
    {"tool": "Größe \u2028 \U0001f600", "details": {"\ufb33": 1, "\U0001f600": 2, "é": 3}},
    {"duration_us": 0, "outcome": "", "details": {"rate": 0.1, "tiny": 1e-7, "whole": 2.0, "large": 2**53 - 1}},
    {"duration_us": 2**53, "details": {}},
)


async def test_what_is_sealed_is_what_is_verified_whatever_a_row_holds(database: Database):
    """The sealer hashes columns, the check hashes objects: they have to mean the same."""
    moments = (datetime(2026, 2, 24, 9, tzinfo=UTC), datetime(2026, 2, 24, 10, 0, 0, 120, timezone(timedelta(hours=1))))
    for moment in moments:
        writer = AuditWriter(database, fixed(moment))
        for number, values in enumerate(ODD):
            writer.note(AuditFact("ws_1", "read", "tool:call", f"req_{number}", "agent_key", "key_1", **values))
        await writer.drain()
        async with database.transaction("ws_1", write=True) as session:
            for number, values in enumerate(ODD):
                fact = AuditFact("ws_1", "read", "tool:call", f"req_{number}", "agent_key", "key_1", **values)
                session.add(fact.as_row(moment))
    assert await Sealer(database, fixed(moments[0])).seal() == 16
    found = await verify(database, "ws_1")
    assert (found.checked, found.intact, found.reason) == (16, True, None)


async def test_what_was_just_written_is_sealed_as_it_was_given(database: Database):
    """Rows of this process are hashed without being read back: what changes one before its link shows, too."""
    just_written = JustWritten()
    writer, sealer = AuditWriter(database, just_written=just_written), Sealer(database, just_written=just_written)
    await sealer.seal()
    for number, values in enumerate(ODD):
        writer.note(AuditFact("ws_1", "read", "tool:call", f"req_{number}", "agent_key", "key_1", **values))
    await writer.drain()
    async with database.transaction("ws_1", write=True) as session:  # read back, with its neighbours
        session.add(AuditFact("ws_1", "read", "tool:call", "req_own", "agent_key", "key_1").as_row(system_now()))
    for number, values in enumerate(ODD * 100):
        writer.note(AuditFact("ws_1", "read", "tool:call", f"req_{number}", "agent_key", "key_1", **values))
    await writer.drain()
    other = Sealer(database)
    await asyncio.gather(sealer.seal(), other.seal())
    assert len(just_written) == 0
    found = await verify(database, "ws_1")
    assert (found.checked, found.unsealed, found.reason) == (405, 0, None)

    writer.note(AuditFact("ws_1", "read", "tool:call", "req_spoilt", "agent_key", "key_1"))
    await writer.drain()
    assert len(just_written) == (1 if database.is_sqlite else 0)
    await spoil(database, "UPDATE audit_events SET outcome = 'ok' WHERE request_id = 'req_spoilt'")
    await sealer.seal()
    assert (await verify(database, "ws_1")).intact is not database.is_sqlite


async def test_rows_that_wait_too_long_for_their_links_are_read_back(database: Database):
    just_written = JustWritten(most=10)
    writer, sealer = AuditWriter(database, just_written=just_written), Sealer(database, just_written=just_written)
    for number in range(120):
        writer.note(AuditFact("ws_1", "read", "tool:call", f"req_{number}", "agent_key", "key_1"))
    await writer.drain()
    assert len(just_written) <= 10
    assert await sealer.seal() == 120
    assert (await verify(database, "ws_1")).intact


async def test_sealing_goes_on_where_it_stopped_also_in_another_process(database: Database):
    await write(database, 2)
    await Sealer(database).seal()
    await write(database, 600)
    assert (await verify(database, "ws_1")).unsealed == 600
    assert await Sealer(database).seal() == 600
    assert (await verify(database, "ws_1")).checked == 602


async def test_two_sealers_at_once_give_every_row_one_place(database: Database):
    await write(database, 50)
    linked = await asyncio.gather(Sealer(database).seal(), Sealer(database).seal())
    assert sum(linked) == 50
    checked = await verify(database, "ws_1")
    assert (checked.checked, checked.intact) == (50, True)


async def test_a_row_that_commits_late_still_gets_its_place(database: Database):
    if database.is_sqlite:
        pytest.skip("one writer at a time: nothing commits late")
    sealer = Sealer(database)
    async with database.transaction("ws_1", write=True) as slow:
        slow.add(AuditFact("ws_1", "read", "tool:call", "req_slow", "agent_key", "key_1").as_row(system_now()))
        await slow.flush()
        await write(database, 3)
        assert await sealer.seal() == 3
    assert await sealer.seal() == 1
    assert (await verify(database, "ws_1")).intact


async def test_one_that_commits_long_after_its_neighbours_is_found_by_all_that_seal(database: Database):
    if database.is_sqlite:
        pytest.skip("one writer at a time: nothing commits late")
    await write(database, 300)
    sealers = [Sealer(database), Sealer(database)]
    await sealers[0].seal()
    async with database.transaction("ws_1", write=True) as slow:
        slow.add(AuditFact("ws_1", "read", "tool:call", "req_slow", "agent_key", "key_1").as_row(system_now()))
        await slow.flush()
        for number in range(4):
            await write(database, 250)
            assert await sealers[number % 2].seal() == 250
    assert [await sealer.seal() for sealer in sealers] == [1, 0]
    assert (await verify(database, "ws_1")).intact


async def test_a_sealer_that_starts_finds_what_others_left_over(database: Database):
    """Rows without a link among the oldest, in between and at the end."""
    await write(database, 700)
    await Sealer(database).seal()
    await write(database, 3, "ws_2")
    await write(database, 700)
    await Sealer(database).seal()
    await spoil(database, "DELETE FROM audit_links WHERE workspace_id = 'ws_2'")
    await write(database, 3, "ws_2")
    assert await Sealer(database).seal() == 6
    assert (await verify(database, "ws_2")).intact


async def test_sealers_that_take_turns_continue_each_others_chains(database: Database):
    sealers = [Sealer(database), Sealer(database)]
    for number in range(6):
        await write(database, 30, f"ws_{number % 3}")
        assert await sealers[number % 2].seal() == 30
    for workspace in ("ws_0", "ws_1", "ws_2"):
        checked = await verify(database, workspace)
        assert (checked.checked, checked.intact) == (60, True)


def test_numbers_that_nobody_brings_are_given_up_after_a_while():
    hour = [0.0]
    missing = MissingNumbers(lambda: hour[0] * 3600)
    missing.note(1, [2, 4, 7])
    assert missing.waited_for() == [3, 5, 6]
    missing.came([5])
    hour[0] = 0.2
    missing.note(7, [9])
    assert missing.waited_for() == [3, 6, 8]
    hour[0] = 0.3
    assert missing.waited_for() == [8]
    missing.note(9, [10**9])
    assert missing.waited_for()[0] == 10  # the next ones to come, of a run that has no end
    assert len(missing.waited_for()) == LATE_ROWS


@pytest.mark.parametrize(
    ("statement", "position"),
    [
        ("UPDATE audit_events SET outcome = 'ok' WHERE request_id = 'req_2'", 3),
        ("DELETE FROM audit_events WHERE request_id = 'req_1'", 2),
        ("DELETE FROM audit_links WHERE position = 2", 2),
        ("UPDATE audit_links SET chain_hash = 'sha256:0' WHERE position = 4", 4),
        ("UPDATE audit_links SET row_hash = 'sha256:0' WHERE position = 1", 1),
    ],
)
async def test_any_change_is_found_at_its_place(database: Database, statement: str, position: int):
    await write(database, 5)
    await Sealer(database).seal()
    await spoil(database, statement)

    found = await verify(database, "ws_1")
    assert not found.intact
    assert found.broken_at == position
    assert found.reason


@pytest.mark.parametrize("sealed", [False, True], ids=["waiting", "sealed"])
@pytest.mark.parametrize("sequence", [0, 999_999])
async def test_a_row_that_is_slipped_in_is_found(database: Database, sequence: int, sealed: bool):
    await write(database, 5)
    await Sealer(database).seal()
    fact = AuditFact("ws_1", "read", "tool:call", "req_false", "agent_key", "key_1")
    async with database.system(write=True) as session:
        row = fact.as_row(system_now() - timedelta(hours=1))
        row.sequence = sequence
        session.add(row)
    if sealed:
        await Sealer(database).seal()
    found = await verify(database, "ws_1")
    assert (found.intact, found.broken_at) == (False, 6)
    assert "slipped in" in (found.reason or "")


async def test_an_empty_log_is_no_intact_one(database: Database):
    await write(database, 2)
    await Sealer(database).seal()
    await spoil(database, "DELETE FROM audit_links")
    await spoil(database, "DELETE FROM audit_events")
    found = await verify(database, "ws_1")
    assert not found.intact
    assert "empty" in (found.reason or "")


async def test_cutting_the_end_off_shows_against_a_head_that_was_noted(database: Database):
    await write(database, 5)
    await Sealer(database).seal()
    head = (await verify(database, "ws_1")).head
    await write(database, 1)
    await Sealer(database).seal()
    assert (await verify(database, "ws_1", head)).intact

    await spoil(database, "DELETE FROM audit_links WHERE position > 3")
    await spoil(database, "DELETE FROM audit_events WHERE request_id NOT IN ('req_0', 'req_1', 'req_2')")
    assert (await verify(database, "ws_1")).intact
    assert not (await verify(database, "ws_1", head)).intact


@pytest.mark.parametrize("table", ["audit_events", "audit_links"])
async def test_the_application_cannot_change_what_is_recorded(database: Database, table: str):
    await write(database, 1)
    await Sealer(database).seal()
    for statement in (f"UPDATE {table} SET workspace_id = 'ws_2'", f"DELETE FROM {table}"):
        with pytest.raises(DBAPIError, match=r"permission denied|append-only"):
            async with database.transaction("ws_1", write=True) as session:
                await session.execute(text(statement))
