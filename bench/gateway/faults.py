"""What broken servers cost the calls of others: p99 of one that is well, while many call one that is broken."""

import asyncio
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import uvloop

from bench.calls import ask_once, request_of
from bench.gateway.driven import Driven
from bench.gateway.faulty import FAULTS, running_faulty
from bench.gateway.hubs import Shape, exposed, make
from bench.gateway.options import Options
from bench.gateway.upstreams import running_upstream
from bench.measure import Measure
from bench.processes import free_port, resident_mib, running_hub

CALLERS, CLIENTS = 16, 16
PAUSE_SECONDS = 0.05  # of a caller that was refused: agents do not call in a tight loop
TIMES_OF_QUIET, MEMORY_MIB = 2.0, 32.0


async def _call_on(port: int, request: bytes) -> None:
    """Call the broken server again and again, whatever it answers."""
    while True:
        with suppress(OSError, asyncio.IncompleteReadError):
            await ask_once(port, request)
        await asyncio.sleep(PAUSE_SECONDS)


async def _rounds(port: int, key: str, hub: int, options: Options) -> tuple[dict[str, list[float]], float]:
    """For each fault, p99 while it is there over p99 just before; and what the hub's memory has grown by. The first
    round only warms up."""
    driven = Driven(f"http://127.0.0.1:{port}/mcp", exposed("well"), key)
    times: dict[str, list[float]] = {name: [] for name in FAULTS}
    before = 0.0
    for turn in range(options.rounds + 1):
        for name in FAULTS:
            quiet = await driven.load(CLIENTS, seconds=options.seconds)
            request = request_of(port, key, exposed(name), {"order_id": "A-1"})
            calling = [asyncio.create_task(_call_on(port, request)) for _ in range(CALLERS)]
            try:
                broken = await driven.load(CLIENTS, seconds=options.seconds)
            finally:
                for task in calling:
                    task.cancel()
                await asyncio.gather(*calling, return_exceptions=True)
            if turn:
                times[name].append(broken.p99_ms / quiet.p99_ms)
        if not turn:
            before = resident_mib(hub)
    return times, resident_mib(hub) - before


def measures(options: Options) -> Iterator[Measure]:
    """p99 with each broken server over p99 without, and what memory the hub has taken after all of it."""
    with ExitStack() as stack:
        upstream, faulty = stack.enter_context(running_upstream()), stack.enter_context(running_faulty())
        servers = {"well": upstream.url("s0"), **faulty}
        folder, port = Path(stack.enter_context(tempfile.TemporaryDirectory())), free_port()
        key = asyncio.run(make(folder, port, Shape(servers, [list(servers)])))[0][0]
        hub = stack.enter_context(running_hub(folder, port))
        times, grown = uvloop.run(_rounds(port, key, hub, options))
    note = f"median of {options.rounds} rounds; {CLIENTS} clients of the one that is well, {CALLERS} of the other"
    for name, found in times.items():
        what = f"p99 while a server {_said(name)} over p99 before"
        yield Measure(what, statistics.median(found), "times", TIMES_OF_QUIET, note)
    yield Measure("memory taken by faults", grown, "MiB", MEMORY_MIB, "after all rounds, over after the first")


def _said(name: str) -> str:
    return {"silent": "is silent", "garbage": "answers garbage"}.get(name, name)
