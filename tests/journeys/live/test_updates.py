"""A watched resource changes: its subscriber hears of it within a second, in both eras, whichever process wrote."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import ResourceUpdated

from tests.journeys.live.clients import MODES, call, over_command, over_http
from tests.processes import PYTHON, ROOT, Place

pytestmark = pytest.mark.filterwarnings("ignore:resources/(un)?subscribe is removed")

AGENT = "supply_chain_manager"
FLOOR = "warehouse_lead"  # writes without asking
APPROVER = "alex@demo.example"
SECONDS = 20.0
PROMISED = 1.0


class Subscriber:
    """The official client with its ears open."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._heard: asyncio.Queue[tuple[str, float]] = asyncio.Queue()

    def note(self, uri: str) -> None:
        self._heard.put_nowait((uri, time.monotonic()))

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
async def subscribed(transport: Any, mode: str, *uris: str) -> AsyncIterator[Subscriber]:
    """A client that subscribed to resources in the way of its era."""
    early: list[str] = []
    subscriber: Subscriber | None = None

    async def on_message(message: Any) -> None:
        if getattr(message, "method", "") == "notifications/resources/updated":
            (subscriber.note if subscriber else early.append)(str(message.params.uri))

    async with Client(transport, mode=mode, message_handler=on_message) as client:
        subscriber = Subscriber(client)
        if mode == "legacy":
            for uri in uris:
                await client.subscribe_resource(uri)
            yield subscriber
            return
        async with client.listen(resource_subscriptions=uris) as subscription:

            async def forward(heard: Subscriber) -> None:
                async for event in subscription:
                    assert isinstance(event, ResourceUpdated)
                    heard.note(event.uri)

            subscriber = None  # the stream's own events are read here
            heard = Subscriber(client)
            reading = asyncio.create_task(forward(heard))
            try:
                yield heard
            finally:
                reading.cancel()


@asynccontextmanager
async def watching(place: Place, mode: str, *uris: str, workspace: str = "demo") -> AsyncIterator[Subscriber]:
    headers = {"Authorization": f"Bearer {place.key(AGENT, workspace)}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        subscribed(streamable_http_client(url=f"{place.url}/mcp", http_client=http), mode, *uris) as subscriber,
    ):
        yield subscriber


def orders_alone(place: Place, workspace: str = "demo") -> Any:
    """A server that runs alone on the same store: another process, without the hub."""
    return over_command(place, ["serve", "orders", "--stdio", "--workspace", workspace])


_written = iter(range(1_000_000))


async def note(client: Client, order: str) -> None:
    await call(client, "add_order_note", order_id=order, note="Seen.", idempotency_key=f"live-{next(_written)}")


async def adjust(place: Place, delta: int) -> None:
    async with over_http(f"{place.url}/mcp", place.key(FLOOR)) as floor:
        key = f"live-{next(_written)}-{delta}"
        level = (await call(floor, "list_stock_levels", warehouse_id="RTM", limit=1))["items"][0]
        changed = await call(
            floor, "adjust_stock", sku=level["sku"], warehouse_id="RTM", delta=delta, idempotency_key=key
        )
        assert changed["status"] == "done", changed


@pytest.mark.behaviour("S3.3")
@pytest.mark.parametrize("mode", MODES)
async def test_writes_through_the_hub_and_beside_it_reach_the_subscriber(shared: Place, mode: str):
    async with (
        watching(shared, mode, "warehouse://RTM/stock", "order://88213") as subscriber,
        orders_alone(shared) as alone,
    ):
        await adjust(shared, 1)
        assert await subscriber.next() == "warehouse://RTM/stock"
        began = time.monotonic()
        await note(alone, "88213")
        committed = time.monotonic()
        uri, heard = await subscriber.next_at()
        assert uri == "order://88213"
        assert heard - committed < PROMISED, f"{heard - began:.3f} s after the call began"
        await note(alone, "88214")
        await note(alone, "88213")
        assert await subscriber.next() == "order://88213"
        assert subscriber.silent


@pytest.mark.parametrize("mode", MODES)
async def test_a_neighbor_with_the_same_numbers_hears_its_own_alone(shared: Place, mode: str):
    async with (
        watching(shared, mode, "order://88213") as ours,
        watching(shared, mode, "order://88213", "order://88214", workspace="second") as theirs,
        orders_alone(shared) as here,
        orders_alone(shared, "second") as there,
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
async def test_over_the_bridge_it_is_the_same(shared: Place, mode: str):
    arguments = ["-m", "tradepost", "connect", "--agent", AGENT]
    bridge = StdioServerParameters(command=PYTHON, args=arguments, cwd=ROOT, env=dict(shared.env))
    async with subscribed(bridge, mode, "order://88230") as subscriber, orders_alone(shared) as alone:
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
            orders_alone(place) as alone,
            over_http(url, minted["key"]) as client,
            client.listen(resource_subscriptions=uris) as subscription,
        ):
            place.run("key", "revoke", minted["prefix"]).good()
            await note(alone, "88213")
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
