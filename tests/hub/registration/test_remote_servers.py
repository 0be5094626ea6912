"""Register, test, discover, approve and assign a remote server in both eras; what changes later never slips through."""

from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from sqlalchemy import select

from tests.hub.bundled import Bundled, tool
from tests.hub.registration.conftest import Registration
from tests.hub.remote import Remote, running
from tests.hub.world import World, founded
from tradepost.foundation.errors import (
    ForbiddenScope,
    InvalidArgument,
    NotFound,
    StateConflict,
    UpstreamError,
)
from tradepost.hub.access import quotas
from tradepost.hub.access.roles import system_caller
from tradepost.hub.audit.models import AuditEvent
from tradepost.hub.registration.assignments import assign
from tradepost.hub.registration.content_decisions import approve_waiting
from tradepost.hub.registration.servers import find_server, list_servers
from tradepost.hub.registration.tools import (
    approve_tool,
    find_tool,
    list_tools,
    set_tool_class,
    set_tool_enabled,
)
from tradepost.hub.registry.catalogs import Catalogs
from tradepost.hub.registry.models import Assignment, Server, ToolEntry
from tradepost.hub.registry.watch import RegistryWatch
from tradepost.hub.vault.header_rules import Header
from tradepost.hub.vault.models import SealedHeader


async def registered(world: World, registration: Registration, url: str, slug: str = "tracker") -> None:
    await registration.servers.register(world.owner, slug, url)
    await registration.discovery.discover(world.owner, slug)


async def assigned(world: World, registration: Registration, url: str) -> str:
    """The tool that an agent sees, by the digest of what it sees."""
    await registered(world, registration, url)
    async with world.changing() as session:
        await assign(session, world.owner, "tracker", "track", agent="helper")
        return (await approve_tool(session, world.owner, "tracker", "track")).digest


async def states(world: World, slug: str = "tracker") -> dict[str, str]:
    async with world.reading() as session:
        return {row.name: row.state for row in await list_tools(session, slug)}


async def test_the_way_from_register_to_a_catalog(
    world: World, registration: Registration, remote: Remote, watch: RegistryWatch
):
    server = await registration.servers.register(world.owner, "tracker", remote.url, name="Shipping tracker")
    assert (server.status, server.kind) == ("registered", "remote")
    report = await registration.discovery.test(world.owner, "tracker")
    assert (report.ok, report.tools, report.server_name) == (True, 2, "Tracker")
    assert report.era in ("modern", "legacy")
    assert report.latency_ms is not None
    difference = await registration.discovery.discover(world.owner, "tracker")
    assert (difference.new, difference.resources, difference.prompts) == (["track", "cancel_label"], 2, 1)
    assert await states(world) == {"track": "unapproved", "cancel_label": "unapproved"}
    async with world.changing() as session:
        await assign(session, world.owner, "tracker", "track", agent="helper")
    catalogs = Catalogs(world.database, watch)
    assert (await catalogs.for_agent(world.workspace_id, world.agent_id)).tools == {}
    async with world.changing() as session:
        entry = await approve_tool(session, world.owner, "tracker", "track", tool_class="read", scope="custom:parcels")
        await approve_waiting(session, world.owner, "tracker")
    assert (entry.state, entry.approved_by) == ("enabled", world.owner.user_id)
    catalog = await catalogs.for_agent(world.workspace_id, world.agent_id)
    found = catalog.tools["track"]
    assert (found.server_kind, found.server_url, found.tool_class) == ("remote", remote.url, "read")
    assert [one.uri for one in catalog.templates] == ["order://{number}"]
    async with world.reading() as session:
        row = await find_server(session, "tracker")
        assert (row.status, row.identity["era"], row.last_error) == ("ready", report.era, None)


async def test_an_unreachable_server_is_one_sentence_and_keeps_its_catalog(
    world: World, registration: Registration, offered: Bundled
):
    async with running(offered) as remote:
        await registered(world, registration, remote.url)
    report = await registration.discovery.test(world.owner, "tracker")
    assert (report.ok, report.problem) == (False, f"Nothing listens at 127.0.0.1, port {urlsplit(remote.url).port}.")
    with pytest.raises(UpstreamError):
        await registration.discovery.discover(world.owner, "tracker")
    assert set(await states(world)) == {"track", "cancel_label"}
    async with world.reading() as session:
        row = await find_server(session, "tracker")
        assert (row.status, row.last_error) == ("failing", report.problem)


