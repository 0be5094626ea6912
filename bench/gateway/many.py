"""Many servers: what fifty of them with two thousand tools add to a call of one, also while one of them hangs."""

import asyncio
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from bench.calls import ask_once, request_of
from bench.gateway.driven import Driven
from bench.gateway.hubs import TOOL, Shape, exposed, make
from bench.gateway.options import Options
from bench.gateway.upstreams import Upstream, running_upstream
from bench.gateway.yardstick import cpu_ms, scaled
from bench.measure import Measure
from bench.processes import free_port, running_hub

SERVERS, TOOLS = 50, 40
HANGING_CALLS = 16
ADDED_MS, P99_MS, TIMES_OF_QUIET = 0.5, 10.0, 2.0


@dataclass
class _Row:
    """A way to the same tool, and what each round found: milliseconds at one client (p50) and at 16 (p99)."""

    name: str
    url: str
    tool: str
    key: str | None = None
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)


def _shape(upstream: Upstream, servers: int, tools: int, hangs: bool) -> Shape:
    names = [f"s{number}" for number in range(servers - hangs)] + (["hangs"] if hangs else [])
    return Shape({name: upstream.url(name) for name in names}, [names], tools)


async def _hang(port: int, key: str) -> None:
    """Keep one call of the server that hangs under way."""
    request = request_of(port, key, exposed("hangs"), {"order_id": "A-1"})
    while True:
        await ask_once(port, request)


async def _rounds(rows: list[_Row], port: int, key: str, options: Options) -> None:
    """Each row in turn, round after round; the first round only warms up."""
    hanging = [asyncio.create_task(_hang(port, key)) for _ in range(HANGING_CALLS)]
    try:
        driven = [(row, Driven(row.url, row.tool, row.key)) for row in rows]
        for turn in range(options.rounds + 1):
            for row, one in driven:
                single = await one.load(1, seconds=options.seconds)
                several = await one.load(16, seconds=options.seconds)
                if turn:
                    row.p50.append(single.p50_ms)
                    row.p99.append(several.p99_ms)
    finally:
        for task in hanging:
            task.cancel()
        for task in hanging:
            with suppress(asyncio.CancelledError):
                await task


def measures(options: Options) -> Iterator[Measure]:
    """Added p50 at one client and p99 at 16, for one server, for fifty, and for fifty of which one hangs."""
    with ExitStack() as stack:
        upstream = stack.enter_context(running_upstream())
        rows = [_Row("direct", upstream.url("s0"), TOOL)]
        port, key = 0, ""
        for name, shape in (
            ("1 server", _shape(upstream, 1, 1, False)),
            (f"{SERVERS} servers, {SERVERS * TOOLS:,} tools", _shape(upstream, SERVERS, TOOLS, False)),
            (f"{SERVERS} servers, one hanging", _shape(upstream, SERVERS, TOOLS, True)),
        ):
            folder, port = Path(stack.enter_context(tempfile.TemporaryDirectory())), free_port()
            key = asyncio.run(make(folder, port, shape))[0][0]
            stack.enter_context(running_hub(folder, port))
            rows.append(_Row(name, f"http://127.0.0.1:{port}/mcp", exposed("s0"), key))
        uvloop.run(_rounds(rows, port, key, options))
    yield from _told(rows)


def _told(rows: list[_Row]) -> Iterator[Measure]:
    direct, *others = rows
    here = cpu_ms()
    (added_ms, why_added), (p99_ms, why) = scaled(ADDED_MS, here), scaled(P99_MS, here)
    why_added += f"; direct {statistics.median(direct.p50):.3f} ms"
    for row in others:
        added = statistics.median(one - straight for one, straight in zip(row.p50, direct.p50, strict=True))
        yield Measure(f"{row.name}: added p50 at 1 client", added, "ms", added_ms, why_added)
        yield Measure(f"{row.name}: p99 at 16 clients", statistics.median(row.p99), "ms", p99_ms, why)
    quiet, hanging = others[1:]
    times = statistics.median(one / other for one, other in zip(hanging.p99, quiet.p99, strict=True))
    held = f"{HANGING_CALLS} calls of the hanging server under way"
    yield Measure("p99 while one hangs over p99 while none does", times, "times", TIMES_OF_QUIET, held)
