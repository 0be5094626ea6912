"""The registry version: raised with the change, seen at once here and within a second elsewhere."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from tests.hub.world import World, founded
from tradepost.database.engine import Database
from tradepost.hub.registry.changes import bump
from tradepost.hub.registry.watch import RegistryWatch


async def test_a_committed_change_is_seen_by_the_next_look(world: World, watch: RegistryWatch):
    before = await watch.version(world.workspace_id)
    async with world.changing() as session:
        raised = await bump(session)
        assert raised == before + 1
    assert await watch.version(world.workspace_id) == raised


async def test_a_change_that_was_rolled_back_raises_nothing(world: World, watch: RegistryWatch):
    before = await watch.version(world.workspace_id)
    with pytest.raises(LookupError):
        async with world.changing() as session:
            await bump(session)
            raise LookupError
    assert await watch.version(world.workspace_id) == before


async def test_workspaces_count_for_themselves(world: World, watch: RegistryWatch):
    other = await founded(world.database, "other")
    before = await watch.version(other.workspace_id)
    async with world.changing() as session:
        await bump(session)
    assert await watch.version(other.workspace_id) == before
    assert await watch.version("ws_nobody") == 0


@pytest.mark.two_processes
async def test_a_change_of_another_process_is_seen_within_a_second(world: World, watch: RegistryWatch):
    elsewhere = Database(world.database.url.render_as_string(hide_password=False))
    try:
        async with elsewhere.transaction(world.workspace_id, write=True) as session:
            raised = await bump(session)

        async with asyncio.timeout(2):
            while await watch.version(world.workspace_id) < raised:
                await elsewhere.ping()
    finally:
        await elsewhere.close()


async def test_without_start_it_asks_the_database(world: World):
    watch = RegistryWatch(world.database)
    before = await watch.version(world.workspace_id)
    async with world.changing() as session:
        await bump(session)
    assert await watch.version(world.workspace_id) == before + 1
    await watch.stop()


async def test_concurrent_changes_are_all_counted(world: World, watch: RegistryWatch):
    before = await watch.version(world.workspace_id)

    async def change() -> None:
        async with world.changing() as session:
            await bump(session)

    await asyncio.gather(*(change() for _ in range(8)))
    assert await watch.version(world.workspace_id) == before + 8


async def test_a_system_session_cannot_change_a_registry(world: World):
    async with world.database.system(write=True) as session:
        with pytest.raises(RuntimeError):
            await bump(session)


async def test_one_look_does_for_a_turn_of_the_loop_and_no_longer(world: World, watch: RegistryWatch):
    path = world.database.path
    if path is None:
        return  # PostgreSQL tells of changes, so that nothing is looked up
    before = await watch.version(world.workspace_id)
    with closing(sqlite3.connect(path)) as elsewhere, elsewhere:
        elsewhere.execute("UPDATE registry_versions SET version = version + 1")
    assert await watch.version(world.workspace_id) == before  # whoever asks now had arrived before the change

    await asyncio.sleep(0)
    assert await watch.version(world.workspace_id) == before + 1
