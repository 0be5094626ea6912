"""The vault's keys rotated beside a hub under load: 10,000 secrets sealed anew, the command killed once, while agents
call tools of servers whose connections are opened anew all the time, each with a secret."""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import uvloop
from sqlalchemy import update

from bench.calls import client, request_of
from bench.gateway.hubs import Shape, exposed, make
from bench.gateway.upstreams import running_upstream
from bench.measure import Measure, percentile
from bench.processes import SOURCES, environment, free_port, running_hub
from tradepost import settings
from tradepost.database.engine import Database
from tradepost.hub.access.changes import bump
from tradepost.hub.access.workspaces import list_workspaces
from tradepost.hub.registry.models import Server
from tradepost.hub.vault.header_rules import Header
from tradepost.hub.vault.retiring import vault_status
from tradepost.hub.vault.vault import open_vault

SECRETS, SERVERS, CLIENTS = 10_000, 10, 8
KILLED_AFTER_SECONDS = 4.0  # it has begun to seal anew by then
RENEWED_EVERY_SECONDS = 0.05
SECONDS = 120.0


async def _plant(data: Path) -> str:
    """Seal as many secrets, those of the servers among them. Returns the workspace."""
    loaded = settings.load(data=data)
    database = Database(loaded.hub_database)
    try:
        vault = await open_vault(database, loaded.keys)
        (workspace,) = await list_workspaces(database)
        for first in range(0, SECRETS, 500):
            async with database.transaction(workspace.id, write=True) as session:
                for number in range(first, first + 500):
                    await vault.replace(session, f"srv_s{number}", [Header("X-Key", f"secret-{number:06d}")])
        return workspace.id
    finally:
        await database.close()


async def _renew(data: Path, workspace_id: str, over: asyncio.Event) -> int:
    """Have the hub open connections anew, one server after the other. Returns how often."""
    database = Database(settings.load(data=data).hub_database)
    renewed = 0
    while not over.is_set():
        async with database.transaction(workspace_id, write=True) as session:
            raised = {"credential_version": Server.credential_version + 1}
            await session.execute(update(Server).where(Server.slug == f"s{renewed % SERVERS}").values(raised))
            await bump(session)
        renewed += 1
        await asyncio.sleep(RENEWED_EVERY_SECONDS)
    await database.close()
    return renewed


async def _rotate(data: Path, over: asyncio.Event) -> float:
    """Rotate, killed once. Returns the seconds of the second run."""
    command = [sys.executable, "-m", "tradepost", "vault", "rotate", "--data", str(data)]
    env = environment(PYTHONPATH=SOURCES)
    first = await asyncio.create_subprocess_exec(*command, env=env, stdout=subprocess.DEVNULL)
    await asyncio.sleep(KILLED_AFTER_SECONDS)
    if first.returncode is None:
        first.kill()
    await first.wait()
    began = time.perf_counter()
    second = await asyncio.create_subprocess_exec(*command, env=env, stdout=subprocess.PIPE)
    said, _ = await second.communicate()
    if second.returncode:
        raise RuntimeError(f"the rotation failed: {said.decode()}")
    over.set()
    return time.perf_counter() - began


async def _measured(data: Path, port: int, key: str, workspace_id: str) -> tuple[list[float], int, float, int]:
    """Milliseconds of calls, how many failed, seconds of the rotation, connections opened anew."""
    taken: list[float] = []
    failed, over = 0, asyncio.Event()

    async def call(number: int) -> None:
        nonlocal failed
        request = request_of(port, key, exposed(f"s{number % SERVERS}"), {"order_id": "SO-1"})
        while not over.is_set():
            try:
                taken.extend(await client(port, request, 20))
            except (RuntimeError, OSError):
                failed += 1

    calls = [asyncio.create_task(call(number)) for number in range(CLIENTS)]
    renewing = asyncio.create_task(_renew(data, workspace_id, over))
    async with asyncio.timeout(SECONDS):
        seconds = await _rotate(data, over)
        await asyncio.gather(*calls)
    return taken, failed, seconds, await renewing


async def _left(data: Path) -> int:
    """Secrets that are not sealed with the version that seals."""
    loaded = settings.load(data=data)
    database = Database(loaded.hub_database)
    try:
        vault = await open_vault(database, loaded.keys)
        status = await vault_status(database, vault.keys)
        return sum(one.values for one in status.versions if one.version != status.sealing)
    finally:
        await database.close()


def measures() -> Iterator[Measure]:
    port = free_port()
    with running_upstream() as upstream, tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        servers = {f"s{number}": upstream.url(f"s{number}") for number in range(SERVERS)}
        key = asyncio.run(make(data, port, Shape(servers, [list(servers)])))[0][0]
        workspace_id = asyncio.run(_plant(data))
        with running_hub(data, port):
            taken, failed, seconds, renewed = uvloop.run(_measured(data, port, key, workspace_id))
        left = asyncio.run(_left(data))
    note = f"of {len(taken):,} with {CLIENTS} clients; {renewed} connections opened anew meanwhile; killed once"
    yield Measure(f"calls that failed while {SECRETS:,} secrets were rotated", failed, "", 0, note)
    yield Measure("secrets left with the old key", left, "", 0, f"of {SECRETS:,}")
    yield Measure("p99 of a call meanwhile", percentile(taken, 99), "ms", None, "")
    yield Measure("seconds of the run that finished it", seconds, "s", None, "start and waiting for the hub included")
