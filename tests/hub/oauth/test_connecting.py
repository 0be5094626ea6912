"""People connect a server in their browsers: S0.4, S4.17; security.md C1-C5, C7, §2 rows 20, 22, 26, 27."""

from typing import Any

import pytest
from sqlalchemy import select, text

from tests.hub.oauth.conftest import Entry, Hub
from tests.hub.oauth.vendor import Vendor
from tests.identity.people.desk import said
from tradepost.database.engine import Database
from tradepost.foundation.errors import ForbiddenScope, StateConflict
from tradepost.hub.audit.models import AuditEvent
from tradepost.hub.registration.ways_in import way_in
from tradepost.hub.registry.models import Server
from tradepost.hub.upstreams.oauth.clients import client_document, own_document
from tradepost.hub.upstreams.oauth.errors import NotConnected, OAuthFailed
from tradepost.hub.upstreams.oauth.metadata import Endpoints
from tradepost.hub.upstreams.oauth.models import ServerAccount
from tradepost.hub.vault.models import SealedValue
from tradepost.protocol.builtin import ToolResult


def text_of(result: ToolResult) -> str:
    return str(result.as_dict()["content"][0]["text"])


async def dumped(database: Database) -> str:
    """Everything in the database, as text."""
    async with database.system(write=False) as session:
        names = [mapper.local_table.name for mapper in Server.registry.mappers]  # type: ignore[attr-defined]
        return " ".join([str((await session.execute(text(f"SELECT * FROM {name}"))).all()) for name in names])


@pytest.mark.behaviour("S0.4", "S0.6")
async def test_all_agents_share_what_an_admin_connects(hub: Hub, vendor: Vendor):
    """Every method goes by the one account; its tokens are sealed, and masked where the server echoes them."""
    await hub.register(vendor)
    browser, _ = await hub.person("ann")
    report = await hub.discovery.test(hub.owner, "tracker")
    assert (report.ok, report.problem) == (False, "Nobody has connected the server 'tracker' yet.")
    await hub.connect(vendor, browser)
    report = await hub.discovery.test(hub.owner, "tracker")
    assert (report.ok, report.tools, report.problem, list(report.scopes_missing)) == (True, 2, None, [])
    assert (await hub.discovery.discover(hub.owner, "tracker")).new == ["track", "cancel_label"]
    agent = hub.world.as_agent()
    assert text_of(await hub.call(agent)) == "you sent Bearer [redacted]"
    server, way = await hub.connecting.look(hub.owner, "tracker")
    assert (way.credential, way.connection, way.scopes) == ("oauth_workspace", "connected", ("read",))
    entry: Any = Entry(server, "late", "read")
    entry.name = "late"
    upstreams = hub.process.upstreams
    assert (await upstreams.read_resource(agent, entry, "policy://returns"))["contents"]
    assert (await upstreams.get_prompt(agent, entry, {}))["messages"]
    assert await upstreams.complete(agent, entry, {"type": "ref/prompt", "name": "late"}, "x", "8")
    asked = vendor.forms[0]["authorize"]
    assert (asked["scope"], asked["resource"]) == ("read", vendor.url)
    assert vendor.wrong == []
    everything = await dumped(hub.world.database)
    assert all(token not in everything for token in (*vendor.tokens, *vendor.refreshes))
    async with hub.world.reading() as session:
        tags = list(await session.scalars(select(AuditEvent.tag).order_by(AuditEvent.sequence)))
    assert {"server:registered", "server:connected"} <= set(tags)


