"""Writes that a program proposed for a person: in the person's name, and never after the grant was taken back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engines import DatabaseUrls
from tests.hub.gateway.world import Facts, copied
from tests.identity.oauth.world import Hub, Program
from tradepost.foundation.errors import ForbiddenScope
from tradepost.hub.access.oauth.grants import list_grants, revoke_grant
from tradepost.protocol.hosting import Arrival


@pytest.fixture
def facts(database_urls: DatabaseUrls, tmp_path: Path) -> Facts:
    """Here every write waits for a person."""
    return copied(database_urls.known, database_urls.hub, tmp_path / "ledger.db")


@pytest.fixture
async def token(hub: Hub, program: Program) -> str:
    return str((await hub.tokens(program, await hub.browser()))["access_token"])


async def propose(hub: Hub, token: str) -> str:
    """The id of the approval that a write waits for."""
    arguments = {"sku": "A1", "quantity": 20, "idempotency_key": "k1"}
    answer = await hub.mcp(token, "tools/call", name="add_stock", arguments=arguments)
    said = answer.json()["result"]["structuredContent"]
    assert said["status"] == "approval_required"
    return str(said["approval_id"])


async def test_an_approved_write_runs_in_the_persons_name(hub: Hub, token: str):
    action_id = await propose(hub, token)
    await hub.world.built.verdicts.approve(hub.world.owner, action_id)
    await hub.world.executor.run_due()
    assert (await hub.world.action(action_id)).state == "succeeded"
    assert hub.world.shop.stock(hub.world.workspace_id, "A1")["quantity"] == 25


async def test_nothing_runs_after_the_grant_was_taken_back(hub: Hub, token: str):
    """F40: it was approved, and is asked for afresh before it runs."""
    action_id = await propose(hub, token)
    await hub.world.built.verdicts.approve(hub.world.owner, action_id)
    async with hub.world.changing() as session:
        for grant in await list_grants(session):
            await revoke_grant(session, hub.world.admin, grant.id)
    await hub.world.executor.run_due()
    assert (await hub.world.action(action_id)).state == "failed"
    assert hub.world.shop.stock(hub.world.workspace_id, "A1")["quantity"] == 5


async def test_a_program_cannot_approve_for_its_person(hub: Hub, program: Program):
    """Row 13: not even with the token of an owner."""
    token = (await hub.tokens(program, await hub.browser("owner")))["access_token"]
    action_id = await propose(hub, token)
    caller = await hub.world.authenticator.authenticate(token, "req_1", Arrival({}, "127.0.0.1", "/mcp"))
    with pytest.raises(ForbiddenScope):
        await hub.world.built.verdicts.approve(caller, action_id)
    assert (await hub.world.action(action_id)).state == "pending"
