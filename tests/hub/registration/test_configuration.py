"""A workspace given out as a document and brought to what one says: in another hub, back in this one, or not at all."""

from ipaddress import ip_network
from typing import Any

import orjson
import pytest
from sqlalchemy import func, select

from tests.hub.bundled import Bundled, tool
from tests.hub.registration.conftest import Registration
from tests.hub.remote import Remote
from tests.hub.world import World, founded
from tradepost.foundation.caller import Caller, Principal
from tradepost.foundation.errors import ForbiddenScope, InvalidArgument, NotFound, StateConflict, TradepostError
from tradepost.foundation.ids import new_id
from tradepost.hub.access import quotas
from tradepost.hub.access.roles import system_caller
from tradepost.hub.audit.models import AuditEvent
from tradepost.hub.registration import injection, limits
from tradepost.hub.registration.assignments import assign
from tradepost.hub.registration.builtin import sync_builtin
from tradepost.hub.registration.configuration.document import as_plain
from tradepost.hub.registration.configuration.plan import Plan
from tradepost.hub.registration.configuration.reading import read_text, read_value
from tradepost.hub.registration.configuration.service import Configurations
from tradepost.hub.registration.configuration.values import Given
from tradepost.hub.registration.configuration.writing import write_yaml
from tradepost.hub.registration.content_decisions import approve_waiting
from tradepost.hub.registration.policies.declaring import declare
from tradepost.hub.registration.servers import find_server
from tradepost.hub.registration.tools import approve_tool, find_tool
from tradepost.hub.registry.catalogs import Catalogs
from tradepost.hub.registry.watch import RegistryWatch
from tradepost.hub.upstreams.guard import Guard
from tradepost.hub.upstreams.programs import Program, Programs
from tradepost.hub.vault.header_rules import Header

SECRET = "CANARY-3b1f7e"
Json = dict[str, Any]


@pytest.fixture
def configurations(world: World, registration: Registration) -> Configurations:
    return Configurations(world.database, registration.vault, Guard([ip_network("127.0.0.0/8")]))


@pytest.fixture
async def filled(world: World, registration: Registration, modern_remote: Remote) -> World:
    """A workspace with some of everything."""
    await sync_builtin(world.database, world.workspace_id, [Bundled()])
    headers = [Header("Authorization", f"Bearer {SECRET}"), Header("X-Shop", f"{SECRET}-shown", hidden=False)]
    await registration.servers.register(world.owner, "tracker", modern_remote.url, headers, name="Tracker")
    await registration.discovery.discover(world.owner, "tracker")
    async with world.changing() as session:
        await approve_tool(session, world.owner, "tracker", "track", tool_class="read", scope="read:orders")
        await approve_waiting(session, world.owner, "tracker")
        await assign(session, world.owner, "tracker", "track", agent="helper", exposed_name="where_is_it")
        await assign(session, world.owner, "orders", "get_order", profile="team")
        await limits.change(session, world.owner, "tracker", "track", given={"timeout_seconds": 20})
        await declare(session, world.owner, "tracker", "track", {"amount": "total.value", "fixed_currency": "EUR"})
        rule = {"target": "meta", "name": "com.example/shop", "source": "workspace.slug"}
        await injection.change_rules(session, world.owner, "tracker", given=[rule])
        await quotas.change(session, world.owner, "helper", given={"calls_per_day": 500})
    return world


async def exported(configurations: Configurations, by: Caller) -> Json:
    return as_plain(await configurations.export(by))


async def bring(configurations: Configurations, by: Caller, document: Json, **options: Any) -> Plan:
    return await configurations.bring(by, read_value(document), **options)


def lines(plan: Plan) -> list[str]:
    return [f"{one.action} {one.kind} {one.name}" for one in plan.changes]


