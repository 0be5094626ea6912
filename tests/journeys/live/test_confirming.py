"""A person's own agent asks them, with the official client over HTTP, in both eras."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import types
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

from tests.journeys.live.clients import MODES, call
from tests.processes import Place

PROFILE = "own-hands"
ORDER = "88107"
HOLD, RELEASE = {"hold": True, "reason": "address"}, {"hold": False}


class Person:
    """Answers what the client asks them as `will` says."""

    def __init__(self, will: str) -> None:
        self.will, self.read = will, list[str]()

    async def __call__(self, _context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        self.read.append(params.message)
        return types.ElicitResult(action=self.will, content={} if self.will == "accept" else None)  # type: ignore[arg-type]


@asynccontextmanager
async def asked(place: Place, key: str, mode: str, person: Person) -> AsyncIterator[Client]:
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=60) as http,
        Client(
            streamable_http_client(url=f"{place.url}/mcp", http_client=http), mode=mode, elicitation_callback=person
        ) as client,
    ):
        yield client


@pytest.fixture
def key(shared: Place) -> str:
    """Of a person who may confirm for themselves what their profile holds."""
    for given in (
        ("profile", "create", PROFILE, "--posture", "guarded"),
        ("server", "assign", "orders", "set_order_hold", "--profile", PROFILE),
        ("policy", "add", PROFILE, "ask", f"profile={PROFILE}", "caller_may_confirm=true", "-m", "it is your own"),
    ):
        shared.run(*given).good()
    minted = ("key", "mint", "--user", "alex@demo.example", "--profile", PROFILE, "--scope", "write:orders")
    return str(shared.ask(*minted)["key"])


@pytest.mark.usefixtures("either_engine")
async def test_the_official_client_asks_whoever_calls(shared: Place, key: str):
    for number, mode in enumerate(MODES):
        asked_for, back = [{"order_id": ORDER, **one} for one in ((HOLD, RELEASE), (RELEASE, HOLD))[number]]
        for will in ("cancel", "decline", "accept"):
            person = Person(will)
            async with asked(shared, key, mode, person) as client:
                answer = await client.call_tool("set_order_hold", {**asked_for, "idempotency_key": f"{mode}-{will}"})
            (message,) = person.read
            place = 0
            for words in ("What it would do: ", f"order_id: {ORDER}", "Why you are asked: it is your own"):
                place = message.index(words, place)
            said = answer.content[0].text
            expected = {"cancel": "a person has to approve", "decline": "rejected by Alex Meyer", "accept": ORDER}
            assert expected[will] in said, said
            assert answer.is_error == (will == "decline")
        async with (
            httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=60) as http,
            Client(streamable_http_client(url=f"{shared.url}/mcp", http_client=http), mode=mode) as client,
        ):
            assert (await call(client, "set_order_hold", **back, idempotency_key=f"{mode}-unable"))[
                "status"
            ] == "approval_required"
