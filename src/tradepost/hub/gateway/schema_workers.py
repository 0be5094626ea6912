"""A few processes that try schemas on values, each within a time budget, so that a hostile schema costs one call.

Every server has its own share of them: one whose checks all hang holds up its own calls, and no others.
"""

import asyncio
import sys
from contextlib import suppress

from tradepost.hub.gateway import schema_worker
from tradepost.hub.limits.in_flight import InFlight

BUDGET_SECONDS = 2.0
TURN_SECONDS = 10.0
START_SECONDS = 20.0
MAX_ANSWER_BYTES = 64 * 1024
MOST = 4
MOST_PER_OWNER = 2
MOST_WAITING = 64

_READY = b'{"kind":"answer","schema":{},"value":0}\n'


class SchemaWorkers:
    """Worker processes, started when they are first needed and again after one had to be killed."""

    def __init__(self, budget_seconds: float = BUDGET_SECONDS, most: int = MOST) -> None:
        self._budget_seconds = budget_seconds
        self._owners = InFlight("server", MOST_PER_OWNER, MOST_WAITING)
        self._turns = asyncio.Semaphore(most)
        self._idle: list[_Worker] = []
        self._all: set[_Worker] = set()

    async def ask(self, owner: str, name: str, task: bytes) -> bytes:
        """A worker's answer to one line. `owner` is the server whose schema it is, `name` what people call it. Raises
        TimeoutError, OSError, EOFError when there is no answer in time, Unavailable when too many wait already."""
        async with asyncio.timeout(TURN_SECONDS) as turn, self._owners.slot(owner, name), self._turns:
            turn.reschedule(None)  # what follows has limits of its own
            worker = await self._free()
            try:
                answer = await asyncio.wait_for(worker.ask(task), self._budget_seconds)
            except BaseException:
                await self._end(worker)  # a late answer would be taken for the next one's
                raise
            self._idle.append(worker)
            return answer

    async def close(self) -> None:
        """End all workers."""
        self._idle.clear()
        for worker in list(self._all):
            await self._end(worker)

    async def _free(self) -> "_Worker":
        while self._idle:
            worker = self._idle.pop()
            if worker.is_alive:
                return worker
            self._all.discard(worker)
        return await self._started()

    async def _started(self) -> "_Worker":
        worker = _Worker(
            await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                schema_worker.__name__,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=MAX_ANSWER_BYTES,
            )
        )
        self._all.add(worker)
        try:
            await asyncio.wait_for(worker.ask(_READY), START_SECONDS)  # starting is not part of anyone's budget
        except BaseException:
            await self._end(worker)
            raise
        return worker

    async def _end(self, worker: "_Worker") -> None:
        self._all.discard(worker)
        await worker.end()


class _Worker:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def is_alive(self) -> bool:
        return self._process.returncode is None

    async def ask(self, task: bytes) -> bytes:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise EOFError("the worker has no pipes")
        stdin.write(task)
        await stdin.drain()
        answer = await stdout.readline()
        if not answer:
            raise EOFError("the worker ended")
        return answer

    async def end(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
