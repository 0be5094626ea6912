"""Limits on the wire: statuses and headers, wrong credentials, and what no header of a client changes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.hub.gateway.test_limits import limit, other_agent
from tests.hub.gateway.world import World
from tests.protocol.conftest import modern_headers, modern_meta, served
from tradepost.foundation.errors import RateLimited, Unauthenticated
from tradepost.hub.limits.addresses import Addresses
from tradepost.hub.limits.settings import WRONG_PER_MINUTE
from tradepost.protocol.endpoint import McpEndpoint
from tradepost.protocol.guards import LOCAL_HOSTS
from tradepost.protocol.hosting import Arrival

UNKNOWN = "tp_aaaaaaaa_" + "A" * 50


@pytest.fixture
async def http(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    gateway = world.gateway
    endpoint = McpEndpoint(gateway, allowed_hosts=LOCAL_HOSTS, limit_lines=gateway.limit_lines)
    async with served(endpoint) as url, httpx2.AsyncClient(base_url=url, timeout=60) as client:
        yield client


async def call(http: httpx2.AsyncClient, key: str, **headers: str) -> httpx2.Response:
    params = {"name": "get_stock", "arguments": {"sku": "A1"}, "_meta": modern_meta()}
    body: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    sent = {"authorization": f"Bearer {key}", "accept": "application/json, text/event-stream", **headers}
    return await http.post("/mcp", json=body, headers={**sent, **modern_headers("tools/call", "get_stock")})


async def test_answers_tell_of_the_limit_and_refusals_when_to_come_back(http: httpx2.AsyncClient, world: World):
    await limit(world, calls_per_minute=10)
    answers = [await call(http, world.facts.key) for _ in range(12)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429] * 2
    for answer in answers:
        assert answer.headers["ratelimit-policy"] == '"calls";q=10;w=60'
    assert answers[0].headers["ratelimit"] in ('"calls";r=9', '"calls";r=10')  # as the last share left it
    assert answers[9].headers["ratelimit"] in ('"calls";r=0', '"calls";r=1')
    assert 50 <= int(answers[10].headers["retry-after"]) <= 60
    assert answers[10].headers["ratelimit"] == f'"calls";r=0;t={answers[10].headers["retry-after"]}'
    refused = answers[10].json()
    assert refused["id"] == 1
    assert refused["error"]["data"]["code"] == "rate_limited"
    assert refused["error"]["data"]["retry_after"] >= 50


@pytest.mark.behaviour("S3.11")
async def test_wrong_credentials_are_refused_before_any_look_up(http: httpx2.AsyncClient, world: World):
    """Row 37; and row 38: no header of the client makes another address of it."""
    await call(http, world.facts.key)
    statuses = [
        (await call(http, UNKNOWN, **{"x-forwarded-for": f"203.0.113.{number}"})).status_code
        for number in range(WRONG_PER_MINUTE + 20)
    ]
    assert statuses.count(401) == WRONG_PER_MINUTE
    assert statuses[-20:] == [429] * 20
    refused = await call(http, UNKNOWN)
    assert (refused.status_code, refused.json()["error"]["data"]["code"]) == (429, "rate_limited")
    assert refused.headers["ratelimit-policy"] == f'"credentials";q={WRONG_PER_MINUTE};w=60'
    assert int(refused.headers["retry-after"]) <= 60
    assert (await call(http, world.facts.key)).status_code == 200  # known here from before
    fresh = await http.post("/mcp", json={}, headers={"accept": "application/json"})
    assert fresh.status_code == 401  # without a credential nothing is guessed, and a client may ask where to get one


async def test_guesses_at_once_are_held_down_as_well(http: httpx2.AsyncClient, world: World):
    statuses = [answer.status_code for answer in await asyncio.gather(*(call(http, UNKNOWN) for _ in range(120)))]
    assert set(statuses) <= {401, 429}
    assert statuses.count(401) <= WRONG_PER_MINUTE * 1.1


async def test_thousands_of_wrong_keys_from_everywhere_leave_others_alone(world: World):
    """Row 37: bounded memory, and everybody else goes on."""
    addresses = world.built.pipeline.parts.pace.addresses
    refused = 0
    for number in range(1_000):
        arrival = Arrival({"authorization": f"Bearer {UNKNOWN}"}, f"192.0.2.{number % 10}", "/mcp")
        try:
            await world.gateway.authenticate(arrival)
        except RateLimited:
            refused += 1
        except Unauthenticated:
            continue
    assert refused == 1_000 - 10 * WRONG_PER_MINUTE
    assert addresses.kept == 20
    good = Arrival({"authorization": f"Bearer {world.facts.key}"}, "192.0.2.77", "/mcp")
    assert (await world.gateway.authenticate(good)).agent_id == world.facts.agent_id
    assert (await other_agent(world)).agent_id == world.facts.other_agent_id


async def test_a_flood_of_wrong_credentials_waits_for_its_answers(
    http: httpx2.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
):
    """Row 37: both what was looked up and what was refused without it; a verified key waits for nothing."""
    held: list[str] = []

    async def noted(_self: Addresses) -> None:
        held.append("held")

    monkeypatch.setattr(Addresses, "hold_back", noted)
    assert (await call(http, world.facts.key)).status_code == 200
    for number in range(WRONG_PER_MINUTE + 5):
        assert (await call(http, UNKNOWN)).status_code in (401, 429)
        assert len(held) == number + 1
    assert (await call(http, world.facts.key)).status_code == 200
    assert len(held) == WRONG_PER_MINUTE + 5