async def test_a_page_says_what_would_be_connected_and_only_an_admin_does_it(hub: Hub, vendor: Vendor):
    await hub.register(vendor)
    nobody = hub.desk.browser()
    away = await nobody.get("/connect/servers/tracker")
    assert away.headers["location"] == "/sign-in?back_to=%2Fconnect%2Fservers%2Ftracker"
    viewer, _ = await hub.person("vera", "viewer")
    page = await viewer.get("/connect/servers/tracker")
    assert "For all agents of the workspace" in page.text
    assert vendor.url in page.text
    assert (await viewer.post("/connect/servers/tracker", do="connect")).status_code == 403
    assert (await viewer.post("/connect/servers/tracker", form_token="x", do="connect")).status_code == 403
    assert (await viewer.get("/connect/servers/nothing")).status_code == 404
    _, operator = await hub.person("olga", "operator")
    for doing in (
        hub.credentials.remove(operator, "tracker"),
        hub.connecting.begin(operator, "ses", "tracker"),
        hub.connecting.disconnect(operator, "tracker"),
    ):
        with pytest.raises(ForbiddenScope):
            await doing
    assert vendor.forms == []
    served = (await nobody.get("/connect/client.json")).json()
    assert served == client_document(hub.desk.url)
    assert served["redirect_uris"] == [f"{hub.desk.url}/connect/callback"]


async def test_a_way_back_counts_once_and_in_its_own_browser_only(hub: Hub, vendor: Vendor):
    await hub.register(vendor)
    ann, _ = await hub.person("ann")
    bob, _ = await hub.person("bob")
    brought = await vendor.agree(await hub.leave(ann))
    refused = await hub.back(bob, brought)
    assert (refused.status_code, "another browser" in said(refused)) == (409, True)
    other = hub.desk.browser()
    await other.sign_in("ann@acme.test")  # the same person, elsewhere
    assert (await hub.back(other, brought)).status_code == 409
    assert (await hub.back(hub.desk.browser(), brought)).status_code == 409
    assert (await hub.back(ann, brought)).status_code == 200
    assert (await hub.back(ann, brought)).status_code == 409
    assert (await hub.back(ann, {**brought, "state": "x" * 43})).status_code == 409
    late = await vendor.agree(await hub.leave(ann))
    hub.clock.forward(minutes=10)
    assert (await hub.back(ann, late)).status_code == 409
    vendor.of_server = {"scopes_supported": ["read", "offline_access"]}
    moved = await vendor.agree(await hub.leave(ann))
    asked = vendor.forms[-1]["authorize"]
    assert (asked["scope"], asked["prompt"]) == ("read offline_access", "consent")
    await hub.credentials.remove(hub.owner, "tracker")
    assert (await hub.back(ann, moved)).status_code == 409
    assert vendor.count("authorization_code") == 1


async def test_an_answer_of_another_authorization_server_is_not_believed(hub: Hub, vendor: Vendor):
    """RFC 9207; nothing that it says is shown."""
    await hub.register(vendor)
    ann, _ = await hub.person("ann")
    for changed in ({"iss": f"{vendor.issuer}/"}, {"iss": "https://evil.example"}, {"iss": None}):
        brought = {**await vendor.agree(await hub.leave(ann)), **changed, "error": "buy_gold"}
        answer = await hub.back(ann, {name: value for name, value in brought.items() if value is not None})
        assert (answer.status_code, "another authorization server" in answer.text) == (400, True)
        assert "buy_gold" not in answer.text
    denied = {**await vendor.agree(await hub.leave(ann)), "error": "access_denied"}
    assert "access_denied" in said(await hub.back(ann, denied))
    none = await vendor.agree(await hub.leave(ann))
    assert "sent no code" in said(await hub.back(ann, {**none, "code": ""}))
    assert vendor.count("authorization_code") == 0


HTML = (200, {"content-type": "text/html"}, b"<html>log in</html>")


def at(path: str, answer: tuple[int, dict[str, str], bytes]) -> Any:
    return lambda asked: answer if asked.startswith(path) else None


