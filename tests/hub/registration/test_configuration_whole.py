"""A workspace that has one of everything, given out and brought to another one that can reach nothing."""

from functools import partial
from ipaddress import ip_network
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from tests.hub.bundled import Bundled, tool
from tests.hub.registration.conftest import Registration
from tests.hub.registration.openapi.documents import document as api_document
from tests.hub.registration.openapi.documents import gives, parameter
from tests.hub.remote import running
from tests.hub.upstreams.test_dispatch import Entry
from tests.hub.world import World, founded
from tradepost.foundation.canonical import digest
from tradepost.foundation.errors import InvalidArgument, StateConflict, Unavailable, UpstreamError
from tradepost.hub.access.agents import find_agent
from tradepost.hub.access.field_rules import FieldRule, change_fields
from tradepost.hub.registration import audit_settings, dry_runs, rules
from tradepost.hub.registration.apis import Apis, NewApi
from tradepost.hub.registration.assignments import assign
from tradepost.hub.registration.builtin import sync_builtin
from tradepost.hub.registration.configuration.document import as_plain
from tradepost.hub.registration.configuration.plan import Plan
from tradepost.hub.registration.configuration.reading import read_text, read_value
from tradepost.hub.registration.configuration.service import Configurations
from tradepost.hub.registration.configuration.values import Given
from tradepost.hub.registration.configuration.writing import write_yaml
from tradepost.hub.registration.discovery import Discovery
from tradepost.hub.registration.history import read_history
from tradepost.hub.registration.oauth_terms import OAuthTerms
from tradepost.hub.registration.openapi.terms import Choice
from tradepost.hub.registration.servers import find_server
from tradepost.hub.registry.ambient import ambient_of
from tradepost.hub.registry.api_models import ApiDocument
from tradepost.hub.registry.models import RegistryRules
from tradepost.hub.upstreams.connections import Connections
from tradepost.hub.upstreams.dispatch import Upstreams
from tradepost.hub.upstreams.guard import Guard
from tradepost.hub.upstreams.oauth.kept import CLIENT_SECRET
from tradepost.hub.upstreams.oauth.models import ServerAccount, ServerOAuth
from tradepost.hub.vault.header_rules import Header
from tradepost.hub.vault.models import SealedHeader, SealedValue
from tradepost.hub.vault.vault import URL

SECRET = "CANARY-9d41aa"
HERE = "http://127.0.0.1:18099"  # where nobody answers
Json = dict[str, Any]

TRACK = tool("track", number={"type": "string"})
SEND = tool("send", preview={"type": "boolean"}, to={"type": "string"})
GIVEN = Given(
    {"tracker": {"x-shop": f"{SECRET}-shop"}},
    {"hidden": f"{HERE}/{SECRET}/mcp?key={SECRET}"},
    {"machine": f"{SECRET}-machine", "people": f"{SECRET}-people"},
)
INVOICES = {
    "/invoices": {"get": {"operationId": "list_invoices", **gives({"type": "object"})}},
    "/invoices/{id}": {
        "get": {"operationId": "get_invoice", "parameters": [parameter("id", "path", required=True)], "responses": {}},
        "delete": {"operationId": "drop_invoice", "responses": {}},
    },
}


def remote(slug: str, **members: Any) -> Json:
    part = {"name": "track", "state": "enabled", "class": "read", "digest": digest(TRACK), "definition": TRACK}
    return {"slug": slug, "url": f"{HERE}/mcp", "tools": [part], **members}


GUARD = Guard([ip_network("127.0.0.0/8")])


@pytest.fixture
def configurations(world: World, registration: Registration) -> Configurations:
    return Configurations(world.database, registration.vault, GUARD)


