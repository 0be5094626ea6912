"""What leaves a hub to be watched elsewhere: traces and the audit to a collector, the audit to files."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from sqlalchemy import select

from tests.api.collector import Collector, attributes, collecting
from tests.api.world import Side
from tests.protocol.conftest import modern_headers, modern_meta
from tradepost import settings
from tradepost.app import Tradepost
from tradepost.hub.audit.models import AuditMark
from tradepost.hub.telemetry.audit_file import AuditFiles
from tradepost.hub.telemetry.stream import AuditStream

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
CANARY = "CANARY-7d1f"


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    async with collecting() as collector:
        yield collector


@pytest.fixture
def configured(configured: settings.Settings, collector: Collector, tmp_path: Path) -> settings.Settings:
    given = {
        "audit_folder": tmp_path / "audit",
        "otlp_url": collector.url,
        "otlp_headers": settings.SecretStr(f"x-key={CANARY}"),
    }
    return configured.model_copy(update=given)


async def call(http: httpx2.AsyncClient, key: str, tool: str, arguments: Any, **more: str) -> Any:
    params = {"name": tool, "arguments": arguments, "_meta": {**modern_meta(), **more}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    sent = {"authorization": f"Bearer {key}", "accept": "application/json, text/event-stream"}
    return (await http.post("/mcp", json=body, headers={**sent, **modern_headers("tools/call", tool)})).json()


def marks(folder: str) -> Any:
    return select(AuditMark).where(AuditMark.id == f"stream:file:{folder}")


def lines(folder: Path) -> list[dict[str, Any]]:
    files = sorted(folder.glob("audit-*.jsonl"))
    return [orjson.loads(line) for path in files for line in path.read_bytes().splitlines()]


@pytest.mark.behaviour("S1.14")
async def test_traces_logs_and_files_say_what_happened_without_saying_too_much(
    http: httpx2.AsyncClient, hub: Tradepost, acme: Side, collector: Collector, configured: settings.Settings
) -> None:
    key = acme.secrets["agent"]
    await call(http, key, "get_customer", {"customer_id": "C-1"}, traceparent=PARENT, baggage=f"user={CANARY}")
    await call(http, key, "no_such_tool", {"email": f"{CANARY}@example.com", "password": CANARY})
    await hub.audit.drain()
    await hub.sealer.seal()
    await hub.outlets.stop()

    spans = {span.name: span for span in collector.spans}
    span = spans["tools/call get_customer"]
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, "00f067aa0ba902b7")
    known = attributes(span)
    assert known["mcp.method.name"] == "tools/call"
    assert known["gen_ai.tool.name"] == "get_customer"
    assert known["gen_ai.operation.name"] == "execute_tool"
    assert known["tradepost.workspace"] == acme.workspace_id
    nobodys = attributes(spans["tools/call"])  # its name is in no span
    assert (nobodys["error.type"], nobodys["rpc.response.status_code"]) == ("-32602", "-32602")
    assert nobodys["tradepost.error.code"] == "not_found"
    assert {one["x-key"] for one in collector.headers} == {CANARY}

    rows = [row for row in lines(configured.audit_folder or Path()) if row["workspace_id"] == acme.workspace_id]
    assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))
    (read,) = [row for row in rows if row["tool"] == "get_customer"]
    assert read["arguments"] == {"customer_id": "C-1"}
    assert min(read["result_bytes"], read["result_tokens"], read["upstream_us"], read["arguments_bytes"]) > 0
    (refused,) = [row for row in rows if row["tool"] == "no_such_tool"]
    assert refused["arguments"] == {"email": "[personal]", "password": "[secret]"}
    logged = {attributes(record)["tradepost.audit.id"] for record in collector.logs}
    assert {row["id"] for row in rows} <= logged
    assert CANARY.encode() not in collector.raw
    assert CANARY not in str(rows)


async def test_files_go_on_where_they_were_whatever_happened(
    hub: Tradepost, acme: Side, http: httpx2.AsyncClient, tmp_path: Path
) -> None:
    """Killed after the disk had the rows and before the database knew; in the middle of a line; twice at once."""
    folder = tmp_path / "more"

    async def workspaces() -> list[str]:
        return [acme.workspace_id]

    def stream() -> AuditStream:
        return AuditStream(hub.hub, workspaces, AuditFiles(folder, most_bytes=2_000))

    async def reads(count: int) -> None:
        for _ in range(count):
            await call(http, acme.secrets["agent"], "get_customer", {"customer_id": "C-1"})
        await hub.audit.drain()
        await hub.sealer.seal()

    await reads(3)
    first, other = stream(), stream()
    assert await first.pass_on() > 3
    assert await other.pass_on() == 0  # another process has the lock
    await first.stop()
    before = lines(folder)
    newest = sorted(folder.glob("audit-*.jsonl"))[-1]
    with newest.open("ab") as torn:
        torn.write(b'{"workspace_id": "ws_')
    async with hub.hub.transaction(acme.workspace_id, write=True) as session:
        for mark in await session.scalars(marks(str(folder))):
            mark.position -= 1
    await reads(2)
    second = stream()
    await second.pass_on()
    await second.stop()
    positions = [row["position"] for row in lines(folder)]
    assert positions == list(range(1, len(before) + 3))
    assert len(list(folder.glob("audit-*.jsonl"))) > 1


async def test_a_collector_that_is_away_loses_nothing_and_stops_no_call(
    http: httpx2.AsyncClient, hub: Tradepost, acme: Side, collector: Collector
) -> None:
    """F47: what the sink does not take waits in the database."""
    collector.status = 400
    before = len(collector.logs)
    for _ in range(3):
        assert "result" in await call(http, acme.secrets["agent"], "get_customer", {"customer_id": "C-1"})
    await hub.audit.drain()
    await hub.sealer.seal()
    (logs,) = [one for one in hub.outlets.streams if "otlp" in one.name]
    with pytest.raises(OSError, match="did not take"):
        await logs.pass_on()
    assert len(collector.logs) == before
    collector.status = 200
    await logs.pass_on()
    got = [attributes(record).get("tradepost.audit.tool") for record in collector.logs]
    assert got.count("get_customer") == 3


OF_HTTP = {"network.transport": "tcp", "network.protocol.name": "http", "network.protocol.version": "1.1"}
METHODS: dict[str, dict[str, Any]] = {
    "tools/call": {"name": "get_customer", "arguments": {"customer_id": "C-1"}},
    "resources/read": {"uri": "order://NO-SUCH"},
    "prompts/get": {"name": "no_such_prompt"},
    "completion/complete": {"ref": {"type": "ref/prompt", "name": "no_such"}, "argument": {"name": "a", "value": "b"}},
}


async def test_spans_follow_the_conventions_in_both_eras(
    http: httpx2.AsyncClient, hub: Tradepost, acme: Side, collector: Collector
) -> None:
    """Ids, revisions, sessions and the network; the trace of `_meta` is taken up by whatever can be asked."""
    sent = {"authorization": f"Bearer {acme.secrets['agent']}", "accept": "application/json, text/event-stream"}
    body: dict[str, Any] = {"jsonrpc": "2.0", "id": 0, "method": "initialize"}
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    opened = await http.post("/mcp", json={**body, "params": hello}, headers=sent)
    session = {"mcp-session-id": opened.headers["mcp-session-id"], "mcp-protocol-version": "2025-11-25"}
    ids: dict[str, tuple[str, str]] = {}
    for number, (method, params) in enumerate(METHODS.items()):
        for era in ("2026-07-28", "2025-11-25"):
            modern = era == "2026-07-28"
            meta = {**(modern_meta() if modern else {}), "traceparent": PARENT}
            named = params.get("name", params.get("uri"))
            headers = {**modern_headers(method, named), "mcp-session-id": CANARY} if modern else session
            request_id: int | str = number + 10 if modern else f"r-{number}"
            request = {**body, "id": request_id, "method": method, "params": {**params, "_meta": meta}}
            await http.post("/mcp", json=request, headers={**sent, **headers})
            ids[str(request_id)] = (era, method)
    await hub.outlets.stop()

    found = {known["jsonrpc.request.id"]: (span, known) for span in collector.spans if (known := attributes(span))}
    assert found.keys() == ids.keys()
    for request_id, (span, known) in found.items():
        era, method = ids[request_id]
        assert span.trace_id.hex() == TRACE, (era, method)
        assert {**known, **OF_HTTP, "mcp.protocol.version": era, "mcp.method.name": method} == known
        assert known.get("mcp.session.id") == (session["mcp-session-id"] if era == "2025-11-25" else None)
        fails = method != "tools/call"
        assert (span.status.code == 2, known.get("rpc.response.status_code")) == (fails, "-32602" if fails else None)
    assert CANARY.encode() not in collector.raw
