"""What an admin may say a server is told of its callers, and what is refused before it can do harm."""

from typing import Any

import pytest
from sqlalchemy import select

from tests.hub.registration.conftest import LOOPBACK, Registration
from tests.hub.remote import Remote
from tests.hub.world import World
from tradepost.foundation.errors import ForbiddenScope, InvalidArgument, NotFound, StateConflict, TradepostError
from tradepost.hub.audit.models import AuditEvent
from tradepost.hub.registration.caller_assertion import set_assertion
from tradepost.hub.registration.injection import InForce, change_rules, in_force
from tradepost.hub.registration.limits import change
from tradepost.hub.registration.servers import find_server
from tradepost.hub.registration.tools import approve_tool
from tradepost.hub.registry.injection_rules import MAX_RULES
from tradepost.hub.upstreams.guard import Guard
from tradepost.hub.vault.header_rules import Header

Json = dict[str, Any]
SCHEMA: Json = {
    "type": "object",
    "properties": {
        "number": {"type": "string"},
        "tenant": {"type": "string", "maxLength": 40},
        "shop": {"type": "integer", "minimum": 1},
        "fast": {"type": "boolean"},
        "who": {"type": "object", "properties": {"id": {"type": "integer", "minimum": 1}}, "required": ["id"]},
        "any": {"oneOf": [{"type": "object", "properties": {"id": {"type": "string"}}}]},
        "twice": {"$ref": "#/properties/number"},
        "idempotency_key": {"type": "string"},
    },
    "required": ["tenant"],
}


@pytest.fixture
async def tracker(world: World, registration: Registration, modern_remote: Remote) -> Remote:
    """A registered server whose tool `track` has the schema above; `cancel_label` takes a number alone."""
    modern_remote.server.tools[0]["inputSchema"] = SCHEMA
    await registration.servers.register(
        world.owner, "tracker", modern_remote.url, [Header("X-Key", "secret-of-it"), Header("X-Shown", "a", False)]
    )
    await registration.discovery.discover(world.owner, "tracker")
    return modern_remote


def rule(target: str = "argument", name: str = "tenant", **more: Any) -> Json:
    return {"target": target, "name": name, **(more or {"source": "workspace.id"})}


async def ruled(world: World, *given: Json, tool: str | None = "track", **more: Any) -> InForce:
    async with world.changing() as session:
        return await change_rules(session, world.owner, "tracker", tool, given=given, **more)


async def asserted(world: World, guard: Guard | None = None) -> InForce:
    return await set_assertion(world.database, guard or Guard(LOOPBACK), world.owner, "tracker", True)