@pytest.fixture
async def filled(world: World, registration: Registration, configurations: Configurations) -> World:
    """One of everything, made by the services where they need no server that answers."""
    await sync_builtin(world.database, world.workspace_id, [Bundled()])
    by, servers = world.owner, registration.servers
    machine = OAuthTerms("client_credentials", False, "our-id", f"{SECRET}-machine", token_url=f"{HERE}/token")
    people = OAuthTerms(
        "authorization_code", True, "app", f"{SECRET}-people", issuer=HERE, scopes=("b", "a"), resource=f"{HERE}/mcp"
    )
    await servers.register(by, "tracker", f"{HERE}/mcp", [Header("X-Shop", f"{SECRET}-shop")])
    await servers.register(by, "hidden", GIVEN.urls["hidden"], hide_url=True)
    await servers.register(by, "machine", f"{HERE}/mcp", oauth=machine)
    await servers.register(by, "people", f"{HERE}/mcp", oauth=people)
    await servers.register(by, "everybody", f"{HERE}/mcp", oauth=OAuthTerms("authorization_code"))
    apis = Apis(world.database, servers, registration.connections)
    choice = Choice(["reads", "drop_invoice"], {"list_invoices": ["total", "items.id"]}, "Idempotency-Key")
    data = orjson.dumps(api_document(INVOICES))
    await apis.register(by, NewApi("billing", data, base_url=f"{HERE}/v1", choice=choice))
    tools = {one["name"]: one for one in (await apis.look(world.workspace_id, (await _id(world, "billing")))).tools}
    invoice = {"name": "get_invoice", "state": "enabled", "digest": digest(tools["get_invoice"])}
    known = {"slug": "billing", "tools": [{**invoice, "definition": tools["get_invoice"]}]}
    source = {"source": f"{HERE}/openapi.json", "operations": ["all"], "names": {"GET /parcels": "parcels"}}
    parcels = {"slug": "parcels", "url": f"openapi:{HERE}/v2/", "api": source}
    send = {"name": "send", "state": "enabled", "digest": digest(SEND), "definition": SEND}
    file = {"format_version": 1, "servers": [remote("tracker"), known, parcels, remote("mailer", tools=[send])]}
    await configurations.bring(by, read_value(file))
    async with world.changing() as session:
        await dry_runs.declare(session, by, "mailer", "send", "preview")
        shown = [FieldRule("field:Tax", "left_out"), FieldRule("email", "masked", "admin")]
        await change_fields(session, by, "team", given=shown)
        kept = {"tools": {"mailer/*": "digest"}, "secret_fields": ["pin"], "keep_days": 400}
        await audit_settings.change(session, by, kept)
        await rules.change(session, by, given={"changed_tools": "keep", "visible_tools": 12})
        words = {"title": "Where is it?", "description": "Say where a parcel is.\nAsk for its number."}
        await assign(session, by, "tracker", "track", agent="helper", exposed_name="where_is_it", **words)
        await assign(session, by, "billing", "get_invoice", profile="team")
    return world


async def _id(world: World, slug: str) -> str:
    async with world.reading() as session:
        return (await find_server(session, slug)).id


async def bring(configurations: Configurations, world: World, document: Json, **options: Any) -> Plan:
    return await configurations.bring(world.owner, read_value({"format_version": 1, **document}), **options)


async def scopes(world: World) -> set[str]:
    async with world.reading() as session:
        return set((await find_agent(session, "helper")).scopes)


async def vault_of(world: World, registration: Registration, slug: str) -> tuple[list[str], str | None, str | None]:
    """The values that a server has: of headers, of its secret URL, of its client's secret."""
    async with world.reading() as session:
        server = await find_server(session, slug)
        headers = [one.value for one in await registration.vault.stored(session, server.id)]
        setup = await session.scalar(select(ServerOAuth.id).where(ServerOAuth.server_id == server.id))
        secret = await registration.vault.kept(session, setup or "", CLIENT_SECRET)
        return headers, await registration.vault.kept(session, server.id, URL), secret


