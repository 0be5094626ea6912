"""What reaches a client before its result: progress, log messages, questions; and how our own client hears them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.protocol.conftest import Desk, modern_headers, modern_meta, served, warm
from tests.protocol.fake_host import FakeHost
from tests.protocol.test_client import OldServer
from tradepost.protocol import channel
from tradepost.protocol.client import McpClient
from tradepost.protocol.endpoint import McpEndpoint
from tradepost.protocol.guards import LOCAL_HOSTS

LOG_LEVEL = "io.modelcontextprotocol/logLevel"
ELICITS: dict[str, Any] = {
    "protocolVersion": "2025-11-25",
    "capabilities": {"elicitation": {}},
    "clientInfo": {"name": "x"},
}


async def messages(lines: AsyncIterator[str]) -> list[dict[str, Any]]:
    return [json.loads(line[5:]) async for line in lines if line.startswith("data:")]


def talk(kind: str, meta: dict[str, Any]) -> dict[str, Any]:
    params = {"name": "echo", "arguments": {"talk": kind}, "_meta": meta}
    return {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": params}


async def told(desk: Desk, body: dict[str, Any], headers: dict[str, str]) -> list[dict[str, Any]]:
    response = await desk.send(body, headers=headers)
    assert response.status_code == 200
    if response.headers["content-type"] == "application/json":
        return [response.json()]
    assert response.headers["content-type"] == "text/event-stream"
    assert response.headers["x-accel-buffering"] == "no"
    return [json.loads(line[5:]) for line in response.text.splitlines() if line.startswith("data:")]


@pytest.mark.parametrize(
    ("wanted", "heard"),
    [
        ({}, []),
        ({"progressToken": 7}, [1, 2]),
        ({LOG_LEVEL: "info"}, ["warning"]),
        ({"progressToken": "p", LOG_LEVEL: "debug"}, [1, 2, "debug", "warning"]),
    ],
)
async def test_a_client_hears_what_it_asked_for_before_the_result(desk: Desk, wanted: dict[str, Any], heard: list[Any]):
    body = talk("tell", modern_meta(**wanted))
    *before, last = await told(desk, body, modern_headers("tools/call", "echo"))
    assert [said["params"].get("progress", said["params"].get("data")) for said in before] == heard
    tokens = {said["params"]["progressToken"] for said in before if "progress" in said["params"]}
    assert tokens <= {wanted.get("progressToken")}
    assert (last["id"], last["result"]["structuredContent"]) == (3, {"told": True})
    assert last["result"]["resultType"] == "complete"


async def test_a_failure_after_the_first_event_is_the_last_event(desk: Desk):
    body = talk("fail", modern_meta(progressToken=1))
    *before, last = await told(desk, body, modern_headers("tools/call", "echo"))
    assert len(before) == 2
    assert (last["id"], last["error"]["code"]) == (3, -32602)


async def test_a_client_that_takes_json_only_gets_json_only(desk: Desk):
    headers = {**modern_headers("tools/call", "echo"), "accept": "application/json"}
    (only,) = await told(desk, talk("tell", modern_meta(progressToken=1)), headers)
    assert only["result"]["structuredContent"] == {"told": True}


async def test_an_unknown_log_level_and_a_strange_token_are_refused(desk: Desk):
    for meta in ({LOG_LEVEL: "loud"}, {"progressToken": [1]}):
        response = await desk.send(talk("tell", modern_meta(**meta)), headers=modern_headers("tools/call", "echo"))
        assert response.json()["error"]["code"] == -32602


async def test_the_log_level_of_a_session_holds(desk: Desk):
    opened = await desk.initialize()
    session = {"mcp-session-id": opened.headers["mcp-session-id"]}
    levels = []
    for level in (None, "debug", "critical"):
        if level:
            assert (await desk.bare("logging/setLevel", {"level": level}, headers=session)).json()["result"] == {}
        said = await told(desk, talk("tell", {}), session)
        levels.append([message["params"]["level"] for message in said[:-1]])
    assert levels == [["warning"], ["debug", "warning"], []]
    assert (await desk.bare("logging/setLevel", {"level": "loud"}, headers=session)).json()["error"]["code"] == -32602


@asynccontextmanager
async def asked(desk: Desk) -> AsyncIterator[tuple[dict[str, Any], AsyncIterator[str], dict[str, str]]]:
    """A call of a client that can be asked, up to its question."""
    opened = await desk.bare("initialize", ELICITS)
    session = {"mcp-session-id": opened.headers["mcp-session-id"]}
    headers = {**session, "authorization": "Bearer token-a", "accept": "application/json, text/event-stream"}
    async with desk.http.stream("POST", f"{desk.url}/mcp", headers=headers, json=talk("ask", {})) as response:
        lines = response.aiter_lines()
        async for line in lines:
            if line.startswith("data:"):
                yield json.loads(line[5:]), lines, session
                return


async def test_a_question_goes_out_on_the_stream_and_the_reply_comes_back_by_post(desk: Desk):
    async with asked(desk) as (question, lines, session):
        assert (question["method"], question["params"]["message"]) == ("elicitation/create", "Sure?")
        reply = {"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept", "content": {}}}
        accepted = await desk.send(reply, headers=session)
        assert (accepted.status_code, accepted.content) == (202, b"")
        (result,) = await messages(lines)
        assert result["result"]["structuredContent"] == {"result": {"action": "accept", "content": {}}}
        assert (await desk.send(reply, headers=session)).status_code == 400


async def test_nobody_else_can_answer_a_question(desk: Desk):
    async with asked(desk) as (question, lines, session):
        reply = {"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept"}}
        assert (await desk.send(reply, headers=session, token="token-b")).status_code == 404
        assert (await desk.send(reply)).status_code == 400
        other = {"mcp-session-id": (await desk.initialize()).headers["mcp-session-id"]}
        assert (await desk.send(reply, headers=other)).status_code == 400
        refused = {"jsonrpc": "2.0", "id": question["id"], "error": {"code": -1, "message": "no"}}
        assert (await desk.send(refused, headers=session)).status_code == 202
        (result,) = await messages(lines)
        assert result["result"]["structuredContent"] == {"error": {"code": -1, "message": "no"}}


async def test_while_a_question_waits_the_stream_is_kept_alive(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(channel, "KEEP_ALIVE_SECONDS", 0.01)
    async with asked(desk) as (question, lines, session):
        async with asyncio.timeout(5):
            assert [line async for line, _ in _first(lines, 4)] == ["", ": open", "", ": open"]
        await desk.send({"jsonrpc": "2.0", "id": question["id"], "result": {}}, headers=session)
        assert len(await messages(lines)) == 1


async def _first(lines: AsyncIterator[str], count: int) -> AsyncIterator[tuple[str, int]]:
    for number in range(count):
        yield await anext(lines), number


async def test_a_client_without_the_capability_is_not_asked(desk: Desk):
    opened = await desk.initialize()
    for headers in ({"mcp-session-id": opened.headers["mcp-session-id"]}, {}):
        response = await desk.send(talk("ask", {}), headers=headers)
        assert response.json()["error"]["code"] == 503
    modern = await desk.send(talk("ask", modern_meta()), headers=modern_headers("tools/call", "echo"))
    assert modern.json()["error"]["code"] == 503


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_our_client_hears_what_comes_before_the_result(host: FakeHost, era: str):
    endpoint = McpEndpoint(host, allowed_hosts=LOCAL_HOSTS)
    heard: list[Any] = []

    async def on_message(message: dict[str, Any]) -> None:
        heard.append(message["params"].get("progress"))

    async with served(endpoint if era == "modern" else OldServer(endpoint)) as url, warm() as http:
        client = McpClient(http, f"{url}/mcp", {"authorization": "Bearer token-a"})
        meta = {"progressToken": 4}
        result = await client.call_tool("echo", {"talk": "tell"}, meta, on_message=on_message)
    assert result["structuredContent"] == {"told": True}
    assert heard[:2] == [1, 2]


@pytest.mark.parametrize("answers", [True, False])
async def test_our_client_answers_for_whoever_stands_behind_it(host: FakeHost, answers: bool):
    async def on_message(message: dict[str, Any]) -> dict[str, Any] | None:
        return {"result": {"action": "decline"}} if answers else None

    old = OldServer(McpEndpoint(host, allowed_hosts=LOCAL_HOSTS))
    async with served(old) as url, warm() as http:
        headers = {"authorization": "Bearer token-a"}
        client = McpClient(http, f"{url}/mcp", headers, capabilities={"elicitation": {}})
        result = await client.call_tool("echo", {"talk": "ask"}, on_message=on_message)
    if answers:
        assert result["structuredContent"] == {"result": {"action": "decline"}}
    else:
        assert result["structuredContent"]["error"]["code"] == -32601
