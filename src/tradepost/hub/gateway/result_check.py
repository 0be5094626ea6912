"""Checking foreign results outside this process, within a time budget, so that a hostile schema costs one call."""

import asyncio
import logging
import sys
from contextlib import suppress
from typing import Any

import orjson

from tradepost.hub.gateway import result_worker

BUDGET_SECONDS = 2.0
START_SECONDS = 20.0
MAX_ANSWER_BYTES = 64 * 1024

_log = logging.getLogger(__name__)


class ResultCheck:
    """One worker process, started with the first result to check and again after it had to be killed."""

    def __init__(self, budget_seconds: float = BUDGET_SECONDS) -> None:
        self._budget_seconds = budget_seconds
        self._worker: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def fault(self, schema: dict[str, Any], value: Any) -> str | None:
        """What is wrong with a structured result, in a few words; None when it fits."""
        if value is None:
            return "it has no structuredContent"
        task = orjson.dumps({"schema": schema, "value": value}) + b"\n"
        async with self._turn:
            try:
                if self._worker is None or self._worker.returncode is not None:
                    self._worker = await self._started()
                answer = await asyncio.wait_for(self._ask(self._worker, task), self._budget_seconds)
            except (TimeoutError, OSError, EOFError) as error:
                _log.warning("a result could not be checked in time: %r", error)
                await self._kill()
                return "it could not be checked within the time allowed"
            except asyncio.CancelledError:
                await self._kill()  # its answer would be taken for the next one's
                raise
        fault: str | None = orjson.loads(answer)["fault"]
        return fault

    async def close(self) -> None:
        """End the worker."""
        async with self._turn:
            await self._kill()

    async def _started(self) -> asyncio.subprocess.Process:
        worker = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            result_worker.__name__,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=MAX_ANSWER_BYTES,
        )
        ready = orjson.dumps({"schema": {}, "value": 0}) + b"\n"
        await asyncio.wait_for(self._ask(worker, ready), START_SECONDS)  # starting is not part of anyone's budget
        return worker

    async def _ask(self, worker: asyncio.subprocess.Process, task: bytes) -> bytes:
        if worker.stdin is None or worker.stdout is None:
            raise EOFError("the worker has no pipes")
        worker.stdin.write(task)
        await worker.stdin.drain()
        answer = await worker.stdout.readline()
        if not answer:
            raise EOFError("the worker ended")
        return answer

    async def _kill(self) -> None:
        worker, self._worker = self._worker, None
        if worker is None:
            return
        with suppress(ProcessLookupError):
            worker.kill()
        await worker.wait()
