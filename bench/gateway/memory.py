"""The memory that the hub holds after many calls: it must not grow with them."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import uvloop

from bench.gateway.driven import Driven
from bench.gateway.hubs import Shape, exposed, make
from bench.gateway.options import Options
from bench.gateway.upstreams import running_upstream
from bench.measure import Measure
from bench.processes import free_port, resident_mib, running_hub

CLIENTS, WARM_UP, LOOKS = 64, 5_000, 10
GROWTH_PERCENT = 5.0


async def _looked_at(url: str, key: str, pid: int, calls: int) -> list[float]:
    """MiB once everything was used, and after each tenth of the calls."""
    driven = Driven(url, exposed("up"), key)
    await driven.load(CLIENTS, calls=WARM_UP)
    found = [resident_mib(pid)]
    for _ in range(LOOKS):
        await driven.load(CLIENTS, calls=max(calls // LOOKS, 1))
        found.append(resident_mib(pid))
    return found


def measures(options: Options) -> Iterator[Measure]:
    """MiB before and after, and the growth of the last look over the first."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, running_upstream() as upstream:
        shape = Shape({"up": upstream.url("up")}, [["up"]])
        key = asyncio.run(make(Path(folder), port, shape))[0][0]
        with running_hub(Path(folder), port) as pid:
            found = uvloop.run(_looked_at(f"http://127.0.0.1:{port}/mcp", key, pid, options.calls))
    note = f"{CLIENTS} clients; on the way {min(found):.0f} to {max(found):.0f} MiB"
    yield Measure(f"memory after {WARM_UP:,} calls", found[0], "MiB", None, "all processes of the hub")
    yield Measure(f"memory after {options.calls:,} calls more", found[-1], "MiB", None, note)
    growth = (found[-1] / found[0] - 1) * 100
    yield Measure(f"memory, growth over {options.calls:,} calls", growth, "%", GROWTH_PERCENT, "last look over first")
