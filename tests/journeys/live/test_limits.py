"""A hub of two processes: one limit for both, through a restart, whatever a client writes into its headers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx2
import pytest

from tests.processes import Place

AGENT, OTHER = "supply_chain_manager", "returns_specialist"
TWO = {"TRADEPOST_WORKERS": "2"}
ASKED = {"name": "get_approval", "arguments": {"approval_id": "act_none"}}
CALL: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": ASKED}


async def burst(place: Place, key: str, times: int) -> list[httpx2.Response]:
    """So many requests, 20 at once, on connections of their own, so that both processes get some."""
    limits = httpx2.Limits(max_connections=20, max_keepalive_connections=0)
    async with httpx2.AsyncClient(base_url=place.url, timeout=60, limits=limits) as http:

        async def send(number: int) -> httpx2.Response:
            told = {"x-forwarded-for": f"203.0.113.{number % 250}", "forwarded": f"for=203.0.113.{number % 250}"}
            headers = {"authorization": f"Bearer {key}", "accept": "application/json", **told}
            return await http.post("/mcp", json=CALL, headers=headers)

        return await asyncio.gather(*(send(number) for number in range(times)))


def went(answers: Sequence[httpx2.Response]) -> int:
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) <= {200, 429}
    return statuses.count(200)


@pytest.mark.usefixtures("either_engine")
async def test_a_burst_on_two_processes_gets_one_limit_and_a_restart_no_new_one(place: Place):
    """S3.10, security.md rows 37 and 38."""
    place.run("limits", "set", "calls_per_minute=200").good()
    place.run("limits", "set", "calls_per_day=300", "--agent", OTHER).good()
    with place.start("serve", env=TWO) as hub:
        await asyncio.to_thread(hub.wait_ready)
        answers = await burst(place, place.key(AGENT), 500)
        assert 180 <= went(answers) <= 220
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert refused.headers["ratelimit-policy"] == '"calls";q=200;w=60'
        assert went(await burst(place, place.key(OTHER), 150)) == 150
        place.run("limits", "set", "calls_per_minute=").good()
        guesses = await burst(place, "tp_aaaaaaaa_" + "A" * 50, 200)
        assert 54 <= [answer.status_code for answer in guesses].count(401) <= 82  # and those that were under way
        assert hub.stop() == 0, hub.said()
    with place.start("serve", env=TWO) as hub:
        await asyncio.to_thread(hub.wait_ready)
        used = 150 + went(await burst(place, place.key(OTHER), 300))
        assert 270 <= used <= 330
        assert "Traceback" not in hub.said()
