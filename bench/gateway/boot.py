"""Fifty servers that are down: from starting the hub to its first answer, and how long agents wait for their tools."""

import asyncio
import socket
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.gateway.agents import listed
from bench.gateway.hubs import Shape, exposed, make
from bench.gateway.options import Options
from bench.measure import Measure, percentile
from bench.processes import cpu_seconds, free_port, running_hub

SERVERS, TOOLS, STARTS = 50, 40, 3
SECONDS = 2.0
AGENTS, TOOLS_SEEN = 100, 2
AGENT_MS = 50.0


def measures(_options: Options) -> Iterator[Measure]:
    """Seconds until an agent has the list of its tools: the process, its imports and the catalog included. Then
    milliseconds until each of many agents has its own from a hub that has just begun to serve."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, _down() as url:
        names = [f"s{number}" for number in range(SERVERS)]
        key = asyncio.run(make(Path(folder), port, Shape(dict.fromkeys(names, url), [names], TOOLS)))[0][0]
        taken = []
        for _ in range(STARTS):
            started = time.perf_counter()
            with running_hub(Path(folder), port):
                asyncio.run(listed(port, key))
                taken.append(time.perf_counter() - started)
    note = f"median of {STARTS} starts, the quickest {min(taken):.2f} s; {SERVERS * TOOLS:,} tools listed"
    yield Measure(f"boot to first answer, {SERVERS} servers down", statistics.median(taken), "s", SECONDS, note)
    yield from _agents()


def _agents() -> Iterator[Measure]:
    """Each agent has a profile of its own, so none finds a catalog that another one's first list has made."""
    port = free_port()
    names = [f"s{number}" for number in range(SERVERS)]
    with tempfile.TemporaryDirectory() as folder, _down() as url:
        shape = Shape(dict.fromkeys(names, url), [names] * AGENTS, TOOLS_SEEN)
        keys = [minted for (minted,) in asyncio.run(make(Path(folder), port, shape))]
        with running_hub(Path(folder), port) as pid:
            used = cpu_seconds(pid)
            taken = asyncio.run(_one_after_the_other(port, keys))
            used = cpu_seconds(pid) - used
    what = f"an agent's first tools/list, {SERVERS} servers down"
    note = f"{AGENTS} agents, each with a catalog of its own that nobody asked for before; {SERVERS * TOOLS_SEEN} tools"
    yield Measure(f"{what}, p50", statistics.median(taken), "ms", AGENT_MS, note)
    yield Measure(f"{what}, p99", percentile(taken, 99), "ms", AGENT_MS, f"the first of all {taken[0]:.1f} ms")
    yield Measure(
        f"{what}, CPU of the hub", used / AGENTS * 1000, "ms", None, "busy machines make waits longer, not this"
    )


async def _one_after_the_other(port: int, keys: Sequence[str]) -> list[float]:
    """Milliseconds until each agent has its complete list. Raises RuntimeError for one that is not complete."""
    expected = {exposed(f"s{server}", tool) for server in range(SERVERS) for tool in range(TOOLS_SEEN)}
    taken = []
    for key in keys:
        began = time.perf_counter()
        found = await listed(port, key)
        taken.append((time.perf_counter() - began) * 1000)
        if not expected <= found:
            raise RuntimeError(f"an agent was shown {len(found)} tools, of {len(expected)} that it has")
    return taken


@contextmanager
def _down() -> Iterator[str]:
    """The URL of a server that is down: the port is bound and never listens, so whoever connects is refused."""
    with socket.socket() as down:
        down.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{down.getsockname()[1]}/mcp"