@pytest.mark.behaviour("S4.17", "S4.28")
async def test_one_of_everything_is_the_same_in_another_hub(
    filled: World, configurations: Configurations, registration: Registration
):
    """With the values beside it the copy is whole: the same text, and nothing left to do. Without them it is told what
    is missing, each time."""
    text = write_yaml(await configurations.export(filled.owner))
    assert SECRET not in text
    read = read_text(text.encode())
    for options in ({}, {"prune": True}, {"given": GIVEN}):
        same = await configurations.bring(filled.owner, read, **options)
        assert (same.is_empty, same.notes, same.to_be_set) == (True, (), ())

    other = await founded(filled.database, "other")
    await sync_builtin(filled.database, other.workspace_id, [Bundled()])
    planned = await configurations.bring(other.owner, read, dry_run=True, given=GIVEN)
    done = await configurations.bring(other.owner, read, given=GIVEN)
    assert [one.line for one in planned.changes] == [one.line for one in done.changes]
    assert done.to_be_set == ()
    assert SECRET not in "".join(one.line for one in done.changes)
    assert write_yaml(await configurations.export(other.owner)) == text
    for options in ({}, {"prune": True}, {"given": GIVEN}):
        again = await configurations.bring(other.owner, read, **options)
        assert (again.is_empty, again.to_be_set) == (True, ())
    for slug in ("tracker", "hidden", "machine", "people", "everybody", "billing"):
        assert await vault_of(other, registration, slug) == await vault_of(filled, registration, slug)
    assert await scopes(other) == await scopes(filled) == {"read:orders", "read:tools.tracker", *_BILLING}

    third = await founded(filled.database, "third")
    await sync_builtin(filled.database, third.workspace_id, [Bundled()])
    for _ in range(2):
        bare = await configurations.bring(third.owner, read)
        assert [one.line for one in bare.to_be_set] == [
            "hidden: the secret URL (TRADEPOST_URL_HIDDEN)",
            "machine: the client's secret (TRADEPOST_CLIENT_SECRET_MACHINE)",
            "people: the client's secret (TRADEPOST_CLIENT_SECRET_PEOPLE)",
            "tracker: the header X-Shop (TRADEPOST_HEADER_TRACKER__X_SHOP)",
        ]
    assert bare.is_empty
    later = await configurations.bring(third.owner, read, given=GIVEN)
    assert [one.name for one in later.changes] == ["hidden", "machine", "people", "tracker"]
    assert write_yaml(await configurations.export(third.owner)) == text
    async with third.reading() as session:
        found = await read_history(session, await find_server(session, "tracker"), "track")
        kept = await session.scalar(select(ApiDocument).where(ApiDocument.source.is_(None)))
    assert [(one.what, one.number, one.digest) for one in found] == [
        ("approved", 1, digest(TRACK)),
        ("definition", 1, digest(TRACK)),
    ]
    assert (kept is not None and orjson.loads(kept.text)) == api_document(INVOICES)
    shown = await Apis(third.database, registration.servers, registration.connections).show(third.owner, "billing")
    assert {one.name for one in shown.operations if one.chosen} == {"list_invoices", "get_invoice", "drop_invoice"}


_BILLING = {"read:tools.billing", "write:tools.billing"}  # its one tool counts as a write, as the file says no class


async def test_scopes_follow_what_is_shown_unless_the_file_states_them(filled: World, configurations: Configurations):
    """S2.20: as with assignments by hand. The dry run tells it, too."""
    await bring(configurations, filled, {"rules": {}, "assignments": []}, prune=True, dry_run=True)
    gone = {"assignments": [{"agent": "helper", "server": "tracker", "tool": "track"}]}
    for dry_run in (True, False):
        plan = await bring(configurations, filled, gone, prune=True, dry_run=dry_run)
        assert plan.notes == ("The agent helper loses read:tools.billing, write:tools.billing with what it was shown.",)
    assert await scopes(filled) == {"read:orders", "read:tools.tracker"}
    new = {"agents": [{"slug": "newcomer", "profile": "team"}], "servers": [remote("later")]}
    shown = {"profile": "team", "server": "later", "tool": "track"}
    plan = await bring(configurations, filled, {**new, "assignments": [shown]})
    assert plan.notes == (
        "The agent helper gets read:tools.later with what it is shown.",
        "The agent newcomer gets read:tools.later with what it is shown.",
    )
    stated = [{"slug": "helper", "profile": "team", "scopes": ["read:orders"]}]
    writes = remote("later", tools=[{"name": "track", "class": "write", "digest": digest(TRACK)}])
    plan = await bring(configurations, filled, {"agents": stated, "servers": [writes]})
    assert plan.notes == ("The agent newcomer gets write:tools.later with what it is shown.",)
    assert await scopes(filled) == {"read:orders"}
    plan = await bring(configurations, filled, {"servers": []}, prune=True)
    assert "The agent newcomer loses read:tools.later, write:tools.later with what it was shown." in plan.notes


