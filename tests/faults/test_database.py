"""The database server is not there when the hub starts, and goes away while it runs (F2, F28): the hub stays, says so,
and goes on by itself when it is back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from sqlalchemy import select

from tests.engines import DatabaseUrls
from tests.faults.carrier import Carrier
from tests.faults.conftest import HOST, LOOPBACK, register
from tests.faults.proxy import Relay
from tests.hub.trusting import trust_outsiders
from tests.hub.world import World, founded
from tests.protocol.conftest import served
from tradepost import settings
from tradepost.cli.late import open_or_wait
from tradepost.database.engine import Database
from tradepost.foundation.errors import SetupError
from tradepost.hub.access.agents import set_posture
from tradepost.hub.actions.models import Action

pytestmark = pytest.mark.parametrize("engine_name", ["postgres"])  # a file does not go away

SECONDS = 60
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}


def through(relay: Relay, url: str) -> str:
    """A database as the relay reaches it."""
    return f"postgresql://postgres@127.0.0.1:{relay.port}{urlsplit(url).path}?sslmode=disable&gssencmode=disable"


class Desk:
    """A client of the hub."""

    def __init__(self, http: httpx2.AsyncClient, url: str, key: str) -> None:
        self._http, self._url = http, url
        self._headers = {"authorization": f"Bearer {key}", "host": HOST, "accept": "application/json"}

    async def status(self, path: str) -> int:
        return (await self._http.get(self._url + path, headers={"host": HOST})).status_code

    async def call(self, tool: str, key: str | None = None, parcel: str = "7") -> httpx2.Response:
        arguments = {"parcel": parcel, **({"idempotency_key": key} if key else {})}
        body = {**CALL, "params": {"name": tool, "arguments": arguments}}
        return await self._http.post(f"{self._url}/mcp", json=body, headers=self._headers)

    async def wait_for(self, path: str, status: int) -> None:
        async with asyncio.timeout(SECONDS):
            while await self.status(path) != status:
                continue  # each look is a request

    async def wait_for_answer(self, tool: str) -> None:
        async with asyncio.timeout(SECONDS):
            while (await self.call(tool)).status_code != 200:
                continue  # each look is a request


@asynccontextmanager
async def prepared(urls: DatabaseUrls, data: Path, carrier: str) -> AsyncIterator[tuple[World, str]]:
    """A workspace with the carrier behind it, made past the relay, and a key of its agent."""
    database = Database(urls.hub)
    try:
        world = await founded(database, "acme")
        await register(world, data, {"carrier": f"{carrier}/mcp"}, {})
        async with world.changing() as session:
            await set_posture(session, world.owner, "team", "guarded")
            await trust_outsiders(session, world.owner)
        yield world, (await world.key()).secret
    finally:
        await database.close()


async def test_it_waits_for_its_database_and_outlives_its_absence(
    database_urls: DatabaseUrls, relay: Relay, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    carrier = Carrier()
    urls = {"hub_url": through(relay, database_urls.hub), "store_url": through(relay, database_urls.store)}
    loaded = settings.load(data=tmp_path, allow_private=LOOPBACK, allowed_hosts=HOST, **urls)
    async with served(carrier) as base, prepared(database_urls, tmp_path, base) as (world, key):
        await relay.cut()
        hub = await open_or_wait(loaded)
        assert "It is waited for." in capsys.readouterr().err
        async with served(hub) as url, httpx2.AsyncClient(timeout=SECONDS) as http:
            desk = Desk(http, url, key)
            assert (await desk.status("/health"), await desk.status("/ready")) == (200, 503)
            early = await desk.call("track")
            assert (early.status_code, early.json()["error"]["code"]) == (503, 503)
            assert int(early.headers["retry-after"]) > 0
            await relay.up()
            await desk.wait_for("/ready", 200)
            assert "The database is there" in capsys.readouterr().err
            assert not (await desk.call("ship", "k1")).json()["result"]["isError"]

            await relay.cut()
            await desk.wait_for("/ready", 503)
            assert await desk.status("/health") == 200
            gone = await desk.call("ship", "k2")
            assert gone.status_code in (200, 503), gone.text
            said = gone.json()
            assert "error" in said or said["result"]["isError"], said
            assert carrier.ledger == ["7"]  # no intent, no call
            await relay.up()
            await desk.wait_for("/ready", 200)
            await desk.wait_for_answer("track")
            assert not (await desk.call("ship", "k2")).json()["result"]["isError"]
            assert carrier.ledger == ["7", "7"]
        async with world.reading() as session:
            states = {action.key: action.state for action in await session.scalars(select(Action))}
        assert states == {"k1": "succeeded", "k2": "succeeded"}


async def test_what_waiting_does_not_mend_is_said_at_once(database_urls: DatabaseUrls, relay: Relay, tmp_path: Path):
    swapped = {"hub_url": through(relay, database_urls.store), "store_url": through(relay, database_urls.hub)}
    with pytest.raises(SetupError):
        await open_or_wait(settings.load(data=tmp_path, **swapped))
