"""A bundled read through a running hub: POST /mcp with an agent's key, every step of the pipeline on, audited.

The hub is a process of its own over SQLite, as `tradepost serve` starts it. The clients write prepared bytes to
sockets that stay open, so that what is measured is the hub.
"""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import func, select

from bench.measure import Measure, percentile
from bench.processes import free_port, running_hub
from tradepost import settings
from tradepost.app import open_tradepost
from tradepost.commerce.demo import CASES, load
from tradepost.database.engine import Database
from tradepost.database.migrate import upgrade
from tradepost.foundation.clock import system_now
from tradepost.hub.access.workspaces import ensure_workspace
from tradepost.hub.audit.models import AuditEvent
from tradepost.hub.registration.builtin import sync_builtin
from tradepost.starter.setup import set_up_agents

AGENT = "supply_chain_manager"
WARM_UP, CALLS, PASSES = 200, 1_000, 3
P50_MS = 3.0
ORDER = CASES["late_order_driver_sick"]


async def prepare(data: Path, port: int) -> str:
    """A hub's databases with the demo shop. Returns the agent's key."""
    loaded = settings.load(data=data, port=port)
    upgrade(loaded.hub_database, "hub")
    upgrade(loaded.store_database, "store")
    hub = await open_tradepost(loaded)
    try:
        workspace = await ensure_workspace(hub.hub, "bench", "Bench", "owner@bench.example")
        await load(hub.store, workspace.id, now=system_now())
        await sync_builtin(hub.hub, workspace.id, hub.bundled)
        return (await set_up_agents(hub.hub, workspace.id))[AGENT]
    finally:
        await hub.hub.close()
        await hub.store.close()


async def ask_once(port: int, request: bytes) -> None:
    """Send a request on a connection of its own and wait for the head of its answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        await reader.readuntil(b"\r\n\r\n")
    finally:
        writer.close()


def request_of(port: int, key: str, tool: str, arguments: dict[str, Any]) -> bytes:
    """The bytes of a call."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"name": tool, "arguments": arguments, "_meta": meta}
    body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    head = [
        "POST /mcp HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        f"Authorization: Bearer {key}",
        "Content-Type: application/json",
        "Accept: application/json, text/event-stream",
        "MCP-Protocol-Version: 2026-07-28",
        "Mcp-Method: tools/call",
        f"Mcp-Name: {tool}",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


async def client(port: int, request: bytes, calls: int) -> list[float]:
    """Milliseconds of each call, one after the other on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    taken = []
    for _ in range(calls):
        started = time.perf_counter()
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
        taken.append((time.perf_counter() - started) * 1000)
        if b'"isError":false' not in body:
            raise RuntimeError(f"the hub answered {head.decode()}{body[:500].decode()}")
    writer.close()
    return taken


async def _load(port: int, request: bytes, clients: int) -> tuple[list[float], float]:
    """Milliseconds of each call, and calls per second in all."""
    started = time.perf_counter()
    taken = await asyncio.gather(*(client(port, request, CALLS // clients) for _ in range(clients)))
    seconds = time.perf_counter() - started
    return [value for one in taken for value in one], len(taken) * len(taken[0]) / seconds


async def _audited(data: Path) -> int:
    database = Database(settings.load(data=data).hub_database)
    try:
        async with database.system(write=False) as session:
            rows = select(func.count(AuditEvent.id)).where(AuditEvent.tag == "tool:call", AuditEvent.kind == "read")
            return (await session.execute(rows)).scalar_one()
    finally:
        await database.close()


def measures() -> Iterator[Measure]:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        request = request_of(port, asyncio.run(prepare(data, port)), "get_order", {"order_id": ORDER})
        made = WARM_UP
        with running_hub(data, port):
            asyncio.run(client(port, request, WARM_UP))
            for clients in (1, 16):
                passes = [asyncio.run(_load(port, request, clients)) for _ in range(PASSES)]
                made += sum(len(taken) for taken, _ in passes)
                taken, per_second = min(passes, key=lambda one: percentile(one[0], 50))
                note = f"best of {PASSES} x {len(taken):,} calls"
                name = f"get_order through /mcp, {clients} client{'s' * (clients > 1)}"
                yield Measure(f"{name}, p50", percentile(taken, 50), "ms", P50_MS if clients == 1 else None, note)
                yield Measure(f"{name}, p95", percentile(taken, 95), "ms", None, note)
                yield Measure(f"{name}, calls per second", per_second, "/s", None, note)
        audited = asyncio.run(_audited(data))
        yield Measure("calls that left an audit row", audited, "", None, f"of {made:,} calls made")