async def test_words_and_rules_are_let_go_of(filled: World, configurations: Configurations):
    mine = {"agent": "helper", "server": "tracker", "tool": "track"}
    plan = await bring(configurations, filled, {"rules": {"visible_tools": 20}, "assignments": [mine]})
    assert [one.line for one in plan.changes] == [
        "~ change rules of the registry (changed_tools: keep -> null; visible_tools: 12 -> 20)"
    ]
    plan = await bring(configurations, filled, {"assignments": [{**mine, "title": None, "description": ""}]})
    assert [sorted(one.members) for one in plan.changes] == [["description", "title"]]
    (_, shown) = as_plain(await configurations.export(filled.owner))["assignments"][0:2]
    named = next(one for one in as_plain(await configurations.export(filled.owner))["assignments"] if "agent" in one)
    assert (named["name"], named["title"], named["description"], shown["profile"]) == (
        "where_is_it",
        None,
        None,
        "team",
    )
    async with filled.reading() as session:
        assert list(await session.scalars(select(RegistryRules.settings))) == [{"visible_tools": 20}]
    priced = {"name": "track", "digest": digest(TRACK), "figures": {"amount": "total"}}  # of which currency?
    wrong = [
        ({"rules": {"nothing": 1}}, "rules.nothing"),
        ({"servers": [{"slug": "tracker", "tools": [priced]}]}, "servers[0].tools[0].figures"),
        ({"assignments": [{**mine, "title": "a\u202eb"}]}, "assignments[0].title"),
        ({"assignments": [{**mine, "description": " "}]}, "assignments[0].description"),
    ]
    for members, said in wrong:
        with pytest.raises(InvalidArgument) as caught:
            await bring(configurations, filled, members)
        assert said in caught.value.message


SENT = {"name": "send", "digest": digest(SEND)}
BUNDLED = {"name": "get_order", "state": "enabled", "dry_run": "number"}
TOLD = [
    ({"profiles": [{"slug": "team", "fields": {"email": {"show": "hidden"}}}]}, "profiles[0].fields.email: 'hidden'"),
    ({"profiles": [{"slug": "team", "fields": {"mail": {"show": "masked"}}}]}, "profiles[0].fields.mail: 'mail' is no"),
    ({"profiles": [{"slug": "team", "fields": {"email": {"show": "masked", "but": 1}}}]}, "no member 'but'"),
    ({"profiles": [{"slug": "team", "fields": {"email": {"show": "masked", "but_for": []}}}]}, "'[]' is no role"),
    ({"profiles": [{"slug": "team", "fields": {"email": {}}}]}, "nothing that becomes of a field"),
    ({"profiles": [{"slug": "team", "fields": {f"field:{n}": {"show": "masked"} for n in range(101)}}]}, "at most 100"),
    ({"servers": [{"slug": "mailer", "tools": [{**SENT, "dry_run": "to"}]}]}, "tools[0].dry_run: send has no argument"),
    ({"servers": [{"slug": "mailer", "tools": [{**SENT, "class": "read", "dry_run": "preview"}]}]}, "only reads"),
    ({"servers": [{"slug": "orders", "kind": "bundled", "tools": [BUNDLED]}]}, "very code"),
    ({"audit": {"arguments": "all"}}, "audit: 'all' is no way"),
    ({"audit": {"keep_days": 0}}, "audit: keep_days is 1 to"),
    ({"audit": {"tools": {"mailer": "masked"}}}, "audit: 'mailer' names no tool"),
    ({"audit": {"kept": 1}}, "audit.kept"),
]


