"""Codes and tokens: bound to what they were given for, good once, over in time, ended on the next call."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.identity.oauth.world import Browser, Hub, Program
from tradepost.hub.access.agents import set_agent_active, set_agent_scopes
from tradepost.hub.access.oauth.grants import list_grants, revoke_grant
from tradepost.hub.access.oauth.models import OAuthClient, OAuthCode, OAuthToken
from tradepost.hub.access.oauth.registered import disable_client
from tradepost.hub.access.people import disable_user, list_users
from tradepost.hub.access.workspaces import set_workspace_active

HUB_METHODS = ("revoke_grant", "disable_user", "disable_agent", "disable_client", "suspend_workspace")


async def test_a_token_answer_is_kept_by_nobody(hub: Hub, browser: Browser, program: Program):
    """security.md A16."""
    answer = await hub.redeem(program, await browser.code(program))
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    refused = await hub.redeem(program, "tpac_unknown")
    assert refused.headers["cache-control"] == "no-store"


async def test_only_digests_are_kept(hub: Hub, browser: Browser):
    """security.md R11."""
    program = await hub.program(confidential=True)
    code = await browser.code(program)
    tokens = (await hub.redeem(program, code)).json()
    async with hub.world.database.system(write=False) as session:
        kept = [row.digest for row in await session.scalars(select(OAuthToken))]
        kept += [row.digest for row in await session.scalars(select(OAuthCode))]
        kept += [row.secret_digest or "" for row in await session.scalars(select(OAuthClient))]
    assert all(len(digest) == 64 for digest in kept)
    for secret in (code, tokens["access_token"], tokens["refresh_token"], program.secret or ""):
        assert len(secret) >= 5 + 43
        assert not any(secret in digest for digest in kept)


async def test_what_a_code_is_bound_to(hub: Hub, browser: Browser, program: Program):
    """security.md A6, A7: a failed attempt leaves the code to whom it belongs."""
    code = await browser.code(program)
    for verifier in ("", "w" * 43, "short", "x" * 42, "x" * 129, program.verifier + "x"):
        refused = await hub.redeem(program, code, code_verifier=verifier)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant"), verifier
    for uri in ("https://app.example/other", ""):
        assert (await hub.redeem(program, code, redirect_uri=uri)).json()["error"] == "invalid_grant"
    assert (await hub.redeem(program, code)).status_code == 200


async def test_a_code_is_of_one_client(hub: Hub, browser: Browser, program: Program):
    other = await hub.program()
    other.verifier = program.verifier
    code = await browser.code(program)
    assert (await hub.redeem(other, code)).json()["error"] == "invalid_grant"
    assert (await hub.redeem(program, code)).status_code == 200


async def test_a_code_is_for_one_resource(hub: Hub, browser: Browser, program: Program):
    """security.md A8: the token request may repeat the resource, never change it."""
    code = await browser.code(program, resource=f"{hub.url}/mcp")
    for resource in (f"{hub.url}/mcp/servers/shop", f"{hub.url}/api/v1", "https://elsewhere.example/"):
        refused = await hub.redeem(program, code, resource=resource)
        assert refused.json()["error"] == "invalid_target"
    assert (await hub.redeem(program, code, resource=f"{hub.url}/mcp")).status_code == 200


async def test_a_code_lives_a_minute(hub: Hub, browser: Browser, program: Program):
    code = await browser.code(program)
    hub.clock.ahead = timedelta(seconds=61)
    assert (await hub.redeem(program, code)).json()["error"] == "invalid_grant"


async def test_a_code_that_comes_again_ends_what_it_gave(hub: Hub, browser: Browser, program: Program):
    """security.md A7."""
    code = await browser.code(program)
    tokens = (await hub.redeem(program, code)).json()
    assert await hub.works(tokens["access_token"])
    assert (await hub.redeem(program, code)).json()["error"] == "invalid_grant"
    assert not await hub.works(tokens["access_token"])
    assert (await hub.refresh(program, tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_of_two_that_redeem_a_code_at_once_one_gets_tokens(hub: Hub, browser: Browser, program: Program):
    code = await browser.code(program)
    answers = await asyncio.gather(*(hub.redeem(program, code) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200, *[400] * 5]


async def test_an_access_token_lives_a_quarter_of_an_hour(hub: Hub, browser: Browser, program: Program):
    """security.md A11."""
    tokens = await hub.tokens(program, browser)
    hub.clock.ahead = timedelta(minutes=14)
    assert await hub.works(tokens["access_token"])
    hub.clock.ahead = timedelta(minutes=15, seconds=1)
    assert not await hub.works(tokens["access_token"])
    renewed = (await hub.refresh(program, tokens["refresh_token"])).json()
    assert await hub.works(renewed["access_token"])


async def test_a_refresh_token_is_good_once(hub: Hub, browser: Browser, program: Program):
    """security.md A10: whoever shows one a second time ends the family."""
    tokens = await hub.tokens(program, browser)
    second = (await hub.refresh(program, tokens["refresh_token"])).json()
    third = (await hub.refresh(program, second["refresh_token"])).json()
    assert await hub.works(third["access_token"])
    refused = await hub.refresh(program, tokens["refresh_token"])
    assert refused.json()["error"] == "invalid_grant"
    assert not await hub.works(third["access_token"])
    assert (await hub.refresh(program, third["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_late_second_use_ends_the_family(hub: Hub, browser: Browser, program: Program):
    tokens = await hub.tokens(program, browser)
    second = (await hub.refresh(program, tokens["refresh_token"])).json()
    hub.clock.ahead = timedelta(seconds=11)
    assert (await hub.refresh(program, tokens["refresh_token"])).status_code == 400
    assert not await hub.works(second["access_token"])


async def test_an_answer_that_was_lost_is_given_again(hub: Hub, browser: Browser, program: Program):
    """security.md A10, decided: within ten seconds the same client gets another pair, the lost one is void."""
    tokens = await hub.tokens(program, browser)
    lost = (await hub.refresh(program, tokens["refresh_token"])).json()
    again = (await hub.refresh(program, tokens["refresh_token"])).json()
    assert await hub.works(again["access_token"])
    assert not await hub.works(lost["access_token"])
    further = (await hub.refresh(program, again["refresh_token"])).json()
    assert await hub.works(further["access_token"])


async def test_a_thief_who_is_quick_gains_nothing(hub: Hub, browser: Browser, program: Program):
    tokens = await hub.tokens(program, browser)
    owners = (await hub.refresh(program, tokens["refresh_token"])).json()
    thiefs = (await hub.refresh(program, tokens["refresh_token"])).json()
    assert (await hub.refresh(program, owners["refresh_token"])).status_code == 400
    assert not await hub.works(thiefs["access_token"])
    assert (await hub.refresh(program, thiefs["refresh_token"])).status_code == 400


async def test_refreshing_at_once_leaves_one_family_head(hub: Hub, browser: Browser, program: Program):
    tokens = await hub.tokens(program, browser)
    answers = await asyncio.gather(*(hub.refresh(program, tokens["refresh_token"]) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {200}
    alive = [await hub.works(answer.json()["access_token"]) for answer in answers]
    assert alive.count(True) == 1


async def test_a_refresh_token_ends_thirty_days_after_its_last_use(hub: Hub, browser: Browser, program: Program):
    tokens = await hub.tokens(program, browser)
    hub.clock.ahead = timedelta(days=29)
    second = (await hub.refresh(program, tokens["refresh_token"])).json()
    hub.clock.ahead = timedelta(days=58)
    third = (await hub.refresh(program, second["refresh_token"])).json()
    hub.clock.ahead = timedelta(days=88, seconds=5)
    assert (await hub.refresh(program, third["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_refresh_may_ask_for_less_and_never_for_more(hub: Hub, browser: Browser, program: Program):
    tokens = await hub.tokens(program, browser, scope="read:inventory write:inventory")
    fewer = (await hub.refresh(program, tokens["refresh_token"], scope="read:inventory")).json()
    assert fewer["scope"] == "read:inventory"
    more = await hub.refresh(program, fewer["refresh_token"], scope="read:inventory write:payments")
    assert more.json()["error"] == "invalid_scope"
    whole = (await hub.refresh(program, fewer["refresh_token"])).json()
    assert whole["scope"] == "read:inventory write:inventory"


async def test_a_refresh_token_is_of_one_client_and_one_resource(hub: Hub, browser: Browser, program: Program):
    tokens = await hub.tokens(program, browser)
    other = await hub.program()
    assert (await hub.refresh(other, tokens["refresh_token"])).json()["error"] == "invalid_grant"
    elsewhere = await hub.refresh(program, tokens["refresh_token"], resource=f"{hub.url}/api/v1")
    assert elsewhere.json()["error"] == "invalid_target"
    assert (await hub.refresh(program, tokens["refresh_token"], resource=f"{hub.url}/mcp")).status_code == 200


async def end(hub: Hub, how: str, program: Program) -> None:
    if how == "suspend_workspace":
        await set_workspace_active(hub.world.database, hub.world.admin, False)
        return
    async with hub.world.changing() as session:
        if how == "revoke_grant":
            for grant in await list_grants(session):
                await revoke_grant(session, hub.world.admin, grant.id)
        elif how == "disable_user":
            for user in await list_users(session):
                if user.role == "operator":
                    await disable_user(session, hub.world.admin, user.email)
        elif how == "disable_agent":
            await set_agent_active(session, hub.world.admin, "supply", False)
        else:
            await disable_client(session, hub.world.admin, program.client_id)


@pytest.mark.parametrize("how", HUB_METHODS)
async def test_what_is_taken_back_counts_on_the_next_call(hub: Hub, browser: Browser, program: Program, how: str):
    """security.md R7, row 24: for the access token and for the refresh token."""
    tokens = await hub.tokens(program, browser)
    assert await hub.works(tokens["access_token"])
    await end(hub, how, program)
    assert not await hub.works(tokens["access_token"])
    refused = await hub.refresh(program, tokens["refresh_token"])
    assert refused.json()["error"] in ("invalid_grant", "invalid_client")


async def test_fewer_scopes_of_the_agent_count_on_the_next_call(hub: Hub, browser: Browser, program: Program):
    tokens = await hub.tokens(program, browser)
    async with hub.world.changing() as session:
        await set_agent_scopes(session, hub.world.admin, "supply", ["read:inventory"])
    arguments = {"sku": "A1", "quantity": 1, "idempotency_key": "k1"}
    refused = await hub.mcp(tokens["access_token"], "tools/call", name="add_stock", arguments=arguments)
    assert refused.status_code == 403


async def revoke(hub: Hub, program: Program, token: str, **more: str) -> int:
    form = {"client_id": program.client_id, "token": token, **more}
    return (await hub.http.post(f"{hub.url}/oauth/revoke", data=form)).status_code


async def test_a_client_ends_its_tokens(hub: Hub, browser: Browser, program: Program):
    """RFC 7009: an access token alone, a refresh token with all of its family."""
    tokens = await hub.tokens(program, browser)
    assert await hub.works(tokens["access_token"])
    assert await revoke(hub, program, tokens["access_token"], token_type_hint="refresh_token") == 200
    assert not await hub.works(tokens["access_token"])
    renewed = (await hub.refresh(program, tokens["refresh_token"])).json()
    assert await hub.works(renewed["access_token"])
    assert await revoke(hub, program, renewed["refresh_token"]) == 200
    assert not await hub.works(renewed["access_token"])
    assert (await hub.refresh(program, renewed["refresh_token"])).status_code == 400


async def test_a_foreign_token_is_not_revoked(hub: Hub, browser: Browser, program: Program):
    tokens, other = await hub.tokens(program, browser), await hub.program()
    assert await revoke(hub, other, tokens["refresh_token"]) == 200  # as for a token that never was
    assert await revoke(hub, other, "tprt_unknown") == 200
    assert await hub.works(tokens["access_token"])
    nobody = await hub.http.post(f"{hub.url}/oauth/revoke", data={"token": tokens["access_token"]})
    assert nobody.status_code == 401
    assert await hub.works(tokens["access_token"])


async def introspect(hub: Hub, program: Program, token: str) -> tuple[int, dict[str, object]]:
    form = {"client_id": program.client_id, "token": token}
    if program.secret is not None:
        form["client_secret"] = program.secret
    answer = await hub.http.post(f"{hub.url}/oauth/introspect", data=form)
    return answer.status_code, answer.json()


async def test_a_client_asks_about_its_own_tokens(hub: Hub, browser: Browser, program: Program):
    """RFC 7662, security.md A16."""
    own, other = await hub.program(confidential=True), await hub.program(confidential=True)
    tokens = await hub.tokens(own, browser, scope="read:inventory")
    status, said = await introspect(hub, own, tokens["access_token"])
    assert status == 200
    assert said["active"] is True
    assert (said["aud"], said["iss"]) == (f"{hub.url}/mcp", hub.url)
    assert (said["client_id"], said["scope"]) == (own.client_id, "read:inventory")
    assert await introspect(hub, other, tokens["access_token"]) == (200, {"active": False})
    assert await introspect(hub, own, "tpat_unknown") == (200, {"active": False})
    assert (await introspect(hub, program, tokens["access_token"]))[0] == 401
    await revoke(hub, own, tokens["refresh_token"], client_secret=own.secret or "")
    assert await introspect(hub, own, tokens["access_token"]) == (200, {"active": False})