@pytest.mark.behaviour("S4.17", "S4.28")
async def test_an_export_changes_nothing_here_and_makes_the_same_elsewhere(
    filled: World, configurations: Configurations, registration: Registration, modern_remote: Remote
):
    """Into an empty workspace, without asking the server: the agent boots from the registry. No secret travels; a value
    comes from outside, or is told to be missing."""
    document = await configurations.export(filled.owner)
    text = write_yaml(document)
    assert SECRET not in text
    assert text == write_yaml(await configurations.export(filled.owner))
    for prune in (False, True):
        assert (await configurations.bring(filled.owner, read_text(text.encode()), prune=prune)).is_empty

    other = await founded(filled.database, "other")
    await sync_builtin(filled.database, other.workspace_id, [Bundled()])
    asked = len(modern_remote.requests)
    read = read_text(text.encode())
    planned = await configurations.bring(other.owner, read, dry_run=True)
    assert "create server tracker" in lines(planned)
    assert "create tool tracker/track" in lines(planned)
    assert "create assignment tracker/track to agent helper" in lines(planned)
    assert lines(await configurations.bring(other.owner, read, dry_run=True)) == lines(planned)  # nothing was kept
    given = Given({"tracker": {"authorization": "Bearer another"}})
    done = await configurations.bring(other.owner, read, given=given)
    assert [one.line for one in done.changes] != []
    assert [(one.header, one.variable) for one in done.to_be_set] == [("X-Shop", "TRADEPOST_HEADER_TRACKER__X_SHOP")]
    assert len(modern_remote.requests) == asked
    again = await configurations.bring(other.owner, read, given=given)
    assert (again.is_empty, len(again.to_be_set)) == (True, 1)

    async with other.reading() as session:
        server = await find_server(session, "tracker")
        entry = await find_tool(session, "tracker", "track")
    stored = await registration.vault.headers_for(other.workspace_id, server.id)
    assert [(one.name, one.value, one.hidden) for one in stored] == [("Authorization", "Bearer another", True)]
    assert (entry.state, entry.approved_by) == ("enabled", other.owner.user_id)
    assert entry.settings["figures"] == {"amount": "total.value", "fixed_currency": "EUR"}
    copied = await exported(configurations, other.owner)
    copied["servers"][1]["headers"] = as_plain(document)["servers"][1]["headers"]
    assert copied == as_plain(document)
    assert await _audited(other) == {"configuration:imported": 1, "server:created": 1, "tool:created": 2}


async def _audited(world: World) -> dict[str, int]:
    tags = ("configuration:imported", "server:created", "tool:created")
    async with world.reading() as session:
        rows = await session.execute(
            select(AuditEvent.tag, func.count()).where(AuditEvent.tag.in_(tags)).group_by(AuditEvent.tag)
        )
        found = {row[0]: row[1] for row in rows}
        details = await session.scalars(select(AuditEvent.details))
        assert SECRET not in orjson.dumps(list(details)).decode()
    return found


async def test_the_agent_of_an_imported_workspace_has_its_catalog(
    filled: World, configurations: Configurations, watch: RegistryWatch
):
    """S0.14: and what a file disables is gone on the next look."""
    document = await exported(configurations, filled.owner)
    catalogs = Catalogs(filled.database, watch)

    async def seen() -> set[str]:
        catalog = await catalogs.for_agent(filled.workspace_id, filled.agent_id, frozenset({"read:orders"}))
        return set(catalog.tools)

    assert {"where_is_it", "get_order"} <= await seen()
    tracker = document["servers"][1]
    tracker["tools"][1]["state"] = "disabled"
    document["assignments"][0]["name"] = "renamed"
    plan = await bring(configurations, filled.owner, document)
    assert [one.line for one in plan.changes] == [
        "~ change tool tracker/track (state: enabled -> disabled)",
        "~ change assignment tracker/track to agent helper (name: where_is_it -> renamed)",
    ]
    assert "where_is_it" not in await seen()


async def test_a_definition_counts_by_its_digest(
    filled: World, configurations: Configurations, registration: Registration, modern_remote: Remote
):
    """A tool that changed at its server stays set aside, whatever a file from before says; a file from where the new
    definition was approved approves it here; one that says neither is refused as a whole."""
    before = await exported(configurations, filled.owner)
    modern_remote.server.tools[0] = tool("track", number={"type": "string"}, bcc={"type": "string"})
    await registration.discovery.discover(filled.owner, "tracker")
    plan = await bring(configurations, filled.owner, before)
    assert plan.is_empty
    assert "tracker/track stays quarantined: its server shows another definition" in plan.notes[0]

    async with filled.reading() as session:
        waiting = (await find_tool(session, "tracker", "track")).candidate_digest
    after = await exported(configurations, filled.owner)
    track = after["servers"][1]["tools"][1]
    del track["definition"]
    after["profiles"][0]["name"] = "Others"
    with pytest.raises(InvalidArgument, match="pinned another definition"):
        await bring(configurations, filled.owner, _with_tool(after, {**track, "digest": "sha256:" + "0" * 64}))
    assert (await exported(configurations, filled.owner))["profiles"][0]["name"] == "team"
    plan = await bring(
        configurations, filled.owner, _with_tool(after, {**track, "digest": waiting, "state": "enabled"})
    )
    change = next(one for one in plan.changes if one.kind == "tool")
    assert change.note == "approves the definition that waits for review"
    async with filled.reading() as session:
        entry = await find_tool(session, "tracker", "track")
    assert (entry.state, entry.digest, entry.candidate) == ("enabled", waiting, None)

    plan = await bring(configurations, filled.owner, before)  # back to what was approved first
    change = next(one for one in plan.changes if one.kind == "tool")
    assert "pins another definition than the one this hub knows from the server; breaking" in (change.note or "")
    difference = await registration.discovery.discover(filled.owner, "tracker")
    assert [one.name for one in difference.changed] == ["track"]


