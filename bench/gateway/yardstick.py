"""How quick this machine is just now.

What the hub may take was said for a machine on which the harness's yardstick, a pass-through without policy and audit,
takes 0.05 ms of CPU per call. On another machine, and on this one under other load, everything takes longer or shorter
in proportion: so limits in milliseconds are multiplied by what the yardstick takes here, in the same run, over that.
"""

import asyncio
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvloop

from bench.gateway.driven import Driven
from bench.gateway.harness import harness
from bench.gateway.upstreams import running_upstream
from bench.processes import cpu_seconds, free_port, running

CPU_MS_THERE = 0.05
CALLS, CLIENTS, WARM_UP, PASSES = 4_000, 16, 1_000, 3
TOOL, KEY = "up__get_order", "bench-token"  # those of the pass-through


@contextmanager
def _running(upstream: str) -> Iterator[tuple[str, int]]:
    """Its URL and process."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/mcp"
    command = [sys.executable, str(harness() / "passthrough.py"), "--port", str(port), "--server", "uvicorn"]
    with running(command, lambda: asyncio.run(_answers(url)), UPSTREAM=upstream, PT_CLIENT="pool") as pid:
        yield url, pid


async def _answers(url: str) -> bool:
    try:
        await Driven(url, TOOL, KEY).load(1, calls=1)
    except (OSError, RuntimeError):
        return False
    return True


async def _cpu_ms(url: str, pid: int) -> float:
    driven = Driven(url, TOOL, KEY)
    await driven.load(CLIENTS, calls=WARM_UP)
    found = []
    for _ in range(PASSES):
        before = cpu_seconds(pid)
        await driven.load(CLIENTS, calls=CALLS)
        found.append((cpu_seconds(pid) - before) / CALLS * 1000)
    return statistics.median(found)


def cpu_ms() -> float:
    """CPU milliseconds of the yardstick per call at 16 clients."""
    with running_upstream() as upstream, _running(upstream.url("up")) as (url, pid):
        return uvloop.run(_cpu_ms(url, pid))


def scaled(limit_ms: float, here_ms: float) -> tuple[float, str]:
    """A limit for a machine on which the yardstick takes `here_ms` per call, and how it came about."""
    times = here_ms / CPU_MS_THERE
    return limit_ms * times, f"{limit_ms:g} ms x {times:.2f}: the yardstick takes {here_ms:.3f} ms of CPU per call"