async def test_what_people_and_the_record_see_is_part_of_a_file(filled: World, configurations: Configurations):
    """Rules about personal data, words about dry runs and what the audit keeps: a change shows in the plan, what is
    left out stays, and what is wrong is told with its place while nothing is changed."""
    before = as_plain(await configurations.export(filled.owner))
    for members, said in TOLD:
        with pytest.raises(InvalidArgument) as caught:
            await bring(configurations, filled, {"agents": [{"slug": "new", "profile": "team"}], **members})
        assert said in caught.value.message, members
    assert as_plain(await configurations.export(filled.owner)) == before

    silent = {"profiles": [{"slug": "team"}], "servers": [{"slug": "mailer", "tools": [SENT]}], "audit": {}}
    assert (await bring(configurations, filled, silent)).is_empty
    fields = {"email": {"show": "left_out"}}
    plan = await bring(configurations, filled, {"profiles": [{"slug": "team", "fields": fields}]})
    assert [one.line for one in plan.changes] == [
        '~ change profile team (fields: {"email": {"show": "masked", "but_for": "admin"}, "field:Tax": '
        '{"show": "left_out"}} -> {"email": {"show": "left_out"}})'
    ]
    other = {"tools": {"mailer/send": "masked"}, "keep_days": None}
    plan = await bring(configurations, filled, {"audit": other})
    assert [one.line for one in plan.changes] == [
        '~ change audit of the workspace (tools: {"mailer/*": "digest"} -> {"mailer/send": "masked"}; '
        "keep_days: 400 -> null)"
    ]
    after = as_plain(await configurations.export(filled.owner))
    assert (after["profiles"][0]["fields"], after["audit"]) == (fields, {**before["audit"], **other})

    newer = {**SEND, "description": "Sends it, as it was."}
    pinned = {"name": "send", "digest": digest(newer), "definition": newer}
    await bring(configurations, filled, {"servers": [{"slug": "mailer", "tools": [pinned]}]})
    assert await _marked(filled, configurations) is None  # said of another definition
    said = {"slug": "mailer", "tools": [{**pinned, "dry_run": "preview"}]}
    plan = await bring(configurations, filled, {"servers": [said]})
    assert [one.line for one in plan.changes] == ["~ change tool mailer/send (dry_run: null -> preview)"]
    back = {"slug": "mailer", "tools": [{**SENT, "definition": SEND, "dry_run": "preview"}]}
    (change,) = (await bring(configurations, filled, {"servers": [back]})).changes
    assert set(change.members) == {"digest", "dry_run"}
    assert await _marked(filled, configurations) == "preview"
    await bring(configurations, filled, {"servers": [{"slug": "mailer", "tools": [{**SENT, "class": "read"}]}]})
    copy = await configurations.export(filled.owner)
    fresh = await founded(filled.database, "fresh")
    await sync_builtin(filled.database, fresh.workspace_id, [Bundled()])
    await configurations.bring(fresh.owner, read_value(as_plain(copy)), given=GIVEN)
    assert as_plain(await configurations.export(fresh.owner)) == as_plain(copy)


async def _marked(world: World, configurations: Configurations) -> Any:
    servers = as_plain(await configurations.export(world.owner))["servers"]
    return next(one for one in servers if one["slug"] == "mailer")["tools"][0]["dry_run"]


