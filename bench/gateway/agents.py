"""A thousand agents that come at once to a hub that was just started: each gets its own catalog and makes a call."""

import asyncio
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
import uvloop

from bench.calls import request_of
from bench.gateway.hubs import TOOL, Shape, exposed, make
from bench.gateway.options import Options
from bench.gateway.upstreams import Upstream, running_upstream
from bench.measure import Measure, percentile
from bench.processes import free_port, running_hub

AGENTS, PROFILES, SERVERS, TOOLS = 1_000, 20, 10, 10
SECONDS = 5.0
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}


@dataclass(frozen=True)
class _Agent:
    """Its key, the tools that it must find, and the first of them, which it calls."""

    key: str
    tools: frozenset[str]
    call: str


def _shape(upstream: Upstream) -> Shape:
    """Profile n sees servers n and n + 1 of ten."""
    names = [f"s{number}" for number in range(SERVERS)]
    sees = [[names[number % SERVERS], names[(number + 1) % SERVERS]] for number in range(PROFILES)]
    return Shape({name: upstream.url(name) for name in names}, sees, TOOLS, AGENTS // PROFILES)


def _agents(shape: Shape, keys: Sequence[Sequence[str]]) -> list[_Agent]:
    found = []
    for servers, minted in zip(shape.profiles, keys, strict=True):
        tools = frozenset(exposed(server, number) for server in servers for number in range(TOOLS))
        found += [_Agent(key, tools, exposed(servers[0])) for key in minted]
    return found


async def listed(port: int, key: str) -> set[str]:
    """The names of the tools that an agent is shown."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        return _names(await _asked(reader, writer, _request(port, key, "tools/list")))
    finally:
        writer.close()


async def _come(port: int, agent: _Agent) -> float:
    """One agent's discovery, list and first call on one connection. Seconds that they took."""
    started = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        await _asked(reader, writer, _request(port, agent.key, "server/discover"))
        names = _names(await _asked(reader, writer, _request(port, agent.key, "tools/list")))
        if {name for name in names if TOOL in name} != agent.tools:
            raise RuntimeError(f"an agent found {sorted(names)} instead of {sorted(agent.tools)}")
        called = await _asked(reader, writer, request_of(port, agent.key, agent.call, {"order_id": "A-1"}))
        if b'"isError":false' not in called:
            raise RuntimeError(f"the hub answered {called[:500].decode()}")
    finally:
        writer.close()
    return time.perf_counter() - started


def _names(body: bytes) -> set[str]:
    return {tool["name"] for tool in orjson.loads(body)["result"]["tools"]}


def _request(port: int, key: str, method: str) -> bytes:
    body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": {"_meta": META}})
    head = [
        "POST /mcp HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        f"Authorization: Bearer {key}",
        "Content-Type: application/json",
        "Accept: application/json, text/event-stream",
        "MCP-Protocol-Version: 2026-07-28",
        f"Mcp-Method: {method}",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


async def _asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bytes:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    body = await reader.readexactly(length)
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"the hub answered {head.decode()}{body[:500].decode()}")
    return body


async def _all(port: int, agents: Sequence[_Agent]) -> tuple[float, list[float]]:
    started = time.perf_counter()
    taken = await asyncio.gather(*(_come(port, agent) for agent in agents))
    return time.perf_counter() - started, taken


def measures(_options: Options) -> Iterator[Measure]:
    """Seconds until the last agent has its answer, and what the upstreams were asked for it."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, running_upstream() as upstream:
        shape = _shape(upstream)
        agents = _agents(shape, asyncio.run(make(Path(folder), port, shape)))
        with running_hub(Path(folder), port):
            upstream.stats()
            seconds, taken = uvloop.run(_all(port, agents))
            asked, _ = upstream.stats()
    lists = max((count for what, count in asked.items() if what.endswith(" tools/list")), default=0)
    note = f"discover, tools/list (each its own {2 * TOOLS} tools, checked) and a call, all at once; hub just started"
    yield Measure(f"{AGENTS:,} agents, cold, all served", seconds, "s", SECONDS, note)
    yield Measure(f"{AGENTS:,} agents, cold, p99 of an agent", percentile(taken, 99), "s", None, "its three answers")
    requests = f"{SERVERS} servers were asked {sum(asked.values()):,} times in all"
    yield Measure("tools/list at an upstream meanwhile, the most", lists, "", 1, requests)
