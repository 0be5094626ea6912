"""From starting the hub to its first answer, with fifty servers that are down."""

import asyncio
import socket
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.gateway.agents import listed
from bench.gateway.hubs import Shape, make
from bench.gateway.options import Options
from bench.measure import Measure
from bench.processes import free_port, running_hub

SERVERS, TOOLS, STARTS = 50, 40, 3
SECONDS = 2.0


def measures(_options: Options) -> Iterator[Measure]:
    """Seconds until an agent has the list of its tools: the process, its imports and the catalog included."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, socket.socket() as down:
        down.bind(("127.0.0.1", 0))  # bound and never listening: whoever connects is refused
        url = f"http://127.0.0.1:{down.getsockname()[1]}/mcp"
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