async def test_secrets_stay_at_their_origin_and_are_forgotten_with_it(
    filled: World, configurations: Configurations, registration: Registration
):
    """security.md §2 row 27, for secret URLs and OAuth as for headers: another origin gets none of it, in whatever
    spelling, and a server that is removed leaves nothing in the vault."""
    same = {"slug": "hidden", "url": "http://127.0.0.1:18099", "secret_url": True}
    assert (await bring(configurations, filled, {"servers": [same]})).is_empty
    setup = (await _setup(filled, "people")).id
    async with filled.changing() as session:  # somebody has connected: what was found out is kept beside the terms
        row = await session.scalar(select(ServerOAuth).where(ServerOAuth.id == (await _setup(filled, "everybody")).id))
        assert row is not None
        row.issuer, row.resource, row.client_id, row.client_kind = HERE, f"{HERE}/mcp", "made-up", "dynamic"
        session.add(ServerAccount(id="acc_1", server_id=row.server_id, holder="", state="connected"))
    before = {"slug": "everybody", "oauth": {"flow": "authorization_code"}}
    assert (await bring(configurations, filled, {"servers": [before]})).is_empty
    exported = {one["slug"]: one for one in as_plain(await configurations.export(filled.owner))["servers"]}
    assert (exported["everybody"]["oauth"]["client_id"], exported["everybody"]["oauth"]["issuer"]) == (None, HERE)

    people = exported["people"]
    given = Given(client_secrets={"people": "another"})
    plan = await bring(configurations, filled, {"servers": [people]}, given=given)
    assert [list(one.members) for one in plan.changes] == [["oauth"]]
    assert (await _setup(filled, "people")).id == setup  # whoever is connected stays so
    assert (await vault_of(filled, registration, "people"))[2] == "another"

    elsewhere = "http://127.0.0.1:18098"
    moved = [
        {"slug": "hidden", "url": elsewhere},
        {"slug": "people", "url": f"{elsewhere}/mcp"},
        {**exported["machine"], "url": f"{elsewhere}/mcp"},
        {"slug": "billing", "url": f"openapi:{elsewhere}/v1", "headers": [{"name": "X-Key"}]},
    ]
    plan = await bring(configurations, filled, {"servers": moved})
    assert [one.note for one in plan.changes] == ["another origin loses the credential that was for the old one"] * 4
    assert [(one.server, one.what) for one in plan.to_be_set] == [
        ("hidden", "url"),
        ("machine", "client_secret"),
        ("billing", "header"),
    ]
    for slug in ("hidden", "people", "machine"):
        assert await vault_of(filled, registration, slug) == ([], None, None)
    secret = [{**moved[0], "secret_url": True}]
    await bring(configurations, filled, {"servers": secret}, given=Given(urls={"hidden": f"{elsewhere}/{SECRET}"}))
    assert (await vault_of(filled, registration, "hidden"))[1] == f"{elsewhere}/{SECRET}"

    await bring(configurations, filled, {"servers": []}, prune=True)
    async with filled.reading() as session:
        for table in (SealedHeader, SealedValue, ServerOAuth, ServerAccount, ApiDocument):
            assert list(await session.scalars(select(table.id))) == [], table


async def _setup(world: World, slug: str) -> ServerOAuth:
    async with world.reading() as session:
        server = await find_server(session, slug)
        row = await session.scalar(select(ServerOAuth).where(ServerOAuth.server_id == server.id))
        assert row is not None
        return row


