"""Several processes over one database: a code is redeemed once, a family has one head, a revocation reaches all."""

from __future__ import annotations

import asyncio

import pytest

from tests.hub.gateway.world import Facts
from tests.identity.oauth.racing import race
from tests.identity.oauth.world import Browser, Hub, Program, running
from tradepost.hub.access.oauth.grants import list_grants, revoke_grant

ACCESS = "tpat_"


@pytest.mark.two_processes
async def test_processes_that_redeem_a_code_at_once(hub: Hub, browser: Browser, program: Program, facts: Facts):
    """security.md A7: exactly one wins."""
    code = await browser.code(program)
    said = await asyncio.to_thread(
        race, facts.hub_url, program.client_id, "code", code, program.redirect_uri, program.verifier
    )
    assert sorted(one.startswith(ACCESS) for one in said) == [False, False, True], said
    assert said.count("invalid_grant") == 2


@pytest.mark.two_processes
async def test_processes_that_refresh_at_once(hub: Hub, browser: Browser, program: Program, facts: Facts):
    """security.md A10: whoever got an answer, one pair of tokens is good."""
    tokens = await hub.tokens(program, browser)
    said = await asyncio.to_thread(race, facts.hub_url, program.client_id, "refresh", tokens["refresh_token"])
    assert all(one.startswith(ACCESS) for one in said), said
    assert [await hub.works(one) for one in said].count(True) == 1


@pytest.mark.two_processes
async def test_a_revocation_reaches_the_other_replica(hub: Hub, browser: Browser, program: Program, facts: Facts):
    async with running(facts) as other:
        token = (await hub.tokens(program, browser))["access_token"]
        assert await hub.works(token)
        assert await other.works(token)
        async with hub.world.changing() as session:
            for grant in await list_grants(session):
                await revoke_grant(session, hub.world.admin, grant.id)
        assert not await hub.works(token)
        async with asyncio.timeout(5):
            while await other.works(token):
                """Within a second, by the constants of design.md; at once on SQLite."""
