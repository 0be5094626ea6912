"""A watched resource changes: its subscriber hears of it within a second, in both eras, whichever process wrote."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any

import httpx2
import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import Subscription
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import ResourceUpdated

from tests.journeys.live.clients import MODES, call, over_http
from tests.processes import PYTHON, ROOT, Place

pytestmark = pytest.mark.filterwarnings("ignore:resources/(un)?subscribe is removed")

AGENT = "supply_chain_manager"
FLOOR = "warehouse_lead"  # writes without asking
APPROVER = "alex@demo.example"
BEARER = "a-bearer-of-32-characters-length"
SECONDS = 20.0
PROMISED = 1.0

Alone = Callable[[], AbstractAsyncContextManager[Client]]


class Heard:
    """The updates that a client was told of."""

    def __init__(self) -> None:
        self._heard: asyncio.Queue[tuple[str, float]] = asyncio.Queue()

    def note(self, uri: str) -> None:
        self._heard.put_nowait((uri, time.monotonic()))

    async def note_all(self, subscription: Subscription) -> None:
        async for event in subscription:
            assert isinstance(event, ResourceUpdated)
            self.note(event.uri)

    async def next(self) -> str:
        """The URI of the next update."""
        return (await asyncio.wait_for(self._heard.get(), SECONDS))[0]

    async def next_at(self) -> tuple[str, float]:
        """The next update, and when it came."""
        return await asyncio.wait_for(self._heard.get(), SECONDS)

    @property
    def silent(self) -> bool:
        return self._heard.empty()


@asynccontextmanager
async def subscribed(transport: Any, mode: str, *uris: str) -> AsyncIterator[Heard]:
    """A client that subscribed to resources in the way of its era."""
    heard = Heard()

    async def on_message(message: Any) -> None:
        if mode == "legacy" and getattr(message, "method", "") == "notifications/resources/updated":
            heard.note(str(message.params.uri))

    async with Client(transport, mode=mode, message_handler=on_message) as client:
        if mode == "legacy":
            for uri in uris:
                await client.subscribe_resource(uri)
            yield heard
            return
        async with client.listen(resource_subscriptions=uris) as subscription:
            reading = asyncio.create_task(heard.note_all(subscription))
            yield heard
            reading.cancel()


@asynccontextmanager
async def watching(place: Place, mode: str, *uris: str, workspace: str = "demo") -> AsyncIterator[Heard]:
    headers = {"Authorization": f"Bearer {place.key(AGENT, workspace)}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        subscribed(streamable_http_client(url=f"{place.url}/mcp", http_client=http), mode, *uris) as subscriber,
    ):
        yield subscriber


@contextmanager
def orders_alone(place: Place, workspace: str = "demo") -> Iterator[Alone]:
    """A server that runs alone on the same store: another process, without the hub."""
    alone = Place(place.data, databases=place.databases)
    with alone.start("serve", "orders", "--http", "--workspace", workspace, env={"TRADEPOST_BEARER": BEARER}) as server:
        server.wait_answering()
        yield lambda: over_http(f"{alone.url}/mcp", BEARER)


@pytest.fixture(scope="module")
def beside(shared: Place) -> Iterator[Alone]:
    """Writes in the demo, by another process."""
    with orders_alone(shared) as alone:
        yield alone


_written = iter(range(1_000_000))


async def note(client: Client, order: str) -> None:
    await call(client, "add_order_note", order_id=order, note="Seen.", idempotency_key=f"live-{next(_written)}")


async def adjust(floor: Client, delta: int) -> None:
    key = f"live-{next(_written)}"
    level = (await call(floor, "list_stock_levels", warehouse_id="RTM", limit=1))["items"][0]
    changed = await call(floor, "adjust_stock", sku=level["sku"], warehouse_id="RTM", delta=delta, idempotency_key=key)
    assert changed["status"] == "succeeded", changed


@pytest.mark.behaviour("S3.3")
@pytest.mark.parametrize("mode", MODES)
async def test_writes_through_the_hub_and_beside_it_reach_the_subscriber(shared: Place, beside: Alone, mode: str):
    async with (
        watching(shared, mode, "warehouse://RTM/stock", "order://88213") as subscriber,
        beside() as alone,
    ):
        async with over_http(f"{shared.url}/mcp", shared.key(FLOOR)) as floor:
            await adjust(floor, 1)
        assert await subscriber.next() == "warehouse://RTM/stock"
        await note(alone, "88213")
        committed = time.monotonic()
        uri, heard_at = await subscriber.next_at()
        assert uri == "order://88213"
        assert heard_at - committed < PROMISED
        await note(alone, "88214")
        await note(alone, "88213")
        assert await subscriber.next() == "order://88213"
        assert subscriber.silent


async def test_a_neighbor_with_the_same_numbers_hears_its_own_alone(shared: Place, beside: Alone):
    with orders_alone(shared, "second") as at_theirs:
        async with (
            watching(shared, "auto", "order://88213") as ours,
            watching(shared, "legacy", "order://88213", "order://88214", workspace="second") as theirs,
            beside() as here,
            at_theirs() as there,
        ):
            await note(here, "88213")
            assert await ours.next() == "order://88213"
            await note(there, "88214")
            assert await theirs.next() == "order://88214"
            await note(there, "88213")
            assert await theirs.next() == "order://88213"
            assert ours.silent


async def test_an_approval_tells_its_agent_what_became_of_it(shared: Place):
    async with over_http(f"{shared.url}/mcp", shared.key(AGENT)) as client:
        asked = await call(
            client, "add_order_note", order_id="88218", note="Please.", idempotency_key=f"live-{next(_written)}"
        )
    uri = f"approval://{asked['approval_id']}"
    async with watching(shared, "auto", uri, "order://88218") as subscriber:
        shared.run("approvals", "approve", asked["approval_id"], "--as", APPROVER).good()
        heard = {await subscriber.next()}
        while heard != {uri, "order://88218"}:
            heard.add(await subscriber.next())


@pytest.mark.usefixtures("either_engine")
@pytest.mark.parametrize("mode", MODES)
async def test_over_the_bridge_it_is_the_same(shared: Place, beside: Alone, mode: str):
    arguments = ["-m", "tradepost", "connect", "--agent", AGENT]
    bridge = StdioServerParameters(command=PYTHON, args=arguments, cwd=ROOT, env=dict(shared.env))
    async with subscribed(bridge, mode, "order://88230") as subscriber, beside() as alone:
        for _ in range(2):
            await note(alone, "88230")
            assert await subscriber.next() == "order://88230"


@pytest.mark.usefixtures("either_engine")
@pytest.mark.parametrize("mode", MODES)
async def test_what_an_agent_does_not_see_it_cannot_watch(shared: Place, mode: str):
    async with over_http(f"{shared.url}/mcp", shared.key("product_expert"), mode) as client:
        for uri in ("order://88213", "order://none", "approval://act_none"):
            with pytest.raises(MCPError) as refused:
                if mode == "legacy":
                    await client.subscribe_resource(uri)
                else:
                    await client.listen(resource_subscriptions=[uri]).__aenter__()
            assert refused.value.code == -32602


@pytest.mark.usefixtures("either_engine")
async def test_a_revoked_key_and_a_stopped_hub_end_the_listening(place: Place):
    url, uris = f"{place.url}/mcp", ["order://88213"]
    with place.start("serve") as hub:
        hub.wait_ready()
        minted = place.run("key", "mint", "--agent", AGENT, "--json").json()
        async with (
            over_http(url, place.key(FLOOR)) as floor,
            over_http(url, minted["key"]) as client,
            client.listen(resource_subscriptions=["warehouse://RTM/stock"]) as subscription,
        ):
            place.run("key", "revoke", minted["prefix"]).good()
            await adjust(floor, 1)
            async with asyncio.timeout(SECONDS):
                assert [event async for event in subscription] == []
        async with (
            over_http(url, place.key(AGENT)) as client,
            client.listen(resource_subscriptions=uris) as subscription,
        ):
            assert hub.stop() == 0, hub.said()
            async with asyncio.timeout(SECONDS):
                assert [event async for event in subscription] == []
        assert "Traceback" not in hub.said()