REFUSED: list[tuple[Json, Given, str]] = [
    ({"slug": "x", "url": f"{HERE}/{SECRET}", "secret_url": True}, Given(), "has its origin alone"),
    ({"slug": "hidden", "url": f"{HERE}/mcp"}, Given(), "has its origin alone"),
    ({"slug": "hidden", "secret_url": False}, Given(), "say which one"),
    ({"slug": "x", "url": HERE, "secret_url": True}, Given(urls={"x": "http://127.0.0.2/a"}), "of another origin"),
    ({"slug": "x", "url": HERE, "secret_url": True}, Given(urls={"x": "http://10.0.0.1/a"}), "private or special"),
    ({"slug": "x", "url": "http://8.8.8.8", "secret_url": True}, Given(), "over plain http"),
    ({"slug": "billing", "secret_url": True}, Given(), "of a REST API is no secret"),
    ({"slug": "x", "url": "http://127.0.0.1:22/a", "secret_url": True}, Given(), "not one for web services"),
    ({"slug": "tracker", "api": {"source": HERE}}, Given(), "has no document"),
    ({"slug": "hidden", "oauth": {"flow": "authorization_code"}}, Given(), "there is no OAuth beside it"),
    ({"slug": "people", "headers": [{"name": "authorization"}]}, Given({"people": {"authorization": "x"}}), "carries"),
    ({"slug": "x", "url": HERE, "oauth": {"flow": "client_credentials"}}, Given(), "an id and a secret"),
    ({"slug": "x", "url": HERE, "oauth": {"flow": "authorization_code", "issuer": "http://10.1.1.1"}}, Given(), "priv"),
    ({"slug": "x", "url": f"openapi:{HERE}"}, Given(), "a source, or its document"),
    ({"slug": "x", "url": f"openapi:{HERE}?a=b", "api": {"source": HERE}}, Given(), "has a query"),
    ({"slug": "x", "url": f"openapi:{HERE}", "api": {"source": "http://10.0.0.1/a"}}, Given(), "private or special"),
    ({"slug": "x", "url": f"openapi:{HERE}", "api": {"document": {"swagger": "2.0"}}}, Given(), "Swagger"),
    ({"slug": "x", "url": HERE, "api": {"source": HERE}}, Given(), "begins with openapi:"),
    ({"slug": "tracker", "url": f"openapi:{HERE}", "api": {"source": HERE}}, Given(), "does not become a REST API"),
    ({"slug": "billing", "url": HERE}, Given(), "nor the other way round"),
]


async def test_what_no_hub_takes_is_refused_whole_and_tells_no_secret(filled: World, configurations: Configurations):
    before = as_plain(await configurations.export(filled.owner))
    for part, given, said in REFUSED:
        with pytest.raises((InvalidArgument, StateConflict)) as caught:
            await bring(configurations, filled, {"profiles": [{"slug": "new"}], "servers": [part]}, given=given)
        assert said in caught.value.message, part
        assert SECRET not in caught.value.message
    assert as_plain(await configurations.export(filled.owner)) == before


async def test_a_server_whose_secret_url_is_missing_is_sent_nothing(
    world: World, registration: Registration, configurations: Configurations
):
    """Not even at its origin, which the file has: whoever looks for it hears what to do."""
    missing = "The secret URL of the server 'hidden' is missing, so nothing was sent."
    connections = Connections(registration.vault, GUARD, ambient=partial(ambient_of, world.database))
    discovery = Discovery(world.database, registration.vault, connections)
    async with running(Bundled()) as far:
        origin = far.url.removesuffix("/mcp")
        policy = {"uri": "policy://x", "name": "x"}
        pinned = {"name": "policy://x", "state": "enabled", "digest": digest(policy), "definition": policy}
        part = {**remote("hidden"), "url": origin, "secret_url": True, "resources": [pinned]}
        await bring(configurations, world, {"servers": [part]})
        async with world.reading() as session:
            server = await find_server(session, "hidden")
            rows = await read_history(session, server, "policy://x")
        assert (server.last_error, server.url) == (missing, origin)
        assert [(one.what, one.kind) for one in rows] == [("approved", "resource"), ("definition", "resource")]
        report = await discovery.test(world.owner, "hidden")
        assert (report.ok, report.problem) == (False, missing)
        assert "tradepost server url hidden - --secret-url" in str(report.hint)
        with pytest.raises(UpstreamError, match="is missing"):
            await discovery.discover(world.owner, "hidden")
        entry = Entry(server_id=server.id, server_slug="hidden", server_url=origin, tool_class="read")
        with pytest.raises(Unavailable, match="is missing"):
            await Upstreams({}, connections).call_tool(world.as_agent(), entry, {}, None)
        assert far.requests == []
        await registration.servers.set_url(world.owner, "hidden", far.url)
        assert (await discovery.test(world.owner, "hidden")).ok
    await connections.close()
