"""Test Connection on servers that are none: one sentence each, kept with the server, and nothing of them stored."""

from typing import Any

import orjson
import pytest

from tests.hub.registration.conftest import Registration
from tests.hub.world import World
from tests.protocol.conftest import served
from tradepost.foundation.errors import UpstreamError, UpstreamTimeout
from tradepost.hub.registration.arranging import only_reads
from tradepost.hub.registration.servers import find_server
from tradepost.hub.registration.tools import list_tools
from tradepost.hub.vault.header_rules import Header

JSON = {"content-type": "application/json"}


def initialized(version: str = "2025-11-25", **capabilities: Any) -> dict[str, Any]:
    info = {"name": "odd", "version": "1"}
    return {"protocolVersion": version, "capabilities": capabilities, "serverInfo": info}


def answering(**results: Any) -> Any:
    """A server of the older era that gives these results, by method."""

    def answer(asked: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        method = asked["method"].replace("/", "_")
        if method not in results:
            error = {"code": -32601, "message": "no"}
            return 200, JSON, orjson.dumps({"jsonrpc": "2.0", "id": asked.get("id"), "error": error})
        return 200, JSON, orjson.dumps({"jsonrpc": "2.0", "id": asked.get("id"), "result": results[method]})

    return answer


def always(status: int, body: bytes = b"", **headers: str) -> Any:
    return lambda _asked: (status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


INSUFFICIENT = 'Bearer error="insufficient_scope", scope="orders:read orders:write"'
ODD: list[tuple[Any, str]] = [
    (always(200, b"<html>", content_type="text/html; charset=utf-8"), "a web page instead of MCP"),
    (always(200, b"hello", content_type="text/plain"), "content type 'text/plain'"),
    (always(401), "refused the credential (HTTP 401)"),
    (always(403), "refused the credential (HTTP 403)"),
    (always(403, www_authenticate=INSUFFICIENT), "lacks the scopes orders:read, orders:write (HTTP 403)"),
    (always(404), "HTTP 404"),
    (always(307, location="http://127.0.0.1:18099/mcp"), "a redirect (HTTP 307), which is not followed"),
    (always(308, location="gopher://[::1"), "a redirect (HTTP 308), which is not followed"),
    (always(500, b"oops"), "HTTP 500"),
    (always(200, b"{}", content_type="application/json"), "not a JSON-RPC message"),
    (answering(initialize=initialized("2031-01-01")), "the protocol version '2031-01-01', which is not known"),
    (answering(initialize=initialized(tools={}), tools_list={"tools": []}), "offers this credential no tools"),
    (answering(initialize=initialized(tools={})), "error -32601"),
]


@pytest.mark.behaviour("S0.7")
async def test_what_is_no_server_is_one_sentence(world: World, registration: Registration):
    answer: Any = None

    async def odd(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = (await receive()).get("body", b"")
        if scope["method"] != "POST":
            status, headers, said = 405, {}, b""
        elif b'"notifications/' in body:
            status, headers, said = 202, {}, b""
        else:
            status, headers, said = answer(orjson.loads(body))
        lines = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": lines})
        await send({"type": "http.response.body", "body": said})

    async with served(odd) as url:
        await registration.servers.register(world.owner, "odd", f"{url}/mcp", [Header("X-Api-Key", "k3y-of-ours")])
        for given, words in ODD:
            answer = given
            report = await registration.discovery.test(world.owner, "odd")
            assert not report.ok
            assert words in str(report.problem), (words, report)
            if report.problem != "The server answers, but it offers this credential no tools.":
                with pytest.raises((UpstreamError, UpstreamTimeout)) as same:  # who discovers it hears the same
                    await registration.discovery.discover(world.owner, "odd")
                assert (same.value.message, same.value.hint) == (report.problem, report.hint)
            assert str(report.problem).endswith(".")
            async with world.reading() as session:
                found = await find_server(session, "odd")
                assert (found.status, found.last_error) == ("failing", report.problem)
                assert await list_tools(session, "odd") == []
        for location, hint in (
            ("/mcp/", f"It leads to {url}/mcp/: register"),
            (f"{url}/there?k=k3y-of-ours", f"It leads to {url}/there: register"),
            ("/k3y-of-ours/mcp", f"It leads to {url}/[redacted]/mcp: register"),
            ("https://elsewhere.example/mcp", "It leads to another origin. Ask its owner for"),
            ("gopher://[::1", "It leads to another origin. Ask its owner for"),
        ):
            answer = always(307, location=location)
            assert str((await registration.discovery.test(world.owner, "odd")).hint).startswith(hint)
        answer = always(401)
        await registration.servers.set_headers(world.owner, "odd", [])
        wants = await registration.discovery.test(world.owner, "odd")
        assert (wants.problem, "server credential odd" in str(wants.hint)) == (
            "The server wants a credential (HTTP 401).", True,
        )  # fmt: skip
        with pytest.raises(UpstreamError, match="wants a credential") as unknown:
            await registration.discovery.discover(world.owner, "odd")
        assert unknown.value.hint == wants.hint
        await registration.servers.register(world.owner, "nowhere", "http://127.0.0.1:18099/mcp")
        shut = await registration.discovery.test(world.owner, "nowhere")
        with pytest.raises(UpstreamError) as refused:
            await registration.discovery.discover(world.owner, "nowhere")
        assert (refused.value.message, refused.value.hint) == (shut.problem, shut.hint)
        assert str(shut.problem).startswith("Nothing listens at 127.0.0.1, port 18099")
        answer = answering(initialize=initialized(resources={}), tools_list={"tools": []})
        assert (await registration.discovery.test(world.owner, "odd")).ok  # it has something else


def test_a_tool_only_reads_where_it_says_so_and_its_name_does_not_deny_it():
    """P3: what a server says of its tools is its word; `--yes` takes that for reads, with a doubt."""
    said = {"readOnlyHint": True}
    reads = ("get_order", "searchOrders", "order_status", "list-refunds", "track", "get_shipping_methods")
    does = ("wire_money", "sendEmail", "slack_send_message", "refund_order", "deleteAll", "cancel-order")
    assert all(only_reads({"name": name, "annotations": said}) for name in reads)
    assert not any(only_reads({"name": name, "annotations": said}) for name in does)
    for annotations in (None, {}, {"readOnlyHint": "yes"}, {**said, "destructiveHint": True}, {"readOnlyHint": False}):
        assert not only_reads({"name": "get_order", "annotations": annotations})
