"""Signed statements about callers: a server verifies them with the keys that the hub publishes (security.md A16)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import BadSignatureError, ExpiredTokenError
from joserfc.jwk import KeySet
from joserfc.jws import extract_compact
from sqlalchemy import select, text

from tests.hub.telling.hub import ISSUER, Hub
from tests.hub.telling.told_server import Sent, ToldServer
from tradepost.foundation.errors import ForbiddenScope, InvalidArgument, SetupError, StateConflict
from tradepost.hub.gateway.assertions import TYPE
from tradepost.hub.registration.assertion_keys import list_keys, rotate
from tradepost.hub.vault.assertion_keys import AHEAD, STILL_PUBLISHED
from tradepost.hub.vault.models import AssertionKey
from tradepost.hub.vault.vault import open_vault


async def published(hub: Hub) -> KeySet:
    """What a server gets over HTTP."""
    answer = await hub.desk.send(method="GET", path="/.well-known/jwks.json", token=None)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/jwk-set+json"
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert all("d" not in key for key in answer.json()["keys"])
    return KeySet.import_key_set(answer.json())


async def verified(hub: Hub, sent: Sent, audience: str) -> dict[str, Any]:
    """The claims, as a server reads them that trusts the hub. Raises what joserfc raises."""
    token = sent.header("tradepost-caller")
    assert token is not None
    found = jwt.decode(token, await published(hub), algorithms=["ES256"])
    assert found.header["typ"] == TYPE
    rules = jwt.JWTClaimsRegistry(
        now=int(hub.clock().timestamp()),
        iss={"essential": True, "value": ISSUER},
        aud={"essential": True, "value": audience},
        exp={"essential": True},
    )
    rules.validate(found.claims)
    return dict(found.claims)


async def rotated(hub: Hub, *, at_once: bool = False) -> str:
    async with hub.acme.world.changing() as session:
        keys = hub.vault.assertion_keys(hub.clock)
        return (await rotate(session, hub.acme.world.owner, keys, at_once=at_once)).kid


def kid_of(sent: Sent) -> str:
    return str(extract_compact((sent.header("tradepost-caller") or "").encode()).headers()["kid"])


@pytest.mark.behaviour("S2.19")
async def test_a_server_verifies_who_calls(any_server: ToldServer, hub: Hub):
    await hub.add(any_server.url)
    await hub.assert_caller()
    await hub.call("plain")
    await hub.ask("resources/read", {"uri": "note://one"})
    (called,), (read,) = any_server.calls(), any_server.calls("resources/read")
    claims = await verified(hub, called, any_server.url)
    world = hub.acme.world
    assert (claims["workspace"], claims["agent"], claims["tool"]) == (world.workspace_id, world.agent_id, "plain")
    assert claims["sub_kind"] == "agent_key"
    assert claims["exp"] - claims["iat"] == 60
    async with world.reading() as session:
        await hub.gateway.pipeline.parts.audit.drain()
        rows = await session.execute(text("SELECT request_id FROM audit_events WHERE tool = 'plain'"))
        assert [row[0] for row in rows] == [claims["request_id"]]
    other = await verified(hub, read, any_server.url)
    assert "tool" not in other
    assert other["jti"] != claims["jti"]
    assert all(sent.header("tradepost-caller") is None for sent in any_server.calls("tools/list"))


async def test_it_is_for_one_server_and_one_minute(server: ToldServer, hub: Hub):
    await hub.add(server.url)
    await hub.assert_caller("urn:example:orders")
    await hub.call("plain")
    (sent,) = server.calls()
    assert (await verified(hub, sent, "urn:example:orders"))["aud"] == "urn:example:orders"
    hub.clock.forward(61)
    with pytest.raises(ExpiredTokenError):
        await verified(hub, sent, "urn:example:orders")
    forged = Sent({"tradepost-caller": [(sent.header("tradepost-caller") or "")[:-6] + "AAAAAA"]}, {})
    with pytest.raises(BadSignatureError):
        await verified(hub, forged, "urn:example:orders")
    origin = server.url.removesuffix("/mcp")
    for elsewhere in (
        "https://victim.example/mcp",
        "HTTP://[bad",
        f"{origin}.example",
        f"{origin}1/mcp",
        "",
        "urn:a b",
    ):
        with pytest.raises(InvalidArgument):
            await hub.assert_caller(elsewhere)
    for own in (origin, f"{origin}/v2"):
        assert (await hub.assert_caller(own)).audience == own
    await hub.assert_caller(False)
    await hub.call("plain")
    assert server.calls()[-1].header("tradepost-caller") is None


async def test_a_client_cannot_send_one_itself(server: ToldServer, hub: Hub):
    await hub.add(server.url)
    await hub.assert_caller()
    params = {"name": "plain", "arguments": {}}
    await hub.desk.modern("tools/call", params, headers={"host": "hub.test", "tradepost-caller": "forged"})
    (sent,) = server.calls()
    assert (await verified(hub, sent, server.url))["agent"] == hub.acme.world.agent_id


async def test_a_server_that_echoes_it_does_not_hand_it_to_the_model(any_server: ToldServer, hub: Hub):
    """security.md row 26."""
    await hub.add(any_server.url)
    await hub.assert_caller()
    answer = await hub.call("plain")
    token = any_server.calls()[0].header("tradepost-caller")
    assert token is not None
    assert token not in repr(answer)
    assert "[redacted]" in repr(answer)


async def test_it_follows_no_redirect(server: ToldServer, oldest_server: ToldServer, hub: Hub):
    """security.md R5: another address is another server, whoever names it."""
    await hub.add(server.url)
    await hub.assert_caller()
    await hub.rule("header", "X-Agent", "agent.id")
    await hub.call("plain")
    server.elsewhere = oldest_server.url
    refused = (await hub.call("plain"))["structuredContent"]
    assert refused["code"] == "upstream_error"
    assert [sent.header("x-agent") for sent in server.calls()] == [hub.acme.world.agent_id] * 2
    assert oldest_server.sent == []


async def test_without_the_key_nothing_is_sent(server: ToldServer, hub: Hub):
    await hub.add(server.url)
    await hub.assert_caller()
    await rotated(hub)
    async with hub.acme.world.changing() as session:
        (await session.scalars(select(AssertionKey))).one().ciphertext = "AAAA"
    refused = (await hub.call("plain"))["structuredContent"]
    assert refused["code"] == "unavailable"
    assert "cannot be opened" in refused["message"]
    assert server.calls() == []


async def test_a_new_key_is_published_before_it_signs_and_the_old_one_after(server: ToldServer, hub: Hub):
    await hub.add(server.url)
    await hub.assert_caller()
    await hub.call("plain")
    first = kid_of(server.calls()[-1])
    second = await rotated(hub)
    assert {key.kid for key in (await published(hub)).keys} == {first, second}
    with pytest.raises(StateConflict):
        await rotated(hub)
    hub.clock.forward(AHEAD.total_seconds() - 1)
    await hub.call("plain")
    assert kid_of(server.calls()[-1]) == first
    last_of_first = server.calls()[-1]
    hub.clock.forward(31)
    await hub.call("plain")
    assert kid_of(server.calls()[-1]) == second
    assert (await verified(hub, last_of_first, server.url))["workspace"] == hub.acme.world.workspace_id
    await verified(hub, server.calls()[-1], server.url)
    hub.clock.forward(STILL_PUBLISHED.total_seconds())
    assert {key.kid for key in (await published(hub)).keys} == {second}


async def test_rotating_at_once(server: ToldServer, hub: Hub):
    await hub.add(server.url)
    await hub.assert_caller()
    await hub.call("plain")
    first = kid_of(server.calls()[-1])
    await rotated(hub)  # which never comes to sign
    now = await rotated(hub, at_once=True)
    assert {key.kid for key in (await published(hub)).keys} == {first, now}
    hub.clock.forward(31)  # what a process may still sign with the key it has
    await hub.call("plain")
    assert kid_of(server.calls()[-1]) == now
    await verified(hub, server.calls()[-1], server.url)
    later = await rotated(hub)
    hub.clock.forward(AHEAD.total_seconds())
    await hub.call("plain")
    assert kid_of(server.calls()[-1]) == later


async def test_each_workspace_has_keys_of_its_own(server: ToldServer, hub: Hub):
    for agent in (hub.acme, hub.other):
        await hub.add(server.url, agent)
    await hub.assert_caller()
    await hub.call("plain")
    await hub.call("plain", hub.other)
    assert [sent.header("tradepost-caller") is None for sent in server.calls()] == [False, True]
    async with hub.other.world.reading() as session:
        assert await list_keys(session, hub.other.world.owner, hub.vault.assertion_keys()) == []
    viewer = await hub.acme.world.person("viewer")
    async with hub.acme.world.changing() as session:
        with pytest.raises(ForbiddenScope):
            await rotate(session, viewer, hub.vault.assertion_keys())


async def test_processes_that_need_the_first_key_at_once_make_one(hub: Hub):
    workspace_id = hub.acme.world.workspace_id
    found = await asyncio.gather(*(hub.vault.assertion_keys(hub.clock).signing(workspace_id) for _ in range(4)))
    assert len({key.kid for key in found}) == 1


async def test_keys_are_sealed_at_rest_and_lost_without_their_file(hub: Hub, tmp_path: Any):
    """security.md row 26: nothing private in the database, and a start with another key file refuses."""
    signing = await hub.vault.assertion_keys(hub.clock).signing(hub.acme.world.workspace_id)
    private = str(signing.key.as_dict(private=True)["d"])
    async with hub.acme.world.reading() as session:
        row = (await session.scalars(select(AssertionKey))).one()
        stored = str((await session.execute(text("SELECT * FROM assertion_keys"))).all())
    assert private not in stored
    assert private not in repr(signing)
    assert "d" not in row.public
    with pytest.raises(SetupError):
        await open_vault(hub.database, tmp_path / "another.keys")


async def test_the_published_keys_are_only_read(hub: Hub):
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        answer = await hub.desk.send(method=method, path="/.well-known/jwks.json", token=None)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    empty = await hub.desk.send(method="HEAD", path="/.well-known/jwks.json", token=None)
    assert (empty.status_code, empty.content) == (200, b"")


async def test_a_call_that_is_answered_in_between_gets_a_fresh_one(server: ToldServer, hub: Hub):
    """A person's answer takes longer than a statement lasts."""
    await hub.add(server.url)
    await hub.assert_caller()
    await hub.rule("argument", "tenantId", "workspace.id")
    meta = {"io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}}}
    call = {"name": "ask", "arguments": {"tenantId": "of the model"}, "_meta": meta}
    asked = await hub.ask("tools/call", call)
    assert asked["resultType"] == "input_required", asked
    hub.clock.forward(120)
    given = {"inputResponses": {"q": {"action": "accept", "content": {"name": "Ada"}}}}
    state = {"requestState": asked["requestState"]} if "requestState" in asked else {}
    await hub.ask("tools/call", {**call, "arguments": {}, **given, **state})
    first, second = server.calls()
    assert (await verified(hub, second, server.url))["jti"]
    with pytest.raises(ExpiredTokenError):
        await verified(hub, first, server.url)
    assert server.arguments() == [{"tenantId": hub.acme.world.workspace_id}] * 2