UNTRUSTED: list[tuple[dict[str, Any], str]] = [
    ({"of_server": {"issuer": "https://honest.example"}}, "calls itself by another name"),
    ({"of_server": {"code_challenge_methods_supported": ["plain"]}}, "PKCE with S256"),
    ({"of_server": {"code_challenge_methods_supported": None}}, "PKCE with S256"),
    ({"of_server": {"token_endpoint": "http://10.0.0.7/token"}}, "private or special address"),
    ({"of_server": {"authorization_endpoint": "javascript:alert(1)"}}, "authorization endpoint"),
    ({"of_server": {"authorization_endpoint": None}}, "no page on which people could agree"),
    ({"of_server": {"token_endpoint": None}}, "names no token endpoint"),
    ({"of_server": {"registration_endpoint": None}}, "lets no client register itself"),
    ({"of_resource": {"resource": "https://honest.example/mcp"}}, "about another server"),
    ({"of_resource": {"authorization_servers": []}}, "names no authorization server"),
    ({"of_resource": {"authorization_servers": ["http://169.254.169.254"]}}, "private or special address"),
    ({"instead": at("/.well-known", HTML)}, "web page instead of JSON"),
    ({"instead": at("/.well-known", (302, {"location": "/x"}, b""))}, "redirect"),
    ({"instead": at("/.well-known", (200, {}, b"x" * 70_000))}, "more than 65536 bytes"),
    ({"instead": at("/.well-known", (404, {}, b""))}, "has no metadata"),
    ({"instead": at("/register", (200, {}, b"[]"))}, "not a JSON object"),
    ({"refusal": (401, 'Bearer resource_metadata="http://127.0.0.1:18099/x"')}, "could not be reached"),
]


async def test_who_cannot_be_trusted_is_asked_for_nothing(hub: Hub, vendor: Vendor):
    """Each is one sentence on the page, and no request for a token is made."""
    await hub.register(vendor)
    browser, _ = await hub.person("ann")
    await browser.get("/connect/servers/tracker")
    honest = {"of_server": {}, "of_resource": {}, "instead": vendor.instead, "refusal": None}
    for change, words in UNTRUSTED:
        for name, value in {**honest, **change}.items():
            setattr(vendor, name, value)
        answer = await browser.post("/connect/servers/tracker", do="connect")
        assert (answer.status_code, words in said(answer)) == (502, True), (change, said(answer))
    assert not any("grant_type" in form for form in vendor.forms)


