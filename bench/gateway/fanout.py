"""One turn that needs tools of five servers: the five calls run side by side, and each costs its server one request."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import uvloop

from bench.gateway.driven import Driven
from bench.gateway.hubs import Shape, exposed, make
from bench.gateway.options import Options
from bench.gateway.upstreams import SLOW_SECONDS, Upstream, running_upstream
from bench.measure import Measure
from bench.processes import free_port, running_hub

SERVERS = [f"slow{number}" for number in range(5)]
TURNS, QUICK_CALLS = 5, 500
TIMES_AT_MOST = 1.25


async def _turns(url: str, key: str) -> tuple[float, float, float]:
    """Milliseconds of the first turn with five calls (nothing is connected yet), and of later ones with one and with
    five (medians, in turn)."""
    driven = [Driven(url, exposed(server), key) for server in SERVERS]

    async def turn(count: int) -> float:
        started = time.perf_counter()
        await asyncio.gather(*(one.load(1, calls=1) for one in driven[:count]))
        return (time.perf_counter() - started) * 1000

    first = await turn(len(SERVERS))
    pairs = [(await turn(1), await turn(len(SERVERS))) for _ in range(TURNS)]
    return first, statistics.median(one for one, _ in pairs), statistics.median(five for _, five in pairs)


async def _requests(url: str, key: str, upstream: Upstream) -> tuple[float, float]:
    """Requests at the upstream per call, and connections per call, once everything is connected."""
    driven = Driven(url, exposed("quick"), key)
    await driven.load(1, calls=20)
    await asyncio.to_thread(upstream.stats)
    await driven.load(1, calls=QUICK_CALLS)
    asked, connections = await asyncio.to_thread(upstream.stats)
    return sum(asked.values()) / QUICK_CALLS, connections / QUICK_CALLS


def measures(_options: Options) -> Iterator[Measure]:
    """Five calls beside one, and what each costs the upstream."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, running_upstream() as upstream:
        names = [*SERVERS, "quick"]
        shape = Shape({name: upstream.url(name) for name in names}, [names])
        key = asyncio.run(make(Path(folder), port, shape))[0][0]
        with running_hub(Path(folder), port):
            url = f"http://127.0.0.1:{port}/mcp"
            first, one, five = uvloop.run(_turns(url, key))
            requests, connections = uvloop.run(_requests(url, key, upstream))
    note = f"servers that take {SLOW_SECONDS * 1000:g} ms; median of {TURNS}"
    yield Measure("a turn with one call", one, "ms", None, note)
    yield Measure("a turn with calls of 5 servers", five, "ms", None, f"{note}; the very first took {first:.0f} ms")
    yield Measure("5 servers over one", five / one, "times", TIMES_AT_MOST, "side by side")
    yield Measure("requests at the upstream per call", requests, "", 1, f"of {QUICK_CALLS} calls, connected before")
    yield Measure("connections to the upstream per call", connections, "", 0.01, f"of {QUICK_CALLS} calls")
