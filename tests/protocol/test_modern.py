"""2026-07-28: what a request must say of itself, and what results carry."""

import base64
import json
from typing import Any

import pytest

from tests.protocol.conftest import Desk, modern_headers, modern_meta, raw
from tests.protocol.fake_host import FakeHost

VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities"


def call_body(meta: dict[str, Any] | None, name: str = "echo", **arguments: Any) -> dict[str, Any]:
    params = {"name": name, "arguments": arguments, "_meta": modern_meta() if meta is None else meta}
    return {"jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": params}


async def test_discover_says_who_serves_and_how_long_it_holds(desk: Desk):
    result = (await desk.modern("server/discover")).json()["result"]
    assert result["supportedVersions"] == ["2026-07-28"]
    assert set(result["capabilities"]) == {"tools", "resources", "prompts", "completions", "logging", "extensions"}
    assert result["capabilities"]["extensions"] == {"io.modelcontextprotocol/tasks": {}}
    assert result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "tradepost"
    assert result["instructions"] == "Ask before you write."
    assert (result["resultType"], result["cacheScope"]) == ("complete", "private")
    assert result["ttlMs"] >= 0


async def test_lists_and_reads_carry_cache_hints_for_this_caller_only(desk: Desk):
    for method, params in (
        ("tools/list", {}),
        ("resources/list", {}),
        ("resources/templates/list", {}),
        ("prompts/list", {}),
        ("resources/read", {"uri": "shop://orders/1"}),
    ):
        result = (await desk.modern(method, params)).json()["result"]
        assert result["ttlMs"] >= 0
        assert (result["cacheScope"], result["resultType"]) == ("private", "complete")
        assert result["_meta"]["io.modelcontextprotocol/serverInfo"]["version"] == "1.2.3"


async def test_prompts_and_completions_are_complete_results(desk: Desk):
    prompt = (await desk.modern("prompts/get", {"name": "late_order", "arguments": {"order_id": "7"}})).json()["result"]
    assert prompt["resultType"] == "complete"
    reference = {"type": "ref/prompt", "name": "late_order"}
    params = {"ref": reference, "argument": {"name": "order_id", "value": "ord_"}}
    completed = (await desk.modern("completion/complete", params)).json()["result"]
    assert completed["completion"] == {"values": ["ord_1", "ord_2"], "total": 2, "hasMore": False}


async def test_a_completion_knows_the_other_arguments(desk: Desk):
    reference = {"type": "ref/prompt", "name": "late_order"}
    argument = {"name": "order_id", "value": "o"}
    params = {"ref": reference, "argument": argument, "context": {"arguments": {"customer": "Ada"}}}
    completed = (await desk.modern("completion/complete", params)).json()["result"]
    assert completed["completion"]["values"] == ["o1", "o2", "Ada"]
    assert "_meta" not in completed["completion"]
    assert completed["_meta"]["from"] == "elsewhere"
    wrong = {"ref": reference, "argument": argument, "context": {"arguments": {"customer": 7}}}
    assert (await desk.modern("completion/complete", wrong)).json()["error"]["code"] == -32602


@pytest.mark.parametrize(
    ("header", "meta_version", "status", "code"),
    [
        ("2026-07-28", "2025-11-25", 400, -32020),
        (None, "2026-07-28", 400, -32020),
        ("2025-11-25", "2026-07-28", 400, -32020),
        ("2099-01-01", "2099-01-01", 400, -32022),
        ("2026-07-28", None, 400, -32602),
    ],
)
async def test_the_version_stands_in_header_and_body(
    desk: Desk, header: str | None, meta_version: str | None, status: int, code: int
):
    meta = {VERSION_KEY: meta_version, CAPABILITIES_KEY: {}} if meta_version else {CAPABILITIES_KEY: {}}
    headers = {"mcp-method": "tools/call", "mcp-name": "echo"}
    if header:
        headers["mcp-protocol-version"] = header
    response = await desk.send(call_body(meta), headers=headers)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert response.json()["id"] == 5
    if code == -32022:
        assert response.json()["error"]["data"]["requested"] == "2099-01-01"
        assert "2026-07-28" in response.json()["error"]["data"]["supported"]


async def test_an_unknown_version_header_alone_is_told_what_is_supported(desk: Desk):
    response = await desk.bare("tools/list", headers={"mcp-protocol-version": "1999-01-01"})
    assert response.status_code == 400
    assert response.json()["error"]["code"] == -32022
    assert response.json()["error"]["data"]["supported"] == ["2026-07-28"]


@pytest.mark.parametrize(
    "meta",
    [
        {},
        {VERSION_KEY: "2026-07-28"},
        {VERSION_KEY: "2026-07-28", CAPABILITIES_KEY: None},
        {VERSION_KEY: 20260728, CAPABILITIES_KEY: {}},
    ],
)
async def test_missing_envelope_fields_are_invalid_params(desk: Desk, meta: dict[str, Any]):
    response = await desk.send(call_body(meta), headers=modern_headers("tools/call", "echo"))
    assert (response.status_code, response.json()["error"]["code"]) == (400, -32602)


def sentinel(text: str) -> str:
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="


@pytest.mark.parametrize(
    "headers",
    [
        {"mcp-name": "get_order"},
        {"mcp-name": "ECHO"},
        {"mcp-name": ""},
        {"mcp-name": "=?base64?***?="},
        {"mcp-name": "=?base64?ZWNobx==?="},
        {"mcp-name": sentinel("get_order")},
        {"mcp-method": "tools/list"},
        {"mcp-method": "TOOLS/CALL"},
    ],
)
async def test_a_header_that_differs_from_the_body_is_refused(desk: Desk, host: FakeHost, headers: dict[str, str]):
    sent = {**modern_headers("tools/call", "echo"), **headers}
    response = await desk.send(call_body(None), headers=sent)
    assert (response.status_code, response.json()["error"]["code"]) == (400, -32020)
    assert host.calls == []


