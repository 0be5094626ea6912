"""Bundled servers live in the same registry; a release's change is pinned anew and told."""

import orjson
import pytest
from sqlalchemy import select

from tests.hub.bundled import Bundled, tool
from tests.hub.registration.conftest import Registration
from tests.hub.world import World, founded
from tradepost.foundation.errors import StateConflict
from tradepost.hub.access.models import RegistryVersion
from tradepost.hub.audit.models import AuditEvent
from tradepost.hub.registration.builtin import sync_builtin
from tradepost.hub.registration.release import release_mark
from tradepost.hub.registration.tools import list_tools, set_tool_class, set_tool_enabled
from tradepost.hub.registry.models import PromptEntry, ResourceEntry
from tradepost.protocol.builtin import Definitions


async def entries(world: World) -> dict[str, tuple[str, str, str | None]]:
    async with world.reading() as session:
        return {row.name: (row.state, row.tool_class, row.scope) for row in await list_tools(session, "orders")}


async def version(world: World) -> int:
    async with world.reading() as session:
        return await session.scalar(select(RegistryVersion.version)) or 0


async def test_the_first_start_enables_all_with_the_releases_class_and_scope(world: World):
    found = await sync_builtin(world.database, world.workspace_id, [Bundled()])
    assert found["orders"].new == ["get_order", "add_note"]
    assert await entries(world) == {
        "get_order": ("enabled", "read", "read:orders"),
        "add_note": ("enabled", "write", None),
    }
    async with world.reading() as session:
        assert set(await session.scalars(select(ResourceEntry.state))) == {"enabled"}
        assert set(await session.scalars(select(PromptEntry.state))) == {"enabled"}


async def test_the_same_release_again_changes_nothing(world: World):
    await sync_builtin(world.database, world.workspace_id, [Bundled()])
    before = await version(world)
    assert await sync_builtin(world.database, world.workspace_id, [Bundled()]) == {}
    assert await version(world) == before


async def test_a_releases_change_is_pinned_returned_and_audited(world: World, caplog: pytest.LogCaptureFixture):
    await sync_builtin(world.database, world.workspace_id, [Bundled()])
    next_release = Bundled()
    next_release.tools[0]["description"] = "Finds an order."
    next_release.tools[1] = tool("set_hold")
    before = await version(world)
    with caplog.at_level("INFO"):
        found = (await sync_builtin(world.database, world.workspace_id, [next_release]))["orders"]
    assert ([(one.name, one.kind) for one in found.changed], found.new, found.removed) == (
        [("get_order", "text")],
        ["set_hold"],
        ["add_note"],
    )
    assert await version(world) > before
    assert "get_order" in caplog.text
    async with world.reading() as session:
        rows = {row.name: row for row in await list_tools(session, "orders")}
        assert orjson.loads(rows["get_order"].definition)["description"] == "Finds an order."
        assert rows["add_note"].state == "removed"
        details = list(await session.scalars(select(AuditEvent.details).where(AuditEvent.tag == "server:synchronised")))
        assert any(change[0] == "get_order" for one in details for change in one["changed"])


async def test_a_new_class_alone_is_a_change(world: World):
    await sync_builtin(world.database, world.workspace_id, [Bundled()])
    before = await version(world)
    harsher = Bundled(classes={"get_order": "read", "add_note": "destructive"})
    assert "orders" in await sync_builtin(world.database, world.workspace_id, [harsher])
    assert (await entries(world))["add_note"] == ("enabled", "destructive", None)
    assert await version(world) > before


async def test_what_an_admin_disabled_stays_disabled(world: World):
    await sync_builtin(world.database, world.workspace_id, [Bundled()])
    async with world.changing() as session:
        await set_tool_enabled(session, world.owner, "orders", "add_note", False)
    changed = Bundled()
    changed.tools[1]["description"] = "New words."
    await sync_builtin(world.database, world.workspace_id, [changed])
    assert (await entries(world))["add_note"][0] == "disabled"


async def test_a_taken_short_name_is_one_sentence(world: World, registration: Registration):
    await registration.servers.register(world.owner, "orders", "http://127.0.0.1:8099/mcp")
    with pytest.raises(StateConflict, match="taken"):
        await sync_builtin(world.database, world.workspace_id, [Bundled()])


async def test_a_bundled_server_is_not_deleted_moved_or_reclassified(world: World, registration: Registration):
    await sync_builtin(world.database, world.workspace_id, [Bundled()])
    with pytest.raises(StateConflict):
        await registration.servers.delete(world.owner, "orders")
    with pytest.raises(StateConflict):
        await registration.servers.set_url(world.owner, "orders", "http://127.0.0.1:8099/mcp")
    with pytest.raises(StateConflict):
        await registration.discovery.discover(world.owner, "orders")
    with pytest.raises(StateConflict):
        async with world.changing() as session:
            await set_tool_class(session, world.owner, "orders", "add_note", "read")


async def test_each_workspace_has_its_own_rows(world: World):
    other = await founded(world.database, "other")
    await sync_builtin(world.database, world.workspace_id, [Bundled()])
    await sync_builtin(other.database, other.workspace_id, [Bundled()])
    async with other.changing() as session:
        await set_tool_enabled(session, other.owner, "orders", "get_order", False)
    assert (await entries(world))["get_order"][0] == "enabled"


async def test_the_same_release_is_brought_once(world: World):
    class Counted(Bundled):
        asked = 0

        def definitions(self) -> Definitions:
            type(self).asked += 1
            return super().definitions()

    async def start(release: str | None, server: Counted | None = None) -> list[str]:
        return list(await sync_builtin(world.database, world.workspace_id, [server or Counted()], release))

    assert await start("first") == ["orders"]
    asked = Counted.asked
    assert await start("first") == []
    assert Counted.asked == asked
    assert await start("second") == []
    assert Counted.asked > asked
    longer = Counted(tools=[*Counted().tools, tool("another")])
    assert await start("third", longer) == ["orders"]
    assert len(release_mark()) == 32
