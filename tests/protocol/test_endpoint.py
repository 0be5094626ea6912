"""The endpoint as an HTTP server: methods, Host, Origin, media types, bodies, credentials."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from tests.protocol.conftest import METADATA, ORIGIN, Desk, raw
from tests.protocol.fake_host import FakeHost
from tradepost.protocol.endpoint import McpEndpoint
from tradepost.protocol.jsonrpc import MAX_BODY_BYTES

PATHS = ("/mcp", "/api/mcp", "/mcp/servers/orders")
LIST = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "PATCH", "HEAD", "TRACE"])
async def test_other_methods_are_405(desk: Desk, method: str, path: str):
    response = await desk.send(method=method, path=path)
    assert response.status_code == 405
    assert response.headers["allow"] == "POST, GET, DELETE"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_the_stateless_era_has_post_only(desk: Desk, method: str):
    response = await desk.send(method=method, headers={"mcp-protocol-version": "2026-07-28"})
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["/", "/mcpx", "/mcp/servers", "/mcp/servers/", "/mcp/servers/a/b", "/mcp/servers/A"])
async def test_other_paths_are_404(desk: Desk, path: str):
    assert (await desk.send(LIST, path=path)).status_code == 404
    assert not McpEndpoint.owns(path)


@pytest.mark.parametrize("path", PATHS)
async def test_every_path_answers_with_its_own_catalog(desk: Desk, path: str):
    response = await desk.send(LIST, path=path)
    assert response.status_code == 200
    assert McpEndpoint.owns(path)


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "https://desk.example.evil.com",
        "https://evildesk.example",
        "https://desk.example:8443",
        "http://desk.example",
        "HTTPS://DESK.EXAMPLE",
        "https://desk.example.",
        "",
    ],
)
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
async def test_a_foreign_origin_is_403_before_anybody_is_authenticated(
    desk: Desk, host: FakeHost, origin: str, method: str
):
    response = await desk.send(LIST, method=method, headers={"origin": origin})
    assert response.status_code == 403
    assert host.authentications == 0


async def test_a_known_origin_and_no_origin_pass(desk: Desk):
    assert (await desk.send(LIST, headers={"origin": ORIGIN})).status_code == 200
    assert (await desk.send(LIST)).status_code == 200


async def test_the_servers_own_page_is_no_foreign_origin_but_its_neighbours_are(desk: Desk):
    assert (await desk.send(LIST, headers={"origin": desk.url})).status_code == 200
    port = int(desk.url.rpartition(":")[2])
    for neighbour in (f"https://127.0.0.1:{port}", f"http://127.0.0.1:{port - 1}", f"http://localhost:{port}"):
        assert (await desk.send(LIST, headers={"origin": neighbour})).status_code == 403


async def test_two_origins_are_403(desk: Desk):
    head = f"GET /mcp HTTP/1.1\nhost: hub.example\norigin: {ORIGIN}\norigin: {ORIGIN}\nconnection: close\n\n"
    assert await raw(desk, head) == 403


@pytest.mark.parametrize(
    "hosts",
    [
        "127.0.0.1.evil.com",
        "hub.example/x?y#z",
        "a@hub.example",
        "hub.example:9",
        "hub.example.",
        "",
        "evil.example:80",
    ],
)
async def test_a_foreign_host_is_421(desk: Desk, host: FakeHost, hosts: str):
    assert await raw(desk, f"GET /mcp HTTP/1.1\nhost: {hosts}\nconnection: close\n\n") in (400, 421)
    assert host.authentications == 0


async def test_two_hosts_or_none_are_refused(desk: Desk):
    assert await raw(desk, "GET /mcp HTTP/1.1\nhost: hub.example\nhost: hub.example\nconnection: close\n\n") in (
        400,
        421,
    )
    assert await raw(desk, "GET /mcp HTTP/1.0\nconnection: close\n\n") in (400, 421)


async def test_the_host_of_an_absolute_request_line_counts(desk: Desk):
    """RFC 9112, 3.2.2: whatever the header says."""
    assert await raw(desk, "GET http://evil.example/mcp HTTP/1.1\nhost: hub.example\nconnection: close\n\n") == 421
    assert await raw(desk, "GET http://hub.example/mcp HTTP/1.1\nhost: evil.example\nconnection: close\n\n") == 401


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("token", [None, "wrong", "x" * 9000])
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
async def test_without_a_valid_token_it_is_401_with_a_challenge(desk: Desk, path: str, token: str | None, method: str):
    response = await desk.send(LIST, token=token, path=path, method=method)
    assert response.status_code == 401
    challenge = response.headers["www-authenticate"]
    assert challenge.startswith("Bearer ")
    assert f'resource_metadata="{METADATA}{path}"' in challenge
    assert 'scope="read:orders"' in challenge
    assert ('error="invalid_token"' in challenge) == (token is not None)


async def test_two_authorization_headers_are_no_credential(desk: Desk):
    twice = "authorization: Bearer token-a\n" * 2
    head = f"POST /mcp HTTP/1.1\nhost: hub.example\n{twice}content-type: application/json\n"
    assert await raw(desk, f"{head}content-length: {len(LIST)}\nconnection: close\n\n", LIST) == 401


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "multipart/form-data", ""]
)
async def test_a_body_that_is_not_declared_json_is_415(desk: Desk, content_type: str):
    assert (await desk.send(LIST, headers={"content-type": content_type})).status_code == 415


async def test_json_with_a_charset_is_fine_and_compression_is_not(desk: Desk):
    assert (await desk.send(LIST, headers={"content-type": "Application/JSON; charset=utf-8"})).status_code == 200
    assert (await desk.send(LIST, headers={"content-encoding": "gzip"})).status_code == 415


@pytest.mark.parametrize(
    ("accept", "status"),
    [("application/json", 200), ("*/*", 200), ("application/*;q=0.5", 200), ("text/event-stream", 406), ("", 406)],
)
async def test_answers_are_json_or_406(desk: Desk, accept: str, status: int):
    response = await desk.send(LIST, headers={"accept": accept})
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "body",
    [
        b"[" + LIST + b"]",
        b'{"jsonrpc":"2.0","id":1,"result":{}}',
        LIST + LIST,
        b"",
        b"\xef\xbb\xbf" + LIST,
        LIST.decode().encode("utf-16"),
        b'{"jsonrpc":"2.0","id":null,"method":"tools/list"}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"a":1,"a":2}}',
    ],
)
@pytest.mark.parametrize("headers", [{}, {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/list"}])
async def test_what_is_no_single_message_is_400_in_both_eras(desk: Desk, body: bytes, headers: dict[str, str]):
    response = await desk.send(body, headers=headers)
    assert response.status_code == 400
    assert response.json()["error"]["code"] in (-32700, -32600)


async def test_a_body_over_4_mib_is_413_with_and_without_a_declared_length(desk: Desk):
    big = b'{"jsonrpc":"2.0","id":1,"method":"' + b"x" * MAX_BODY_BYTES + b'"}'
    assert (await desk.send(big)).status_code == 413

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(big), 65536):
            yield big[start : start + 65536]

    headers = {"content-type": "application/json", "authorization": "Bearer token-a"}
    response = await desk.http.post(f"{desk.url}/mcp", headers=headers, content=chunks())
    assert response.status_code == 413


async def test_a_chunked_body_is_read_whole(desk: Desk):
    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(LIST), 5):
            yield LIST[start : start + 5]

    headers = {"content-type": "application/json", "authorization": "Bearer token-a"}
    assert (await desk.http.post(f"{desk.url}/mcp", headers=headers, content=chunks())).status_code == 200


async def test_a_client_that_hangs_up_does_not_stop_a_call_that_was_handed_over(desk: Desk, host: FakeHost):
    params = {"name": "echo", "arguments": {"wait": True}}
    call = asyncio.create_task(desk.bare("tools/call", params))
    await host.started.wait()
    call.cancel()
    host.released.set()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (await desk.bare("ping")).json()["result"] == {}
    assert len(host.calls) == 1


@pytest.mark.behaviour("S3.22")
async def test_simple_clients_need_no_handshake(desk: Desk):
    simple = {"accept": "application/json"}
    listed = await desk.bare("tools/list", headers=simple)
    assert [tool["name"] for tool in listed.json()["result"]["tools"]] == ["get_order", "echo"]
    called = await desk.bare("tools/call", {"name": "echo", "arguments": {"a": 1}}, headers=simple)
    assert called.json()["result"]["structuredContent"] == {"a": 1}


@pytest.mark.parametrize(
    ("fail", "code", "status"),
    [("scope", 403, 403), ("rate", 429, 429), ("unavailable", 503, 503), ("bug", -32603, 500)],
)
@pytest.mark.parametrize("era", ["modern", "bare"])
async def test_raised_errors_have_one_spelling(desk: Desk, fail: str, code: int, status: int, era: str):
    send = desk.modern if era == "modern" else desk.bare
    response = await send("tools/call", {"name": "echo", "arguments": {"fail": fail}})
    assert response.status_code == status
    assert response.json()["error"]["code"] == code
    assert response.json()["id"] == 1
    assert "secret-of-the-house" not in response.text
    if fail == "scope":
        challenge = response.headers["www-authenticate"]
        assert 'error="insufficient_scope"' in challenge
        assert 'scope="write:orders"' in challenge
    if fail in ("rate", "unavailable"):
        assert response.headers["retry-after"] == {"rate": "3", "unavailable": "5"}[fail]


@pytest.mark.parametrize("era", ["modern", "bare"])
async def test_the_idempotency_key_comes_from_the_header_or_from_meta(desk: Desk, host: FakeHost, era: str):
    send = desk.modern if era == "modern" else desk.bare
    meta = {"io.tradepost/idempotencyKey": "k-1", "io.tradepost/runId": "run_7"}
    await send("tools/call", {"name": "echo"}, headers={"idempotency-key": "k-1"})
    await send("tools/call", {"name": "echo", "_meta": meta})
    await send("tools/call", {"name": "echo", "_meta": meta}, headers={"idempotency-key": "k-1"})
    assert [call[4].idempotency_key for call in host.calls] == ["k-1"] * 3
    assert host.calls[1][4].run_id == "run_7"
    for wrong in ({"idempotency-key": "k-2"}, {"idempotency-key": "with blank"}, {"idempotency-key": "x" * 256}):
        response = await send("tools/call", {"name": "echo", "_meta": meta}, headers=wrong)
        assert (response.status_code, response.json()["error"]["code"]) == (400, -32602)
    assert len(host.calls) == 3


@pytest.mark.parametrize("era", ["modern", "bare"])
@pytest.mark.parametrize("flavour", [{}, {"as_dict": True}, {"dressed": True}, {"deep": True}])
async def test_results_are_dressed_for_their_era(desk: Desk, era: str, flavour: dict[str, bool]):
    send = desk.modern if era == "modern" else desk.bare
    response = await send("tools/call", {"name": "echo", "arguments": flavour})
    result = response.json()["result"]
    assert result.pop("resultType", None) == ("complete" if era == "modern" else None)
    assert sorted(result) == ["content", "isError", "structuredContent"]
    assert response.text.count('"resultType"') == (era == "modern") + ("deep" in flavour)


@pytest.mark.parametrize("era", ["modern", "bare"])
@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("tools/call", {}),
        ("tools/call", {"name": 7}),
        ("tools/call", {"name": "refund_order"}),
        ("tools/call", {"name": "echo", "arguments": [1]}),
        ("resources/read", {}),
        ("resources/read", {"uri": "shop://orders/2"}),
        ("prompts/get", {"name": "unknown"}),
        ("prompts/get", {"name": "late_order", "arguments": {"order_id": 1}}),
        ("completion/complete", {"ref": {"type": "other"}, "argument": {"name": "a", "value": ""}}),
    ],
)
async def test_wrong_parameters_and_unknown_names_are_invalid_params(
    desk: Desk, era: str, method: str, params: dict[str, object]
):
    send = desk.modern if era == "modern" else desk.bare
    response = await send(method, params, headers={"mcp-name": str(params.get("name", params.get("uri", "")))})
    assert response.json()["error"]["code"] == -32602
    assert response.status_code == (400 if era == "modern" else 200)


@pytest.mark.parametrize("era", ["modern", "bare"])
@pytest.mark.parametrize("method", ["tools/list", "resources/list", "resources/templates/list", "prompts/list"])
async def test_a_catalog_has_one_page(desk: Desk, era: str, method: str):
    send = desk.modern if era == "modern" else desk.bare
    assert "nextCursor" not in (await send(method, {"cursor": ""})).json()["result"]
    for cursor in ("' OR 1=1 --", "eyJhIjoxfQ", "x" * 1_000_000, 7):
        assert (await send(method, {"cursor": cursor})).json()["error"]["code"] == -32602


async def test_lists_differ_by_grants_and_by_nothing_else(desk: Desk):
    for era in (desk.modern, desk.bare):
        first = (await era("tools/list")).content
        assert {(await era("tools/list")).content for _ in range(5)} == {first}
        other = (await era("tools/list", token="token-b")).json()["result"]["tools"]
        assert [tool["name"] for tool in other] == ["echo"]
        assert other[0] == json.loads(first)["result"]["tools"][1]


async def test_a_page_of_a_known_origin_may_ask_first_and_read_the_answer(desk: Desk):
    asks = {"access-control-request-method": "POST", "access-control-request-headers": "mcp-param-region"}
    first = await desk.send(LIST, method="OPTIONS", headers={"origin": ORIGIN, **asks})
    assert (first.status_code, first.content) == (204, b"")
    assert first.headers["access-control-allow-headers"] == "mcp-param-region"
    answer = await desk.send(LIST, headers={"origin": ORIGIN})
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "access-control-allow-origin" not in (await desk.send(LIST)).headers
