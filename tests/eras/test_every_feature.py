"""Every feature, for a client of either era and a server of either era: over real sockets, through the whole
hub, which is one process or two."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from mcp.client.client import Client
from mcp_types import (
    CreateMessageResult,
    ElicitResult,
    ListRootsResult,
    PromptReference,
    ResourceTemplateReference,
    Root,
    TextContent,
)

from tests.eras.conftest import SERVERS, Grid
from tests.eras.server import ASKS, PROMPT, PROMPT_THAT_ASKS, TEMPLATE, FeatureServer
from tests.hub.upstreams.watched_server import ONE
from tests.journeys.live.test_updates import Heard

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning"),  # servers of the older era
]

SECONDS = 30


def text_of(result: Any) -> str:
    assert not result.is_error, result.content
    return str(result.content[0].text)


async def tool_call(grid: Grid, mode: str, server: str) -> None:
    async with grid.client(mode, server) as client:
        assert text_of(await client.call_tool("echo", {"text": "Grüße"})) == "Grüße"


async def progress_and_log(grid: Grid, mode: str, server: str) -> None:
    steps: list[float] = []
    said: list[Any] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        steps.append(done)

    async def log(params: Any) -> None:
        said.append(params.data)

    async with grid.client(mode, server, logging_callback=log, log_level="info") as client:
        assert text_of(await client.call_tool("work", {}, progress_callback=progress)) == "worked"
    assert steps == [1, 2]
    assert said == ["working"]


async def elicitation(grid: Grid, mode: str, server: str) -> None:
    async def person(_context: Any, params: Any) -> ElicitResult:
        assert params.message == "Your name?"
        return ElicitResult(action="accept", content={"name": "Ada"})

    async with grid.client(mode, server, elicitation_callback=person) as client:
        answered = json.loads(text_of(await client.call_tool("ask", {})))
    assert (answered["action"], answered["content"]) == ("accept", {"name": "Ada"})


async def sampling(grid: Grid, mode: str, server: str) -> None:
    async def model(_context: Any, params: Any) -> CreateMessageResult:
        assert "capital" in params.messages[0].content.text
        return CreateMessageResult(role="assistant", content=TextContent(type="text", text="Paris"), model="m")

    async with grid.client(mode, server, sampling_callback=model) as client:
        assert "Paris" in text_of(await client.call_tool("think", {}))


async def roots(grid: Grid, mode: str, server: str) -> None:
    async def places(_context: Any) -> ListRootsResult:
        return ListRootsResult(roots=[Root(uri="file:///shop", name="shop")])  # type: ignore[arg-type]

    async with grid.client(mode, server, list_roots_callback=places) as client:
        assert "file:///shop" in text_of(await client.call_tool("places", {}))


async def resource(grid: Grid, mode: str, server: str) -> None:
    async with grid.client(mode, server) as client:
        for uri in (ONE, "note://three"):
            assert (await client.read_resource(uri)).contents[0].text == f"content of {uri}"  # type: ignore[union-attr]


async def prompt(grid: Grid, mode: str, server: str) -> None:
    async with grid.client(mode, server) as client:
        got = await client.get_prompt(PROMPT, {"who": "Ada"})
    assert got.messages[0].content.text == "Hello Ada"  # type: ignore[union-attr]


async def ada(_context: Any, _params: Any) -> ElicitResult:
    return ElicitResult(action="accept", content={"name": "Ada"})


async def resource_that_asks(grid: Grid, mode: str, server: str) -> None:
    async with grid.client(mode, server, elicitation_callback=ada) as client:
        assert (await client.read_resource(ASKS)).contents[0].text == "for Ada"  # type: ignore[union-attr]


async def prompt_that_asks(grid: Grid, mode: str, server: str) -> None:
    async with grid.client(mode, server, elicitation_callback=ada) as client:
        got = await client.get_prompt(PROMPT_THAT_ASKS)
    assert got.messages[0].content.text == "Hello Ada"  # type: ignore[union-attr]


async def completion(grid: Grid, mode: str, server: str) -> None:
    async with grid.client(mode, server) as client:
        named = PromptReference(type="ref/prompt", name=PROMPT)
        template = ResourceTemplateReference(type="ref/resource", uri=TEMPLATE)
        for reference, argument in ((named, "who"), (template, "name")):
            found = await client.complete(reference, {"name": argument, "value": "A"})
            assert found.completion.values == ["Ada", "Alan"]


async def subscription(grid: Grid, mode: str, server: str) -> None:
    heard, behind = Heard(), grid.servers[server]

    async def on_message(message: Any) -> None:
        if mode == "legacy" and getattr(message, "method", "") == "notifications/resources/updated":
            heard.note(str(message.params.uri))

    async with grid.client(mode, server, message_handler=on_message) as client:
        if mode == "legacy":
            await client.subscribe_resource(ONE)
            await told(behind, heard)
            await client.unsubscribe_resource(ONE)
        else:
            async with client.listen(resource_subscriptions=[ONE]) as listening:
                reading = asyncio.create_task(heard.note_all(listening))
                await told(behind, heard)
                reading.cancel()
    await behind.until_watched()


async def told(behind: FeatureServer, heard: Heard) -> None:
    await behind.until_watched(ONE)
    await behind.change(ONE)
    assert await heard.next() == ONE


async def cancellation(grid: Grid, mode: str, server: str) -> None:
    async with grid.client(mode, server) as client:
        await canceled(client, "wait", grid.servers[server])


async def cancellation_after_a_question(grid: Grid, mode: str, server: str) -> None:
    async with grid.client(mode, server, elicitation_callback=ada) as client:
        await canceled(client, "ask_and_wait", grid.servers[server])


async def canceled(client: Client, tool: str, behind: FeatureServer) -> None:
    behind.waiting.clear()
    behind.left.clear()
    call = asyncio.create_task(client.call_tool(tool, {}))
    await asyncio.wait_for(behind.waiting.wait(), SECONDS)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    await asyncio.wait_for(behind.left.wait(), SECONDS)
    assert text_of(await client.call_tool("echo", {"text": "still here"})) == "still here"


Feature = Callable[[Grid, str, str], Awaitable[None]]
FEATURES: tuple[Feature, ...] = (
    tool_call,
    progress_and_log,
    elicitation,
    sampling,
    roots,
    resource,
    resource_that_asks,
    prompt,
    prompt_that_asks,
    completion,
    subscription,
    cancellation,
    cancellation_after_a_question,
)


EVERY_CELL = [
    pytest.mark.parametrize("server", SERVERS),
    pytest.mark.parametrize("client", ["legacy", "auto"]),
    pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.__name__),
]


def every_cell(test: Any) -> Any:
    for mark in EVERY_CELL:
        test = mark(test)
    return test


@every_cell
async def test_it_works(grid: Grid, feature: Feature, client: str, server: str):
    async with asyncio.timeout(2 * SECONDS):
        await feature(grid, client, server)


@pytest.mark.two_processes
@every_cell
async def test_it_works_with_two_processes(grid_of_two: Grid, feature: Feature, client: str, server: str):
    async with asyncio.timeout(2 * SECONDS):
        await feature(grid_of_two, client, server)