def _with_tool(document: Json, track: Json) -> Json:
    tracker = document["servers"][1]
    return {
        **document,
        "servers": [document["servers"][0], {**tracker, "tools": [tracker["tools"][0], track]}],
    }


async def test_a_tool_that_its_server_took_back_stays_removed(
    filled: World, configurations: Configurations, registration: Registration, modern_remote: Remote
):
    document = await exported(configurations, filled.owner)
    gone = modern_remote.server.tools.pop(0)
    await registration.discovery.discover(filled.owner, "tracker")
    plan = await bring(configurations, filled.owner, document)
    assert (plan.is_empty, "stays removed" in plan.notes[0]) == (True, True)
    modern_remote.server.tools.insert(0, gone)


async def test_pruning_removes_what_the_lists_do_not_have(filled: World, configurations: Configurations):
    """S0.41: a list that is not in the file is none of its business; agents are disabled, for the record's sake."""
    document = await exported(configurations, filled.owner)
    kept = {**document, "agents": [], "assignments": [], "servers": document["servers"][:1]}
    assert (await bring(configurations, filled.owner, kept)).is_empty
    only = {"format_version": 1, "assignments": document["assignments"][1:]}
    assert lines(await bring(configurations, filled.owner, only, prune=True, dry_run=True)) == [
        "remove assignment tracker/track to agent helper"
    ]
    async with filled.changing() as session:
        from_now = system_caller(filled.workspace_id, new_id("req"))
        await assign(session, from_now, "orders", "add_note", profile="team")
    plan = await bring(configurations, filled.owner, kept, prune=True)
    assert sorted(lines(plan)) == [
        "change agent helper",
        "remove assignment orders/add_note to profile team",
        "remove assignment orders/get_order to profile team",
        "remove assignment tracker/track to agent helper",
        "remove server tracker",
    ]
    assert (await bring(configurations, filled.owner, kept, prune=True)).is_empty
    bare = await bring(configurations, filled.owner, {**kept, "profiles": []}, prune=True)
    assert bare.notes == ("The profile team is not in the file and stays: it has agents.",)


async def test_another_origin_loses_the_headers_and_names_may_be_exchanged(
    filled: World, configurations: Configurations, registration: Registration
):
    """security.md §2 row 27: a credential is for one origin. And two assignments may take each other's names."""
    document = await exported(configurations, filled.owner)
    document["assignments"].append({"agent": "helper", "server": "tracker", "tool": "cancel_label", "name": "other"})
    await bring(configurations, filled.owner, document)
    document = await exported(configurations, filled.owner)
    mine = [one for one in document["assignments"] if one.get("agent") == "helper"]
    mine[0]["name"], mine[1]["name"] = mine[1]["name"], mine[0]["name"]
    tracker = document["servers"][1]
    tracker["url"] = "http://127.0.0.1:18099/mcp"
    plan = await bring(configurations, filled.owner, document)
    assert sorted(one.header for one in plan.to_be_set) == ["Authorization", "X-Shop"]
    async with filled.reading() as session:
        server = await find_server(session, "tracker")
    assert await registration.vault.headers_for(filled.workspace_id, server.id) == []
    now = await exported(configurations, filled.owner)
    assert [one["name"] for one in now["assignments"] if one.get("agent") == "helper"] == [one["name"] for one in mine]
    mine[0]["name"] = "get_order"  # which the profile has
    with pytest.raises(StateConflict, match="'get_order' would stand for two tools"):
        await bring(configurations, filled.owner, document)


