"""A second hub in a process of its own, which takes up turns and is killed, as by `kill -9`, right after a call."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import tradepost.agents.answering.build  # noqa: F401 (takes seconds: loaded once for all processes)
from tests.api.talking import LineByLine, agents_that
from tests.forking import context
from tradepost import settings
from tradepost.agents.conversations.build import Agents
from tradepost.agents.ports import Json, ToolDoor
from tradepost.app import Tradepost, open_tradepost
from tradepost.app.answering import build_agents
from tradepost.foundation.caller import Caller

PATIENCE_SECONDS = 60


def killed_after_a_call(configured: settings.Settings) -> int | None:
    """Let it take up what is due. Returns its exit status."""
    here, there = context.Pipe()
    process = context.Process(target=_run, args=(there, configured))
    process.start()
    there.close()
    process.join(PATIENCE_SECONDS)
    status = process.exitcode
    if process.is_alive():
        process.kill()
    process.join()
    here.close()
    return status


def _run(_there: Connection, configured: settings.Settings) -> None:
    def die(_runtime: LineByLine) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    async def main() -> None:
        hub = await open_tradepost(configured, agents=agents_that(after_call=die))
        await hub.start()
        await asyncio.sleep(PATIENCE_SECONDS)

    asyncio.run(main())


@contextmanager
def answering(configured: settings.Settings, dies_after: str | None = None) -> Iterator[BaseProcess]:
    """A hub of another process that answers as `serve` does; once this tool was called it dies, before it can keep what
    came of it."""
    process = context.Process(target=_answer, args=(configured, dies_after))
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


@contextmanager
def speaking(configured: settings.Settings) -> Iterator[BaseProcess]:
    """A hub of another process that takes up what is due, line by line."""
    process = context.Process(target=_speak, args=(configured,))
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def _speak(configured: settings.Settings) -> None:
    async def main() -> None:
        hub = await open_tradepost(configured, agents=agents_that())
        await hub.start()
        await asyncio.sleep(PATIENCE_SECONDS)

    asyncio.run(main())


@dataclass(frozen=True)
class _Deadly:
    """A door after which the process dies."""

    door: ToolDoor
    tool: str | None

    async def list(self, caller: Caller) -> list[Json]:
        return await self.door.list(caller)

    async def call(
        self, caller: Caller, name: str, arguments: Json, run_id: str | None = None, key: str | None = None
    ) -> Json:
        result = await self.door.call(caller, name, arguments, run_id, key)
        if name == self.tool:
            os.kill(os.getpid(), signal.SIGKILL)
        return result


def _answer(configured: settings.Settings, dies_after: str | None) -> None:
    def agents(hub: Tradepost) -> Agents:
        door = _Deadly(hub.gateway.door, dies_after)
        return build_agents(hub.hub, door, hub.registration.guard, configured.model)

    async def main() -> None:
        hub = await open_tradepost(configured, agents=agents)
        await hub.start()
        await asyncio.sleep(PATIENCE_SECONDS)

    asyncio.run(main())
