"""Deleting what is old: only behind a checkpoint, and the rest is still proven."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from tests.hub.audit.test_seal import spoil, write
from tradepost.database.engine import Database
from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.clock import system_now
from tradepost.foundation.errors import StateConflict
from tradepost.hub.audit import prune as pruning
from tradepost.hub.audit.models import AuditCheckpoint, AuditEvent, AuditLink
from tradepost.hub.audit.prune import prune
from tradepost.hub.audit.seal import Sealer
from tradepost.hub.audit.verify import verify

BY = Caller("ws_1", Principal("operator", "console"), "req_prune")


async def counts(database: Database) -> tuple[int, int]:
    async with database.transaction("ws_1", write=False) as session:
        events = await session.scalar(select(func.count()).select_from(AuditEvent)) or 0
        return events, await session.scalar(select(func.count()).select_from(AuditLink)) or 0


async def refused(database: Database, statement: str) -> None:
    with pytest.raises(DBAPIError, match=r"permission denied|append-only"):
        async with database.transaction("ws_1", write=True) as session:
            await session.execute(text(statement))


async def test_old_rows_go_and_the_rest_is_proven_from_the_checkpoint(
    database: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pruning, "STEP", 3)
    await write(database, 10)
    await write(database, 2, "ws_2")
    await Sealer(database).seal()
    noted = (await verify(database, "ws_1")).head
    boundary = system_now()
    await write(database, 4)

    gone = await prune(database, BY, boundary, system_now())
    assert gone is not None
    assert (gone.rows, gone.position, gone.chain_hash) == (10, 10, noted)
    assert await counts(database) == (5, 5)  # four and the one about the checkpoint
    found = await verify(database, "ws_1")
    assert (found.intact, found.checked, found.from_position, found.position) == (True, 5, 10, 15)
    assert (await verify(database, "ws_1", noted)).intact  # the checkpoint's own hash
    assert not (await verify(database, "ws_1", "sha256:" + "1" * 64)).intact
    assert (await verify(database, "ws_2")).checked == 2
    assert await prune(database, BY, boundary, system_now()) is None

    await refused(database, "DELETE FROM audit_events")
    await refused(database, "DELETE FROM audit_links")
    await refused(database, "DELETE FROM audit_checkpoints")
    await refused(database, "UPDATE audit_checkpoints SET position = 99")

    await write(database, 1)
    again = await prune(database, BY, system_now() + timedelta(seconds=1), system_now())
    assert again is not None
    assert again.rows == 6
    assert (await verify(database, "ws_1")).intact
    assert await counts(database) == (1, 1)
    await write(database, 1)
    await Sealer(database).seal()
    assert (await verify(database, "ws_1")).checked == 2


async def test_a_checkpoint_alone_lets_nobody_delete_and_one_made_up_is_found(database: Database):
    await write(database, 5)
    await Sealer(database).seal()
    now = system_now()
    async with database.transaction("ws_1", write=True) as session:
        values = {"rows": 3, "first_at": now, "last_at": now, "made_at": now, "made_by": "me"}
        session.add(AuditCheckpoint(id="aud_none", position=3, chain_hash="sha256:" + "2" * 64, **values))
    await refused(database, "DELETE FROM audit_links WHERE position < 3")
    found = await verify(database, "ws_1")
    assert not found.intact
    assert found.reason


async def test_a_broken_chain_is_not_pruned(database: Database):
    await write(database, 5)
    await Sealer(database).seal()
    await spoil(database, "UPDATE audit_events SET outcome = 'ok' WHERE request_id = 'req_2'")
    with pytest.raises(StateConflict, match="row 3"):
        await prune(database, BY, system_now(), system_now())
    assert await counts(database) == (5, 5)


@pytest.mark.parametrize(
    ("statement", "position"),
    [
        ("UPDATE audit_events SET arguments = '{}' WHERE request_id = 'req_1'", 2),
        ("UPDATE audit_events SET result_tokens = 7 WHERE request_id = 'req_1'", 2),
        ("UPDATE audit_events SET rule_id = 'rul_1' WHERE request_id = 'req_1'", 2),
        ("UPDATE audit_links SET position = position + 100 WHERE position = 2", 2),
    ],
)
async def test_columns_that_came_later_are_part_of_the_chain(database: Database, statement: str, position: int):
    await write(database, 3)
    await Sealer(database).seal()
    await spoil(database, statement)
    found = await verify(database, "ws_1")
    assert (found.intact, found.broken_at) == (False, position)
