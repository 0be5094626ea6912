"""The handshake era: initialize, sessions bound to their principal, the event stream, notifications."""

import asyncio

import pytest

from tests.protocol.conftest import Desk
from tests.protocol.fake_host import FakeHost
from tradepost.protocol import streams

VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26")
PING = {"jsonrpc": "2.0", "id": 9, "method": "ping"}


async def session_of(desk: Desk, **options: str) -> dict[str, str]:
    response = await desk.initialize(**options)
    return {"mcp-session-id": response.headers["mcp-session-id"], "mcp-protocol-version": "2025-11-25"}


@pytest.mark.parametrize(
    ("asked", "agreed"), [*((version, version) for version in VERSIONS), ("1999-01-01", "2025-11-25")]
)
async def test_initialize_agrees_on_a_version_and_opens_a_session(desk: Desk, asked: str, agreed: str):
    response = await desk.initialize(asked)
    result = response.json()["result"]
    assert result["protocolVersion"] == agreed
    assert result["serverInfo"] == {"name": "tradepost", "title": "Tradepost", "version": "1.2.3"}
    assert result["instructions"] == "Ask before you write."
    assert "resultType" not in result
    session_id = response.headers["mcp-session-id"]
    assert len(session_id) >= 32  # at least 128 bits in hexadecimal digits
    assert session_id == session_id.lower()  # also where a client or a proxy folds the case of headers
    assert all("!" <= character <= "~" for character in session_id)
    assert session_id != (await desk.initialize(asked)).headers["mcp-session-id"]


@pytest.mark.parametrize("params", [{}, {"protocolVersion": 1, "capabilities": {}}, {"protocolVersion": "2025-11-25"}])
async def test_initialize_without_version_or_capabilities_opens_nothing(desk: Desk, params: dict[str, object]):
    response = await desk.bare("initialize", params)
    assert response.json()["error"]["code"] == -32602
    assert "mcp-session-id" not in response.headers


async def test_the_handshake_and_the_session_carry_on(desk: Desk):
    session = await session_of(desk)
    initialized = await desk.send({"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=session)
    assert (initialized.status_code, initialized.content) == (202, b"")
    assert (await desk.send(PING, headers=session)).json()["result"] == {}
    listed = (await desk.bare("tools/list", headers=session)).json()["result"]
    assert set(listed) == {"tools"}


async def test_capabilities_of_the_handshake_reach_the_host(desk: Desk, host: FakeHost):
    params = {"protocolVersion": "2025-11-25", "capabilities": {"elicitation": {}}, "clientInfo": {"name": "x"}}
    response = await desk.bare("initialize", params)
    session = {"mcp-session-id": response.headers["mcp-session-id"]}
    await desk.bare("tools/call", {"name": "echo"}, headers=session)
    await desk.bare("tools/call", {"name": "echo"})
    assert [call[4].client_capabilities for call in host.calls] == [{"elicitation": {}}, None]


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
async def test_a_missing_session_id_is_400(desk: Desk, method: str):
    response = await desk.send(PING, method=method, headers={"mcp-protocol-version": "2025-06-18"})
    assert response.status_code == 400


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
async def test_a_foreign_session_is_404_and_stays_open_for_its_owner(desk: Desk, method: str):
    session = await session_of(desk)
    response = await desk.send(PING, method=method, headers=session, token="token-b")
    assert response.status_code == 404
    unknown = await desk.send(PING, method=method, headers={**session, "mcp-session-id": "no-such"}, token="token-b")
    assert (unknown.status_code, unknown.content) == (404, response.content)
    assert (await desk.send(PING, headers=session)).status_code == 200


async def test_a_session_is_no_credential(desk: Desk):
    session = await session_of(desk)
    assert (await desk.send(PING, headers=session, token=None)).status_code == 401


async def test_a_session_holds_for_the_path_it_was_opened_on(desk: Desk):
    session = await session_of(desk)
    assert (await desk.send(PING, headers=session, path="/mcp/servers/orders")).status_code == 404
    assert (await desk.send(PING, headers=session, path="/api/mcp")).status_code == 200


async def test_an_ended_session_is_404(desk: Desk):
    session = await session_of(desk)
    assert (await desk.send(method="DELETE", headers=session)).status_code == 204
    assert (await desk.send(PING, headers=session)).status_code == 404
    assert (await desk.send(method="DELETE", headers=session)).status_code == 404


@pytest.mark.parametrize("method", ["subscriptions/listen", "tools/destroy", "server/discover"])
async def test_unknown_methods_are_an_error_with_status_200(desk: Desk, method: str):
    response = await desk.bare(method, headers=await session_of(desk))
    assert (response.status_code, response.json()["error"]["code"]) == (200, -32601)


async def test_a_notification_needs_its_session_too(desk: Desk):
    body = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    assert (await desk.send(body, headers={"mcp-protocol-version": "2025-11-25"})).status_code == 400
    assert (await desk.send(body, headers={"mcp-session-id": "unknown"})).status_code == 404
    assert (await desk.send(body)).status_code == 202


async def test_the_stream_stays_open_with_comments_until_the_credential_is_revoked(
    desk: Desk, host: FakeHost, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(streams, "KEEP_ALIVE_SECONDS", 0.01)
    headers = {**(await session_of(desk)), "accept": "text/event-stream", "authorization": "Bearer token-a"}
    async with desk.http.stream("GET", f"{desk.url}/mcp", headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream"
        assert response.headers["x-accel-buffering"] == "no"
        lines = response.aiter_lines()
        assert [await anext(lines) for _ in range(6)] == [": open", ""] * 3
        host.revoked.add("token-a")
        async with asyncio.timeout(5):
            assert all(line in (": open", "") for line in [line async for line in lines])


async def test_the_stream_ends_with_its_session(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(streams, "KEEP_ALIVE_SECONDS", 0.01)
    session = await session_of(desk)
    headers = {**session, "accept": "text/event-stream", "authorization": "Bearer token-a"}
    async with desk.http.stream("GET", f"{desk.url}/mcp", headers=headers) as response:
        await desk.send(method="DELETE", headers=session)
        async with asyncio.timeout(5):
            assert {line async for line in response.aiter_lines()} <= {": open", ""}


async def test_the_stream_is_refused_to_a_client_that_does_not_accept_it(desk: Desk):
    headers = {**(await session_of(desk)), "accept": "application/json"}
    assert (await desk.send(method="GET", headers=headers)).status_code == 406
