"""A second process for tests: opens the world of some facts, waits until it is told to go on, does one thing, and may
die at a checkpoint on the way, as by `kill -9`."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

from tests.forking import context
from tests.hub.gateway.world import Facts, World, opened
from tradepost.foundation.caller import Caller
from tradepost.foundation.errors import RateLimited, TradepostError
from tradepost.foundation.ids import new_id
from tradepost.hub.gateway.checkpoints import Point
from tradepost.protocol.builtin import Json
from tradepost.protocol.hosting import CallExtras

KILLED = -signal.SIGKILL
PATIENCE_SECONDS = 60
SECRET = bytes(range(32))  # of all processes of a test


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
            os.kill(os.getpid(), signal.SIGKILL)

    async def main() -> None:
        async with opened(facts, checkpoint=die, secret=SECRET) as world:
            await world.agent()
            sold = arguments.get("sold_meanwhile")
            if sold is not None:
                world.shop.before = partial(_sell, world, sold)
            there.send("ready")
            await asyncio.to_thread(there.recv)
            there.send(await _do(world, verb, arguments))

    asyncio.run(main())


FORM = {"elicitation": {}}


async def confirm(world: World, person: Caller, state: str | None = None) -> Json:
    """A write of somebody who may say yes themselves: the question, or with its state their yes."""
    said = None if state is None else {"confirm": {"action": "accept", "content": {}}}
    extras = CallExtras(client_capabilities=FORM, rounds=True, input_responses=said, request_state=state)
    arguments = {"sku": "A1", "quantity": 20, "idempotency_key": "k1"}
    return await world.gateway.call_tool(person, None, "add_stock", arguments, extras)


def _sell(world: World, left: int, what: str) -> None:
    """Somebody else buys in the very moment in which a write is carried out."""
    if what.endswith(":execute"):
        world.shop.before = lambda _: None
        world.shop.put(world.workspace_id, "A1", left)


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
    if verb == "confirm":
        person = await world.authenticator.authenticate(arguments["key"], new_id("req"))
        return await confirm(world, person, arguments["state"])
    if verb == "undo":
        return (await world.built.undoing.undo(world.owner, arguments["action_id"])).id
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
