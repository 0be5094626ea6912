"""Agents at work in one process of the hub, over SQLite, with a model's stand-in on a socket that answers at once.

What a turn of a model costs beside the model is all that happens between a person's message and its answer, kept and
judged, divided by how often the model was asked, less what a bare client needs for the very same requests.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import orjson
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models import Model
from pydantic_ai.models.function import AgentInfo, FunctionModel
from sqlalchemy import select

from bench.calls import AGENT, prepare
from bench.measure import Measure, percentile
from bench.processes import answers, cpu_seconds, free_port, resident_mib, running, running_hub
from tradepost import settings
from tradepost.agents.answering.turns import Runner
from tradepost.agents.models.naming import Models
from tradepost.agents.ports import Step, Turn
from tradepost.api.agent_directory import HubDirectory
from tradepost.app import open_tradepost
from tradepost.app.answering import HubCallers
from tradepost.foundation.ids import new_id
from tradepost.hub.access.agents import find_agent
from tradepost.hub.access.models import Workspace
from tradepost.hub.access.roles import system_caller

TOOL_CALLS, TURNS, BARE = 9, 25, 200
TOGETHER = 200
WARM_UP, BOOTS = 5, 200
TURN_MS, BOOT_MS = 15.0, 5.0
PATIENCE = httpx2.Timeout(120.0)

Json = dict[str, Any]


def measures() -> Iterator[Measure]:
    """The targets of agents at work."""
    with tempfile.TemporaryDirectory() as folder:
        data, port = Path(folder), free_port()
        key = asyncio.run(prepare(data, port))
        yield from _boots(data)
        with _double() as double:
            with _hub(data, port, double, f"tools-{TOOL_CALLS}"):
                yield from asyncio.run(_turns(port, double, key))
            with _hub(data, port, double, f"hold-{TOGETHER}") as pid:
                yield from asyncio.run(_together(port, double, key, pid))


@contextmanager
def _double() -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "bench.talking.double", str(port)]
    with running(command, lambda: answers(port, "/figures")):
        yield port


@contextmanager
def _hub(data: Path, port: int, double: int, model: str) -> Iterator[int]:
    named = f"openai:{model}@http://127.0.0.1:{double}/v1"
    with running_hub(data, port, TRADEPOST_MODEL=named) as pid:
        yield pid


async def _turns(port: int, double: int, key: str) -> list[Measure]:
    async with _client(port, key) as hub:
        taken: list[float] = []
        for _ in range(TURNS):
            started = time.perf_counter()
            await _answered(hub, "Which hour is it everywhere?")
            taken.append((time.perf_counter() - started) * 1000)
    last = (await _figures(double))["last"]
    bare = await _bare(double, last)
    asked, tools = TOOL_CALLS + 1, len(last["tools"])
    each = percentile(taken[WARM_UP:], 50) / asked - bare
    note = f"{tools} tools, {asked} answers of the model a turn; the model alone: {bare:.2f} ms"
    return [Measure("agents: an answer of a model, beside the model, p50", each, "ms", TURN_MS, note)]


async def _bare(double: int, asked: Json) -> float:
    """Milliseconds of the same request by a client that only reads the bytes."""
    body = orjson.dumps(asked)
    request = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    reader, writer = await asyncio.open_connection("127.0.0.1", double)
    taken: list[float] = []
    for _ in range(BARE):
        started = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        taken.append((time.perf_counter() - started) * 1000)
    writer.close()
    return percentile(taken, 50)


async def _together(port: int, double: int, key: str, pid: int) -> list[Measure]:
    async with _client(port, key) as hub:
        before, started = cpu_seconds(pid), time.perf_counter()
        ends = await asyncio.gather(*(_answered(hub, f"Question {number}?") for number in range(TOGETHER)))
        seconds, used = time.perf_counter() - started, cpu_seconds(pid) - before
    held = (await _figures(double))["most_held"]
    finished = sum(end == "finished" for end in ends)
    note = f"{finished} of {TOGETHER} answered in {seconds:.1f} s; processor {used:.1f} s; {resident_mib(pid):.0f} MiB"
    return [Measure("agents: conversations in flight at once", held, "", TOGETHER, note, at_least=True)]


async def _answered(hub: httpx2.AsyncClient, message: str) -> str:
    """Begin a conversation and watch it to its end. How its turn ended."""
    begun = (await hub.post("/conversations", json={"agent": AGENT, "message": message})).raise_for_status().json()
    status = ""
    async with hub.stream("GET", f"/conversations/{begun['id']}/events?after=0") as events:
        async for line in events.aiter_lines():
            if line.startswith("data: ") and '"status"' in line:
                status = orjson.loads(line[6:]).get("status", status)
    return status


@asynccontextmanager
async def _client(port: int, key: str) -> AsyncIterator[httpx2.AsyncClient]:
    limits = httpx2.Limits(max_connections=None)
    headers = {"authorization": f"Bearer {key}"}
    base = f"http://127.0.0.1:{port}/api/v1"
    async with httpx2.AsyncClient(
        base_url=base, headers=headers, timeout=PATIENCE, limits=limits, trust_env=False
    ) as client:
        yield client


async def _figures(double: int) -> Json:
    async with httpx2.AsyncClient(trust_env=False) as client:
        found: Json = (await client.get(f"http://127.0.0.1:{double}/figures")).json()
        return found


class _Stamping(Models):
    """One model for every name, which notes when it is asked."""

    def __init__(self) -> None:
        self.asked_at = 0.0

    async def model(self, name: str, fallback: str | None = None) -> Model:
        async def stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
            self.asked_at = time.perf_counter()
            yield "done"

        return FunctionModel(stream_function=stream)


class _Nobody:
    """A recorder that keeps nothing."""

    async def step(self, step: Step) -> None:
        return

    def delta(self, agent: str, text: str) -> None:
        return


def _boots(data: Path) -> Iterator[Measure]:
    taken = asyncio.run(_booted(data))
    note = f"setup, caller, catalog and prompt from the database; {len(taken)} times, 95 %: {percentile(taken, 95):.1f}"
    yield Measure("agents: from a message to the first request, p50", percentile(taken, 50), "ms", BOOT_MS, note)


async def _booted(data: Path) -> list[float]:
    """Milliseconds from a runtime that knows nothing of an agent to the first request for its model."""
    hub = await open_tradepost(settings.load(data=data))
    try:
        async with hub.hub.system(write=False) as session:
            workspace_id = await session.scalar(select(Workspace.id).where(Workspace.slug == "bench"))
        async with hub.hub.transaction(str(workspace_id), write=False) as session:
            agent = await find_agent(session, AGENT)
        by = replace(
            system_caller(agent.workspace_id, new_id("req")), agent_id=agent.id, scopes=frozenset(agent.scopes)
        )
        models = _Stamping()
        taken: list[float] = []
        for _ in range(BOOTS):
            runner = Runner(hub.hub, hub.gateway.door, HubCallers(hub.hub), HubDirectory(), models, "none")
            turn = Turn(new_id("run"), "cnv_1", by, AGENT, "Hello?")
            started = time.perf_counter()
            await runner.run(turn, _Nobody())
            taken.append((models.asked_at - started) * 1000)
        return taken[WARM_UP:]
    finally:
        await hub.hub.close()
        await hub.store.close()