async def test_only_what_another_value_was_given_for_is_sealed_anew(
    filled: World, configurations: Configurations, registration: Registration
):
    document = await exported(configurations, filled.owner)
    same = Given({"tracker": {"authorization": f"Bearer {SECRET}"}})
    assert (await bring(configurations, filled.owner, document, given=same)).is_empty
    other = Given({"tracker": {"authorization": "Bearer new"}})
    plan = await bring(configurations, filled.owner, document, given=other)
    assert [one.line for one in plan.changes] == [
        '~ change server tracker (headers: ["Authorization", "X-Shop"] -> ["Authorization (value)", "X-Shop"])'
    ]
    async with filled.reading() as session:
        server = await find_server(session, "tracker")
    stored = {one.name: one.value for one in await registration.vault.headers_for(filled.workspace_id, server.id)}
    assert stored == {"Authorization": "Bearer new", "X-Shop": f"{SECRET}-shown"}
    document["servers"][1]["headers"] = [{"name": "X-Shop", "secret": False}]
    assert "headers" in dict((await bring(configurations, filled.owner, document)).changes[0].members)
    assert (await bring(configurations, filled.owner, document)).is_empty


REFUSED: list[tuple[Json, type[TradepostError], str]] = [
    ({"servers": [{"slug": "x", "url": "http://169.254.169.254/mcp"}]}, InvalidArgument, "servers[0].url: "),
    ({"servers": [{"slug": "x", "url": "file:///etc/passwd"}]}, InvalidArgument, "servers[0].url: "),
    ({"servers": [{"slug": "x", "url": "stdio:time"}]}, ForbiddenScope, "own machine"),
    ({"servers": [{"slug": "x"}]}, InvalidArgument, "needs a url"),
    (
        {"servers": [{"slug": "tracker", "caller_assertion": "https://other.example/mcp"}]},
        InvalidArgument,
        "no audience for this server",
    ),
    ({"servers": [{"slug": "orders", "url": "http://127.0.0.1:18099/mcp"}]}, InvalidArgument, "is bundled in this hub"),
    ({"agents": [{"slug": "x", "profile": "nobody"}]}, InvalidArgument, "agents[0].profile: "),
    ({"assignments": [{"server": "orders", "tool": "nothing", "agent": "helper"}]}, InvalidArgument, "no tool"),
    ({"assignments": [{"server": "orders", "tool": "add_note", "agent": "nobody"}]}, InvalidArgument, "no agent"),
    ({"limits": {"calls_per_day": 5}}, ForbiddenScope, "whoever runs this installation"),
    (
        {"servers": [{"slug": "tracker", "inject": [{"target": "argument", "name": "nope", "constant": 1}]}]},
        InvalidArgument,
        "No tool of 'tracker' takes",
    ),
]


async def test_all_or_nothing_and_who_may(filled: World, configurations: Configurations, registration: Registration):
    """S0.37, S0.38, security.md §2 row 25: every refusal leaves everything as it was, also what stands before it."""
    before = await exported(configurations, filled.owner)
    for members, error, said in REFUSED:
        wrong = {"format_version": 1, "profiles": [{"slug": "new-one"}], **members}
        for dry_run in (True, False):
            with pytest.raises(error) as caught:
                await bring(configurations, filled.owner, wrong, dry_run=dry_run)
            assert said in caught.value.message, members
    document = {"format_version": 1, "profiles": [{"slug": "new-one"}]}
    for person in (await filled.person("operator"), filled.as_agent()):
        with pytest.raises(ForbiddenScope):
            await bring(configurations, person, document, dry_run=True)
        with pytest.raises(ForbiddenScope):
            await configurations.export(person)
    assert await exported(configurations, filled.owner) == before

    operator = Caller(filled.workspace_id, Principal("operator", "console"), new_id("req"))
    here = Configurations(filled.database, registration.vault, Guard(), Programs({"time": Program(command="uvx")}))
    with pytest.raises(InvalidArgument, match="has no 'other'"):
        await bring(here, operator, {"format_version": 1, "servers": [{"slug": "x", "url": "stdio:other"}]})
    program = {
        "format_version": 1,
        "limits": {"feature.remote_servers": False},
        "servers": [{"slug": "x", "url": "stdio:time"}],
    }
    with pytest.raises(ForbiddenScope, match="remote_servers"):
        await bring(here, operator, program)
    await bring(here, operator, {**program, "limits": {}})
    assert (await bring(configurations, filled.owner, {**program, "limits": {}})).is_empty  # it is there already
    with pytest.raises(NotFound):
        async with filled.reading() as session:
            await find_server(session, "new-one")
