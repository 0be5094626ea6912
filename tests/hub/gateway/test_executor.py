"""The serving process: finds approved work by itself, tries again what failed in passing, ends cleanly."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import update

from tests.hub.gateway.test_killed import leases_end
from tests.hub.gateway.world import Facts, World, error_of, opened, structured
from tradepost.foundation.caller import Caller
from tradepost.foundation.ids import new_id
from tradepost.hub.access import keys
from tradepost.hub.actions.models import Action
from tradepost.hub.audit.seal import Sealer
from tradepost.hub.audit.verify import verify
from tradepost.hub.registry.catalog import CatalogTool
from tradepost.protocol.builtin import Expects, Json, Mode, ToolResult


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await condition():  # noqa: ASYNC110 (another task commits it; there is no event to wait for)
            await asyncio.sleep(0)


async def test_an_approved_action_is_found_and_carried_out_without_being_told(world: World):
    await world.built.start()
    asked = structured(await world.add_stock())
    await world.built.verdicts.approve(world.owner, asked["approval_id"])
    world.executor.wake()

    async def done() -> bool:
        return (await world.action(asked["approval_id"])).state == "succeeded"

    await until(done)
    await world.built.stop()
    assert len(world.shop.effects()) == 1


@pytest.mark.two_processes(also=True)
async def test_an_action_that_waits_beyond_its_time_expires(world: World):
    asked = structured(await world.add_stock())
    async with world.changing() as session:
        await session.execute(
            update(Action).values(expires_at=Action.created_at).execution_options(synchronize_session=False)
        )
    await world.executor.sweep()
    refused = error_of(await world.add_stock())
    assert refused["code"] == "state_conflict"
    assert "expired" in refused["message"]
    assert (await world.action(asked["approval_id"])).state == "expired"


async def test_a_bundled_server_that_breaks_down_is_called_again_with_the_same_key(world: World):
    asked = structured(await world.add_stock())
    await world.built.verdicts.approve(world.owner, asked["approval_id"])

    def broken(what: str) -> None:
        if what == "add_stock:execute":
            raise RuntimeError("the disk is gone")

    world.shop.before = broken
    await world.executor.run_due()
    assert (await world.action(asked["approval_id"])).state == "executing"

    world.shop.before = lambda what: None
    await leases_end(world)
    await world.executor.run_due()
    assert (await world.action(asked["approval_id"])).state == "succeeded"
    assert len(world.shop.effects()) == 1


async def test_a_repeated_call_waits_a_little_and_then_hears_that_it_still_runs(facts: Facts):
    async with opened(facts, wait_seconds=0.01) as world:
        asked = structured(await world.add_stock())
        await world.built.verdicts.approve(world.owner, asked["approval_id"])
        waiting = error_of(await world.add_stock())
    assert (waiting["code"], waiting["retryable"]) == ("in_progress", True)
    assert waiting["details"] == {"approval_id": asked["approval_id"]}


@pytest.mark.two_processes
async def test_a_zombie_cannot_write_over_what_its_successor_recorded(world: World):
    """The lease ends while the server is called; another process settles it first."""
    asked = structured(await world.add_stock())
    await world.built.verdicts.approve(world.owner, asked["approval_id"])
    async with opened(world.facts) as successor:
        original = world.servers.call_tool

        async def taken_over(
            caller: Caller,
            tool: CatalogTool,
            arguments: Json,
            key: str | None,
            mode: Mode = "execute",
            talk: object = None,
            ends_at: float | None = None,
            expects: Expects | None = None,
        ) -> ToolResult:
            if mode == "execute":
                await leases_end(world)
                assert await successor.executor.run_due() == 1
            return await original(caller, tool, arguments, key, mode)

        world.servers.call_tool = taken_over  # type: ignore[method-assign]
        await world.executor.run_due()

    assert len(world.shop.effects()) == 1
    outcomes = [row for row in await world.audited() if row.kind == "outcome"]
    assert [row.details for row in outcomes] == [{"attempt": 2}]


@pytest.mark.two_processes(also=True)
async def test_get_approval_shows_an_agent_its_own_approvals_only(world: World):
    asked = structured(await world.add_stock())
    async with world.changing() as session:
        second = await keys.mint(session, world.admin, agent_id=world.facts.agent_id)
        stranger = await keys.mint(session, world.admin, agent_id=world.facts.other_agent_id)

    same = await world.authenticator.authenticate(second.secret, new_id("req"))
    other = await world.authenticator.authenticate(stranger.secret, new_id("req"))
    assert structured(await world.call("get_approval", same, approval_id=asked["approval_id"]))["status"] == "pending"
    refused = error_of(await world.call("get_approval", other, approval_id=asked["approval_id"]))
    assert refused["code"] == "not_found"
    read = await world.gateway.read_resource(same, None, f"approval://{asked['approval_id']}")
    assert "pending" in read["contents"][0]["text"]


@pytest.mark.two_processes(also=True)
async def test_every_write_leaves_a_chain_of_rows_that_can_be_verified(world: World):
    asked = structured(await world.add_stock())
    await world.built.verdicts.approve(world.owner, asked["approval_id"])
    await world.executor.run_due()

    rows = [row for row in await world.audited() if row.action_id == asked["approval_id"]]
    assert [(row.kind, row.tag) for row in rows] == [
        ("decision", "approval:requested"),
        ("decision", "approval:approved"),
        ("intent", "tool:call"),
        ("outcome", "tool:call"),
    ]
    request_ids = {row.request_id for row in rows if row.tag != "approval:approved"}
    assert len(request_ids) == 1, "what reaches the server carries the request id of the call that asked"
    await Sealer(world.database).seal()
    checked = await verify(world.database, world.workspace_id)
    assert checked.intact
    assert checked.unsealed == 0


@pytest.mark.parametrize("what", ["add_stock:preview"])
async def test_a_preview_that_breaks_down_asks_nobody(world: World, what: str):
    def broken(name: str) -> None:
        if name == what:
            raise RuntimeError("the disk is gone")

    world.shop.before = broken
    with pytest.raises(RuntimeError, match="the disk is gone"):
        await world.add_stock()
    (row,) = await world.audited()
    assert (row.tag, row.error_code) == ("tool:preview", "internal_error")