REFUSED: list[tuple[Json, str]] = [
    (rule(name="nobody"), "does not take an argument 'nobody'"),
    (rule(name="idempotency_key"), "the caller's own"),
    (rule(name="twice\n"), "name of what it sets"),
    (rule(name="number"), "refers to it"),
    (rule(name="fast"), "is a text"),
    (rule(name="who.name"), "does not take an argument 'who.name'"),
    (rule(name="who.id", constant=0), "not what it takes"),
    (rule(name="who.id", source="user.id", optional=True), "cannot be optional"),
    (rule(name="any.id"), "'any' has oneOf"),
    (rule(source="workspace.secret"), "no source"),
    (rule(source="principal.attributes."), "no source"),
    (rule(source="principal.attributes.a b"), "no source"),
    (rule(source="request.id"), "every repetition"),
    (rule(source=7), "no source"),
    (rule(constant="x" * 41), "not what it takes"),
    (rule(name="shop", constant=0), "not what it takes"),
    (rule(name="shop", constant="1"), "not what it takes"),
    (rule(constant=None), "no text"),
    (rule(constant=["x"]), "no text"),
    (rule(constant="\ud800"), "no text"),
    (rule(name="shop", constant=float("nan")), "no number"),
    (rule(name="shop", constant=10**30), "no number"),
    (rule(source="workspace.id", constant="x"), "one of them"),
    (rule(source="user.id", optional=True), "cannot be optional"),
    (rule(source="workspace.id", optional="yes"), "true or false"),
    (rule("cookie", "x"), "nothing that can be set"),
    (rule("header", "Authorization"), "cannot be set"),
    (rule("header", "proxy-authorization"), "set by the hub itself"),
    (rule("header", "Cookie"), "set by the hub itself"),
    (rule("header", "Host"), "set by the hub itself"),
    (rule("header", "MCP-Session-Id"), "set by the hub itself"),
    (rule("header", "Tradepost-Caller"), "set by the hub itself"),
    (rule("header", "Content-Language"), "cannot be set"),
    (rule("header", "Transfer-Encoding"), "set by the hub itself"),
    (rule("header", "X-Forwarded-For"), "set by the hub itself"),
    (rule("header", "User-Agent"), "cannot be set"),
    (rule("header", "X A"), "no header name"),
    (rule("header", "X-Key"), "already gets a header"),
    (rule("header", "x-shown"), "already gets a header"),
    (rule("header", "X-T", constant="a\r\nb"), "visible ASCII"),
    (rule("header", "X-T", constant="ü"), "visible ASCII"),
    (rule("meta", "tenant"), "no name of yours"),
    (rule("meta", "example/tenant"), "no name of yours"),
    (rule("meta", "io.modelcontextprotocol/protocolVersion"), "no name of yours"),
    (rule("meta", "dev.mcp/tenant"), "no name of yours"),
    (rule("meta", "io.tradepost/source"), "no name of yours"),
    (rule("meta", "com.example/"), "no name of yours"),
    ({**rule(), "secret": True}, "has no 'secret'"),
]


async def test_what_could_not_work_is_refused_and_changes_nothing(world: World, tracker: Remote):
    for given, said in REFUSED:
        with pytest.raises(TradepostError) as refused:
            await ruled(world, rule(), given)
        assert said in refused.value.message, (given, refused.value.message)
        assert isinstance(refused.value, InvalidArgument | StateConflict)
    async with world.reading() as session:
        assert (await in_force(session, "tracker", "track")).rules == []


async def test_rules_are_set_shown_changed_and_removed(world: World, tracker: Remote):
    await ruled(world, rule("header", "X-Tenant"), rule("meta", "com.example/tenant"), tool=None)
    found = await ruled(world, rule(), rule("header", "x-tenant", constant=True), rule(name="shop", constant=3))
    said = [(one.target, one.name, one.source, one.constant, whose) for one, whose in found.rules]
    assert said == [
        ("argument", "shop", None, 3, "tool"),
        ("argument", "tenant", "workspace.id", None, "tool"),
        ("header", "x-tenant", None, True, "tool"),
        ("meta", "com.example/tenant", "workspace.id", None, "server"),
    ]
    found = await ruled(world, removed=[("header", "X-TENANT"), ("argument", "shop")])
    assert [(one.target, whose) for one, whose in found.rules] == [
        ("argument", "tool"),
        ("header", "server"),
        ("meta", "server"),
    ]
    with pytest.raises(NotFound):
        await ruled(world, removed=[("argument", "shop")])


async def test_settings_that_are_numbers_stand_beside_them(world: World, tracker: Remote):
    await ruled(world, rule(), rule("header", "X-Tenant"))
    async with world.changing() as session:
        await change(session, world.owner, "tracker", "track", given={"timeout_seconds": 5})
        await change(session, world.owner, "tracker", "track", dropped=["timeout_seconds"])
        assert len((await in_force(session, "tracker", "track")).rules) == 2
    await ruled(world, removed=[("argument", "tenant"), ("header", "X-Tenant")])
    async with world.changing() as session:
        found = await change(session, world.owner, "tracker", "track", given={"retries": 1})
    assert {one.name for one in found if one.set_by == "tool"} == {"retries"}