@pytest.mark.parametrize("missing", ["mcp-method", "mcp-name"])
async def test_a_missing_header_is_refused(desk: Desk, missing: str):
    headers = modern_headers("tools/call", "echo")
    del headers[missing]
    response = await desk.send(call_body(None), headers=headers)
    assert (response.status_code, response.json()["error"]["code"]) == (400, -32020)


@pytest.mark.parametrize("doubled", ["mcp-method", "mcp-name", "mcp-protocol-version"])
async def test_a_doubled_header_is_refused(desk: Desk, host: FakeHost, doubled: str):
    headers = modern_headers("tools/call", "echo")
    pairs = [*headers.items(), (doubled, "other"), ("authorization", "Bearer token-a")]
    response = await desk.http.post(f"{desk.url}/mcp", headers=pairs, json=call_body(None))
    assert (response.status_code, response.json()["error"]["code"]) == (400, -32020)
    assert host.calls == []


async def test_header_names_have_no_case_and_values_may_come_encoded(desk: Desk, host: FakeHost):
    headers = {"MCP-PROTOCOL-VERSION": "2026-07-28", "MCP-Method": "tools/call", "Mcp-NAME": sentinel("echo")}
    assert (await desk.send(call_body(None), headers=headers)).status_code == 200
    assert host.calls[0][2] == "echo"


async def test_blanks_around_a_header_value_are_no_part_of_it(desk: Desk, host: FakeHost):
    body = json.dumps(call_body(None)).encode()
    lines = {**modern_headers("tools/call"), "mcp-name": "  echo\t ", "authorization": "Bearer token-a"}
    head = "".join(f"{name}: {value}\n" for name, value in lines.items())
    head = f"POST /mcp HTTP/1.1\nhost: hub.example\n{head}content-type: application/json\n"
    assert await raw(desk, f"{head}content-length: {len(body)}\nconnection: close\n\n", body) == 200
    assert host.calls[0][2] == "echo"


async def test_a_name_that_looks_like_the_sentinel_must_come_encoded(desk: Desk):
    name = sentinel("echo")
    plain = await desk.send(call_body(None, name), headers=modern_headers("tools/call", name))
    assert plain.json()["error"]["code"] == -32020
    encoded = await desk.send(call_body(None, name), headers=modern_headers("tools/call", sentinel(name)))
    assert encoded.json()["error"]["code"] == -32602  # the headers agree; there is no such tool


@pytest.mark.parametrize(
    ("region", "header", "status"),
    [
        ("eu", "eu", 200),
        ("Zürich", sentinel("Zürich"), 200),
        (None, None, 200),
        ("eu", "us", 400),
        ("eu", None, 400),
        (None, "eu", 400),
        ("eu", "=?base64?*?=", 400),
    ],
)
async def test_mirrored_arguments_must_equal_their_headers(
    desk: Desk, host: FakeHost, region: str | None, header: str | None, status: int
):
    arguments = {"order_id": "1"} if region is None else {"order_id": "1", "region": region}
    headers = {} if header is None else {"mcp-param-region": header}
    params = {"name": "get_order", "arguments": arguments}
    response = await desk.modern("tools/call", params, headers=headers)
    assert response.status_code == status
    if status == 400:
        assert response.json()["error"]["code"] == -32020
        assert host.calls == []


async def test_parameter_headers_that_no_schema_names_are_ignored(desk: Desk):
    response = await desk.modern("tools/call", {"name": "echo"}, headers={"mcp-param-tenant": "other"})
    assert response.status_code == 200


@pytest.mark.parametrize("method", ["initialize", "ping", "logging/setLevel", "tools/destroy", "resources/subscribe"])
async def test_unknown_methods_are_404(desk: Desk, method: str):
    response = await desk.modern(method)
    assert (response.status_code, response.json()["error"]["code"]) == (404, -32601)


async def test_sessions_and_event_ids_are_ignored_and_not_echoed(desk: Desk):
    response = await desk.modern("tools/list", headers={"mcp-session-id": "anything", "last-event-id": "7"})
    assert response.status_code == 200
    assert "mcp-session-id" not in response.headers


async def test_a_notification_is_accepted_without_a_body(desk: Desk):
    body = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1, "_meta": modern_meta()}}
    response = await desk.send(body, headers={"mcp-protocol-version": "2026-07-28"})
    assert (response.status_code, response.content) == (202, b"")


async def test_declared_capabilities_and_the_retry_of_an_asking_call_reach_the_host(desk: Desk, host: FakeHost):
    answer = {"ask": {"action": "accept", "content": {"name": "Ada"}}}
    params = {"name": "echo", "inputResponses": answer, "requestState": "sealed"}
    await desk.modern("tools/call", {**params, "_meta": {CAPABILITIES_KEY: {"elicitation": {}}}})
    extras = host.calls[0][4]
    assert extras.client_capabilities == {"elicitation": {}}
    assert (extras.input_responses, extras.request_state) == (answer, "sealed")


async def test_an_unknown_server_is_invalid_params(desk: Desk):
    response = await desk.modern("server/discover", path="/mcp/servers/unknown")
    assert (response.status_code, response.json()["error"]["code"]) == (400, -32602)


@pytest.mark.parametrize("request_id", ["text", 0, -1, 2**53, ""])
async def test_the_response_carries_the_id_of_the_request(desk: Desk, request_id: str | int):
    body = {"jsonrpc": "2.0", "id": request_id, "method": "tools/list", "params": {"_meta": modern_meta()}}
    response = await desk.send(body, headers=modern_headers("tools/list"))
    assert response.json()["id"] == request_id
