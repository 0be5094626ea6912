"""Every state-changing door of REST, which the commands share their services with: what is changed through one process
counts at the other one, from its next request on (on PostgreSQL within a second). Two processes serve all cases."""

from __future__ import annotations

import asyncio
import re
import traceback
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import httpx2
import pytest

from tests.api.test_access import RULES
from tests.api.two_hubs import of_access, of_customers, of_rules, of_servers, of_talks, of_vendors
from tests.api.two_hubs.pair import SECONDS, Foreign, Pair
from tests.api.world import Side, add_customers
from tests.engines import DatabaseUrls
from tests.processes import ROOT, Place
from tests.protocol.conftest import served
from tradepost import settings
from tradepost.database.engine import Database

CASES = (
    *of_servers.CASES,
    *of_access.CASES,
    *of_rules.CASES,
    *of_talks.CASES,
    *of_customers.CASES,
    *of_vendors.CASES,
)

# Doors whose effect through another process is shown elsewhere, and where.
ELSEWHERE: dict[str, str] = {
    "POST /approvals/{approval}/approve": "tests/journeys/live/test_two_workers.py",
    "POST /approvals/{approval}/reject": "tests/journeys/live/test_two_workers.py",
    "POST /approvals/{approval}/settle": "tests/hub/gateway/test_unknown.py",
    "POST /approvals/groups/answer": "tests/hub/gateway/test_at_once.py",
    "POST /actions/{approval}/undo": "tests/hub/gateway/test_undoing.py",
    "POST /usage/tokens": "tests/hub/limits/test_meter.py",
    "POST /conversations": "tests/api/test_conversations_of_two.py",
    "POST /conversations/{conversation}/messages": "tests/api/test_conversations_of_two.py",
    "POST /conversations/{conversation}/cancel": "tests/api/test_conversations_of_two.py",
    "POST /shopper/conversations": "tests/api/test_handovers.py",
    "POST /shopper/conversations/{conversation}/messages": "tests/api/test_handovers.py",
    "POST /shopper/conversations/{conversation}/person": "tests/api/test_handovers.py",
}
# They look, and change nothing that another process would have to hear of.
LOOKING = {
    "POST /reads/{tool}",
    "POST /policy/test",
    "POST /audit/verify",
    "POST /servers/{server}/test",
    "POST /servers/{server}/tools/{tool}/call",  # a call like any other: tests/hub/gateway shows those of two processes
    "POST /servers/{server}/swap/{successor}/check",
    "POST /webhooks/{webhook}/test",
}


@pytest.fixture
async def pair(
    database_urls: DatabaseUrls, acme: Side, tmp_path: Path, configured: settings.Settings
) -> AsyncIterator[Pair]:
    databases = {"TRADEPOST_HUB_URL": database_urls.hub, "TRADEPOST_STORE_URL": database_urls.store}
    places = [Place(tmp_path / "data", databases=databases) for _ in range(2)]
    places[0].data.mkdir()
    store = Database(database_urls.store)
    await add_customers(store, acme, (1, 2))
    await store.close()
    foreign = Foreign()
    with ExitStack() as running:
        hubs = []
        for place in places:
            started = await asyncio.to_thread(place.start, "serve", env={"TRADEPOST_ALLOW_PRIVATE": "127.0.0.0/8"})
            hubs.append(running.enter_context(started))
            await asyncio.to_thread(started.wait_ready)
        async with AsyncExitStack() as clients:
            foreign.url = await clients.enter_async_context(served(foreign))
            first, second = [
                await clients.enter_async_context(
                    httpx2.AsyncClient(base_url=one.url, timeout=SECONDS, trust_env=False)
                )
                for one in places
            ]
            yield Pair(first, second, acme, foreign, configured)
        for hub in hubs:
            assert await asyncio.to_thread(hub.stop) == 0, hub.said()
            assert "Traceback" not in hub.said(), hub.said()


@pytest.mark.two_processes
async def test_whatever_is_changed_at_one_counts_at_the_other(pair: Pair) -> None:
    """F44 for every door; which doors these are is compared with the list of all routes."""
    wrong: dict[str, BaseException] = {}
    for work in CASES:
        try:
            await work(pair)
        except (AssertionError, TimeoutError, LookupError, ValueError) as error:
            wrong[work.__name__] = error
    assert not wrong, "\n".join(f"{name}: {_where(error)}: {error!r}" for name, error in wrong.items())
    changing = {route for route in RULES if not route.startswith("GET ")} - LOOKING - ELSEWHERE.keys()
    assert not {route for route in changing if not any(_fits(route, one) for one in pair.asked)}
    assert all((ROOT / path).is_file() for path in ELSEWHERE.values())


def _where(error: BaseException) -> str:
    """The lines of the case that failed, down to the one that says so."""
    frames = [one for one in traceback.extract_tb(error.__traceback__) if "two_hubs/of_" in one.filename]
    return ", ".join(f"{Path(one.filename).name}:{one.lineno}" for one in frames)


def _fits(route: str, asked: str) -> bool:
    return re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", route), asked.partition("?")[0]) is not None