async def test_a_change_is_audited_and_only_an_admin_makes_one(world: World, tracker: Remote):
    await ruled(world, rule())
    await ruled(world, rule())
    await ruled(world, rule(constant="of-all"))
    operator = await world.person("operator")
    with pytest.raises(ForbiddenScope):
        await set_assertion(world.database, Guard(), operator, "tracker", True)
    async with world.changing() as session:
        with pytest.raises(ForbiddenScope):
            await change_rules(session, operator, "tracker", given=[rule()])
        rows = await session.scalars(
            select(AuditEvent).where(AuditEvent.tag == "tool:inject").order_by(AuditEvent.sequence)
        )
        said = [(row.details["before"], row.details["after"]) for row in rows]
    stored = rule()
    assert said == [([], [stored]), ([stored], [rule(constant="of-all")])]


async def test_there_is_a_most(world: World, tracker: Remote):
    await ruled(world, *(rule("header", f"X-{number}") for number in range(MAX_RULES)))
    with pytest.raises(InvalidArgument):
        await ruled(world, rule())


async def test_a_rule_for_the_whole_server_needs_a_tool_that_takes_it(world: World, tracker: Remote):
    await ruled(world, rule(), tool=None)
    for name in ("nobody", "fast"):
        with pytest.raises(InvalidArgument):
            await ruled(world, rule(name=name), tool=None)
    with pytest.raises(NotFound):
        await ruled(world, rule(), tool="gone")


async def test_a_definition_that_a_rule_does_not_fit_is_not_approved(
    world: World, registration: Registration, tracker: Remote
):
    await ruled(world, rule())
    renamed = {name: one for name, one in SCHEMA["properties"].items() if name != "tenant"}
    tracker.server.tools[0]["inputSchema"] = {"type": "object", "properties": {**renamed, "tenantId": {}}}
    await registration.discovery.discover(world.owner, "tracker")
    async with world.changing() as session:
        with pytest.raises(StateConflict, match="A rule sets the argument 'tenant'"):
            await approve_tool(session, world.owner, "tracker", "track")
    await ruled(world, removed=[("argument", "tenant")])
    async with world.changing() as session:
        assert (await approve_tool(session, world.owner, "tracker", "track")).state == "enabled"


async def test_a_header_is_either_ruled_or_in_the_vault(world: World, registration: Registration, tracker: Remote):
    await ruled(world, rule("header", "X-Tenant"))
    with pytest.raises(StateConflict, match="A rule sets the header"):
        await registration.servers.set_headers(world.owner, "tracker", [Header("x-tenant", "mine")])


async def test_another_origin_gets_no_assertions(world: World, registration: Registration, tracker: Remote):
    """security.md row 26, as for any credential."""
    assert (await asserted(world)).audience == tracker.url
    await registration.servers.set_url(world.owner, "tracker", f"{tracker.url}/v2")
    async with world.reading() as session:
        assert (await in_force(session, "tracker")).audience == f"{tracker.url}/v2"
    await registration.servers.set_url(world.owner, "tracker", "http://127.0.0.2:8080/mcp")
    async with world.reading() as session:
        assert (await in_force(session, "tracker")).audience is None
        assert (await find_server(session, "tracker")).settings == {}


async def test_a_program_gets_no_headers(world: World, tracker: Remote):
    async with world.changing() as session:
        (await find_server(session, "tracker")).url = "stdio:tracker"
    for given in (rule("header", "X-Tenant"), rule("header", "X-Channel", constant="hub")):
        with pytest.raises(StateConflict, match="is a program"):
            await ruled(world, given)
    with pytest.raises(StateConflict, match="is a program"):
        await asserted(world)
    assert len((await ruled(world, rule("meta", "com.example/tenant"), rule())).rules) == 2


async def test_an_assertion_does_not_travel_unprotected(world: World, registration: Registration, tracker: Remote):
    async def anywhere(host: str, port: int) -> list[str]:
        return ["203.0.113.7" if host == "tracker.example" else "127.0.0.1"]

    guard = Guard(LOOPBACK, anywhere)
    await registration.servers.set_url(world.owner, "tracker", "http://localhost:8080/mcp")
    assert (await asserted(world, guard)).audience == "http://localhost:8080/mcp"
    async with world.changing() as session:
        (await find_server(session, "tracker")).url = "http://tracker.example/mcp"
    with pytest.raises(InvalidArgument):
        await asserted(world, guard)
