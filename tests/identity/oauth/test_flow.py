"""The whole way: metadata, consent, code, token, a call, and what limits it."""

from __future__ import annotations

from tests.identity.oauth.world import Browser, Hub, Program, sent_back
from tradepost.hub.access.people import set_attributes, set_role
from tradepost.hub.audit.read import tail
from tradepost.protocol.hosting import Arrival


async def test_a_person_lets_a_program_in(hub: Hub, browser: Browser, program: Program):
    """S4.16: the user behind the token is the principal, through the agent they chose."""
    page = await browser.page(program)
    answer = await browser.decide(page)
    assert answer.status_code == 303
    back = sent_back(answer)
    assert back.keys() == {"code", "state", "iss"}
    assert (back["state"], back["iss"]) == ("st-1", hub.url)
    tokens = (await hub.redeem(program, back["code"])).json()
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == 900
    assert set(tokens["scope"].split()) == {"read:inventory", "write:inventory", "write:payments"}
    listed = (await hub.mcp(tokens["access_token"])).json()["result"]["tools"]
    assert {"get_stock", "add_stock"} <= {tool["name"] for tool in listed}
    called = await hub.mcp(tokens["access_token"], "tools/call", name="get_stock", arguments={"sku": "A1"})
    assert called.json()["result"]["structuredContent"]["quantity"] == 5
    await hub.world.audit.drain()
    rows = await tail(hub.world.database, hub.world.workspace_id, limit=50)
    row = next(row for row in rows if row.tool == "get_stock")
    assert row.principal_kind == "user"
    assert row.user_id == row.principal_id
    assert row.agent_id == hub.world.facts.agent_id
    made = next(row for row in rows if row.tag == "oauth_grant:made")
    assert made.details["client"] == program.client_id


ALL = {"read:inventory", "write:inventory", "write:payments"}
HELD: list[tuple[str, str, str | None, set[str]]] = [  # role, what the person chose, what was asked for, what came
    ("operator", "change", None, ALL),
    ("operator", "look", None, {"read:inventory"}),
    ("operator", "look", "agent", {"read:inventory"}),
    ("operator", "look", "agent write:inventory", {"read:inventory", "write:inventory"}),
    ("operator", "change", "read:inventory", {"read:inventory"}),
    ("operator", "change", "read:inventory offline_access", {"read:inventory"}),
    ("operator", "change", "read:inventory read:everything", {"read:inventory"}),
    ("viewer", "change", None, {"read:inventory"}),
    ("viewer", "change", "agent write:inventory", {"read:inventory"}),
    ("owner", "change", "agent", ALL),
]


async def test_what_a_token_holds(hub: Hub, program: Program):
    """What was asked for, of that what the agent has, and a viewer only reads (S4.16, security.md R9)."""
    browsers = {role: await hub.browser(role) for role in ("operator", "viewer", "owner")}
    for role, access, scope, held in HELD:
        browser = browsers[role]
        page = await browser.page(program, scope=scope, prompt="consent")
        code = sent_back(await browser.decide(page, access=access))["code"]
        tokens = (await hub.redeem(program, code)).json()
        assert set(tokens["scope"].split()) == held, (role, access, scope)


async def test_the_agent_that_is_chosen_bounds_the_token(hub: Hub, browser: Browser, program: Program):
    page = await browser.page(program)
    assert set(page.agents) == {hub.world.facts.agent_id, hub.world.facts.other_agent_id}
    answer = await browser.decide(page, agent=hub.world.facts.other_agent_id)
    tokens = (await hub.redeem(program, sent_back(answer)["code"])).json()
    assert tokens["scope"] == "read:inventory"
    refused = await hub.mcp(tokens["access_token"], "tools/call", name="add_stock", arguments={})
    assert refused.status_code == 400  # nothing of that name is assigned to this agent


async def test_a_call_beyond_the_scopes_says_which_are_needed(hub: Hub, browser: Browser, program: Program):
    """security.md R8: one challenge with all scopes needed, and where the metadata is."""
    tokens = await hub.tokens(program, browser, scope="read:inventory")
    arguments = {"sku": "A1", "quantity": 1, "idempotency_key": "k1"}
    refused = await hub.mcp(tokens["access_token"], "tools/call", name="add_stock", arguments=arguments)
    assert refused.status_code == 403, refused.text
    challenge = refused.headers["www-authenticate"]
    assert 'error="insufficient_scope"' in challenge
    assert 'scope="write:inventory"' in challenge
    assert f'resource_metadata="{hub.url}/.well-known/oauth-protected-resource/mcp"' in challenge
    more = await hub.tokens(program, browser, scope="read:inventory write:inventory")
    done = await hub.mcp(more["access_token"], "tools/call", name="add_stock", arguments=arguments)
    assert done.json()["result"]["structuredContent"]["status"] == "succeeded"
    await hub.world.add_remote("ship")  # a tool of any other server needs the scope that its server has
    refused = await hub.mcp(more["access_token"], "tools/call", name="ship", arguments={})
    assert refused.status_code == 403, refused.text
    assert 'scope="write:tools.foreign"' in refused.headers["www-authenticate"]
    most = await hub.tokens(program, browser, scope="write:tools.foreign")
    assert set(most["scope"].split()) >= {"write:tools.foreign"}


async def test_a_lower_role_counts_on_the_next_call(hub: Hub, program: Program):
    owner = await hub.world.user("operator", "olaf@x.test")
    browser = Browser(hub, hub.people.sign_in(owner))
    tokens = await hub.tokens(program, browser)
    async with hub.world.changing() as session:
        await set_role(session, hub.world.admin, "olaf@x.test", "viewer")
    arguments = {"sku": "A1", "quantity": 1, "idempotency_key": "k1"}
    refused = await hub.mcp(tokens["access_token"], "tools/call", name="add_stock", arguments=arguments)
    assert refused.status_code == 403, refused.text


async def test_what_a_person_is_limited_to_limits_the_tools(hub: Hub, program: Program):
    """S4.16: attributes of the person overwrite what the model sends; here the warehouse. From the next call on."""
    person = await hub.world.user("operator", "wanda@x.test")
    tokens = await hub.tokens(program, Browser(hub, hub.people.sign_in(person)))
    arrival = Arrival({}, "127.0.0.1", "/mcp")
    assert not (await hub.world.authenticator.authenticate(tokens["access_token"], "req_1", arrival)).attributes
    async with hub.world.changing() as session:
        await set_attributes(session, hub.world.admin, "wanda@x.test", {"warehouse": "wh_1"})
    caller = await hub.world.authenticator.authenticate(tokens["access_token"], "req_2", arrival)
    assert dict(caller.attributes) == {"warehouse": "wh_1"}
    assert caller.agent_id == hub.world.facts.agent_id


async def test_whoever_has_not_signed_in_does_that_first(hub: Hub, program: Program):
    nobody = Browser(hub, None)
    answer = await nobody.authorize(program.asks())
    assert answer.status_code == 302
    assert answer.headers["location"].startswith("/login?to=%2Foauth%2Fauthorize%3Fresponse_type")
    assert answer.headers["cache-control"] == "no-store"
    assert (await nobody.authorize("a" * 20_000)).status_code == 400