async def test_a_refused_credential_is_said(world: World, registration: Registration, offered: Bundled):
    async with running(offered, bearer="right-secret-token") as remote:
        headers = [Header("Authorization", "Bearer wrong-secret-token")]
        await registration.servers.register(world.owner, "tracker", remote.url, headers)
        report = await registration.discovery.test(world.owner, "tracker")
        assert not report.ok
        assert "credential" in (report.problem or "")
        await registration.servers.set_headers(
            world.owner, "tracker", [Header("Authorization", "Bearer right-secret-token")]
        )
        assert (await registration.discovery.test(world.owner, "tracker")).ok
    async with world.reading() as session:
        for table in (AuditEvent.details, Server.identity, Server.last_error, SealedHeader.ciphertext):
            assert "secret-token" not in str(list(await session.scalars(select(table))))


Definition = dict[str, Any]


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("text", {"description": "Tracks a parcel on its way."}),
        ("suspicious", {"annotations": {"readOnlyHint": True}}),
        ("additive", {"inputSchema": tool("track", number={"type": "string"}, size={"type": "string"})["inputSchema"]}),
        ("breaking", {"inputSchema": {"type": "object", "required": ["number"]}}),
        ("breaking", {"outputSchema": {"type": "object"}}),
    ],
)
async def test_a_changed_tool_leaves_the_catalog_until_it_is_approved(
    world: World, registration: Registration, modern_remote: Remote, watch: RegistryWatch, kind: str, change: Definition
):
    pinned = await assigned(world, registration, modern_remote.url)
    catalogs = Catalogs(world.database, watch)
    original = modern_remote.server.tools[0]
    assert "track" in (await catalogs.for_agent(world.workspace_id, world.agent_id)).tools
    modern_remote.server.tools[0] = {**original, **change}
    difference = await registration.discovery.discover(world.owner, "tracker")
    assert [(one.name, one.kind, one.before) for one in difference.changed] == [("track", kind, pinned)]
    assert (await states(world))["track"] == "quarantined"
    assert (await catalogs.for_agent(world.workspace_id, world.agent_id)).tools == {}
    # Flipping back does not bring it back: somebody has to look.
    modern_remote.server.tools[0] = original
    assert (await registration.discovery.discover(world.owner, "tracker")).is_empty
    assert (await states(world))["track"] == "quarantined"
    with pytest.raises(StateConflict):
        async with world.changing() as session:
            await set_tool_enabled(session, world.owner, "tracker", "track", True)
    async with world.changing() as session:
        assert (await approve_tool(session, world.owner, "tracker", "track")).digest == pinned
    assert "track" in (await catalogs.for_agent(world.workspace_id, world.agent_id)).tools


async def test_approving_a_change_pins_the_new_definition(
    world: World, registration: Registration, modern_remote: Remote
):
    await registered(world, registration, modern_remote.url)
    async with world.changing() as session:
        before = (await approve_tool(session, world.owner, "tracker", "track")).digest
    modern_remote.server.tools[0]["description"] = "Tracks better."
    await registration.discovery.discover(world.owner, "tracker")
    async with world.changing() as session:
        entry = await approve_tool(session, world.owner, "tracker", "track")
        assert entry.digest != before
        assert entry.candidate is None
        assert orjson.loads(entry.definition)["description"] == "Tracks better."


async def test_a_removed_tool_is_flagged_and_its_return_needs_approval(
    world: World, registration: Registration, modern_remote: Remote
):
    await registered(world, registration, modern_remote.url)
    async with world.changing() as session:
        await approve_tool(session, world.owner, "tracker", "track")
    gone = modern_remote.server.tools.pop(0)
    assert (await registration.discovery.discover(world.owner, "tracker")).removed == ["track"]
    assert (await states(world))["track"] == "removed"
    with pytest.raises(StateConflict):
        async with world.changing() as session:
            await approve_tool(session, world.owner, "tracker", "track")
    modern_remote.server.tools.append(gone)
    assert (await registration.discovery.discover(world.owner, "tracker")).new == ["track"]
    assert (await states(world))["track"] == "unapproved"


