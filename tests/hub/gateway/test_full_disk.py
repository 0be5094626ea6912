"""F32: a database that takes no more. No write runs whose intent cannot be stored, approving and undoing carry
nothing out; reads go on, and their rows wait. When there is room again, all of it goes on, once."""

from contextlib import suppress

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from tests.hub.gateway.world import World, error_of, structured
from tradepost.foundation.errors import TradepostError


@pytest.mark.behaviour("S1.14")
async def test_no_write_runs_on_a_full_disk_and_reads_go_on(guarded: World):
    if not guarded.database.is_sqlite:
        pytest.skip("how full SQLite's file may be can be said; tests/faults stops PostgreSQL")
    first = structured(await guarded.add_stock("first"))["quantity"]
    added = (await guarded.only_action()).id
    guarded.shop.put(guarded.workspace_id, "B2", 5)
    asked = structured(await guarded.call("pay_out", sku="B2", quantity=2, idempotency_key="p1"))["approval_id"]
    async with guarded.database.transaction(guarded.workspace_id, write=True) as session:
        pages = (await session.execute(text("PRAGMA page_count"))).scalar_one()
        await session.execute(text(f"PRAGMA max_page_count = {pages}"))
    refused = None
    for number in range(200):  # until what is free in its pages is used up
        result = await guarded.call("add_stock", sku="A1", quantity=1, idempotency_key=f"full-{number}")
        if result.get("isError"):
            refused = error_of(result)
            break
    assert refused is not None
    assert refused["code"] == "unavailable"
    ran = structured(await guarded.call("get_stock", sku="A1"))
    again = await guarded.call("add_stock", sku="A1", quantity=1, idempotency_key="after")
    assert error_of(again)["code"] == "unavailable"
    assert structured(await guarded.call("get_stock", sku="A1")) == ran
    assert guarded.audit.waiting >= 2
    effects = guarded.shop.effects()
    with suppress(SQLAlchemyError, TradepostError):  # a row that changes may still fit into what is free in its page
        await guarded.built.verdicts.approve(guarded.owner, asked)
    with suppress(SQLAlchemyError, TradepostError):
        await guarded.built.undoing.undo(guarded.owner, added)
    assert guarded.shop.effects() == effects
    async with guarded.database.transaction(guarded.workspace_id, write=True) as session:
        await session.execute(text(f"PRAGMA max_page_count = {pages * 10}"))
    await guarded.audit.drain()
    assert guarded.audit.waiting == 0
    if (await guarded.action(asked)).state == "pending":
        await guarded.built.verdicts.approve(guarded.owner, asked)
    await guarded.executor.run_due()
    assert (await guarded.action(asked)).state == "succeeded"
    assert len(guarded.shop.effects("pay_out")) == 1
    assert len(guarded.shop.effects("add_stock")) == len(effects)
    assert first == 25
