"""A second process for tests: opens the world of some facts, waits until it is told to go on, does one thing, and may
die at a checkpoint on the way, as by `kill -9`."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from tests.forking import context
from tests.hub.gateway.world import Facts, World, opened
from tradepost.foundation.errors import RateLimited, TradepostError
from tradepost.hub.gateway.checkpoints import Point

KILLED = 9
PATIENCE_SECONDS = 60


class Process:
    """The test's side: started, ready, goes on when told."""

    def __init__(self, facts: Facts, verb: str, kill_at: Point | None = None, **arguments: Any) -> None:
        self._here, there = context.Pipe()
        self._process = context.Process(target=_run, args=(there, facts, verb, kill_at, arguments))
        self._process.start()
        there.close()

    def wait_until_ready(self) -> None:
        assert self._here.poll(PATIENCE_SECONDS)
        assert self._here.recv() == "ready"

    def go(self) -> None:
        self._here.send("go")

    def end(self) -> tuple[int | None, Any]:
        """Exit status, and what it said if it lived to say something."""
        try:
            said = self._here.recv() if self._here.poll(PATIENCE_SECONDS) else None
        except EOFError:
            said = None
        self._process.join(PATIENCE_SECONDS)
        return self._process.exitcode, said

    def close(self) -> None:
        if self._process.is_alive():
            self._process.kill()
        self._process.join()
        self._process.close()
        self._here.close()


@contextmanager
def processes(*started: Process) -> Iterator[None]:
    """Make all of them ready, let them go at the same moment, and leave none behind."""
    try:
        for process in started:
            process.wait_until_ready()
        for process in started:
            process.go()
        yield
    finally:
        for process in started:
            process.close()


def run_in_process(facts: Facts, verb: str, kill_at: Point | None = None, **arguments: Any) -> tuple[int | None, Any]:
    """Do one thing in another process."""
    process = Process(facts, verb, kill_at, **arguments)
    with processes(process):
        return process.end()


def _run(there: Connection, facts: Facts, verb: str, kill_at: Point | None, arguments: dict[str, Any]) -> None:
    def die(point: Point) -> None:
        if point == kill_at:
            os._exit(KILLED)

    async def main() -> None:
        async with opened(facts, checkpoint=die) as world:
            await world.agent()
            there.send("ready")
            await asyncio.to_thread(there.recv)
            there.send(await _do(world, verb, arguments))

    asyncio.run(main())


async def _burst(world: World, times: int) -> int:
    """Read so often, twenty at once. Returns how many went through."""

    async def read() -> int:
        went = 0
        for _ in range(times // 20):
            try:
                await world.call("get_stock", sku="A1")
                went += 1
            except RateLimited:
                continue
        return went

    return sum(await asyncio.gather(*(read() for _ in range(20))))


async def _do(world: World, verb: str, arguments: dict[str, Any]) -> Any:
    if verb == "call":
        return await world.call(arguments["name"], **arguments["arguments"])
    if verb == "burst":
        return await _burst(world, arguments["times"])
    if verb == "run_due":
        return await world.executor.run_due()
    if verb == "approve_and_run":
        try:
            await world.built.verdicts.approve(world.owner, arguments["action_id"])
            said = "approved"
        except TradepostError as error:
            said = error.code
        await world.executor.run_due()
        return said
    raise ValueError(verb)
