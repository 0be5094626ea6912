"""server-everything over all three transports, through both doors, by official clients of both eras."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from mcp import types
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import PromptReference, ResourceTemplateReference

from tests.foreign.conftest import Behind
from tests.journeys.live.clients import MODES, over_http, plain

pytestmark = pytest.mark.foreign

TRANSPORTS = {"everything": "streamable-http", "everything-sse": "sse", "everything-stdio": "stdio"}
DOORS = ("catalog", "server")

over_all = pytest.mark.parametrize("slug", TRANSPORTS)
through_all = pytest.mark.parametrize(("door", "mode"), [(door, mode) for door in DOORS for mode in MODES])


def text_of(result: Any) -> str:
    assert not result.is_error, result.content
    return str(result.content[0].text)


@over_all
def test_what_it_speaks_is_found_out(behind: dict[str, Behind], slug: str):
    tested = behind[slug].tested
    assert tested["ok"]
    assert (tested["era"], tested["transport"]) == ("legacy", TRANSPORTS[slug])
    assert tested["tools"] == len(behind[slug].tools)
    assert {"echo", "trigger-sampling-request", "get-roots-list"} <= behind[slug].tools.keys()


@over_all
@through_all
async def test_its_tools_resources_prompts_and_completions_are_used(
    behind: dict[str, Behind], slug: str, door: str, mode: str
):
    server = behind[slug]
    async with over_http(server.url(door), server.key, mode) as client:
        assert text_of(await client.call_tool("echo", {"message": "Grüße"})) == "Echo: Grüße"
        assert text_of(await client.call_tool("get-sum", {"a": 2, "b": 3})) == "The sum of 2 and 3 is 5."
        heard: list[tuple[float, float | None]] = []

        async def progress(done: float, total: float | None, message: str | None) -> None:
            heard.append((done, total))

        long = {"duration": 0.2, "steps": 4}
        await client.call_tool("trigger-long-running-operation", long, progress_callback=progress)
        assert heard == [(1, 4), (2, 4), (3, 4), (4, 4)]

        uris = [str(resource.uri) for resource in (await client.list_resources()).resources]
        assert "demo://resource/static/document/features.md" in uris
        assert "Everything" in plain(await client.read_resource(uris[0]))["contents"][0]["text"]
        dynamic = plain(await client.read_resource("demo://resource/dynamic/text/7"))
        assert "Resource 7" in dynamic["contents"][0]["text"]
        prompt = plain(await client.get_prompt("args-prompt", {"city": "Rome"}))
        assert "Rome" in json.dumps(prompt["messages"])

        named = PromptReference(type="ref/prompt", name="completable-prompt")
        found = await client.complete(named, {"name": "department", "value": "E"})
        assert found.completion.values == ["Engineering"]
        given = {"department": "Engineering"}
        found = await client.complete(named, {"name": "name", "value": "A"}, context_arguments=given)
        assert found.completion.values == ["Alice"]
        template = ResourceTemplateReference(type="ref/resource", uri="demo://resource/dynamic/text/{resourceId}")
        found = await client.complete(template, {"name": "resourceId", "value": "3"})
        assert found.completion.values == ["3"]


@over_all
async def test_it_asks_the_person_and_the_model_behind_the_client(behind: dict[str, Behind], slug: str):
    server = behind[slug]

    async def person(_context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        assert "fields" in params.message
        return types.ElicitResult(action="accept", content={"name": "Ada", "integer": 7})

    async def model(_context: Any, params: types.CreateMessageRequestParams) -> types.CreateMessageResult:
        assert "capital" in str(params.messages[0].content)
        said = types.TextContent(type="text", text="Rome")
        return types.CreateMessageResult(role="assistant", content=said, model="model-1")

    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {server.key}"}, timeout=60) as http,
        Client(
            streamable_http_client(url=server.url("catalog"), http_client=http),
            mode="legacy",
            elicitation_callback=person,
            sampling_callback=model,
        ) as client,
    ):
        answered = plain(await client.call_tool("trigger-elicitation-request", {}))
        assert "- Name: Ada" in json.dumps(answered["content"])
        thought = plain(await client.call_tool("trigger-sampling-request", {"prompt": "the capital"}))
        assert "Rome" in json.dumps(thought["content"])


async def test_a_program_sees_nothing_of_the_hubs_environment(behind: dict[str, Behind]):
    server = behind["everything-stdio"]
    async with over_http(server.url("server"), server.key) as client:
        seen = json.loads(text_of(await client.call_tool("get-env", {})))
    assert not [name for name in seen if name.startswith("TRADEPOST_")]
    assert "MEMORY_FILE_PATH" in seen
