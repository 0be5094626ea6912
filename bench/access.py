"""What it takes to know who calls: verified keys, keys among many, and a flood of bad ones from many addresses."""

import asyncio
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import uvloop
from sqlalchemy import insert

from bench.calls import AGENT, ORDER, client, prepare, request_of
from bench.measure import Measure, percentile
from bench.processes import answers, free_port, resident_mib, running
from tradepost.database.engine import Database
from tradepost.database.migrate import upgrade
from tradepost.foundation.ids import new_id
from tradepost.hub.access.agents import create_agent, create_profile
from tradepost.hub.access.authenticate import Authenticator
from tradepost.hub.access.keys import mint
from tradepost.hub.access.models import ApiKey
from tradepost.hub.access.roles import caller_for_user
from tradepost.hub.access.workspaces import create_workspace
from tradepost.hub.registry.watch import RegistryWatch

FEW, MANY = 1_000, 100_000
LOOKS = 2_000
BAD_KEYS, FLOODING = 10_000, 16
CALLS = 3_000
ARRIVALS_P99 = 2.0  # times what it is without the flood
LOOK_UP_TIMES = 1.5  # with a hundred times as many keys; a longer walk down the index, and noise


async def _filled(url: str) -> tuple[Database, str]:
    upgrade(url, "hub")
    database = Database(url)
    made = await create_workspace(database, "bench", "Bench", "owner@bench.example")
    owner = caller_for_user(made.owner, new_id("req"))
    async with database.transaction(made.workspace.id, write=True) as session:
        await create_profile(session, owner, "team")
        await session.flush()
        agent = await create_agent(session, owner, "team", "caller", scopes=("read:orders",))
        await session.flush()
        return database, (await mint(session, owner, agent_id=agent.id)).secret


async def _add_keys(database: Database, start: int, end: int) -> None:
    async with database.system(write=True) as session:
        row = (await session.execute(ApiKey.__table__.select().limit(1))).mappings().one()
        for first in range(start, end, 5_000):
            rows = [
                {**row, "id": f"key_{number}", "prefix": f"{number:08d}", "digest": f"{number:064d}"}
                for number in range(first, min(first + 5_000, end))
            ]
            await session.execute(insert(ApiKey.__table__), rows)


async def _look_ups(database: Database, secret: str) -> tuple[float, float]:
    """Microseconds of CPU of a key that is looked up, and of one that is known already."""
    watch = RegistryWatch(database)
    await watch.start()
    authenticator = Authenticator(database, watch)
    fresh: list[float] = []
    known: list[float] = []
    for taken in (fresh, known):
        for number in range(LOOKS):
            if taken is fresh:
                authenticator = Authenticator(database, watch)  # which remembers nothing yet
            began = time.process_time_ns()
            await authenticator.authenticate(secret, f"req_{number}")
            taken.append((time.process_time_ns() - began) / 1000)
    await watch.stop()
    return statistics.median(fresh), statistics.median(known)


async def _compared() -> list[tuple[float, float]]:
    with tempfile.TemporaryDirectory() as folder:
        database, secret = await _filled(f"sqlite:///{folder}/hub.db")
        found = []
        for start, end in ((0, FEW), (FEW, MANY)):
            await _add_keys(database, start, end)
            found.append(await _look_ups(database, secret))
        await database.close()
        return found


async def _flood(port: int) -> None:
    """Bad keys, each from another address, as a trusted proxy tells it."""
    numbers = itertools.count()

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (number := next(numbers)) < BAD_KEYS:
            request = request_of(port, f"tp_{number:08d}_wrong", "get_order", {"order_id": ORDER})
            address = f"x-forwarded-for: 198.{number >> 16}.{number >> 8 & 255}.{number & 255}\r\n".encode()
            writer.write(request.replace(b"\r\n", b"\r\n" + address, 1))
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            if not head.startswith((b"http/1.1 401", b"http/1.1 429")):
                raise RuntimeError(f"a bad key was answered with {head[:100]!r}")
            await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        writer.close()

    await asyncio.gather(*(one() for _ in range(FLOODING)))


async def _beside(port: int, request: bytes) -> tuple[list[float], list[float]]:
    """Milliseconds of an honest client's calls, alone and beside a flood."""
    alone = await client(port, request, CALLS)
    flood = asyncio.create_task(_flood(port))
    beside: list[float] = []
    while not flood.done():
        beside += await client(port, request, 50)
    await flood
    return alone, beside


def measures() -> Iterator[Measure]:
    (few, known), (many, _) = asyncio.run(_compared())
    yield Measure("a verified key, CPU", known / 1000, "ms", 0.03, f"median of {LOOKS:,}, without the limits")
    yield Measure(f"a key looked up among {FEW:,}", few / 1000, "ms", None, "nothing remembered")
    yield Measure(f"the same among {MANY:,}", many / few, "times", LOOK_UP_TIMES, f"{many / 1000:.3f} ms")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        request = request_of(port, asyncio.run(prepare(Path(folder), port)), "get_order", {"order_id": ORDER})
        command = [sys.executable, "-m", "tradepost", "serve", "--data", folder, "--port", str(port)]
        proxies = {"TRADEPOST_TRUSTED_PROXIES": "127.0.0.0/8"}
        with running(command, lambda: answers(port, "/ready"), **proxies) as pid:
            uvloop.run(client(port, request, 500))
            before = resident_mib(pid)
            alone, beside = uvloop.run(_beside(port, request))
            after = resident_mib(pid)
    times = percentile(beside, 99) / percentile(alone, 99)
    note = f"{percentile(alone, 99):.2f} and {percentile(beside, 99):.2f} ms; {FLOODING} connections, all the time"
    yield Measure(f"p99 of {AGENT} beside {BAD_KEYS:,} bad keys", times, "times", ARRIVALS_P99, note)
    yield Measure("memory after them", after - before, "MiB", 32, "more than before")