async def test_a_token_endpoint_that_misbehaves_connects_nothing(hub: Hub, vendor: Vendor):
    await hub.register(vendor, client_id="us", client_secret="s3cret-of-ours")
    vendor.client("us", "s3cret-of-ours", "client_secret_basic", f"{hub.desk.url}/connect/callback")
    ann, _ = await hub.person("ann")
    odd = {
        "redirect": (307, {"location": "http://127.0.0.1:1/token"}, b""),
        "web page": HTML,
        "usable access token": (200, {}, b'{"token_type": "Bearer"}'),
        "not a bearer": (200, {}, b'{"access_token": "x", "token_type": "mac"}'),
        "invalid_scope (no [redacted])": (
            400, {}, b'{"error": "invalid_scope", "error_description": "no s3cret-of-ours"}'
        ),
    }  # fmt: skip
    for words, answer in odd.items():
        brought = await vendor.agree(await hub.leave(ann))
        vendor.instead = at("/token", answer)
        got = await hub.back(ann, brought)
        assert (got.status_code, words in said(got)) == (502, True), said(got)
    vendor.instead = lambda _path: None
    vendor.clients["us"]["secret"] = "another"
    got = await hub.back(ann, await vendor.agree(await hub.leave(ann)))
    assert "invalid_client" in said(got)
    with pytest.raises(NotConnected):
        await hub.call()
    vendor.clients["us"].update(secret="s3cret-of-ours", method="client_secret_post")
    vendor.of_server["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    await hub.credentials.remove(hub.owner, "tracker")
    with pytest.raises(StateConflict):
        await hub.connecting.begin(hub.owner, "ses", "tracker")


@pytest.mark.behaviour("S4.17")
async def test_each_person_uses_an_account_of_their_own(hub: Hub, vendor: Vendor):
    await hub.register(vendor, per_user=True)
    ann, as_ann = await hub.person("ann", "viewer")
    bob, as_bob = await hub.person("bob", "viewer")
    await hub.connect(vendor, ann, who="ann")
    assert text_of(await hub.call(as_ann)) == "you sent Bearer [redacted]"
    with pytest.raises(NotConnected) as missing:
        await hub.call(as_bob)
    assert missing.value.message == "The person behind this call is not connected to the server 'tracker'."
    assert missing.value.details["connect_url"] == f"{hub.desk.url}/connect/servers/tracker"
    with pytest.raises(NotConnected, match="none behind this call"):
        await hub.call(hub.world.as_agent())
    await hub.connect(vendor, bob, who="bob")
    await hub.call(as_bob)
    owners = [vendor.tokens[seen.removeprefix("Bearer ")][0] for seen in vendor.seen if seen]
    assert set(owners) == {"ann", "bob"}
    assert owners == sorted(owners)  # nobody's call went out with the other's token
    _, way = await hub.connecting.look(as_ann, "tracker")
    assert (way.connection, way.people) == ("connected", 2)
    assert await hub.connecting.disconnect(as_ann, "tracker")
    with pytest.raises(NotConnected):
        await hub.call(as_ann)
    await hub.call(as_bob)
    assert len(vendor.refreshes) == 1  # ann's was revoked there, too
    assert not await hub.connecting.disconnect(as_ann, "tracker")


@pytest.mark.behaviour("S0.6")
async def test_another_origin_clears_all_of_it(hub: Hub, vendor: Vendor):
    await hub.register(vendor, client_id="us", client_secret="s3cret-of-ours")
    vendor.client("us", "s3cret-of-ours", "client_secret_basic", f"{hub.desk.url}/connect/callback")
    ann, _ = await hub.person("ann")
    await hub.connect(vendor, ann)
    vendor.of_resource = {"authorization_servers": ["http://127.0.0.1:18098"]}
    await ann.get("/connect/servers/tracker")
    answer = await ann.post(
        "/connect/servers/tracker", do="connect"
    )  # C3: the other one is not told what this one knows
    assert "another authorization server than it is set up with" in said(answer)
    assert text_of(await hub.call()) == "you sent Bearer [redacted]"
    old = (await hub.connecting.look(hub.owner, "tracker"))[0]
    with pytest.raises(OAuthFailed, match="moved at this moment"):  # C7: somebody who has not heard of a move yet
        place = (old.workspace_id, old.id, "http://127.0.0.1:18097/mcp", old.credential_version)
        await hub.process.connections.to(*place, slug="tracker", caller=hub.owner)
    await hub.servers.set_url(hub.owner, "tracker", vendor.url + "2")
    assert (await hub.connecting.look(hub.owner, "tracker"))[1].connection == "connected"
    await hub.servers.set_url(hub.owner, "tracker", "http://127.0.0.1:18099/mcp")
    server, way = await hub.connecting.look(hub.owner, "tracker")
    assert way.credential == "none"
    async with hub.world.reading() as session:
        assert (await way_in(session, server)).credential == "none"
        assert (await session.scalars(select(ServerAccount))).all() == []
        assert (await session.scalars(select(SealedValue))).all() == []


def test_the_hub_is_a_client_by_its_own_document_where_that_can_be_fetched() -> None:
    takes = Endpoints("https://as.example", "https://as.example/token", takes_documents=True)
    found = own_document("https://hub.example", takes)
    assert found is not None
    assert (found.client_id, found.secret) == ("https://hub.example/connect/client.json", None)
    assert own_document("http://hub.example", takes) is None
    assert own_document("https://hub.example", Endpoints("https://as.example", "https://as.example/token")) is None
