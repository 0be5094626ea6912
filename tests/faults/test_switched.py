"""The primary of the database is switched while writes come in (F34): connections are refused for 20 seconds, then
another one with the same data answers at the same address."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

import httpx2
import psycopg
import pytest
from sqlalchemy import select

from tests.engines import DatabaseUrls
from tests.faults.carrier import Carrier
from tests.faults.conftest import HOST, LOOPBACK
from tests.faults.proxy import Relay
from tests.faults.test_database import Desk, prepared, through
from tests.protocol.conftest import served
from tradepost import settings
from tradepost.cli.late import open_or_wait
from tradepost.database.engine import Database
from tradepost.hub.actions.models import Action
from tradepost.hub.audit.verify import verify

pytestmark = pytest.mark.parametrize("engine_name", ["postgres"])  # a file has no primary

OUTAGE, SECONDS = 20.0, 60.0
WRITERS = 4


class Writers:
    """Each makes one write after another, with a key of its own, and again where it was told that it was not done."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.statuses: Counter[int] = Counter()
        self.done: list[str] = []
        self.left_open: set[str] = set()
        self.stops = False

    async def write(self, writer: int) -> None:
        number = 0
        while not self.stops:
            number += 1
            await self._until_known(f"w{writer}-{number}")

    async def _until_known(self, parcel: str) -> None:
        while True:
            answer = await self._desk.call("ship", parcel, parcel)
            self.statuses[answer.status_code] += 1
            if answer.status_code == 200:
                said = answer.json()["result"]
                if not said["isError"]:
                    self.done.append(parcel)
                    return
                told = said["structuredContent"]
                if told.get("details", {}).get("state") == "unknown":
                    return
                assert told["retryable"], told
                if self.stops and told["code"] == "in_progress":
                    self.left_open.add(parcel)  # the sweeper ends it, once its lease is over
                    return
            else:
                assert answer.status_code == 503, answer.text
                assert int(answer.headers["retry-after"]) > 0


def switch(urls: DatabaseUrls) -> None:
    """Put a copy in the place of each database: none of its sessions and prepared statements is there."""
    place = urlsplit(urls.hub)
    with psycopg.connect(place._replace(path="/postgres").geturl(), autocommit=True) as server:
        for url in (urls.hub, urls.store):
            name = urlsplit(url).path[1:]
            server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            server.execute(f'ALTER DATABASE "{name}" RENAME TO "{name}_lost"'.encode())
            server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{name}_lost"'.encode())


async def test_writes_go_on_with_the_new_primary(database_urls: DatabaseUrls, relay: Relay, tmp_path: Path):
    carrier = Carrier()
    urls = {"hub_url": through(relay, database_urls.hub), "store_url": through(relay, database_urls.store)}
    loaded = settings.load(data=tmp_path, allow_private=LOOPBACK, allowed_hosts=HOST, **urls)
    async with served(carrier) as base, prepared(database_urls, tmp_path, base) as (world, key):
        hub = await open_or_wait(loaded)
        async with served(hub) as url, httpx2.AsyncClient(timeout=SECONDS) as http:
            desk = Desk(http, url, key)
            writers = Writers(desk)
            tasks = [asyncio.create_task(writers.write(number)) for number in range(WRITERS)]
            async with asyncio.timeout(SECONDS):
                while len(writers.done) < 5 * WRITERS:
                    await desk.status("/health")
            began = monotonic()
            await relay.cut()
            await asyncio.to_thread(switch, database_urls)
            while monotonic() - began < OUTAGE:
                assert await desk.status("/health") == 200
                assert (await desk.call("ship", "refused", "refused")).status_code in (200, 503)
            assert await desk.status("/ready") == 503
            assert "refused" not in carrier.ledger  # no intent, no call
            before = len(writers.done)
            await relay.up()
            await desk.wait_for("/ready", 200)
            async with asyncio.timeout(SECONDS):
                while len(writers.done) < before + 5 * WRITERS:
                    await desk.status("/health")
            writers.stops = True
            await asyncio.wait_for(asyncio.gather(*tasks), SECONDS)
    fresh = Database(database_urls.hub)
    try:
        async with fresh.transaction(world.workspace_id, write=False) as session:
            states = {action.key: action.state for action in await session.scalars(select(Action))}
        assert set(carrier.ledger) <= states.keys()  # nothing was done without its intent
        assert max(Counter(carrier.ledger).values()) == 1
        assert {key for key, state in states.items() if state == "succeeded"} >= set(writers.done)
        ended = {key: state for key, state in states.items() if key not in writers.left_open}
        assert set(ended.values()) <= {"succeeded", "unknown"}, ended
        assert set(writers.done) <= set(carrier.ledger)
        assert (await verify(fresh, world.workspace_id)).intact
    finally:
        await fresh.close()
    assert writers.statuses[503] > 0