async def test_tools_that_are_not_acceptable_are_refused_by_name_and_reason(
    world: World, registration: Registration, modern_remote: Remote
):
    modern_remote.server.tools += [
        tool("get_оrder"),
        tool("fine"),
        tool("fine"),
        {**tool("hid"), "description": "a\u202eb"},
    ]
    await registration.servers.register(world.owner, "tracker", modern_remote.url)
    difference = await registration.discovery.discover(world.owner, "tracker")
    assert [name for name, _ in difference.refused] == ["get_оrder", "fine", "fine", "hid"]
    assert set(await states(world)) == {"track", "cancel_label"}


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({"inputSchema": {"type": "object", "properties": {"x": {"type": "nonsense"}}}}, "enabled"),
        ({"outputSchema": {"$ref": "file:///etc/passwd"}}, "enabled"),
        ({"description": "Track a par\u200bcel."}, "quarantined"),
        ({"description": "x" * 70_000}, "quarantined"),
        (None, "quarantined"),  # offered twice
    ],
)
async def test_a_known_tool_that_is_refused_now_is_not_gone(
    world: World, registration: Registration, modern_remote: Remote, watch: RegistryWatch, change: Any, state: str
):
    """F11: with a schema that cannot be used, the catalog stays as it is; T2: what hides something is looked at."""
    pinned = await assigned(world, registration, modern_remote.url)
    original = modern_remote.server.tools[0]
    if change is None:
        modern_remote.server.tools.append(original)
    else:
        modern_remote.server.tools[0] = {**original, **change}
    catalogs = Catalogs(world.database, watch)
    assert set((await catalogs.for_agent(world.workspace_id, world.agent_id)).tools) == {"track"}
    async with world.reading() as session:
        server_id = (await find_server(session, "tracker")).id
    difference = await registration.discovery.relist(world.workspace_id, server_id)  # as when the server says it
    assert {name for name, _ in difference.refused} == {"track"}
    assert difference.set_aside == (["track"] if state == "quarantined" else [])
    assert (await states(world))["track"] == state
    catalog = await catalogs.for_agent(world.workspace_id, world.agent_id)
    assert set(catalog.tools) == ({"track"} if state == "enabled" else set())
    modern_remote.server.tools[:] = [original, *modern_remote.server.tools[1:2]]
    await registration.discovery.discover(world.owner, "tracker")
    assert (await states(world))["track"] == state
    async with world.changing() as session:
        assert (await approve_tool(session, world.owner, "tracker", "track")).digest == pinned


async def test_a_foreign_tool_counts_as_a_write_until_an_admin_says_otherwise(
    world: World, registration: Registration, modern_remote: Remote
):
    modern_remote.server.tools[0]["annotations"] = {"readOnlyHint": True}
    await registered(world, registration, modern_remote.url)
    async with world.changing() as session:
        assert (await approve_tool(session, world.owner, "tracker", "track")).tool_class == "write"
        assert (await set_tool_class(session, world.owner, "tracker", "track", "read")).tool_class == "read"
        with pytest.raises(InvalidArgument):
            await set_tool_class(session, world.owner, "tracker", "track", "harmless")  # type: ignore[arg-type]


async def test_another_origin_clears_the_credential(world: World, registration: Registration, offered: Bundled):
    headers = [Header("Authorization", "Bearer some-secret-token")]
    async with running(offered) as first, running(offered) as second:
        server = await registration.servers.register(world.owner, "tracker", first.url, headers)
        assert server.credential_version == 1
        same = await registration.servers.set_url(world.owner, "tracker", first.url + "?v=2")
        assert same.credential_version == 1
        assert await registration.vault.headers_for(world.workspace_id, server.id) == headers
        moved = await registration.servers.set_url(world.owner, "tracker", second.url)
        assert moved.credential_version == 2
        assert await registration.vault.headers_for(world.workspace_id, server.id) == []
        await registration.discovery.test(world.owner, "tracker")
        assert not any("authorization" in headers for headers in second.requests)


async def test_deleting_a_server_takes_everything_of_it_along(
    world: World, registration: Registration, modern_remote: Remote
):
    await registration.servers.register(
        world.owner, "tracker", modern_remote.url, [Header("X-Key", "some-secret-token")]
    )
    await registration.discovery.discover(world.owner, "tracker")
    async with world.changing() as session:
        await assign(session, world.owner, "tracker", "track", agent="helper")
    await registration.servers.delete(world.owner, "tracker")
    async with world.reading() as session:
        for table in (Server, ToolEntry, Assignment, SealedHeader):
            assert list(await session.scalars(select(table))) == []
        tags = set(await session.scalars(select(AuditEvent.tag)))
    assert {"server:registered", "server:discovered", "tool:assigned", "server:deleted"} <= tags


async def test_only_an_admin_of_the_workspace_registers_tests_or_discovers(
    world: World, registration: Registration, modern_remote: Remote
):
    await registration.servers.register(world.owner, "tracker", modern_remote.url)
    asked = len(modern_remote.requests)
    other = await founded(world.database, "other")
    for by, error in ((await world.person("operator"), ForbiddenScope), (other.owner, NotFound)):
        for attempt in (
            registration.discovery.test(by, "tracker"),
            registration.discovery.discover(by, "tracker"),
            registration.servers.delete(by, "tracker"),
            registration.servers.set_active(by, "tracker", False),
        ):
            with pytest.raises(error):
                await attempt
    with pytest.raises(ForbiddenScope):
        await registration.servers.register(world.as_agent(), "mine", modern_remote.url)
    assert len(modern_remote.requests) == asked
    async with other.reading() as session:
        assert await list_servers(session) == []


INSIDE: list[str] = [
    "http://10.0.0.1/mcp",
    "http://169.254.169.254/latest",
    "http://[::1]/mcp",
    "file:///etc/passwd",
    "http://ok@127.0.0.1/mcp",
    "http://127.0.0.1:6379/",
    "http://2130706433/mcp",
    "not a url",
]


async def test_a_url_that_leads_inside_is_refused_and_nothing_is_stored(
    world: World, registration: Registration, subtests: pytest.Subtests
):
    for url in INSIDE:
        with subtests.test(url=url):
            with pytest.raises(InvalidArgument) as refused:
                await registration.servers.register(world.owner, "tracker", url)
            assert refused.value.field == "url"
            assert refused.value.hint
            async with world.reading() as session:
                assert await list_servers(session) == []


async def test_bad_registrations_are_refused(world: World, registration: Registration, modern_remote: Remote):
    servers = registration.servers
    with pytest.raises(InvalidArgument):
        await servers.register(world.owner, "under_score", modern_remote.url)
    with pytest.raises(InvalidArgument):
        await servers.register(world.owner, "tracker", modern_remote.url, timeout_seconds=301)
    with pytest.raises(InvalidArgument):
        await servers.register(world.owner, "tracker", modern_remote.url, [Header("Host", "x")])
    await servers.register(world.owner, "tracker", modern_remote.url)
    with pytest.raises(StateConflict):
        await servers.register(world.owner, "tracker", modern_remote.url)
    with pytest.raises(NotFound):
        await servers.set_active(world.owner, "nowhere", False)
    async with world.reading() as session:
        with pytest.raises(NotFound):
            await find_tool(session, "tracker", "nothing")


async def test_a_disabled_server_stays_disabled_when_it_is_tested(
    world: World, registration: Registration, modern_remote: Remote
):
    await registered(world, registration, modern_remote.url)
    await registration.servers.set_active(world.owner, "tracker", False)
    await registration.discovery.test(world.owner, "tracker")
    async with world.reading() as session:
        assert (await find_server(session, "tracker")).status == "disabled"
    assert (await registration.servers.set_active(world.owner, "tracker", True)).status == "registered"


@pytest.mark.behaviour("S0.38")
async def test_a_workspace_without_remote_servers_registers_none(world: World, registration: Registration):
    async with world.changing() as session:
        operator = system_caller(world.workspace_id, "req_1")
        await quotas.change(session, operator, given={"feature.remote_servers": "off"})
    with pytest.raises(ForbiddenScope, match="remote_servers"):
        await registration.servers.register(world.owner, "tracker", "http://127.0.0.1:8080/mcp")
